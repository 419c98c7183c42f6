/**
 * Leases of the dead are swept, by the rules that hold now; and what a stop cuts off is no warning.
 */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { TestContext } from 'node:test';

import { DEFAULT_SHARING, extensionLeaseName } from '../../../src/decide/sharding.ts';
import { createMembership } from '../../../src/extension/membership.ts';
import { Fault } from '../../../src/model/fault.ts';
import type { EntityApi } from '../../../src/ports/api.ts';
import type { Log } from '../../../src/ports/log.ts';
import { virtualClock } from '../../support/virtual-clock.ts';

const DEAD = {
  metadata: { name: extensionLeaseName('dead'), uid: 'dead', resourceVersion: '7', creationTimestamp: '' },
  spec: { holderIdentity: 'dead', leaseDurationSeconds: 3 },
};

function untilAborted(signal: AbortSignal): Promise<{ readonly ok: true }> {
  return new Promise((done) => signal.addEventListener('abort', () => done({ ok: true }), { once: true }));
}

function rig(t: TestContext, renew: (signal: AbortSignal) => Promise<unknown>) {
  const [clock, stop] = [virtualClock(), new AbortController()];
  const state = { rules: DEFAULT_SHARING, deleted: [] as unknown[], warnings: [] as string[] };
  const log: Log = {
    debug: () => undefined,
    info: () => undefined,
    warn: (message) => void state.warnings.push(message),
    error: (message) => void state.warnings.push(message),
    with: () => log,
  };
  const api = {
    list: () => Promise.resolve({ ok: true, value: { items: [DEAD], resourceVersion: '7' } }),
    watch: (_: unknown, __: unknown, ___: unknown, signal: AbortSignal) => untilAborted(signal),
    mergePatch: (_: unknown, __: unknown, ___: unknown, ____: unknown, signal: AbortSignal) => renew(signal),
    delete: (_: unknown, __: unknown, name: string, guard: object) => {
      state.deleted.push([name, guard]);
      return Promise.resolve({ ok: true });
    },
  } as unknown as EntityApi;
  const deps = { api, clock, random: { float: () => 0.5 } as never, log };
  const facts = { rules: () => state.rules, obeys: () => 'defaults', progressing: () => true };
  const ended = createMembership(deps, 'me', facts).run(stop.signal, Promise.resolve());
  t.after(async () => {
    stop.abort();
    await ended;
  });
  return { clock, state, stop, ended };
}

test('I5, I7: the Lease of a dead server is taken away after the time that holds now, guarded by what was seen of it', async (t) => {
  const { clock, state } = rig(t, () => Promise.resolve({ ok: true, value: {} }));
  await clock.advance(60_000);
  assert.deepEqual(state.deleted, []);
  state.rules = { ...DEFAULT_SHARING, leaseSweepMs: 65_000 };
  await clock.advance(4_000);
  assert.deepEqual(state.deleted, []);
  await clock.advance(7_000);
  assert.deepEqual(state.deleted[0], [DEAD.metadata.name, { uid: 'dead', resourceVersion: '7' }]);
});

test('a renewal that is not answered is a warning, one that the own stop cut off is none', async (t) => {
  const cut = async (signal: AbortSignal): Promise<never> => {
    await untilAborted(signal);
    throw new Fault('DirectorUnreachable', 'Stopped by SIGTERM.');
  };
  const hanging = rig(t, cut);
  await hanging.clock.advance(4_000);
  hanging.stop.abort();
  await hanging.ended;
  assert.deepEqual(hanging.state.warnings, []);
  const refused = rig(t, () => Promise.reject(new Fault('DirectorUnreachable', 'No answer.')));
  await refused.clock.advance(4_000);
  assert.match(refused.state.warnings[0] ?? '', /A lease could not be written: No answer\./);
});

test('a shorter renewal holds at once: nobody sleeps out the old time while the others take him for dead', async (t) => {
  let renewals = 0;
  const { clock, state } = rig(t, () => {
    renewals += 1;
    return Promise.resolve({ ok: true, value: {} });
  });
  state.rules = { ...DEFAULT_SHARING, renewMs: 60_000, leaseMs: 180_000 };
  await clock.advance(10_000);
  const before = renewals;
  await clock.advance(20_000);
  assert.equal(renewals, before, 'it renews each minute');
  state.rules = DEFAULT_SHARING;
  await clock.advance(2_000);
  assert.ok(renewals > before, 'it slept out the old minute');
});
