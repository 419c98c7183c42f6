/**
 * Which extension servers live, as the commands see it: by own observation, for as long as each Lease says itself.
 */

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { watchServers } from '../../../src/cli/status/servers.ts';
import { extensionLeaseName } from '../../../src/decide/sharding.ts';
import type { EntityApi } from '../../../src/ports/api.ts';
import { virtualClock } from '../../support/virtual-clock.ts';

interface Server {
  readonly name: string;
  readonly leaseSeconds: number;
  /** How often it renews, in ms; absent: never. */
  readonly renewMs?: number;
}

async function watched(servers: readonly Server[]): Promise<{ live: readonly string[]; silent: readonly string[]; tookMs: number }> {
  const clock = virtualClock();
  const leaseOf = ({ name, leaseSeconds, renewMs }: Server): object => ({
    metadata: {
      name: extensionLeaseName(name),
      uid: name,
      resourceVersion: String(renewMs === undefined ? 1 : Math.floor(clock.monotonicMs() / renewMs)),
      creationTimestamp: '',
    },
    spec: { holderIdentity: name, leaseDurationSeconds: leaseSeconds },
  });
  const list = (): Promise<unknown> => Promise.resolve({ ok: true, value: { items: servers.map(leaseOf), resourceVersion: '1' } });
  const fromMs = clock.monotonicMs();
  const watching = watchServers({ api: { list } as unknown as EntityApi, clock }, new AbortController().signal);
  const ended = watching.then((seen) => ({ seen, tookMs: clock.monotonicMs() - fromMs }));
  let isOver = false;
  void ended.finally(() => (isOver = true));
  while (!isOver) await clock.advance(50);
  const { seen, tookMs } = await ended;
  return { live: seen?.live ?? [], silent: seen?.silent ?? [], tookMs };
}

test('I1: one that renews more slowly than the defaults lives, one that does not is silent after its own time', async () => {
  const slow = await watched([{ name: 'slow', leaseSeconds: 12, renewMs: 4_000 }]);
  assert.deepEqual(slow.live, ['slow']);
  const dead = await watched([
    { name: 'quick', leaseSeconds: 3, renewMs: 1_000 },
    { name: 'dead', leaseSeconds: 6 },
  ]);
  assert.deepEqual([dead.live, dead.silent], [['quick'], ['dead']]);
  assert.ok(dead.tookMs >= 6_000 && dead.tookMs < 7_000, `${dead.tookMs} ms`);
});

test('I1: one whose Lease lasts longer than a person waits counts as alive until it has been seen to end', async () => {
  const { live, tookMs } = await watched([{ name: 'patient', leaseSeconds: 300 }]);
  assert.deepEqual(live, ['patient']);
  assert.ok(tookMs >= 20_000 && tookMs < 21_000, `${tookMs} ms`);
});
