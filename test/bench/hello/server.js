// A Fastify hello-world that tells its own CPU time to the benchmark that started it.
import fastify from 'fastify';

const app = fastify();
app.get('/hello', (_request, reply) => {
  reply.header('access-control-allow-origin', 'https://shop.example').header('vary', 'origin');
  return { hello: 'world' };
});
process.on('message', () => process.send?.(process.cpuUsage()));
await app.listen({ port: 0, host: '127.0.0.1' });
process.send?.(app.server.address().port);
