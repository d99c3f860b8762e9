import { expect, test } from 'vitest';
import { type Numbered, WriteNumbers } from './write-numbers.ts';

const [A, B] = [0, 600_000] as const;
const hasEnded = (numbered: readonly Numbered[]) =>
  Object.fromEntries(numbered.map(([slot, sequence]) => [slot, sequence % 2 === 1]));

test('numbers increase, and are odd when no insert into the slot is in progress', () => {
  const numbers = new WriteNumbers();
  const [first, second] = [[{}], [{}]];
  const all = [
    numbers.begin(first, [A]),
    numbers.begin(second, [A, B]),
    numbers.end(first, [A]),
    numbers.end(second, [A, B]),
    numbers.begin(first, [A]),
  ];
  const sequences = all.map(([numbered]) => numbered?.[1] ?? 0);
  expect(sequences).toEqual([...new Set(sequences)].sort((a, b) => a - b));
  expect(all.map(hasEnded)).toEqual([
    { [A]: false },
    { [A]: false, [B]: false },
    { [A]: false },
    { [A]: true, [B]: true },
    { [A]: false },
  ]);
});

test('a failed insert has ended once the same spans were inserted by another attempt', () => {
  const numbers = new WriteNumbers();
  const [failing, other] = [[{}], [{}]];
  numbers.begin(failing, [A]);
  numbers.fail(failing, [A], { mayHaveLeftRows: true });
  numbers.begin(other, [A]);
  expect(hasEnded(numbers.end(other, [A]))).toEqual({ [A]: false });
  numbers.begin(failing, [A]);
  numbers.fail(failing, [A], { mayHaveLeftRows: false });
  numbers.begin(failing, [A]);
  expect(hasEnded(numbers.end(failing, [A]))).toEqual({ [A]: true });
});

test('an insert that failed before its rows were sent has ended', () => {
  const numbers = new WriteNumbers();
  const [failing, other] = [[{}], [{}]];
  numbers.begin(failing, [A]);
  numbers.fail(failing, [A], { mayHaveLeftRows: false });
  numbers.begin(other, [A]);
  expect(hasEnded(numbers.end(other, [A]))).toEqual({ [A]: true });
});
