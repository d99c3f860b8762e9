// A shop's accounts, with @fastify/cors and cookies.
import cors from '@fastify/cors';
import Fastify from 'fastify';

const app = Fastify();

app.register(
  async (account) => {
    // `methods` is missing: the plugin then allows GET, HEAD and POST, and pages that PUT are blocked.
    await account.register(cors, {
      origin: ['https://shop.example', 'https://account.shop.example', /^http:\/\/account\.localhost:\d+$/],
      credentials: true,
    });
    account.post('/login', async (_request, reply) => {
      reply.header('set-cookie', 'session=3f2a; Path=/; SameSite=None; Secure; HttpOnly');
      return { name: 'Ada' };
    });
    account.get('/profile', async () => ({ name: 'Ada' }));
    account.put('/profile', async () => ({ name: 'Ada' }));
    account.delete('/addresses/:id', async (_request, reply) => reply.code(204).send());
  },
  { prefix: '/account' },
);

app.register(
  async (widget) => {
    // "It worked with a wildcard until we needed the cookie."
    widget.addHook('onRequest', async (_request, reply) => {
      reply.header('access-control-allow-origin', '*').header('access-control-allow-credentials', 'true');
    });
    widget.get('/session', async () => ({ signedIn: false }));
  },
  { prefix: '/widget' },
);

app.register(
  async (beta) => {
    // Written by hand: reflects any origin without `Vary`, and "True" is not "true".
    beta.addHook('onRequest', async (request, reply) => {
      reply
        .header('access-control-allow-origin', request.headers.origin ?? '*')
        .header('access-control-allow-credentials', 'True');
    });
    beta.get('/recommendations', async () => []);
  },
  { prefix: '/beta' },
);

process.once('SIGTERM', () => app.close());

await app.listen({ port: Number(process.env.PORT ?? 0), host: '127.0.0.1' });
console.log(`listening on port ${app.server.address().port}`);
