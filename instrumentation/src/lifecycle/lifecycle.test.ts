import { EventEmitter } from 'node:events';
import { expect, onTestFinished, test, vi } from 'vitest';
import { attachLifecycle, type LifecycleOptions } from './lifecycle.ts';
import type { ProcessEvents } from './process-events.ts';

const OPTIONS = { handleSignals: true, shutdownTimeoutMillis: 5_000, exitTimeoutMillis: 1_000 };

/** A process whose recorder is idle, or has something that no receiver accepts. */
function processWith(
  state: { isIdle: boolean },
  options: Partial<LifecycleOptions> & { readonly pid?: number } = {},
) {
  const events = new EventEmitter();
  const killed: string[] = [];
  const flushes: number[] = [];
  const taken: string[] = [];
  let drains = 0;
  const fakeProcess = Object.assign(events, {
    pid: options.pid ?? 4711,
    kill: (_: number, signal: string) => killed.push(signal),
  });
  const detach = attachLifecycle(
    {
      get isSettled() {
        return state.isIdle;
      },
      get isIdle() {
        return state.isIdle;
      },
      flush: async (timeoutMillis) => void flushes.push(timeoutMillis),
      drain: () => {
        drains += 1;
      },
      takeUnsettled: () => {
        taken.push('taken');
        return [];
      },
      onChange: () => {},
    },
    fakeProcess as unknown as ProcessEvents,
    { ...OPTIONS, ...options },
  );
  const emit = async (event: string) => {
    events.emit(event, event);
    await new Promise(setImmediate);
  };
  return { events, emit, killed, flushes, detach, taken, drains: () => drains, process: fakeProcess };
}

test('a process with nothing left to do flushes, and an unreachable receiver does not keep it alive', async () => {
  const { emit, flushes } = processWith({ isIdle: false });
  await emit('beforeExit');
  await emit('beforeExit');
  expect(flushes).toEqual([5_000]);
});

test('a process with nothing pending just ends', async () => {
  const { emit, flushes } = processWith({ isIdle: true });
  await emit('beforeExit');
  expect(flushes).toEqual([]);
});

test('a signal without another listener is raised again after the flush', async () => {
  const { emit, killed, flushes } = processWith({ isIdle: false });
  await emit('SIGTERM');
  expect(flushes).toEqual([5_000]);
  expect(killed).toEqual(['SIGTERM']);
});

test('a signal that the application handles is left to it; the next one is handled again', async () => {
  const { events, emit, killed, flushes, drains } = processWith({ isIdle: false });
  const seen: number[] = [];
  events.on('SIGTERM', () => seen.push(events.listenerCount('SIGTERM')));
  await emit('SIGTERM');
  await emit('SIGTERM');
  expect(killed).toEqual([]);
  expect([flushes.length, drains()]).toEqual([2, 2]);
  // Packages that count listeners must not find ours among them.
  expect(seen).toEqual([1, 1]);
});

test('signals are left alone when told so', () => {
  const { events } = processWith({ isIdle: false }, { handleSignals: false });
  expect(events.eventNames().sort()).toEqual(['beforeExit', 'exit']);
});

test('a recorder that was shut down leaves no listener behind, not even one that a signal brings back', async () => {
  const { events, emit, detach } = processWith({ isIdle: false });
  const theirs = () => {};
  events.on('SIGTERM', theirs);
  const signalled = emit('SIGTERM');
  detach();
  await signalled;
  expect(events.eventNames()).toEqual(['SIGTERM']);
  expect(events.listeners('SIGTERM')).toEqual([theirs]);
});

test('a process that kills itself delivers pending spans first, if nothing handles the signal', () => {
  const { events, process, killed, taken } = processWith({ isIdle: false });

  process.kill(4711, 'SIGWINCH');
  process.kill(4712, 'SIGTERM');
  expect(taken).toEqual([]);
  events.on('SIGTERM', () => {});
  process.kill(4711, 'SIGTERM');
  expect(taken).toEqual([]);
  process.kill(4711, 'SIGHUP');

  expect(taken).toEqual(['taken']);
  expect(killed).toEqual(['SIGWINCH', 'SIGTERM', 'SIGTERM', 'SIGHUP']);
  expect(events.listenerCount('SIGHUP')).toBe(0);
});

test('the first process of a container, which unhandled signals do not terminate, continues', async () => {
  const { events, emit, killed, flushes } = processWith({ isIdle: false }, { pid: 1 });
  await emit('SIGTERM');
  expect(flushes).toEqual([5_000]);
  expect(killed).toEqual([]);
  expect(events.listenerCount('SIGTERM')).toBe(1);
});

test('a signal during the final flush of an idle process does not change how it ends', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout'] });
  onTestFinished(() => void vi.useRealTimers());
  const { emit, killed, flushes } = processWith({ isIdle: false });
  const ended = emit('beforeExit');
  await emit('SIGTERM');
  await ended;
  expect(flushes).toHaveLength(2);
  expect(killed).toEqual([]);
  // Unless something else keeps the process for longer.
  vi.runAllTimers();
  expect(killed).toEqual(['SIGTERM']);
});

test('an exception while a signal is about to end the process does not change how it ends', async () => {
  const { events, emit, killed } = processWith({ isIdle: false });
  events.emit('SIGTERM', 'SIGTERM');
  expect(killed).toEqual([]);
  events.emit('uncaughtException', new Error('of nobody'));
  expect(killed).toEqual(['SIGTERM']);
  await emit('exit');
});
