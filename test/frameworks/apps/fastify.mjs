import cors from '@fastify/cors';
import closeWithGrace from 'close-with-grace';
import fastify from 'fastify';

const app = fastify();
await app.register(cors, { origin: ['https://shop.example'], credentials: true });
app.get('/items', () => []);
closeWithGrace({ delay: 1_000 }, async ({ signal }) => {
  await app.close();
  console.log(`closed at ${signal}`);
});
await app.listen({ host: '127.0.0.1', port: Number(process.env.PORT) });
console.log('ready');
