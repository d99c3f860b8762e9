import { Agent, request } from 'node:http';
import { crossOrigin } from './ask.ts';

export interface Load {
  /** Requests that were begun, and those that were answered. */
  readonly asked: number;
  readonly answered: number;
  stop(): void;
}

/** Two clients for each URL that ask again as soon as they are answered, until the server is gone. */
export function startLoad(urls: readonly string[]): Load {
  const agent = new Agent({ keepAlive: true });
  let asked = 0;
  let answered = 0;
  let isStopped = false;
  const askAgain = (url: string): void => {
    if (isStopped) return;
    asked += 1;
    const outgoing = request(url, { headers: crossOrigin(), agent }, (response) => {
      answered += 1;
      response.resume();
      response.on('end', () => askAgain(url));
      response.on('error', () => {});
    });
    outgoing.on('error', () => {});
    outgoing.end();
  };
  for (const url of urls) for (let n = 0; n < 2; n++) askAgain(url);
  return {
    get asked() {
      return asked;
    },
    get answered() {
      return answered;
    },
    stop() {
      isStopped = true;
      agent.destroy();
    },
  };
}
