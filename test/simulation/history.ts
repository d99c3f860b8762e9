import fc from 'fast-check';
import type { Fault } from './process.ts';

/** Processes on the same host share its clock. */
export const HOSTS = ['a', 'b'] as const;
export type Host = (typeof HOSTS)[number];
/** A clock that may be wrong: of a host, or of the engine. */
export type ClockOwner = Host | 'engine';

/** Starts of the slots that spans belong to, in minutes after the simulation's first: few, so that late spans meet published ones. */
export const SLOTS = [0, 10, 70, 25 * 60] as const;

/** One event. A history is a list of events; those that are impossible at the moment do nothing. */
export type Event =
  | {
      readonly is: 'write';
      readonly host: Host;
      readonly slot: (typeof SLOTS)[number];
      readonly spans: number;
      /** For a message from a queue: how long it waited. Its timestamp is the queue's, not the host's. */
      readonly queuedMinutes: number | undefined;
      /** How many of the job's statements run at once. */
      readonly steps: number;
    }
  /** A span arrives again: a retry, a redelivery, or with a newer derivation. */
  | {
      readonly is: 'write again';
      readonly host: Host;
      readonly which: number;
      readonly newerRules: boolean;
      readonly queuedMinutes: number | undefined;
      readonly steps: number;
    }
  | { readonly is: 'publish' | 'clean'; readonly host: Host; readonly steps: number }
  /** Reads an hour of the queue again, as `originscope rebuild` does. */
  | {
      readonly is: 'rebuild';
      readonly host: Host;
      readonly slot: (typeof SLOTS)[number];
      readonly steps: number;
    }
  | { readonly is: 'step'; readonly process: number; readonly steps: number }
  | { readonly is: 'fault'; readonly process: number; readonly fault: Fault }
  | { readonly is: 'crash'; readonly process: number; readonly reachedEngine: boolean }
  | { readonly is: 'clock'; readonly of: ClockOwner; readonly minutes: number }
  | { readonly is: 'time passes'; readonly minutes: number }
  /** From now on the statements that aggregate a slot fail. */
  | { readonly is: 'poison'; readonly slot: (typeof SLOTS)[number] };

const host = fc.constantFrom(...HOSTS);
const slot = fc.constantFrom(...SLOTS);
const process = fc.nat({ max: 5 });
/** All of them, or some: then others interleave. */
const steps = fc.oneof(
  { weight: 2, arbitrary: fc.constant(1_000) },
  { weight: 1, arbitrary: fc.nat({ max: 12 }) },
);
const queuedMinutes = fc.constantFrom(undefined, undefined, 0, 60, 46 * 60, 70 * 60, 100 * 60);

const weighted = <T>(weight: number, arbitrary: fc.Arbitrary<T>) => ({ weight, arbitrary });
const is = <Name extends Event['is']>(name: Name) => fc.constant(name);

const event: fc.Arbitrary<Event> = fc.oneof(
  weighted(
    10,
    fc.record({ is: is('write'), host, slot, spans: fc.integer({ min: 1, max: 3 }), queuedMinutes, steps }),
  ),
  weighted(
    4,
    fc.record({
      is: is('write again'),
      host,
      which: fc.nat({ max: 20 }),
      newerRules: fc.boolean(),
      queuedMinutes,
      steps,
    }),
  ),
  weighted(8, fc.record({ is: is('publish'), host, steps })),
  weighted(5, fc.record({ is: is('clean'), host, steps })),
  weighted(1, fc.record({ is: is('rebuild'), host, slot, steps })),
  weighted(8, fc.record({ is: is('step'), process, steps })),
  weighted(
    2,
    fc.record({
      is: is('fault'),
      process,
      fault: fc.constantFrom<Fault>('failed', 'applied, answer lost', 'applied twice'),
    }),
  ),
  weighted(2, fc.record({ is: is('crash'), process, reachedEngine: fc.boolean() })),
  weighted(
    4,
    fc.record({
      is: is('clock'),
      of: fc.constantFrom<ClockOwner>(...HOSTS, 'engine'),
      minutes: fc.constantFrom(-60, -2, 0, 0, 2, 60),
    }),
  ),
  weighted(
    6,
    fc.record({
      is: is('time passes'),
      minutes: fc.oneof(
        weighted(2, fc.constantFrom(1, 3, 13, 61)),
        weighted(1, fc.constantFrom(24 * 60, 75 * 60)),
      ),
    }),
  ),
  weighted(1, fc.record({ is: is('poison'), slot })),
);

/** Not biased: the first values of fast-check would be short lists. */
export const history: fc.Arbitrary<Event[]> = fc.noBias(fc.array(event, { minLength: 20, maxLength: 50 }));
