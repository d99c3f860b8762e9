import type { CDPSession } from 'playwright-core';

interface Named {
  readonly name: string;
  readonly value: string;
}

export interface DevToolsHar {
  readonly log: {
    readonly creator: { readonly name: string };
    readonly entries: readonly {
      readonly request: { readonly method: string; readonly url: string; readonly headers: readonly Named[] };
      readonly response: {
        readonly status: number;
        readonly headers: readonly Named[];
        readonly redirectURL: string;
        readonly _error: string | null;
      };
    }[];
  };
}

type HeaderMap = Readonly<Record<string, string>>;

/** What is told of one request id, redirects included; each list in the order of the hops. */
interface Told {
  readonly sent: { readonly method: string; readonly url: string; readonly headers: HeaderMap }[];
  readonly received: { readonly status: number; readonly headers: HeaderMap }[];
  /** What the network process saw on the wire, reported independently, before or after. */
  readonly wireSent: HeaderMap[];
  readonly wireReceived: { readonly status: number; readonly headers: HeaderMap }[];
  /** Why it failed. */
  errorText?: string;
}

/**
 * Records the same data as the network panel of Chrome's DevTools, and exports it as a HAR: preflights as
 * separate entries, headers as on the wire (also of blocked responses), repeated ones as lines of one
 * value, and status 0 without a response.
 *
 * @returns a function that returns the HAR once the response of `lastUrl` was seen on the wire
 */
export async function recordAsDevTools(
  session: CDPSession,
): Promise<(lastUrl: string) => Promise<DevToolsHar>> {
  const byId = new Map<string, Told>();
  const told = (id: string): Told => {
    const known = byId.get(id) ?? { sent: [], received: [], wireSent: [], wireReceived: [] };
    byId.set(id, known);
    return known;
  };
  session.on('Network.requestWillBeSent', ({ requestId, request, redirectResponse }) => {
    if (redirectResponse !== undefined) told(requestId).received.push(redirectResponse);
    told(requestId).sent.push(request);
  });
  session.on('Network.responseReceived', ({ requestId, response }) => {
    told(requestId).received.push(response);
  });
  session.on('Network.loadingFailed', ({ requestId, errorText }) => {
    told(requestId).errorText = errorText;
  });
  session.on('Network.requestWillBeSentExtraInfo', ({ requestId, headers }) => {
    told(requestId).wireSent.push(headers);
  });
  session.on('Network.responseReceivedExtraInfo', ({ requestId, headers, statusCode }) => {
    told(requestId).wireReceived.push({ status: statusCode, headers });
  });
  await session.send('Network.enable');

  return async (lastUrl) => {
    const isComplete = () =>
      [...byId.values()].some(
        ({ sent, wireReceived }) => sent[0]?.url === lastUrl && wireReceived.length > 0,
      );
    for (let turn = 0; !isComplete(); turn++) {
      if (turn === 1000) throw new Error(`the browser did not tell of ${lastUrl}`);
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    return { log: { creator: { name: 'WebInspector' }, entries: [...byId.values()].flatMap(entriesOf) } };
  };
}

function entriesOf({
  sent,
  received,
  wireSent,
  wireReceived,
  errorText,
}: Told): DevToolsHar['log']['entries'] {
  return sent.map(({ method, url, headers }, i) => {
    const response = wireReceived[i] ?? received[i] ?? { status: 0, headers: {} };
    const answered = named(response.headers);
    return {
      request: { method, url, headers: named(wireSent[i] ?? headers) },
      response: {
        status: response.status,
        headers: answered,
        redirectURL: answered.find(({ name }) => name.toLowerCase() === 'location')?.value ?? '',
        _error: i === sent.length - 1 ? (errorText ?? null) : null,
      },
    };
  });
}

function named(headers: HeaderMap): Named[] {
  return Object.entries(headers).map(([name, value]) => ({ name, value }));
}
