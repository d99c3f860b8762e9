import { createServer } from 'node:http';
import { createSecureServer } from 'node:http2';
import { listen } from '../support/ask.ts';
import { CERT, KEY } from '../support/tls.ts';
import { asListed, type Middleware } from './page-calls.ts';

/** The response of a custom handler to any request. */
const policy = (page: string, origin: string | undefined) => ({
  vary: 'Origin',
  ...(origin === page && {
    'access-control-allow-origin': page,
    'access-control-allow-credentials': 'true',
    'access-control-allow-methods': 'GET, POST',
    'access-control-allow-headers': 'content-type',
  }),
});

export const bareNode: Record<string, Middleware> = {
  'bare node:http': {
    start: (page) =>
      listen(
        createServer((request, response) => {
          response.writeHead(request.method === 'OPTIONS' ? 204 : 200, policy(page, request.headers.origin));
          response.end();
        }),
      ),
    decisions: asListed,
  },
  'bare node:http2': {
    start: (page) => {
      const server = createSecureServer({ cert: CERT, key: KEY });
      server.on('stream', (stream, { ':method': method, origin }) => {
        stream.respond({ ':status': method === 'OPTIONS' ? 204 : 200, ...policy(page, origin) });
        stream.end();
      });
      return listen(server, 'https');
    },
    decisions: asListed,
  },
};
