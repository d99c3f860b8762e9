import { OriginscopeError } from '../../core/errors.ts';

export interface HeldBytesOptions {
  /** Of all requests together. */
  readonly maxBytes: number;
  /** Told whenever the sum changes. */
  readonly changed?: (bytes: number) => void;
  /** Honest bodies are complete by then, where there is room. Default 500. */
  readonly graceMillis?: number;
  /** Milliseconds of any monotonic clock. */
  readonly now?: () => number;
}

/** How many times what is free a peer may hold. */
const SHARE = 2;

/** The bytes that requests keep in memory, shared out between senders. */
export interface HeldBytes {
  /** @param peer whose request it is */
  open(peer: string): Holding;
}

/** What one request holds. */
export interface Holding {
  /** @throws OriginscopeError `OVERLOADED` (retryable) when there is no room for so many more */
  hold(bytes: number): void;
  /** Gives back so many of them. */
  letGo(bytes: number): void;
  /** While its body arrives, the request may have to give way; what it holds is given back then. */
  arriving(giveWay: (error: OriginscopeError) => void): void;
  arrived(): void;
  /** Gives back all. */
  close(): void;
}

interface Peer {
  bytes: number;
  readonly requests: Set<Request>;
}

interface Request {
  bytes: number;
  /** Only while its body arrives. */
  arrival: { readonly since: number; giveWay(error: OriginscopeError): void } | undefined;
}

/**
 * A peer may hold twice as much as is left free (a dynamic threshold, as in shared switch buffers): a single one
 * two thirds, so that the others always find room, and everybody's senders may still come from one address.
 *
 * When that is used up, bodies that are still arriving give way, those of the peer that holds the most first: the
 * oldest one if it is older than honest ones are, else the largest one, to requests that hold less or are complete.
 * So who stalls loses, and not who comes next.
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

  /** Turns away one that is arriving, so that this one may hold more; not one of a peer that would hold less. */
  function makeRoom(peer: Peer, request: Request, bytes: number): boolean {
    const owners = [...peers.values()].filter((owner) => owner === peer || owner.bytes >= peer.bytes + bytes);
    for (const owner of owners.sort((a, b) => b.bytes - a.bytes)) {
      const victim = givingWay(owner, request, bytes, now() - graceMillis);
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

/** Of a peer's bodies that are arriving, the one that gives way to a request that asks for so many bytes more. */
function givingWay(peer: Peer, request: Request, bytes: number, before: number): Request | undefined {
  // In the order in which they came.
  const arriving = [...peer.requests].filter((each) => each.arrival !== undefined && each.bytes > 0);
  const [oldest] = arriving;
  if (oldest?.arrival !== undefined && oldest.arrival.since < before) return oldest;
  const [largest] = arriving.sort((a, b) => b.bytes - a.bytes);
  const isComplete = request.arrival === undefined;
  return isComplete || (largest?.bytes ?? 0) > request.bytes + bytes ? largest : undefined;
}

/** The peer behind an address: of IPv6 its network (/64), because a single host has all addresses of one. */
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
