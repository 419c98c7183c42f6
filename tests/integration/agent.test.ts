/**
 * Agents with a real director: joining, running, surviving, upgrading, ending.
 */
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import { CLUSTER_NODES } from '../../src/model/addresses.ts';
import type { ClusterNode } from '../../src/model/cluster-node.ts';
import { LEASES } from '../../src/model/core-kinds.ts';
import { nodeLeaseName } from '../../src/model/labels.ts';
import { startDirector } from '../support/director.ts';
import type { TestDirector } from '../support/director.ts';
import { eventually } from '../support/eventually.ts';
import { askHello, loadHello } from '../support/hello-client.ts';
import { must, never, nodeRig, PORT } from '../support/node-rig.ts';
import type { NodeRig, RigNode } from '../support/node-rig.ts';

const LONG_MS = 60_000;
let director: TestDirector;
const rigs: NodeRig[] = [];
before(async () => {
  director = await startDirector();
});
after(() => {
  for (const rig of rigs) rig.cleanup();
});

async function rigOf(workers: number): Promise<NodeRig> {
  const rig = await nodeRig(director, workers);
  rigs.push(rig);
  return rig;
}

async function started(workers: number): Promise<NodeRig> {
  const rig = await rigOf(workers);
  for (const node of rig.nodes) await node.start();
  for (const node of rig.nodes) await serves(node);
  return rig;
}

const serviceOf = async (node: RigNode, service: string) => (await node.seen()).status?.agent?.services?.[service];

const serves = (node: RigNode) =>
  eventually(
    `${node.name} is ready and serves`,
    async () => (await node.seen()).status?.agent?.phase === 'Ready' && (await serviceOf(node, 'hello'))?.ready,
    LONG_MS,
    50,
  );

/** Which nodes answer through this node's balancer. */
async function answering(node: RigNode): Promise<Set<string>> {
  const names = new Set<string>();
  for (let i = 0; i < 12; i++) names.add((await askHello(node.address, PORT)).node);
  return names;
}

describe('a pair', () => {
  let rig: NodeRig;
  let primary: RigNode;
  let worker: RigNode;
  before(async () => {
    rig = await started(1);
    [primary, worker] = rig.nodes as [RigNode, RigNode];
  });

  test('joins with its token, which is gone then, and keeps its key to itself', () => {
    for (const node of rig.nodes) {
      assert.equal(existsSync(join(node.dir, 'identity', 'identity.json')), true);
      assert.equal(readFileSync(join(node.dir, 'node.json'), 'utf8').includes('token'), false);
    }
  });

  test('says who it is and what runs: replicated services on both, the singleton on the primary', async () => {
    const [first, second] = [await primary.seen(), await worker.seen()];
    assert.equal(first.status?.role, 'Primary');
    assert.equal(second.status?.role, 'Worker');
    await eventually('the singleton is ready', async () => (await serviceOf(primary, 'ticker'))?.ready);
    assert.deepEqual(Object.keys((await primary.seen()).status?.agent?.services ?? {}).sort(), ['hello', 'ticker']);
    assert.deepEqual(Object.keys(second.status?.agent?.services ?? {}), ['hello']);
    assert.equal(first.status?.agent?.release, '1.0.0');
    assert.equal(first.status?.agent?.balancer, 'Running');
    assert.match(primary.podLog('ticker'), /tick 1 node=\S+-n0 term=1 release=1\.0\.0/);
    await must(rig.api.get(LEASES, 'demo', nodeLeaseName(worker.uid), never));
  });

  test('each node reaches every instance', async () => {
    for (const node of rig.nodes) {
      await eventually(`${node.name} reaches both`, async () => (await answering(node)).size === 2);
    }
  });

  test('a killed service is back within a second, and new connections do not notice', async (t) => {
    const load = loadHello(t, worker.address, PORT);
    const pid = worker.podPid('hello');
    const killedMs = performance.now();
    process.kill(pid, 'SIGKILL');
    await eventually('another one runs', () => ![0, pid].includes(worker.podPid('hello')));
    t.diagnostic(`runs again after ${(performance.now() - killedMs).toFixed(0)} ms (promised 1000)`);
    assert.ok(performance.now() - killedMs < 10_000);
    await eventually(
      'it is said',
      async () => (await serviceOf(worker, 'hello'))?.restarts === 1 && (await serviceOf(worker, 'hello'))?.ready,
      LONG_MS,
    );
    assert.equal((await worker.seen()).status?.agent?.phase, 'Ready', 'one instance less makes no node NotReady');
    const { asked, failures } = await load.stop();
    t.diagnostic(`${asked} new connections, ${failures.length} failed`);
    assert.deepEqual(failures, []);
  });

  test('an agent killed with kill -9 leaves pods and balancer as they are, and its next life finds them', async (t) => {
    const pids = () => [primary.podPid('hello'), primary.podPid('ticker'), primary.processes('balancer')[0]?.id.pid];
    const before = pids();
    const load = loadHello(t, primary.address, PORT);
    const agent = primary.processes('agent')[0]!;
    const said: unknown[] = [];
    const watching = new AbortController();
    t.after(() => watching.abort());
    const {
      metadata: { resourceVersion },
      status: lastStatus,
    } = await primary.seen();
    const fieldSelector = `metadata.name=${primary.name}`;
    void rig.api.watch<ClusterNode>(
      CLUSTER_NODES,
      { namespace: 'demo', fieldSelector, resourceVersion },
      (event) => void (event.type === 'MODIFIED' && said.push(event.object.status?.agent)),
      watching.signal,
    );
    process.kill(agent.id.pid, 'SIGKILL');
    await eventually('the agent is gone', () => primary.processes('agent').length === 0);
    assert.deepEqual(pids(), before);
    await primary.start();
    await eventually(
      'the next life has looked',
      () => primary.log().split('The agent starts')[2]?.includes('hello is Running and ready') === true,
    );
    await wait(2_500);
    assert.deepEqual(pids(), before);
    // Its word of itself is of another life now; that is all there may be to say.
    for (const agentSaid of said) assert.deepEqual({ ...(agentSaid as object), word: '' }, { ...lastStatus?.agent, word: '' });
    assert.ok(said.length <= 1, 'once');
    const { asked, failures } = await load.stop();
    t.diagnostic(`${asked} new connections, ${failures.length} failed`);
    assert.deepEqual(failures, []);
  });

  test('a killed balancer is back within a second', async (t) => {
    const before = worker.processes('balancer')[0]!.id.pid;
    const killedMs = performance.now();
    process.kill(before, 'SIGKILL');
    await eventually('it serves again', () => askHello(worker.address, PORT).catch(() => undefined));
    t.diagnostic(`serves again after ${(performance.now() - killedMs).toFixed(0)} ms (promised 1000)`);
    assert.notEqual(worker.processes('balancer')[0]?.id.pid, before);
    assert.equal((await worker.seen()).status?.agent?.phase, 'Ready');
  });

  test('an upgrade goes through the worker first, then the primary, and no new connection fails', async (t) => {
    const loads = [loadHello(t, primary.address, PORT, 50), loadHello(t, worker.address, PORT, 50)];
    await rig.patch({ release: '1.0.1' });
    const release = async (node: RigNode) => (await node.seen()).status?.agent?.release;
    const orders: string[] = [];
    await eventually(
      'both run it',
      async () => {
        const now = `${await release(worker)} ${await release(primary)}`;
        if (orders.at(-1) !== now) orders.push(now);
        return now === '1.0.1 1.0.1' && (await serviceOf(primary, 'hello'))?.ready && (await serviceOf(worker, 'hello'))?.ready;
      },
      LONG_MS,
      50,
    );
    assert.deepEqual(orders, ['1.0.0 1.0.0', '1.0.1 1.0.0', '1.0.1 1.0.1']);
    for (const load of loads) {
      const { asked, failures, releases } = await load.stop();
      t.diagnostic(`${asked} new connections, ${failures.length} failed, answers of ${[...releases].join(' and ')}`);
      assert.deepEqual(failures, []);
      assert.deepEqual([...releases].sort(), ['1.0.0', '1.0.1']);
    }
    await eventually('the singleton moved on too', () => primary.podLog('ticker').includes('release=1.0.1'));
  });

  test('a release that does not exist, or that there is no way to, changes nothing and is said', async () => {
    const pid = worker.podPid('hello');
    await rig.patch({ release: '9.9.9' });
    await eventually('it is said', async () => (await worker.seen()).status?.agent?.message?.includes('9.9.9') === true);
    assert.equal(worker.podPid('hello'), pid);
    await rig.patch({ release: '1.0.1' });
    await eventually('it is not said any more', async () => (await worker.seen()).status?.agent?.message === undefined);
    assert.equal(worker.podPid('hello'), pid);
  });
});

describe('ends', () => {
  test('--stop drains and stops everything; the other node serves on without a failure', async (t) => {
    const rig = await started(1);
    const [primary, worker] = rig.nodes as [RigNode, RigNode];
    await eventually('both are reached', async () => (await answering(primary)).size === 2);
    const load = loadHello(t, primary.address, PORT);
    const { systemProcesses, roleEnvironment } = await import('../../src/platform/spawn.ts');
    const { programCommand } = await import('../../src/platform/program.ts');
    const stopping = await systemProcesses().start({
      command: programCommand(['agent', '--dir', worker.dir, '--stop']),
      environment: roleEnvironment(process.env, { data: join(worker.dir, '..', '..'), role: 'agent-stop', OUTRIGGER_NODE: worker.uid }),
      folder: worker.dir,
      logFile: join(worker.dir, 'logs', 'stop.log'),
    });
    const startedMs = performance.now();
    assert.deepEqual(await stopping.exited, { exitCode: 0, signal: null }, readFileSync(join(worker.dir, 'logs', 'stop.log'), 'utf8'));
    t.diagnostic(`stopped in ${(performance.now() - startedMs).toFixed(0)} ms`);
    assert.deepEqual(worker.processes(), []);
    const { asked, failures } = await load.stop();
    t.diagnostic(`${asked} new connections, ${failures.length} failed`);
    assert.deepEqual(failures, []);
    assert.equal((await worker.seen()).status?.agent?.phase, 'Stopped');
  });

  test('an older incarnation stops its pods, says why, and stays stopped', async () => {
    const rig = await started(0);
    const [node] = rig.nodes as [RigNode];
    await must(rig.api.mergePatch<ClusterNode>(CLUSTER_NODES, 'demo', node.name, { spec: { incarnation: 2 } }, never));
    await eventually('its pods are gone', () => node.processes('pod').length === 0, LONG_MS);
    assert.match(node.log(), /lives on in its incarnation 2; this one, 1, stops its pods/);
    node.killAll();
    await node.start();
    await eventually('it is up', () => node.log().split('The agent starts').length === 3);
    await wait(2_000);
    assert.equal(node.processes('pod').length, 0, 'nothing starts again');
  });

  test('an older incarnation that was away learns it when it comes back', async () => {
    const rig = await started(0);
    const [node] = rig.nodes as [RigNode];
    process.kill(node.processes('agent')[0]!.id.pid, 'SIGKILL');
    await must(rig.api.mergePatch<ClusterNode>(CLUSTER_NODES, 'demo', node.name, { spec: { incarnation: 2 } }, never));
    await node.start();
    await eventually('its pods are gone', () => node.processes('pod').length === 0, LONG_MS);
    assert.match(node.log(), /lives on in its incarnation 2/);
  });

  test('a retired node drains and says so', async () => {
    const rig = await started(0);
    const [node] = rig.nodes as [RigNode];
    await must(rig.api.mergePatch<ClusterNode>(CLUSTER_NODES, 'demo', node.name, { spec: { retired: true } }, never));
    await eventually('it has stopped', async () => (await node.seen()).status?.agent?.phase === 'Stopped', LONG_MS);
    assert.equal(node.processes('pod').length, 0);
    assert.match((await node.seen()).status?.agent?.message ?? '', /was retired/);
  });

  test('a deleted node stops its pods, and waits for its host', async () => {
    const rig = await started(0);
    const [node] = rig.nodes as [RigNode];
    await must(rig.api.delete(CLUSTER_NODES, 'demo', node.name, {}, never));
    await eventually('its pods are gone', () => node.processes('pod').length === 0, LONG_MS);
    assert.match(node.log(), /was deleted; it stops its pods/);
    assert.equal(node.processes('agent').length, 1);
  });

  test('absence is no command: a node whose object is gone goes on', async () => {
    const rig = await started(0);
    const [node] = rig.nodes as [RigNode];
    const pid = node.podPid('hello');
    // As if an old backup had been restored: no finalizer holds it, so no tombstone is ever seen.
    await must(rig.api.mergePatch<ClusterNode>(CLUSTER_NODES, 'demo', node.name, { metadata: { finalizers: [] } }, never));
    await must(rig.api.delete(CLUSTER_NODES, 'demo', node.name, {}, never));
    await eventually('the director does not know it', async () => !(await rig.api.get(CLUSTER_NODES, 'demo', node.name, never)).ok);
    await wait(3_000);
    assert.equal(node.podPid('hello'), pid);
    assert.equal((await askHello(node.address, PORT)).node, node.name);
  });

  test('a token that is refused ends the agent with exit code 3, so that its host makes another', async () => {
    const rig = await rigOf(0);
    const [node] = rig.nodes as [RigNode];
    const { writeFileSync } = await import('node:fs');
    const file = join(node.dir, 'node.json');
    const content = JSON.parse(readFileSync(file, 'utf8')) as { token: string };
    writeFileSync(file, JSON.stringify({ ...content, token: `${content.token.slice(0, -4)}zzzz` }));
    const agent = await node.start();
    assert.deepEqual(await agent.exited, { exitCode: 3, signal: null });
    assert.match(node.log(), /was refused/);
  });
});
