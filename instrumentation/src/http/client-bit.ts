/**
 * The index (0–63) in the `cors.clients` bitmap of the client's network: the /24 of an IPv4 address, the
 * /48 of an IPv6 address. Identical in every process, so that bitmaps can be combined with OR; six bits of
 * a hash do not reveal the address.
 *
 * @returns undefined when `address` is not an IP address
 */
export function clientBit(address: string): number | undefined {
  const lastDot = address.lastIndexOf('.');
  if (lastDot === -1) {
    const prefix = ipv6Prefix(address);
    return prefix === undefined ? undefined : hash(prefix, 0, prefix.length) & 63;
  }
  // IPv4, also IPv4-mapped IPv6 as dual-stack sockets report it.
  const start = address.lastIndexOf(':') + 1;
  return lastDot - start <= MAX_IPV4_PREFIX ? hash(address, start, lastDot) & 63 : undefined;
}

/** The length of `255.255.255`, and of a full IPv6 address with a zone. */
const MAX_IPV4_PREFIX = 11;
const MAX_IPV6 = 64;

function ipv6Prefix(address: string): string | undefined {
  if (!address.includes(':') || address.length > MAX_IPV6) return undefined;
  const [head = '', tail] = address.toLowerCase().split('::', 2);
  const groups = head === '' ? [] : head.split(':');
  // `::` stands for zeros; they are part of a /48 only when fewer than three groups precede it.
  if (groups.length < 3 && tail !== undefined) {
    const after = tail === '' ? [] : tail.split(':');
    while (groups.length + after.length < 8) groups.push('0');
    groups.push(...after);
  }
  if (groups.length < 3) return undefined;
  const prefix = groups.slice(0, 3).map((group) => Number.parseInt(group, 16).toString(16));
  return prefix.join(':');
}

/** FNV-1a with the final mix of MurmurHash3, because only the low bits are used. */
function hash(text: string, start: number, end: number): number {
  let h = 0x811c9dc5;
  for (let i = start; i < end; i++) h = Math.imul(h ^ text.charCodeAt(i), 0x01000193);
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}
