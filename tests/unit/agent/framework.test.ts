/**
 * The files between an agent and the framework services of its node.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { keepFramework } from '../../../src/agent/framework.ts';
import type { FrameworkSeen } from '../../../src/agent/framework.ts';
import type { NodeFile } from '../../../src/agent/node-file.ts';
import { startedNow } from '../../../src/decide/license-clock.ts';
import type { FrameworkConfig, FrameworkService } from '../../../src/model/framework.ts';
import type { Json, JsonObject } from '../../../src/model/json.ts';
import type { NodeStore, RecordRead } from '../../../src/ports/node-store.ts';
import type { Log } from '../../../src/ports/log.ts';
import { virtualClock } from '../../support/virtual-clock.ts';
import type { VirtualClock } from '../../support/virtual-clock.ts';

const node: NodeFile = {
  namespace: 'demo',
  node: 'harbor-a1-n0',
  nodeUid: 'n0',
  incarnation: 1,
  cluster: 'harbor',
  clusterUid: 'c',
  role: 'Primary',
  address: '10.0.0.1',
  podAddresses: [],
  directors: ['https://a:1'],
  caHash: 'sha256:00',
};
const nothing: FrameworkSeen = {
  membership: undefined,
  plan: undefined,
  nodes: undefined,
  site: undefined,
  license: undefined,
  joined: undefined,
};
const quiet = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined, with: () => quiet } as Log;

interface Bench {
  readonly deps: Parameters<typeof keepFramework>[0] & { readonly clock: VirtualClock };
  readonly writes: FrameworkConfig[];
  says(service: FrameworkService, read: RecordRead<JsonObject>): void;
}

function bench(read: RecordRead<JsonObject> = { state: 'absent' }): Bench {
  const writes: FrameworkConfig[] = [];
  const listeners = new Map<FrameworkService, (read: RecordRead<JsonObject>) => void>();
  const folder: NodeStore = {
    read: <T extends Json>() => Promise.resolve(read as RecordRead<T>),
    write: async (_, body) => void writes.push(structuredClone(body) as unknown as FrameworkConfig),
    remove: () => Promise.resolve(),
  };
  const clock = virtualClock();
  const watchFramework = (service: FrameworkService, onRead: (read: RecordRead<JsonObject>) => void): void =>
    void listeners.set(service, onRead);
  return {
    deps: { node, folder, watchFramework, clock, bootId: 'b', log: quiet },
    writes,
    says: (service, said) => listeners.get(service)?.(said),
  };
}

const signal = new AbortController().signal;

test('I1: it is written from memory alone, and what was told before a crash is not forgotten', async () => {
  const first = bench();
  const keeper = await keepFramework(first.deps, () => undefined, signal);
  await keeper.tell(nothing);
  assert.deepEqual(first.writes[0]?.members, [{ name: 'harbor-a1-n0', uid: 'n0', incarnation: 1, address: '10.0.0.1', role: 'Worker' }]);
  const other = { name: 'harbor-a1-n1', uid: 'n1', incarnation: 2, address: '10.0.0.2', role: 'Worker' as const };
  const before = { ...first.writes[0], members: [...(first.writes[0]?.members ?? []), other] } as unknown as JsonObject;
  const second = bench({ state: 'found', body: before });
  await (await keepFramework(second.deps, () => undefined, signal)).tell(nothing);
  assert.deepEqual(
    second.writes[0]?.members.map((one) => one.name),
    ['harbor-a1-n0', 'harbor-a1-n1'],
  );
  const stranger = { ...before, node: { ...(before['node'] as JsonObject), uid: 'somebody' } };
  const third = bench({ state: 'found', body: stranger });
  await (await keepFramework(third.deps, () => undefined, signal)).tell(nothing);
  assert.equal(third.writes[0]?.members.length, 1, "another node's file says nothing about this one");
});

test('I2: written when it changed, and every minute for the running time; never because only that went on', async () => {
  const { deps, writes } = bench();
  const keeper = await keepFramework(deps, () => undefined, signal);
  const joined = { notBeforeMs: 1, since: startedNow({ bootId: 'b', bootMs: deps.clock.monotonicMs() }) };
  const tell = (more: Partial<FrameworkSeen> = {}): Promise<void> => keeper.tell({ ...nothing, joined, ...more });
  await tell();
  await deps.clock.advance(30_000);
  await tell();
  assert.equal(writes.length, 1);
  await deps.clock.advance(30_000);
  await tell();
  assert.deepEqual([writes.length, writes[1]?.joined?.since.ranMs], [2, 60_000]);
  await tell({ joined: { ...joined, notBeforeMs: 2 } });
  assert.equal(writes.length, 3, 'another certificate');
});

test('what services say is followed; what cannot be read leaves it as it was', async () => {
  const { deps, says } = bench();
  let changes = 0;
  const keeper = await keepFramework(deps, () => changes++, signal);
  assert.deepEqual(keeper.statuses(), {});
  const body = { director: 'https://a:1', sinceBootMs: 4, message: '' };
  says('connector-client', { state: 'found', body });
  says('connector-client', { state: 'found', body: { ...body } });
  says('connector-client', { state: 'damaged', message: 'torn' });
  assert.deepEqual([keeper.statuses()['connector-client']?.director, changes], ['https://a:1', 1]);
});
