/**
 * A pair of nodes whose director goes away: nothing stops, a reboot starts everything again, and all is said once the director is back.
 */
import assert from 'node:assert/strict';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { startDirector } from '../support/director.ts';
import type { TestDirector } from '../support/director.ts';
import { eventually } from '../support/eventually.ts';
import { askHello, loadHello } from '../support/hello-client.ts';
import { nodeRig, PORT } from '../support/node-rig.ts';
import type { NodeRig, RigNode } from '../support/node-rig.ts';

const LONG_MS = 60_000;
let director: TestDirector;
let rig: NodeRig;
let primary: RigNode;
let worker: RigNode;

before(async () => {
  director = await startDirector();
  rig = await nodeRig(director, 1);
  [primary, worker] = rig.nodes as [RigNode, RigNode];
  for (const node of rig.nodes) await node.start();
  for (const node of rig.nodes) await eventually(`${node.name} reaches both`, () => reachesBoth(node), LONG_MS);
});
after(() => rig.cleanup());

async function reachesBoth(node: RigNode): Promise<boolean> {
  const names = new Set<string>();
  for (let i = 0; i < 8; i++) names.add((await askHello(node.address, PORT).catch(() => undefined))?.node ?? '');
  return names.has(primary.name) && names.has(worker.name);
}

test('the director is killed: services, balancers and repairs go on', async (t) => {
  const load = loadHello(t, primary.address, PORT);
  await director.kill();
  const pid = worker.podPid('hello');
  process.kill(pid, 'SIGKILL');
  await eventually('the service is back', () => ![0, pid].includes(worker.podPid('hello')));
  await eventually('both are reached', () => reachesBoth(primary), LONG_MS);
  const { asked, failures } = await load.stop();
  t.diagnostic(`${asked} new connections, ${failures.length} failed`);
  assert.deepEqual(failures, []);
});

test('a reboot of both nodes without a director: everything starts again from the node stores', async (t) => {
  for (const node of rig.nodes) node.killAll();
  assert.deepEqual(
    rig.nodes.map((node) => node.processes().length),
    [0, 0],
  );
  const startedMs = performance.now();
  for (const node of rig.nodes) await node.start();
  for (const node of rig.nodes) await eventually(`${node.name} reaches both`, () => reachesBoth(node), LONG_MS);
  t.diagnostic(`both serve ${(performance.now() - startedMs).toFixed(0)} ms after their agents were started`);
  await eventually('the singleton runs on the primary', () => primary.podPid('ticker') !== 0);
  assert.equal(worker.podPid('ticker'), 0);
});

test('a damaged plan stops nothing, and a node with a damaged membership runs no singleton', async () => {
  primary.killAll();
  const { writeFileSync } = await import('node:fs');
  writeFileSync(join(primary.dir, 'store', 'membership.json'), '{"format":1,"crc":0,"body":{}}');
  await primary.start();
  await eventually('it serves', async () => (await askHello(primary.address, PORT).catch(() => undefined)) !== undefined, LONG_MS);
  await eventually('its own instance runs', () => primary.podPid('hello') !== 0);
  assert.equal(primary.podPid('ticker'), 0, 'without a membership it is nobody');

  const pid = worker.podPid('hello');
  process.kill(worker.processes('agent')[0]!.id.pid, 'SIGKILL');
  writeFileSync(join(worker.dir, 'store', 'plan.json'), 'torn');
  await worker.start();
  await eventually('it says so', () => worker.log().includes('A record of the node store is damaged'));
  assert.equal(worker.podPid('hello'), pid);
});

test('the director is back: the nodes say what they are, and the primary is primary again', async () => {
  const { database, data, port } = director;
  director = await startDirector({ database, data, port });
  const agentOf = async (node: RigNode) => (await node.seen()).status?.agent;
  for (const node of rig.nodes) {
    await eventually(
      `${node.name} is ready`,
      async () => (await agentOf(node))?.phase === 'Ready' && (await agentOf(node))?.services?.['hello']?.ready,
      LONG_MS,
    );
  }
  await eventually('the singleton runs', () => primary.podPid('ticker') !== 0, LONG_MS);
  assert.equal((await primary.seen()).status?.role, 'Primary');
  assert.match(primary.podLog('ticker'), /term=1 /);
});

test('the stores of both nodes may be lost while their pods run: they are adopted once the plan is known again', async () => {
  const pids = rig.nodes.map((node) => node.podPid('hello'));
  const lives = rig.nodes.map((node) => node.log().split('The agent starts').length);
  for (const node of rig.nodes) {
    process.kill(node.processes('agent')[0]!.id.pid, 'SIGKILL');
    rmSync(join(node.dir, 'store'), { recursive: true });
    await node.start();
  }
  for (const [index, node] of rig.nodes.entries()) {
    const life = (): string => node.log().split('The agent starts')[lives[index]!] ?? '';
    await eventually(`${node.name} has taken its plan`, () => life().includes('hello is Running and ready'), LONG_MS);
  }
  assert.deepEqual(
    rig.nodes.map((node) => node.podPid('hello')),
    pids,
  );
});
