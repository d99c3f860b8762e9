import type { UsageRow } from './usage-row.ts';

const BITS = 64;

/** How many client networks a linear-counting bitmap of 64 bits stands for; `Infinity` when it is full. */
export function estimateClients(high: number, low: number): number {
  const unset = BITS - ones(high) - ones(low);
  return unset === 0 ? Number.POSITIVE_INFINITY : BITS * Math.log(BITS / unset);
}

/** Decisions a minute of one client network that still count: more of them is one client trying again. */
const MOST_PER_CLIENT = 3;

/** Decisions with the contribution of each client network capped; all of them where clients are not known. */
export function cappedDecisions(decisions: number, high: number, low: number): number {
  if (high === 0 && low === 0) return decisions;
  return Math.min(decisions, Math.ceil(MOST_PER_CLIENT * estimateClients(high, low)));
}

/** Client networks that a row's decisions came from; where they are not known, or too many to tell, the decisions. */
export function affectedClients({ decisions, clientsHigh, clientsLow }: UsageRow): number {
  if (clientsHigh === 0 && clientsLow === 0) return decisions;
  return Math.min(decisions, Math.max(1, Math.round(estimateClients(clientsHigh, clientsLow))));
}

function ones(word: number): number {
  let bits = word - ((word >>> 1) & 0x55555555);
  bits = (bits & 0x33333333) + ((bits >>> 2) & 0x33333333);
  return Math.imul((bits + (bits >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24;
}
