import cors from '@koa/cors';
import Koa from 'koa';

const app = new Koa();
app.use(
  cors({
    origin: (context) => (context.get('origin') === 'https://shop.example' ? 'https://shop.example' : ''),
    credentials: true,
  }),
);
app.use((context) => {
  context.body = [];
});
const server = app.listen(process.env.PORT, '127.0.0.1', () => console.log('ready'));
for (const signal of ['SIGTERM', 'SIGINT']) {
  process.once(signal, () => {
    server.close(() => {
      console.log('closed');
      process.exit(0);
    });
  });
}
