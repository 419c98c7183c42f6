/**
 * A look that fails: when it is repeated, by the rules that hold now, what is counted, and what a stop leaves in the log.
 */

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { createInformers } from '../../../src/extension/view.ts';
import { NO_MEMORY, reconcile } from '../../../src/extension/reconcile.ts';
import type { Look, ReconcileDeps } from '../../../src/extension/reconcile.ts';
import { createTurns } from '../../../src/extension/turns.ts';
import { DEFAULT_SHARING } from '../../../src/decide/sharding.ts';
import { Fault } from '../../../src/model/fault.ts';
import type { Answer, EntityApi } from '../../../src/ports/api.ts';
import type { Log } from '../../../src/ports/log.ts';
import { virtualClock } from '../../support/virtual-clock.ts';
import { cluster } from '../decide/fixtures.ts';

interface Rig {
  readonly deps: ReconcileDeps;
  readonly said: string[];
  look(memory?: typeof NO_MEMORY, signal?: AbortSignal): Promise<Look>;
}

/** A server whose director answers each call so. */
function rig(answer: () => Promise<Answer<never>>, rules: Partial<typeof DEFAULT_SHARING> = {}): Rig {
  const said: string[] = [];
  const log: Log = {
    debug: () => undefined,
    info: () => undefined,
    warn: (message) => void said.push(message),
    error: (message) => void said.push(message),
    with: () => log,
  };
  const api = new Proxy({}, { get: () => answer }) as EntityApi;
  const base = { api, clock: virtualClock(), random: { float: () => 0 } as never, log };
  const deps: ReconcileDeps = {
    ...base,
    informers: createInformers(base),
    rules: () => ({ ...DEFAULT_SHARING, ...rules }),
    turns: createTurns(),
    component: 'test',
    wrote: () => undefined,
  };
  const stale = { ...NO_MEMORY, stale: true };
  return { deps, said, look: (memory = stale, signal = new AbortController().signal) => reconcile(deps, cluster(), memory, signal) };
}

const away = (): Promise<Answer<never>> => Promise.reject(new Fault('DirectorUnreachable', 'No answer.'));

test('I3: a look without an answer is repeated with the back-off that the ServerConfig says, and never later than work is overdue', async () => {
  const waits = async (rules: Partial<typeof DEFAULT_SHARING>, failures: number): Promise<number | undefined> =>
    (await rig(away, rules).look({ ...NO_MEMORY, stale: true, failures })).againMs;
  assert.equal(await waits({ retryMs: 400, retryCapMs: 3_000 }, 0), 400);
  assert.equal(await waits({ retryMs: 400, retryCapMs: 3_000 }, 2), 1_600);
  assert.equal(await waits({ retryMs: 400, retryCapMs: 3_000 }, 9), 3_000);
  assert.equal(await waits({ retryMs: 400, retryCapMs: 60_000, overdueMs: 20_000 }, 12), 20_000);
});

test('a look without an answer is a warning, and no lost race; one that the own stop cut off is neither', async () => {
  const living = rig(away);
  assert.notEqual((await living.look()).lostRace, true);
  assert.deepEqual(living.said, ['No answer.']);
  const stopping = rig(away);
  await stopping.look(undefined, AbortSignal.abort());
  assert.deepEqual(stopping.said, []);
});
