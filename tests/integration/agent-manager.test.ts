/**
 * The primary's agent manages its cluster by itself: there is no extension server here.
 */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { CLUSTER_NODES, VIRTUAL_DATA_CENTERS } from '../../src/model/addresses.ts';
import type { ClusterNode } from '../../src/model/cluster-node.ts';
import type { Cluster } from '../../src/model/cluster.ts';
import { conditionOf } from '../../src/model/condition.ts';
import { ANNOTATION_CONFIRM_DEAD } from '../../src/model/labels.ts';
import { startDirector } from '../support/director.ts';
import { eventually } from '../support/eventually.ts';
import { must, never, nodeRig } from '../support/node-rig.ts';
import type { NodeRig, RigNode } from '../support/node-rig.ts';

const LONG_MS = 60_000;
let rig: NodeRig;
let primary: RigNode;
let worker: RigNode;

before(async () => {
  rig = await nodeRig(await startDirector(), 1);
  [primary, worker] = rig.nodes as [RigNode, RigNode];
  for (const node of rig.nodes) await node.start();
  for (const node of rig.nodes) {
    await eventually(`${node.name} serves`, async () => (await node.seen()).status?.agent?.services?.['hello']?.ready, LONG_MS);
  }
});
after(() => rig.cleanup());

async function clusterBecomes(what: string, holds: (status: NonNullable<Cluster['status']>) => boolean): Promise<void> {
  let last: unknown;
  await eventually(
    what,
    async () => holds(((last = (await rig.cluster()).status), (last ?? {}) as NonNullable<Cluster['status']>)),
    LONG_MS,
    50,
  ).catch((error: unknown) => {
    throw new Error(`${String(error)}\n${JSON.stringify(last, undefined, 1)}\n${primary.log().slice(-2_000)}`);
  });
}

const names = async (): Promise<string[]> =>
  (
    await must(rig.api.list<ClusterNode>(CLUSTER_NODES, { namespace: 'demo', labelSelector: `outrigger.dev/cluster=${rig.name}` }, never))
  ).items
    .map((node) => node.metadata.name.replace(`${rig.name}-a1-`, ''))
    .sort();

async function reserved(): Promise<string[]> {
  const vdc = await must(rig.api.get(VIRTUAL_DATA_CENTERS, 'demo', 'main', never));
  return Object.keys(vdc.status?.reservations ?? {})
    .map((key) => key.split('.').at(-1) ?? '')
    .sort();
}

test('before the cluster was available the manager says nothing', async () => {
  assert.equal((await rig.cluster()).status?.phase, undefined);
});

test('from then on it says what runs, and under which term', async () => {
  await rig.patchStatus({
    attempt: 1,
    attempts: [{ number: 1, startedAt: '2026-01-01T00:00:00Z', endedAt: '2026-01-01T00:00:01Z', outcome: 'Available', steps: [] }],
    availableAt: '2026-01-01T00:00:01Z',
    autoRepair: 'Disarmed',
    primary: primary.name,
  });
  await clusterBecomes('it is available', (status) => status.phase === 'Available' && status.workers === 1);
  const status = (await rig.cluster()).status!;
  assert.deepEqual([status.term, status.primary, status.release], [1, primary.name, { current: '1.0.0', target: '1.0.0' }]);
  assert.equal(status.services?.['hello']?.ready, 2);
  assert.equal(status.services?.['ticker']?.ready, 1);
  assert.equal(conditionOf(status.conditions, 'Redundant')?.status, 'True');
});

test('one service instance dies: available all the while, not redundant for a moment', async () => {
  const phases = new Set<string | undefined>();
  process.kill(worker.podPid('hello'), 'SIGKILL');
  await clusterBecomes('it was noticed', (status) => {
    phases.add(status.phase);
    return conditionOf(status.conditions, 'Redundant')?.status === 'False';
  });
  await clusterBecomes('it is redundant again', (status) => {
    phases.add(status.phase);
    return conditionOf(status.conditions, 'Redundant')?.status === 'True';
  });
  assert.deepEqual([...phases], ['Available']);
});

test('an upgrade shows how far it is', async () => {
  await rig.patch({ release: '1.0.1' });
  await clusterBecomes('half way', (status) => status.release?.progress === '1 of 2 nodes run 1.0.1' && status.phase === 'Available');
  await clusterBecomes('done', (status) => status.release?.current === '1.0.1' && status.release.progress === undefined);
});

test('workers up: it reserves and creates, and the cluster stays available', async () => {
  await rig.patch({ workers: 2 });
  await eventually('the node is there', async () => (await names()).join() === 'n0,n1,n2', LONG_MS);
  assert.deepEqual(await reserved(), ['0', '1', '2']);
  await clusterBecomes(
    'it says so',
    (status) => conditionOf(status.conditions, 'Progressing')?.status === 'True' && status.phase === 'Available',
  );
});

test('a worker proven dead is replaced by a higher incarnation of itself', async () => {
  const name = `${rig.name}-a1-n2`;
  await must(
    rig.api.mergePatch<ClusterNode>(CLUSTER_NODES, 'demo', name, { metadata: { annotations: { [ANNOTATION_CONFIRM_DEAD]: '1' } } }, never),
  );
  await eventually(
    'it lives on',
    async () => (await must(rig.api.get(CLUSTER_NODES, 'demo', name, never))).spec.incarnation === 2,
    LONG_MS,
  );
});

test('workers down: it retires, lets drain, deletes and gives the capacity back', async (t) => {
  await rig.patch({ workers: 0 });
  const startedMs = performance.now();
  await eventually(
    'only the primary is left',
    async () => {
      // Nobody is the host here: what it would do about a machine is done by hand.
      for (const name of (await names()).filter((one) => one !== 'n0')) await letGo(`${rig.name}-a1-${name}`);
      return (await names()).join() === 'n0';
    },
    LONG_MS,
    100,
  );
  t.diagnostic(`gone after ${(performance.now() - startedMs).toFixed(0)} ms`);
  await eventually('the capacity is given back', async () => (await reserved()).join() === '0', LONG_MS);
  assert.equal(worker.processes('pod').length, 0, 'it has drained and stopped');
  await clusterBecomes(
    'it says so',
    (status) => status.phase === 'Available' && status.workers === 0 && Object.keys(status.nodes ?? {}).length === 1,
  );
});

async function letGo(name: string): Promise<void> {
  const answer = await rig.api.get<ClusterNode>(CLUSTER_NODES, 'demo', name, never);
  if (!answer.ok || answer.value.metadata.deletionTimestamp === undefined) return;
  assert.ok(name !== worker.name || worker.processes('pod').length === 0, 'it is deleted only once it has drained');
  await rig.api.mergePatch<ClusterNode>(CLUSTER_NODES, 'demo', name, { metadata: { finalizers: [] } }, never);
}

test('the primary goes silent: the status stays what it was, and the next life of its agent goes on', async () => {
  process.kill(primary.processes('agent')[0]!.id.pid, 'SIGKILL');
  await primary.start();
  await rig.patch({ workers: 1 });
  await eventually('the node is there', async () => (await names()).join() === 'n0,n1', LONG_MS);
  assert.equal((await rig.cluster()).status?.term, 1);
});
