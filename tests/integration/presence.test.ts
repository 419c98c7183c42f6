/**
 * Who hears whom: two real agents against a real director, without host daemon and extension servers. Agents are stopped and killed, nodes are killed,
 * with the director there and with the director stopped; the seconds are printed.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import type { EndpointTable } from '../../src/decide/endpoints.ts';
import type { Cluster } from '../../src/model/cluster.ts';
import { conditionOf } from '../../src/model/condition.ts';
import { startDirector } from '../support/director.ts';
import type { TestDirector } from '../support/director.ts';
import { eventually } from '../support/eventually.ts';
import { nodeRig } from '../support/node-rig.ts';
import type { NodeRig, RigNode } from '../support/node-rig.ts';

const LONG_MS = 60_000;
let director: TestDirector;
let rig: NodeRig;
let primary: RigNode;
let worker: RigNode;

type Status = NonNullable<Cluster['status']>;

before(async () => {
  director = await startDirector();
  rig = await nodeRig(director, 1);
  [primary, worker] = rig.nodes as [RigNode, RigNode];
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
  await clusterBecomes('it is available', (status) => status.phase === 'Available' && isRedundant(status));
});
after(() => rig.cleanup());

const isRedundant = (status: Status): boolean => conditionOf(status.conditions, 'Redundant')?.status === 'True';

function killHello(node: RigNode): void {
  const pid = node.podPid('hello');
  assert.ok(pid > 0, `${node.name} runs hello`);
  process.kill(pid, 'SIGKILL');
}

/** Resolves with how long it took, in ms. */
async function clusterBecomes(what: string, holds: (status: Status) => boolean): Promise<number> {
  const beganMs = performance.now();
  let last: Status = {};
  await eventually(what, async () => holds((last = (await rig.cluster()).status ?? {})), LONG_MS, 20).catch((error: unknown) => {
    throw new Error(
      `${String(error)}\n${JSON.stringify(last, undefined, 1)}\n${primary.log().slice(-2_000)}\n${worker.log().slice(-2_000)}`,
    );
  });
  return performance.now() - beganMs;
}

test('a worker that is killed whole is said to be down within seconds, and up again when it is back', async () => {
  worker.killAll();
  const downMs = await clusterBecomes(
    'the primary says so',
    (status) => status.phase === 'Degraded' && !isRedundant(status) && status.services?.['hello']?.ready === 1,
  );
  console.log(`worker killed: Degraded after ${downMs.toFixed(0)} ms`);
  assert.ok(downMs < 15_000);
  await worker.start();
  const upMs = await clusterBecomes('it is whole again', (status) => status.phase === 'Available' && isRedundant(status));
  console.log(`worker started: Available after ${upMs.toFixed(0)} ms`);
});

test('an agent that is stopped, while its pods serve: the phase does not flap, and its silence is said', async () => {
  const [agent] = worker.processes('agent');
  assert.ok(agent !== undefined);
  const phases = new Set<string | undefined>();
  const beganMs = performance.now();
  process.kill(agent.id.pid, 'SIGSTOP');
  await clusterBecomes('its silence is said', (status) => {
    phases.add(status.phase);
    return /not heard/.test(status.nodes?.[worker.name]?.message ?? '');
  });
  console.log(`worker's agent stopped: said after ${(performance.now() - beganMs).toFixed(0)} ms`);
  const kept = await rig.cluster();
  assert.deepEqual([kept.status?.phase, kept.status?.services?.['hello']?.ready, isRedundant(kept.status ?? {})], ['Available', 2, true]);
  // What it ran dies one by one: that is said too, though its agent says nothing.
  const helloOf = async () => (await worker.seen()).status?.agent?.services?.['hello'];
  const restarts = (await helloOf())?.restarts ?? 0;
  killHello(worker);
  await clusterBecomes('an instance that does not answer is not counted', (status) => status.services?.['hello']?.ready === 1);
  process.kill(agent.id.pid, 'SIGCONT');
  // Its first words are of before it was stopped: that it was whole counts from when it has started the dead one again.
  await eventually('it has started the dead one again', async () => {
    const hello = await helloOf();
    return hello?.ready === true && (hello.restarts ?? 0) > restarts;
  });
  await clusterBecomes('it is heard again', (status) => {
    phases.add(status.phase);
    return status.nodes?.[worker.name]?.message === undefined && isRedundant(status);
  });
  assert.ok(!phases.has('Error'), [...phases].join());
});

test('a primary that is killed whole is said to be down by the worker, and raises all of it when it is back', async () => {
  primary.killAll();
  const downMs = await clusterBecomes(
    'the worker says so',
    (status) => status.phase === 'Error' && conditionOf(status.conditions, 'MonitoringAvailable')?.reason === 'PrimaryDown',
  );
  console.log(`primary killed: Error after ${downMs.toFixed(0)} ms`);
  const down = await rig.cluster();
  assert.ok(downMs < 15_000);
  assert.deepEqual([down.status?.primary, down.status?.term, down.status?.services?.['hello']?.ready], [primary.name, 1, 1]);
  await primary.start();
  const upMs = await clusterBecomes('it is whole again', (status) => status.phase === 'Available' && isRedundant(status));
  console.log(`primary started: Available after ${upMs.toFixed(0)} ms`);
});

test('with the director stopped: a death and a new instance are known by heartbeat, and a node that reboots alone knows its members', async () => {
  await director.stop();
  const endpoints = (node: RigNode): string[] => {
    const table = JSON.parse(readFileSync(join(node.dir, 'store', 'endpoints.json'), 'utf8')) as { body: EndpointTable };
    return (table.body.services.find(({ name }) => name === 'hello')?.endpoints ?? [])
      .filter(({ draining }) => !draining)
      .map((one) => one.node);
  };
  const both = [primary.name, worker.name].sort().join();
  const knows = async (what: string, node: RigNode, nodes: string): Promise<void> => {
    const beganMs = performance.now();
    await eventually(what, () => endpoints(node).sort().join() === nodes, LONG_MS, 10).catch((error: unknown) => {
      throw new Error(`${String(error)}\nknown: ${endpoints(node).join()}\n${node.log().slice(-3_000)}`);
    });
    console.log(`without a director: ${what} after ${(performance.now() - beganMs).toFixed(0)} ms`);
  };
  killHello(worker);
  await knows('the primary has dropped an instance that died on the worker', primary, primary.name);
  await knows('the primary has its successor', primary, both);
  // A reboot of both, with nothing there but the disks.
  for (const node of rig.nodes) node.killAll();
  const lengths = new Map(rig.nodes.map((node) => [node, node.log().length]));
  for (const node of rig.nodes) await node.start();
  for (const node of rig.nodes) {
    const isReady = (): boolean => node.log().slice(lengths.get(node)).includes('hello is Running and ready');
    await eventually(`${node.name} runs hello again`, isReady, LONG_MS);
    await knows(`${node.name} has both instances after a reboot`, node, both);
  }
  killHello(primary);
  await knows('the worker has dropped an instance that died on the primary', worker, worker.name);
  await knows('the worker has its successor', worker, both);
});
