// The same service as a CommonJS module.
const { createServer } = require('node:http');

const server = createServer((request, response) => {
  response.end('answer');
  if (request.url === '/stop') server.close();
});
server.listen(0, '127.0.0.1', () => console.log(server.address().port));
