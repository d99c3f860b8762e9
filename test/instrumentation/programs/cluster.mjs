// The service in two processes that share a port, which is printed when both listen.
import cluster from 'node:cluster';
import { createServer } from 'node:http';

if (cluster.isPrimary) {
  let listening = 0;
  cluster.on('listening', (_worker, { port }) => {
    listening += 1;
    if (listening === 2) console.log(port);
  });
  for (let i = 0; i < 2; i++) cluster.fork();
} else {
  const server = createServer((request, response) => {
    response.end(String(process.pid));
    if (request.url === '/stop') cluster.worker.disconnect();
  });
  server.listen(0, '127.0.0.1');
}
