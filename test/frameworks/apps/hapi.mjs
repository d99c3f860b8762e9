import { server } from '@hapi/hapi';

const app = server({
  host: '127.0.0.1',
  port: process.env.PORT,
  routes: {
    cors: { origin: ['https://shop.example'], credentials: true, additionalHeaders: ['content-type'] },
  },
});
app.route({ method: 'GET', path: '/items', handler: () => [] });
for (const signal of ['SIGTERM', 'SIGINT']) {
  process.on(signal, async () => {
    await app.stop({ timeout: 1_000 });
    console.log('closed');
    process.exit(0);
  });
}
await app.start();
console.log('ready');
