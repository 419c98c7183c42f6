/**
 * The host daemon in a world of its own, in virtual time.
 */

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { runHostDaemon } from '../../../src/host/daemon.ts';
import { CLUSTERS, CLUSTER_NODES, HOSTS, VIRTUAL_DATA_CENTERS } from '../../../src/model/addresses.ts';
import type { ResourceAddress } from '../../../src/model/core-kinds.ts';
import { Fault } from '../../../src/model/fault.ts';
import type { JsonObject } from '../../../src/model/json.ts';
import { ANNOTATION_DISCARD, FINALIZER_NODE } from '../../../src/model/labels.ts';
import { LIMITS } from '../../../src/model/limits.ts';
import type { CertificateFacts } from '../../../src/ports/x509.ts';
import { fakeWorld } from './fake-world.ts';
import type { World } from './fake-world.ts';

const UID = 'uid-n0';
const NODE_FILE = `/data/host/nodes/${UID}/node.json`;
const KILLED = { exitCode: null, signal: 'SIGKILL' };

function node(over: { readonly metadata?: JsonObject; readonly spec?: JsonObject } = {}): JsonObject {
  return {
    metadata: {
      name: 'n0',
      namespace: 'demo',
      uid: UID,
      creationTimestamp: '2026-01-01T00:00:00Z',
      finalizers: [FINALIZER_NODE],
      ...over.metadata,
    },
    spec: {
      cluster: 'harbor',
      clusterUid: 'uid-harbor',
      virtualDataCenter: 'main',
      attempt: 1,
      index: 0,
      role: 'Primary',
      incarnation: 1,
      resources: { cpuMillis: 500, memoryMiB: 256 },
      ...over.spec,
    },
  };
}

function populated(): World {
  const world = fakeWorld();
  world.put(HOSTS, {
    metadata: { name: 'h1', uid: 'uid-h1' },
    spec: { capacity: { nodes: 4, cpuMillis: 4000, memoryMiB: 4096 }, drivers: ['process'], cordoned: false },
  });
  world.put(VIRTUAL_DATA_CENTERS, {
    metadata: { name: 'main', namespace: 'demo', uid: 'uid-main' },
    spec: { hosts: ['h1'], nodeDriver: 'process', quota: { nodes: 4 } },
  });
  world.put(CLUSTERS, { metadata: { name: 'harbor', namespace: 'demo', uid: 'uid-harbor' }, spec: {}, status: {} });
  return world;
}

interface Daemon {
  readonly stop: () => Promise<void>;
}

async function start(world: World): Promise<Daemon> {
  const controller = new AbortController();
  const done = runHostDaemon(world.deps, controller.signal);
  await world.clock.advance(1_000);
  return {
    stop: async () => {
      controller.abort(new Fault('Aborted', 'stop'));
      await world.clock.advance(10);
      await done;
    },
  };
}

const infrastructure = (world: World): JsonObject => part(world, CLUSTER_NODES, 'n0', 'status')['infrastructure'] as JsonObject;

function part(world: World, address: ResourceAddress, name: string, member: string): JsonObject {
  return (world.read(address, name) ?? {})[member] as JsonObject;
}

describe('a node comes', () => {
  test('it is claimed, prepared, started and reported', async () => {
    const world = populated();
    const daemon = await start(world);
    world.put(CLUSTER_NODES, node());
    await world.clock.advance(1_000);
    assert.equal(part(world, CLUSTER_NODES, 'n0', 'spec')['host'], 'h1');
    const [agent, ...others] = world.agents();
    assert.deepEqual([agent?.command, others], [['outrigger', 'agent', '--dir', `/data/host/nodes/${UID}`], []]);
    const file = JSON.parse(world.files.get(NODE_FILE) ?? '{}') as JsonObject;
    assert.equal(file['address'], '127.77.7.10');
    assert.equal((file['podAddresses'] as string[]).length, 9);
    assert.match(file['token'] as string, /^demo\.id\d+\.s+$/);
    assert.deepEqual(infrastructure(world), {
      incarnation: 1,
      phase: 'Running',
      address: '127.77.7.10',
      podAddresses: file['podAddresses'],
      pid: agent?.id.pid,
      restarts: 0,
      bootId: 'boot',
    });
    const status = world.read(HOSTS, 'h1')?.['status'] as JsonObject;
    assert.deepEqual([status['nodes'], status['used']], [1, { cpuMillis: 500, memoryMiB: 256 }]);
    assert.equal(world.files.get('/data/run/demo.n0.pid'), `${agent?.id.pid}\n`);
    await daemon.stop();
    assert.equal(world.agents().length, 1, 'I2: nodes go on when the daemon ends');
  });

  test('two nodes get two slots', async () => {
    const world = populated();
    const daemon = await start(world);
    world.put(CLUSTER_NODES, node());
    world.put(CLUSTER_NODES, node({ metadata: { name: 'n1', uid: 'uid-n1' }, spec: { index: 1, role: 'Worker' } }));
    await world.clock.advance(2_000);
    const addresses = [UID, 'uid-n1'].map(
      (uid) => (JSON.parse(world.files.get(`/data/host/nodes/${uid}/node.json`) ?? '{}') as JsonObject)['address'],
    );
    assert.deepEqual(addresses.map(String).toSorted(), ['127.77.7.10', '127.77.7.20']);
    await daemon.stop();
  });

  test('it is not started while its cluster is being deleted', async () => {
    const world = populated();
    world.patch(CLUSTERS, 'harbor', { metadata: { deletionTimestamp: 'x', finalizers: ['f'] } });
    const daemon = await start(world);
    world.put(CLUSTER_NODES, node({ spec: { host: 'h1' } }));
    await world.clock.advance(60_000);
    assert.equal(world.started.length, 0);
    await daemon.stop();
  });
});

async function running(): Promise<{ readonly world: World; readonly daemon: Daemon }> {
  const world = populated();
  world.put(CLUSTER_NODES, node());
  const daemon = await start(world);
  assert.equal(world.agents().length, 1);
  return { world, daemon };
}

describe('a node runs', () => {
  test('a killed agent is back within a second, again and again, and the restarts are counted', async () => {
    const { world, daemon } = await running();
    for (let i = 1; i <= 2; i++) {
      world.agents()[0]?.end(KILLED);
      await world.clock.advance(1_000);
      assert.equal(world.agents().length, 1);
      assert.equal(infrastructure(world)['restarts'], i);
    }
    await daemon.stop();
  });

  test('restarted daemon: finds the agent again, starts no second one, and restarts it when it ends', async () => {
    const { world, daemon } = await running();
    await daemon.stop();
    const again = await start(world);
    assert.equal(world.started.length, 1);
    world.agents()[0]?.end(KILLED);
    await world.clock.advance(1_000);
    assert.equal(world.agents().length, 1);
    assert.equal(world.started.length, 2);
    await again.stop();
  });

  test('I1 of machine.ts: an agent whose pid was never written down is found by its marks', async () => {
    const { world, daemon } = await running();
    await daemon.stop();
    const record = world.records.get(`node-${UID}`) as JsonObject;
    delete record['agent'];
    world.records.set(`node-${UID}`, record);
    const again = await start(world);
    assert.equal(world.started.length, 1);
    await again.stop();
  });

  test('I1: after a reboot it is started again though no director answers', async () => {
    const { world, daemon } = await running();
    await daemon.stop();
    for (const one of world.alive.values()) one.end(KILLED);
    world.setReachable(false);
    const again = await start(world);
    assert.equal(world.agents().length, 1);
    await again.stop();
  });

  test('directors at another address: the agent is told by a restart', async () => {
    const { world, daemon } = await running();
    await daemon.stop();
    (world.deps as { directors: readonly string[] }).directors = ['https://d:2'];
    const again = await start(world);
    await world.clock.advance(1_000);
    assert.equal(world.started.length, 2);
    assert.deepEqual((JSON.parse(world.files.get(NODE_FILE) ?? '{}') as JsonObject)['directors'], ['https://d:2']);
    await again.stop();
  });

  test('I4: a revoked certificate: the agent gets a token for just that, once, and its old certificate stays until it has another', async () => {
    const { world, daemon } = await running();
    world.certificates.set(UID, facts('A1', Date.parse('2030-01-01T00:00:00Z')));
    await world.clock.advance(60_000);
    const calm = world.started.length;
    world.patch(CLUSTER_NODES, 'n0', { spec: { revokedBefore: '2030-02-01T00:00:00Z' } });
    await world.clock.advance(1_000);
    const file = JSON.parse(world.files.get(NODE_FILE) ?? '{}') as JsonObject;
    assert.equal(file['replaces'], 'A1');
    assert.equal(world.started.length, calm + 1, 'the agent is started again, to join with it');
    await world.clock.advance(5 * 60_000);
    assert.equal(world.started.length, calm + 1, 'an unused token is not replaced at each look');
    world.certificates.set(UID, facts('B2', Date.parse('2030-02-01T00:00:00Z')));
    await world.clock.advance(60 * 60_000);
    assert.equal(world.started.length, calm + 1, 'with a younger certificate all is well');
    await daemon.stop();
  });

  test('I4: a lost identity: no director answers, and the agent is still restarted at once; it gets a token when one does', async () => {
    const { world, daemon } = await running();
    await world.clock.advance(60_000);
    const file = (): JsonObject => JSON.parse(world.files.get(NODE_FILE) ?? '{}') as JsonObject;
    const { token, ...rest } = file();
    assert.ok(token !== undefined);
    world.files.set(NODE_FILE, JSON.stringify(rest));
    world.setReachable(false);
    world.agents()[0]?.end({ exitCode: 3, signal: null });
    await world.clock.advance(1_000);
    assert.equal(world.agents().length, 1);
    assert.equal(file()['token'], undefined);
    world.setReachable(true);
    await world.clock.advance(30_000);
    assert.match(file()['token'] as string, /^demo\./);
    assert.equal(world.agents().length, 1);
    await daemon.stop();
  });

  test('an agent that was refused before it had a certificate gets another token', async () => {
    const { world, daemon } = await running();
    const before = (JSON.parse(world.files.get(NODE_FILE) ?? '{}') as JsonObject)['token'];
    world.agents()[0]?.end({ exitCode: 3, signal: null });
    await world.clock.advance(1_000);
    const after = (JSON.parse(world.files.get(NODE_FILE) ?? '{}') as JsonObject)['token'];
    assert.notEqual(after, before);
    assert.equal(world.agents().length, 1);
    await daemon.stop();
  });
});

function facts(serialNumber: string, notBeforeMs: number): CertificateFacts {
  const rest = {
    commonNames: [],
    organizations: [],
    clientAuth: true,
    serverAuth: false,
    isAuthority: false,
    publicKeyDer: new Uint8Array(),
  };
  return { ...rest, serialNumber, notBeforeMs, notAfterMs: notBeforeMs + LIMITS.leafLifetimeMs };
}

describe('a node goes', () => {
  test('tombstone: everything stops, the folder goes, then the finalizer', async () => {
    const { world, daemon } = await running();
    world.patch(CLUSTER_NODES, 'n0', { metadata: { deletionTimestamp: 'x' } });
    await world.clock.advance(2_000);
    assert.equal(world.read(CLUSTER_NODES, 'n0'), undefined);
    assert.equal(world.alive.size, 0);
    assert.equal(world.files.has(NODE_FILE), false);
    assert.equal(world.files.has('/data/run/demo.n0.pid'), false);
    assert.equal(world.records.has(`node-${UID}`), false);
    await daemon.stop();
  });

  test('I3: what the agent leaves behind is ended before the finalizer goes', async () => {
    const { world, daemon } = await running();
    const balancer = { OUTRIGGER_DATA: '/data', OUTRIGGER_NODE: UID, OUTRIGGER_ROLE: 'balancer' };
    await world.deps.processes.start({ command: ['balancer'], environment: balancer, folder: '/', logFile: '/l' });
    world.patch(CLUSTER_NODES, 'n0', { metadata: { deletionTimestamp: 'x' } });
    await world.clock.advance(2_000);
    assert.equal(world.alive.size, 0);
    assert.equal(world.read(CLUSTER_NODES, 'n0'), undefined);
    await daemon.stop();
  });

  test('I2: a stop that was cut off by a crash is gone on with, also when the object is gone meanwhile', async () => {
    const { world, daemon } = await running();
    await daemon.stop();
    world.records.set(`node-${UID}`, { ...(world.records.get(`node-${UID}`) as JsonObject), phase: 'Stopping' });
    world.erase(CLUSTER_NODES, 'n0');
    const again = await start(world);
    assert.equal(world.alive.size, 0);
    assert.equal(world.records.size > 0 && world.records.has(`node-${UID}`), false);
    await again.stop();
  });

  test('absence is no command: an unknown node goes on and is reported; known again, it is reported no more', async () => {
    const { world, daemon } = await running();
    const there = structuredClone(world.read(CLUSTER_NODES, 'n0'))!;
    world.erase(CLUSTER_NODES, 'n0');
    await world.clock.advance(31_000);
    assert.equal(world.agents().length, 1);
    assert.deepEqual(part(world, HOSTS, 'h1', 'status')['unclaimed'], ['demo/n0']);
    const [told] = part(world, HOSTS, 'h1', 'status')['unclaimedNodes'] as JsonObject[];
    const { uid, why, incarnation, clusterKnown, message } = told ?? {};
    assert.deepEqual({ uid, why, incarnation, clusterKnown }, { uid: UID, why: 'Unknown', incarnation: 1, clusterKnown: true });
    assert.match(
      typeof message === 'string' ? message : '',
      /it goes on\. Take it back: outrigger node adopt n0 -n demo --host h1; or have it stopped: outrigger node discard/,
    );
    world.put(CLUSTER_NODES, there);
    await world.clock.advance(1_000);
    assert.deepEqual(part(world, HOSTS, 'h1', 'status')['unclaimed'], []);
    assert.equal(world.started.length, 1);
    await daemon.stop();
  });

  test('an unknown node whose tombstone the director shows is stopped: it was deleted while this host was away', async () => {
    const { world, daemon } = await running();
    world.buried.add(UID);
    world.erase(CLUSTER_NODES, 'n0');
    await world.clock.advance(1_000);
    assert.equal(world.alive.size, 0);
    assert.equal(world.records.has(`node-${UID}`), false);
    assert.deepEqual(part(world, HOSTS, 'h1', 'status')['unclaimed'], []);
    await daemon.stop();
  });

  test('a person has an unclaimed node stopped, and only while it is unclaimed', async () => {
    const { world, daemon } = await running();
    world.patch(HOSTS, 'h1', { metadata: { annotations: { [ANNOTATION_DISCARD]: `other, ${UID}` } } });
    await world.clock.advance(40_000);
    assert.equal(world.agents().length, 1, "it is one of the director's");
    world.erase(CLUSTER_NODES, 'n0');
    await world.clock.advance(1_000);
    assert.equal(world.alive.size, 0);
    assert.deepEqual(part(world, HOSTS, 'h1', 'status')['unclaimedNodes'], []);
    await daemon.stop();
  });

  test('a higher incarnation: the old life ends; claimed again, a new one starts', async () => {
    const { world, daemon } = await running();
    world.patch(CLUSTER_NODES, 'n0', { spec: { incarnation: 2, host: null } });
    await world.clock.advance(2_000);
    const agents = world.agents();
    assert.equal(agents.length, 1);
    assert.equal((JSON.parse(world.files.get(NODE_FILE) ?? '{}') as JsonObject)['incarnation'], 2);
    assert.equal(infrastructure(world)['incarnation'], 2);
    await daemon.stop();
  });

  test('retired: stopped and reported gone, not started again', async () => {
    const { world, daemon } = await running();
    world.patch(CLUSTER_NODES, 'n0', { spec: { retired: true } });
    await world.clock.advance(60_000);
    assert.equal(world.alive.size, 0);
    assert.equal(infrastructure(world)['phase'], 'Gone');
    await daemon.stop();
  });

  test('a node that never began is let go at once', async () => {
    const world = populated();
    world.put(CLUSTER_NODES, node({ metadata: { deletionTimestamp: 'x' }, spec: { host: 'h1' } }));
    const daemon = await start(world);
    assert.equal(world.read(CLUSTER_NODES, 'n0'), undefined);
    assert.equal(world.started.length, 0);
    await daemon.stop();
  });
});

describe('another control plane', () => {
  test('a node of the same name with another uid is another node: the old one goes on, unclaimed', async () => {
    const { world, daemon } = await running();
    await daemon.stop();
    world.erase(CLUSTER_NODES, 'n0');
    world.put(CLUSTER_NODES, node({ metadata: { uid: 'uid-other' } }));
    const again = await start(world);
    await world.clock.advance(2_000);
    assert.deepEqual(part(world, HOSTS, 'h1', 'status')['unclaimed'], ['demo/n0']);
    assert.equal(world.agents().length, 2);
    const address = (uid: string) => (JSON.parse(world.files.get(`/data/host/nodes/${uid}/node.json`) ?? '{}') as JsonObject)['address'];
    assert.deepEqual([address(UID), address('uid-other')], ['127.77.7.10', '127.77.7.20']);
    await again.stop();
  });
});

test('I2 of records.ts: a damaged record is left alone, and its addresses are given to nobody', async () => {
  const { world, daemon } = await running();
  await daemon.stop();
  world.damaged.add(`node-${UID}`);
  const again = await start(world);
  world.put(CLUSTER_NODES, node({ metadata: { name: 'n1', uid: 'uid-n1' }, spec: { index: 1, role: 'Worker' } }));
  await world.clock.advance(2_000);
  const file = JSON.parse(world.files.get('/data/host/nodes/uid-n1/node.json') ?? '{}') as JsonObject;
  assert.equal(file['address'], '127.77.7.20');
  assert.equal(world.records.has(`node-${UID}`), true);
  await again.stop();
});
