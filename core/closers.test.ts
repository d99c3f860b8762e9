import { expect, test } from 'vitest';
import { createClosers, opening } from './closers.ts';

test('closes in reverse order, also after a closer that failed, and throws its error at the end', async () => {
  const closed: string[] = [];
  const closers = createClosers();
  closers.add(() => closed.push('engine'));
  closers.add(() => Promise.reject(new Error('the receiver does not close')));
  closers.add(async () => closed.push('control'));
  await expect(closers.close()).rejects.toThrow('the receiver does not close');
  expect(closed).toEqual(['control', 'engine']);
});

test('a second close closes nothing again and waits for the first', async () => {
  const closers = createClosers();
  const first = Promise.withResolvers<void>();
  let closes = 0;
  closers.add(() => {
    closes++;
    return first.promise;
  });
  const both = Promise.all([closers.close(), closers.close()]);
  first.resolve();
  await both;
  expect(closes).toBe(1);
});

test('what was opened is closed when a later step fails, and the error is that of the step', async () => {
  const closed: string[] = [];
  const opened = opening(async (closers) => {
    closers.add(() => closed.push('lock'));
    closers.add(() => {
      closed.push('engine');
      throw new Error('the engine does not close');
    });
    throw new Error('the port is taken');
  });
  await expect(opened).rejects.toThrow('the port is taken');
  expect(closed).toEqual(['engine', 'lock']);
});
