import { describe, expect, test } from 'vitest';
import { adjustedCount, parseSamplingRatios, ratioOfTraceState } from './sampling.ts';

describe('the ratio in tracestate', () => {
  test.each<[string, number | undefined]>([
    ['ot=th:0', 1],
    ['ot=th:8', 0.5],
    ['ot=th:c', 0.25],
    ['ot=th:fd70a3d70a3d71', 0.01],
    ['vendor=x,ot=rv:0123456789abcd;th:8', 0.5],
    ['vendor=x, ot=th:8', 0.5],
    ['', undefined],
    ['vendor=th:8', undefined],
    ['xot=th:8', undefined],
    ['ot=p:1', undefined],
    ['ot=th:', undefined],
    ['ot=th:xyz', undefined],
    ['ot=th:8z', undefined],
    ['ot=th:0123456789abcdef', undefined],
    ['ot=th:ffffffffffffff', undefined],
  ])('%s', (traceState, ratio) => {
    const read = ratioOfTraceState(traceState);
    if (ratio === undefined) expect(read).toBeUndefined();
    else expect(read).toBeCloseTo(ratio, 9);
  });

  test('is found in a long and hostile one in linear time', () => {
    expect(ratioOfTraceState(`${',ot='.repeat(2_000)}${'ot=;;'.repeat(2_000)}th:`)).toBeUndefined();
  });
});

describe('the ratios of the configuration', () => {
  test('apply to the named service, else to all others', () => {
    const ratios = parseSamplingRatios('checkout=0.1, search=1,*=0.25');
    expect(['checkout', 'search', 'else'].map(ratios)).toEqual([0.1, 1, 0.25]);
    expect(parseSamplingRatios('checkout=0.1')('else')).toBeUndefined();
  });

  test.each([
    '',
    'checkout',
    '=0.5',
    'checkout=',
    'checkout=0',
    'checkout=1.5',
    'checkout=x',
    'a=1,a=1',
    'a=1,',
  ])('"%s" is rejected with the expected format', (text) => {
    expect(() => parseSamplingRatios(text)).toThrow(
      expect.objectContaining({
        code: 'SAMPLING_RATIO_INVALID',
        remedy: expect.stringContaining('service=ratio'),
      }),
    );
  });
});

describe('the adjusted count', () => {
  test('is exact on average where 1/ratio is not an integer', () => {
    const ids = Array.from({ length: 10_000 }, (_, index) =>
      ((BigInt(index) * 0x9e3779b97f4a7c15n) & 0xffffffffffffffffn).toString(16).padStart(16, '0'),
    );
    const sum = ids.reduce((total, id) => total + adjustedCount(0.3, id), 0);
    expect(sum / ids.length).toBeCloseTo(1 / 0.3, 2);
  });

  test('is exact where it is one, and the same for the same span', () => {
    expect(adjustedCount(1, 'ffffffffffffffff')).toBe(1);
    expect(adjustedCount(0.1, 'ffffffffffffffff')).toBe(10);
    expect(adjustedCount(0.3, '00f067aa0ba902b7')).toBe(adjustedCount(0.3, '00f067aa0ba902b7'));
  });
});
