import type { SecureContextOptions } from 'node:tls';
import type { PlainTarget } from '../delivery/target.ts';

/** The input of the program. */
export interface ProgramData {
  /**
   * The number of settled batches (-1: not started), then for each whether it was accepted (1) or not (0).
   */
  readonly progress: Int32Array;
  readonly limitMillis: number;
  readonly batches: readonly {
    readonly body: Uint8Array;
    readonly target: Omit<PlainTarget, 'tls'> & { readonly tls: SecureContextOptions };
  }[];
}

/**
 * The program of the thread of `sendSynchronously`, as text, because a bundler would not find a file.
 * Statuses are interpreted as in `http-sender.ts`, and a batch that is too large is divided as in
 * `batch.ts`.
 */
export const SYNC_SENDER_PROGRAM = `'use strict';
const { workerData } = require('node:worker_threads');
const { isIP } = require('node:net');
const { gunzipSync, gzipSync } = require('node:zlib');
const { progress, limitMillis, batches } = workerData;
const deadline = performance.now() + limitMillis;
const CONNECTIONS = 4;
const FIRST_PAUSE_MILLIS = 50;
const LONGEST_PAUSE_MILLIS = 250;
const agents = new Map();
Atomics.store(progress, 0, 0);
Atomics.notify(progress, 0);

function agentOf(client, { url, tls }) {
  const { origin } = new URL(url);
  let agent = agents.get(origin);
  if (agent === undefined) {
    agent = new client.Agent({ keepAlive: true, maxSockets: CONNECTIONS, ...tls });
    agents.set(origin, agent);
  }
  return agent;
}

/** Resolves to the last known address of the receiver. */
function lookupOf(address) {
  const family = isIP(address ?? '');
  if (family === 0) return undefined;
  return (_name, options, answer) =>
    options.all ? answer(null, [{ address, family }]) : answer(null, address, family);
}

function outcomeOf(status) {
  if (status >= 200 && status < 300) return 'accepted';
  if (status === 413) return 'too_large';
  return status === 408 || status === 429 || status >= 500 ? 'retry' : 'refused';
}

function halvesOf(body) {
  const request = JSON.parse(gunzipSync(body));
  const scope = request.resourceSpans[0].scopeSpans[0];
  const { spans } = scope;
  const middle = spans.length >> 1;
  const parts = middle === 0 ? [] : [spans.slice(0, middle), spans.slice(middle)];
  return parts.map((part) => {
    scope.spans = part;
    return gzipSync(JSON.stringify(request));
  });
}

function attempt(body, target, lookup) {
  return new Promise((resolve) => {
    const client = require(target.url.startsWith('https:') ? 'node:https' : 'node:http');
    const request = client.request(target.url, {
      method: 'POST',
      agent: agentOf(client, target),
      lookup,
      headers: {
        ...target.headers,
        'content-type': 'application/json',
        'content-encoding': 'gzip',
        'content-length': body.byteLength,
      },
    });
    request.on('response', (response) => {
      response.resume();
      response.on('end', () => resolve(outcomeOf(response.statusCode)));
      response.on('error', () => resolve('retry'));
    });
    request.on('error', () => resolve('retry'));
    request.end(body);
  });
}

/** Resolves with whether it was accepted. */
async function deliver(body, target) {
  let lookup = lookupOf(target.address);
  for (let pause = FIRST_PAUSE_MILLIS; performance.now() < deadline; pause = Math.min(2 * pause, LONGEST_PAUSE_MILLIS)) {
    const outcome = await attempt(body, target, lookup);
    if (outcome === 'accepted') return true;
    if (outcome === 'refused') return false;
    if (outcome === 'too_large') {
      const halves = halvesOf(body);
      for (const half of halves) if (!(await deliver(half, target))) return false;
      return halves.length > 0;
    }
    lookup = undefined;
    await new Promise((resolve) => setTimeout(resolve, pause));
  }
  return false;
}

async function settle({ body, target }, index) {
  const isAccepted = await deliver(body, target).catch(() => false);
  Atomics.store(progress, index + 1, isAccepted ? 1 : 0);
  Atomics.add(progress, 0, 1);
  Atomics.notify(progress, 0);
}

batches.forEach((batch, index) => void settle(batch, index));
`;
