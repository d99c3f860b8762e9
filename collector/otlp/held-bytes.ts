import { OriginscopeError } from '../../core/errors.ts';

export interface HeldBytesOptions {
  /** The budget for all requests. */
  readonly maxBytes: number;
  /** Called whenever the sum changes. */
  readonly changed?: (bytes: number) => void;
  /** How long regular bodies take at most to arrive. Default 500. */
  readonly graceMillis?: number;
  /** Milliseconds of any monotonic clock. */
  readonly now?: () => number;
}

/** A peer may hold this multiple of the free bytes. */
const SHARE = 2;

/** The memory budget for request bodies, shared between senders. */
export interface HeldBytes {
  /** @param peer the sender of the request */
  open(peer: string): Holding;
}

/** The bytes held by one request. */
export interface Holding {
  /** @throws OriginscopeError `OVERLOADED` (retryable) when there is no room for so many more */
  hold(bytes: number): void;
  /** Releases some of the bytes. */
  letGo(bytes: number): void;
  /** Until its body is complete, the request may be evicted; its bytes are released then. */
  arriving(giveWay: (error: OriginscopeError) => void): void;
  arrived(): void;
  /** Releases all bytes. */
  close(): void;
}

interface Peer {
  bytes: number;
  readonly requests: Set<Request>;
}

interface Request {
  bytes: number;
  /** Only while its body is incomplete. */
  arrival: { readonly since: number; giveWay(error: OriginscopeError): void } | undefined;
}

/**
 * A peer may hold twice the free bytes (a dynamic threshold, as in shared switch buffers): a single one at
 * most two thirds, so that others always find room, even if all senders share one address.
 *
 * When the budget is used up, incomplete bodies are evicted, first those of the peer that holds the most:
 * the oldest if it is older than regular bodies get, else the largest, in favour of requests that hold less
 * or are complete. So stalled senders lose, not new ones.
 */
export function createHeldBytes(options: HeldBytesOptions): HeldBytes {
  const { maxBytes, changed, graceMillis = 500, now = () => performance.now() } = options;
  const peers = new Map<string, Peer>();
  let total = 0;

  function add(peer: Peer, request: Request, bytes: number): void {
    request.bytes += bytes;
    peer.bytes += bytes;
    total += bytes;
    changed?.(total);
  }

  const fits = (peer: Peer, bytes: number): boolean =>
    peer.bytes + bytes <= SHARE * (maxBytes - total - bytes);

  /** Evicts an incomplete request in favour of this one, but not of a peer that would then hold less. */
  function makeRoom(peer: Peer, request: Request, bytes: number): boolean {
    const owners = [...peers.values()].filter((owner) => owner === peer || owner.bytes >= peer.bytes + bytes);
    for (const owner of owners.sort((a, b) => b.bytes - a.bytes)) {
      const victim = evictionCandidate(owner, request, bytes, now() - graceMillis);
      if (victim === request) return false;
      if (victim === undefined) continue;
      const { arrival } = victim;
      victim.arrival = undefined;
      add(owner, victim, -victim.bytes);
      arrival?.giveWay(overloaded());
      return true;
    }
    return false;
  }

  function open(name: string): Holding {
    const peer = peers.get(name) ?? { bytes: 0, requests: new Set() };
    peers.set(name, peer);
    const request: Request = { bytes: 0, arrival: undefined };
    peer.requests.add(request);
    return {
      hold(bytes) {
        while (!fits(peer, bytes)) if (!makeRoom(peer, request, bytes)) throw overloaded();
        add(peer, request, bytes);
      },
      letGo: (bytes) => add(peer, request, -Math.min(bytes, request.bytes)),
      arriving(giveWay) {
        request.arrival = { since: now(), giveWay };
      },
      arrived() {
        request.arrival = undefined;
      },
      close() {
        add(peer, request, -request.bytes);
        peer.requests.delete(request);
        if (peer.requests.size === 0) peers.delete(name);
      },
    };
  }

  return { open };
}

/** The incomplete request of a peer to evict in favour of a request that needs more bytes. */
function evictionCandidate(peer: Peer, request: Request, bytes: number, before: number): Request | undefined {
  // In order of arrival.
  const arriving = [...peer.requests].filter((each) => each.arrival !== undefined && each.bytes > 0);
  const [oldest] = arriving;
  if (oldest?.arrival !== undefined && oldest.arrival.since < before) return oldest;
  const [largest] = arriving.sort((a, b) => b.bytes - a.bytes);
  const isComplete = request.arrival === undefined;
  return isComplete || (largest?.bytes ?? 0) > request.bytes + bytes ? largest : undefined;
}

/** The peer of an address: for IPv6 its /64 network, because a single host controls all addresses of one. */
export function peerOf(address = ''): string {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1];
  if (mapped !== undefined || !address.includes(':')) return mapped ?? address;
  const [head = '', tail] = address.split('::');
  const groups = head === '' ? [] : head.split(':');
  const omitted = tail === undefined ? 0 : 8 - groups.length - (tail === '' ? 0 : tail.split(':').length);
  return [...groups, ...new Array(omitted).fill('0'), ...(tail?.split(':') ?? [])].slice(0, 4).join(':');
}

const overloaded = (): OriginscopeError =>
  new OriginscopeError('OVERLOADED', { problem: 'too many bytes are waiting to be written' });
