/**
 * Changes of what runs, with real nodes and no extension server: they complete under load, go back by themselves, and finish whoever dies.
 */
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import type { ClusterPlan } from '../../src/decide/cluster-plan.ts';
import type { NodePlan } from '../../src/decide/plan.ts';
import { CLUSTER_RELEASES } from '../../src/model/addresses.ts';
import type { ClusterRelease } from '../../src/model/cluster-release.ts';
import type { Cluster } from '../../src/model/cluster.ts';
import { conditionOf } from '../../src/model/condition.ts';
import { startDirector } from '../support/director.ts';
import type { TestDirector } from '../support/director.ts';
import { eventually } from '../support/eventually.ts';
import { loadHello } from '../support/hello-client.ts';
import { must, never, nodeRig, PORT } from '../support/node-rig.ts';
import type { NodeRig, RigNode } from '../support/node-rig.ts';

const LONG_MS = 90_000;
let director: TestDirector;
let rig: NodeRig;
let primary: RigNode;
let worker: RigNode;

/** What a node keeps in its store. */
function kept(node: RigNode, record: string): unknown {
  const file = join(node.dir, 'store', `${record}.json`);
  return existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as { body: unknown }).body : undefined;
}

const planOf = (node: RigNode): ClusterPlan | undefined => kept(node, 'clusterPlan') as ClusterPlan | undefined;
const runs = (): string => rig.nodes.map((node) => (kept(node, 'plan') as NodePlan | undefined)?.release ?? '-').join(' ');

/** A release like 1.0.0 that can be reached from all before it; `isBroken`: hello never gets ready. */
async function publish(version: string, isBroken: boolean): Promise<void> {
  const base = await must(rig.api.get<ClusterRelease>(CLUSTER_RELEASES, '', '1.0.0', never));
  const services = base.spec.services.map((service) => {
    const [container] = service.pod.containers;
    const env = [{ name: 'RELEASE', value: version }];
    const path = isBroken ? '/never' : '/healthz';
    const readinessProbe = { readinessProbe: { httpGet: { path, port: PORT }, periodSeconds: 1 } };
    const changed = { ...container, env, ...(service.name === 'hello' ? readinessProbe : {}) };
    return { ...service, pod: { ...service.pod, containers: [changed] } };
  });
  const upgradesFrom = ['1.0.0', '1.0.1', '1.0.2', '1.0.3'].filter((one) => one < version);
  await must(
    rig.api.create(
      CLUSTER_RELEASES,
      '',
      {
        apiVersion: 'outrigger.dev/v1',
        kind: 'ClusterRelease',
        metadata: { name: version },
        spec: { version, upgradesFrom, services },
      },
      never,
    ),
  );
}

async function clusterBecomes(what: string, holds: (status: NonNullable<Cluster['status']>) => boolean): Promise<void> {
  let last: unknown;
  await eventually(
    what,
    async () => holds(((last = (await rig.cluster().catch(() => undefined))?.status), (last ?? {}) as NonNullable<Cluster['status']>)),
    LONG_MS,
    100,
  ).catch((error: unknown) => {
    throw new Error(
      `${String(error)}\n${JSON.stringify(last, undefined, 1)}\n${primary.log().slice(-3_000)}\n${worker.log().slice(-2_000)}`,
    );
  });
}

const progressing = (status: NonNullable<Cluster['status']>) => conditionOf(status.conditions, 'Progressing');
const isDone = (release: string) => (status: NonNullable<Cluster['status']>) =>
  status.release?.current === release && status.release.progress === undefined && status.services?.['hello']?.ready === 2;

before(async () => {
  director = await startDirector();
  rig = await nodeRig(director, 1);
  [primary, worker] = rig.nodes as [RigNode, RigNode];
  await publish('1.0.2', true);
  await publish('1.0.3', false);
  for (const node of rig.nodes) await node.start();
  for (const node of rig.nodes)
    await eventually(`${node.name} serves`, async () => (await node.seen()).status?.agent?.services?.['hello']?.ready, LONG_MS);
  await rig.patchStatus({
    attempt: 1,
    attempts: [{ number: 1, startedAt: '2026-01-01T00:00:00Z', endedAt: '2026-01-01T00:00:01Z', outcome: 'Available', steps: [] }],
    availableAt: '2026-01-01T00:00:01Z',
    autoRepair: 'Disarmed',
    primary: primary.name,
  });
  await clusterBecomes('it is available', (status) => status.phase === 'Available' && isDone('1.0.0')(status));
});
after(() => rig.cleanup());

test('an upgrade with no extension server: the worker, then the primary; no connection through the worker fails', async (t) => {
  const load = loadHello(t, worker.address, PORT, 50);
  const seen: string[] = [];
  await rig.patch({ release: '1.0.1', upgrade: { readySeconds: 10 } });
  await clusterBecomes('1.0.1 is current', (status) => {
    if (seen.at(-1) !== runs()) seen.push(runs());
    return isDone('1.0.1')(status);
  });
  const { asked, failures } = await load.stop();
  t.diagnostic(`${asked} new connections, ${failures.length} failed; ${seen.join(' → ')}`);
  assert.deepEqual(failures, []);
  assert.ok(!seen.includes('1.0.1 1.0.0'), 'the primary never went before its worker');
  await eventually('the worker has the newest plan', () => planOf(worker)?.number === planOf(primary)?.number, LONG_MS);
});

test('a release that does not come up goes back by itself, says so, and is not tried again', async (t) => {
  const load = loadHello(t, worker.address, PORT, 50);
  const pid = primary.podPid('hello');
  const startedMs = performance.now();
  await rig.patch({ release: '1.0.2' });
  await clusterBecomes('it went back', (status) => progressing(status)?.reason === 'RolledBack' && status.services?.['hello']?.ready === 2);
  t.diagnostic(`taken back ${((performance.now() - startedMs) / 1000).toFixed(1)} s after it was asked for (readySeconds 10)`);
  const { spec, status, metadata } = await rig.cluster();
  assert.equal(spec.release, '1.0.2', 'the spec is the person’s');
  assert.deepEqual([status?.release?.current, status?.release?.rolledBack?.release], ['1.0.1', '1.0.2']);
  assert.equal(status?.release?.rolledBack?.generation, metadata.generation);
  assert.match(progressing(status ?? {})?.message ?? '', new RegExp(`${worker.name} was not ready with it within 10 s \\(hello is `));
  assert.ok(status?.errorSet?.some(({ reason }) => reason === 'RolledBack'));
  assert.equal(primary.podPid('hello'), pid, 'the primary was never touched');
  const { number } = planOf(primary)!;
  await wait(3_000);
  assert.equal(planOf(primary)?.number, number, 'nothing flaps');
  const { asked, failures } = await load.stop();
  t.diagnostic(`${asked} new connections, ${failures.length} failed`);
  assert.deepEqual(failures, []);
});

test('the director is killed right after the plan was stored: the site finishes', async (t) => {
  await rig.patch({ release: '1.0.3' });
  await eventually('the plan is stored', () => planOf(primary)?.target.release === '1.0.3', LONG_MS, 5);
  const killedMs = performance.now();
  await director.kill();
  t.diagnostic(`killed with ${planOf(primary)?.moved.length} of 2 turns given, nodes at ${runs()}`);
  await eventually('both run it', () => runs() === '1.0.3 1.0.3' && planOf(primary)?.state === 'Steady', LONG_MS, 50);
  t.diagnostic(`finished ${((performance.now() - killedMs) / 1000).toFixed(1)} s later, without a director`);
  const { database, data, port } = director;
  director = await startDirector({ database, data, port });
  await clusterBecomes('it is said once there is a director', isDone('1.0.3'));
});

test('with the worker down a change waits and says so; told to proceed it proceeds, and the worker follows', async () => {
  worker.killAll();
  await rig.patch({ release: '1.0.1' });
  await clusterBecomes('it waits', (status) => progressing(status)?.reason === 'UpgradeWaits');
  assert.match(
    progressing((await rig.cluster()).status ?? {})?.message ?? '',
    new RegExp(`${worker.name} is not heard, .*whenNodeDown to Proceed`),
  );
  assert.equal(runs(), '1.0.3 1.0.3');
  await rig.patch({ upgrade: { whenNodeDown: 'Proceed' } });
  await eventually('the primary runs it', () => runs() === '1.0.1 1.0.3' && planOf(primary)?.state === 'Steady', LONG_MS, 100);
  await worker.start();
  await clusterBecomes('the worker has followed', isDone('1.0.1'));
  assert.equal(runs(), '1.0.1 1.0.1');
});

test("the primary's agent is killed in the midst of it: its next life finishes", async () => {
  await rig.patch({ release: '1.0.3' });
  await eventually('it is under way', () => planOf(primary)?.state === 'Advancing', LONG_MS, 5);
  for (const { id } of primary.processes('agent')) process.kill(id.pid, 'SIGKILL');
  await eventually('it is gone', () => primary.processes('agent').length === 0);
  await primary.start();
  await clusterBecomes('it is done', isDone('1.0.3'));
  assert.equal(runs(), '1.0.3 1.0.3');
});
