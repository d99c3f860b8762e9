/** A server of node:http alone, with one of the signal handlers that services write by hand. */
import { createServer } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import { allowShop } from './allow-shop.mjs';

const server = createServer((request, response) => {
  allowShop(request, response);
  response.end('[]');
});

async function close() {
  await new Promise((resolve) => server.close(resolve));
  console.log('closed');
}

const handlers = {
  'raises it again': async (signal) => {
    await close();
    process.kill(process.pid, signal);
  },
  'raises it again 50 ms later': async (signal) => {
    await close();
    await delay(50);
    process.kill(process.pid, signal);
  },
  'exits at once': () => process.exit(3),
  'exits after closing': async () => {
    await close();
    process.exit();
  },
  'only closes': close,
};

const handler = handlers[process.argv[2]];
for (const signal of ['SIGTERM', 'SIGINT']) {
  if (handler !== undefined) process.once(signal, handler);
}
server.listen(process.env.PORT, '127.0.0.1', () => console.log('ready'));
