import { once } from 'node:events';

/** The used commands of WebDriver BiDi, with the used parts of their results. */
interface Results {
  'session.new': { readonly capabilities: { readonly browserVersion: string } };
  'session.subscribe': object;
  'browsingContext.getTree': { readonly contexts: readonly { readonly context: string }[] };
  'browsingContext.navigate': object;
  'script.evaluate': {
    /** Values that are not strings are not read. */
    readonly result?: { readonly value?: string };
    readonly exceptionDetails?: { readonly text: string };
  };
}

export interface BidiConnection {
  /** @throws Error with the browser's own message */
  send<Method extends keyof Results>(method: Method, params: object): Promise<Results[Method]>;
  close(): void;
}

/** The used part of a message: https://w3c.github.io/webdriver-bidi/#protocol */
interface Message {
  readonly type: 'success' | 'error' | 'event';
  readonly id: number;
  readonly message: string;
  readonly method: string;
  readonly params: { readonly text: string };
  readonly result: never;
}

/**
 * A client for WebDriver BiDi (https://w3c.github.io/webdriver-bidi/): JSON over a WebSocket, responses
 * matched by command id.
 *
 * @param onLogged called with the text of each `log.entryAdded`, once subscribed to
 */
export async function connectBidi(url: string, onLogged: (text: string) => void): Promise<BidiConnection> {
  const waiting = new Map<number, PromiseWithResolvers<never>>();
  let lastId = 0;
  const socket = new WebSocket(url);
  socket.addEventListener('message', ({ data }) => {
    const { type, id, message, method, params, result }: Message = JSON.parse(String(data));
    if (type === 'event') {
      if (method === 'log.entryAdded') onLogged(params.text);
      return;
    }
    if (type === 'success') waiting.get(id)?.resolve(result);
    else waiting.get(id)?.reject(new Error(`the browser refused: ${message}`));
    waiting.delete(id);
  });
  socket.addEventListener('close', () => {
    for (const { reject } of waiting.values()) reject(new Error('the browser closed the connection'));
  });
  await once(socket, 'open');
  return {
    send(method, params) {
      const answer = Promise.withResolvers<never>();
      waiting.set(++lastId, answer);
      socket.send(JSON.stringify({ id: lastId, method, params }));
      return answer.promise;
    },
    close: () => socket.close(),
  };
}
