// A service: prints its port; GET /stop closes it, and the process ends when nothing is left to do.
import { createServer } from 'node:http';

const server = createServer((request, response) => {
  response.end('answer');
  if (request.url === '/stop') server.close();
});
server.listen(0, '127.0.0.1', () => console.log(server.address().port));
