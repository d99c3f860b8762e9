import type { UsageRow } from '../../analyzer/input/usage-row.ts';
import { type Answered, answer, type CallTemplate, needsPreflight, type Policy } from './policy.ts';
import type { Random } from './random.ts';

const MINUTE = 60_000;
const DAY = 1440 * MINUTE;

/** What runs at a moment: versions, how much of the traffic each has, and what goes wrong. */
export interface Conditions {
  readonly versions: readonly { readonly version: string; readonly share: number; readonly policy: Policy }[];
  readonly calls: readonly CallTemplate[];
  /** Times the usual traffic. */
  readonly volume: number;
  /** Share of the actual requests that are answered with this status and without CORS headers. */
  readonly failing?: { readonly status: number; readonly share: number; readonly route?: string };
  /** Decisions that are not from the service's own pages, in this minute. */
  readonly strangers: readonly { readonly call: CallTemplate; readonly decisions: number }[];
}

export interface ServiceModel {
  readonly service: string;
  readonly environment: string;
  /** Decisions a minute, on average. */
  readonly volume: number;
  readonly dispersion: number;
  /** 0 to 1. */
  readonly dailySwing: number;
  /** Of the traffic on weekends. */
  readonly weekend: number;
  /** Of the day, 0 to 1, at which the traffic is highest. */
  readonly peak: number;
  /** A day, as a factor. */
  readonly growth: number;
  readonly startedAt: number;
  /** Local time jumps by an hour then; undefined where it does not. */
  readonly clockChangeAt: number | undefined;
}

/** Expected decisions a minute. */
export function expectedVolume(model: ServiceModel, minute: number): number {
  const { clockChangeAt } = model;
  const local = clockChangeAt !== undefined && minute >= clockChangeAt ? minute + 3_600_000 : minute;
  const day = Math.floor(local / DAY);
  const ofDay = (local % DAY) / DAY;
  const season = 1 + model.dailySwing * Math.cos(2 * Math.PI * (ofDay - model.peak));
  // Day 0 of the epoch was a Thursday.
  const weekday = (day + 4) % 7;
  const isWeekend = weekday === 0 || weekday === 6;
  const grown = model.growth ** ((minute - model.startedAt) / DAY);
  return model.volume * season * (isWeekend ? model.weekend : 1) * grown;
}

/** The rows of a minute, drawn from what is expected. */
export function rowsOf(
  model: ServiceModel,
  minute: number,
  conditions: Conditions,
  random: Random,
): UsageRow[] {
  const collected = new Map<string, UsageRow>();
  const mean = expectedVolume(model, minute) * conditions.volume;
  const excess = model.dispersion - 1;
  const rate = excess <= 0 || mean <= 0 ? mean : mean * random.gamma(mean / excess);
  const weights = conditions.calls.reduce((sum, { weight }) => sum + weight, 0);
  const total = rate < 20 ? random.poisson(rate) : undefined;
  if (total !== undefined) {
    for (let drawn = 0; drawn < total; drawn++) send(pickCall(conditions.calls, weights, random), 1);
  } else {
    for (const call of conditions.calls) send(call, random.poisson((rate * call.weight) / weights));
  }
  for (const { call, decisions } of conditions.strangers) send(call, decisions);
  return [...collected.values()];

  function send(call: CallTemplate | undefined, decisions: number): void {
    if (call === undefined || decisions === 0) return;
    for (const { version, share, policy } of conditions.versions) {
      const sent = share >= 1 ? decisions : decisions === 1 ? 0 : Math.round(decisions * share);
      add(call, version, policy, sent);
    }
    // One decision goes to one version.
    if (decisions === 1 && !conditions.versions.some(({ share }) => share >= 1)) {
      let drawn = random.next();
      for (const { version, share, policy } of conditions.versions) {
        drawn -= share;
        if (drawn > 0) continue;
        add(call, version, policy, 1);
        break;
      }
    }
  }

  function add(call: CallTemplate, version: string, policy: Policy, decisions: number): void {
    if (decisions === 0) return;
    const { failing } = conditions;
    if (!needsPreflight(call)) {
      request(call, version, policy, decisions, failing);
      return;
    }
    // Browsers remember a preflight's answer; one that failed they ask again with every call.
    const asked = answer(policy, call, true);
    const passes =
      asked.decision.verdict === 'allowed' || (asked.decision.verdict === 'unknown' && !call.credentials);
    const preflights = passes
      ? decisions === 1
        ? Number(random.chance(0.4))
        : Math.round(decisions * 0.4)
      : decisions;
    if (preflights > 0) put(call, version, asked, preflights, true);
    if (passes && decisions > preflights) request(call, version, policy, decisions - preflights, failing);
  }

  function request(
    call: CallTemplate,
    version: string,
    policy: Policy,
    decisions: number,
    failing: Conditions['failing'],
  ): void {
    const isConcerned =
      failing !== undefined && (failing.route === undefined || failing.route === call.route);
    const failed = isConcerned ? Math.min(decisions, random.poisson(decisions * failing.share)) : 0;
    if (failed > 0) put(call, version, answer(policy, call, false, failing?.status), failed, false);
    if (decisions > failed) put(call, version, answer(policy, call, false), decisions - failed, false);
  }

  function put(
    call: CallTemplate,
    version: string,
    { decision, status }: Answered,
    decisions: number,
    isPreflight: boolean,
  ): void {
    const { kind, verdict, reason, detail, origin, requestMethod, requestHeaders, credentials } = decision;
    const names = requestHeaders.join(',');
    const key = `${version}|${call.route}|${kind}|${verdict}|${reason}|${detail}|${origin}|${requestMethod}|${names}|${credentials}|${decision.browser}|${status}`;
    const [high, low] = clientBits(call, decisions, random);
    const known = collected.get(key);
    collected.set(key, {
      minute,
      service: model.service,
      environment: model.environment,
      version,
      route: isPreflight && call.route === '' ? '*' : call.route,
      kind,
      verdict,
      reason,
      detail,
      origin,
      method: requestMethod,
      requestedHeaders: names,
      credentials,
      allowOrigin: decision.allowOrigin,
      allowCredentials: decision.allowCredentials,
      varyOrigin: decision.varyOrigin,
      browser: decision.browser,
      statusCode: status,
      decisions: decisions + (known?.decisions ?? 0),
      clientsHigh: ((known?.clientsHigh ?? 0) | high) >>> 0,
      clientsLow: ((known?.clientsLow ?? 0) | low) >>> 0,
    });
  }
}

function pickCall(calls: readonly CallTemplate[], weights: number, random: Random): CallTemplate | undefined {
  let drawn = random.next() * weights;
  for (const call of calls) {
    drawn -= call.weight;
    if (drawn <= 0) return call;
  }
  return calls.at(-1);
}

/** Bits of the networks that the decisions came from. */
function clientBits(call: CallTemplate, decisions: number, random: Random): [high: number, low: number] {
  let high = 0;
  let low = 0;
  const draws = Math.min(decisions, 200);
  for (let draw = 0; draw < draws; draw++) {
    const bit = ((Math.floor(random.next() * call.clients) + call.origin.length) * 29) & 63;
    if (bit < 32) low |= 1 << bit;
    else high |= 1 << (bit - 32);
  }
  return [high >>> 0, low >>> 0];
}
