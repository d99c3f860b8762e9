import type { SecureContextOptions } from 'node:tls';
import type { PlainTarget } from '../delivery/target.ts';

/** What the program is given. */
export interface ProgramData {
  /** How many batches are settled (-1: not started), then the outcome of each (0: none yet). */
  readonly progress: Int32Array;
  readonly limitMillis: number;
  readonly batches: readonly {
    readonly body: Uint8Array;
    readonly target: Omit<PlainTarget, 'tls'> & { readonly tls: SecureContextOptions };
  }[];
}

export const ACCEPTED = 1;
export const REFUSED = 2;
export const TOO_LARGE = 3;

/**
 * What the thread of `sendSynchronously` runs. It is text, because a bundler would not find a file. Statuses mean
 * what they mean in `http-sender.ts`.
 */
export const SYNC_SENDER_PROGRAM = `'use strict';
const { workerData } = require('node:worker_threads');
const { isIP } = require('node:net');
const { progress, limitMillis, batches } = workerData;
const deadline = performance.now() + limitMillis;
const CONNECTIONS = 4;
const PAUSE_MILLIS = 50;
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

/** Answers with the address where the receiver was before. */
function lookupOf(address) {
  const family = isIP(address ?? '');
  if (family === 0) return undefined;
  return (_name, options, answer) =>
    options.all ? answer(null, [{ address, family }]) : answer(null, address, family);
}

function outcomeOf(status) {
  if (status >= 200 && status < 300) return ${ACCEPTED};
  if (status === 413) return ${TOO_LARGE};
  return status === 408 || status === 429 || status >= 500 ? 0 : ${REFUSED};
}

function attempt({ body, target }, lookup) {
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
      response.on('error', () => resolve(0));
    });
    request.on('error', () => resolve(0));
    request.end(body);
  });
}

async function settle(batch, index) {
  let lookup = lookupOf(batch.target.address);
  let outcome = 0;
  while (outcome === 0 && performance.now() < deadline) {
    outcome = await attempt(batch, lookup);
    lookup = undefined;
    if (outcome === 0) await new Promise((resolve) => setTimeout(resolve, PAUSE_MILLIS));
  }
  Atomics.store(progress, index + 1, outcome);
  Atomics.add(progress, 0, 1);
  Atomics.notify(progress, 0);
}

batches.forEach((batch, index) => void settle(batch, index));
`;
