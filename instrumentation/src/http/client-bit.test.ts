import fc from 'fast-check';
import { expect, test } from 'vitest';
import { clientBit } from './client-bit.ts';

test.each([
  ['203.0.113.7', '203.0.113.200'],
  ['203.0.113.7', '::ffff:203.0.113.9'],
  ['2001:db8:1:2:3:4:5:6', '2001:DB8:0001:ffff::1'],
  ['2001:db8::1', '2001:db8:0:9::'],
  ['fe80::1%eth0', 'fe80::2'],
  ['::1', '::2'],
])('%s and %s are in one network', (one, other) => {
  expect(clientBit(one)).toBeTypeOf('number');
  expect(clientBit(one)).toBe(clientBit(other));
});

test.each(['', 'unknown', '_hidden', 'x'.repeat(1000), '1:2'])('%s is not an address', (text) => {
  expect(clientBit(text)).toBeUndefined();
});

test('any text gives a bit from 0 to 63 or none', () => {
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.ipV4(), fc.ipV6()), (text) => {
      const bit = clientBit(text);
      expect(bit === undefined || (Number.isInteger(bit) && bit >= 0 && bit < 64)).toBe(true);
    }),
  );
});

test('networks spread evenly over the bits, so that the bitmap can estimate their number', () => {
  const counts = new Array<number>(64).fill(0);
  for (let a = 0; a < 64; a++) {
    for (let b = 0; b < 100; b++) {
      const bit = clientBit(`10.${a}.${b}.1`) ?? 0;
      counts[bit] = (counts[bit] ?? 0) + 1;
    }
  }
  expect(Math.min(...counts)).toBeGreaterThan(50);
  expect(Math.max(...counts)).toBeLessThan(150);
});
