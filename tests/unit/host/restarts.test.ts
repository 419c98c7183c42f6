/**
 * Node-level HA and lost records, by the host daemon in virtual time: what fails, what is restarted, what is left, and what is said of it.
 */

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { runHostDaemon } from '../../../src/host/daemon.ts';
import { CLUSTERS, CLUSTER_NODES, HOSTS, VIRTUAL_DATA_CENTERS } from '../../../src/model/addresses.ts';
import { Fault } from '../../../src/model/fault.ts';
import type { JsonObject } from '../../../src/model/json.ts';
import { ANNOTATION_HOST_DEAD, ANNOTATION_RESTART, FINALIZER_NODE } from '../../../src/model/labels.ts';
import type { CertificateFacts } from '../../../src/ports/x509.ts';
import { fakeWorld } from './fake-world.ts';
import type { World } from './fake-world.ts';

const UID = 'uid-n0';
const KILLED = { exitCode: null, signal: 'SIGKILL' };
const HOUR_MS = 3_600_000;

const CERTIFICATE: CertificateFacts = {
  serialNumber: 'A1',
  notBeforeMs: 0,
  notAfterMs: Number.MAX_SAFE_INTEGER,
  commonNames: [],
  organizations: [],
  clientAuth: true,
  serverAuth: false,
  isAuthority: false,
  publicKeyDer: new Uint8Array(),
};

function node(spec: JsonObject = {}): JsonObject {
  const metadata = { name: 'n0', namespace: 'demo', uid: UID, creationTimestamp: '2026-01-01T00:00:00Z', finalizers: [FINALIZER_NODE] };
  const place = { cluster: 'harbor', clusterUid: 'uid-harbor', virtualDataCenter: 'main', attempt: 1, index: 0, role: 'Primary' };
  return { metadata, spec: { ...place, incarnation: 1, resources: { cpuMillis: 500, memoryMiB: 256 }, ...spec } };
}

interface Running {
  readonly world: World;
  readonly stop: () => Promise<void>;
}

async function start(world: World): Promise<Running> {
  const controller = new AbortController();
  const done = runHostDaemon(world.deps, controller.signal);
  await world.clock.advance(1_000);
  const stop = async (): Promise<void> => {
    controller.abort(new Fault('Aborted', 'stop'));
    await world.clock.advance(10);
    await done;
  };
  return { world, stop };
}

async function running(nodeRestart: string): Promise<Running> {
  const world = fakeWorld();
  const capacity = { nodes: 4, cpuMillis: 4000, memoryMiB: 4096 };
  world.put(HOSTS, { metadata: { name: 'h1', uid: 'uid-h1' }, spec: { capacity, drivers: ['process'], cordoned: false } });
  const vdc = { hosts: ['h1'], nodeDriver: 'process', quota: { nodes: 4 } };
  world.put(VIRTUAL_DATA_CENTERS, { metadata: { name: 'main', namespace: 'demo', uid: 'uid-main' }, spec: vdc });
  const spec = { availability: { failover: 'None', nodeRestart } };
  world.put(CLUSTERS, { metadata: { name: 'harbor', namespace: 'demo', uid: 'uid-harbor' }, spec, status: {} });
  world.put(CLUSTER_NODES, node());
  // A node without one is given a token, and restarted for it, now and then.
  world.certificates.set(UID, CERTIFICATE);
  const run = await start(world);
  assert.equal(world.agents().length, 1);
  return run;
}

const part = (world: World, address: typeof HOSTS | typeof CLUSTER_NODES, name: string, member: string): JsonObject =>
  (world.read(address, name) ?? {})[member] as JsonObject;
const said = (world: World): JsonObject => part(world, CLUSTER_NODES, 'n0', 'status')['infrastructure'] as JsonObject;

const addressOf = (world: World, uid: string): unknown =>
  (JSON.parse(world.files.get(`/data/host/nodes/${uid}/node.json`) ?? '{}') as JsonObject)['address'];

async function kill(world: World, waitMs = 40_000): Promise<void> {
  world.agents()[0]?.end(KILLED);
  await world.clock.advance(waitMs);
}

describe('an agent that ends', () => {
  test('three restarts in an hour, then the host gives up, says so, and leaves pods alone; also after its own restart', async () => {
    const { world, stop } = await running('High');
    const pod = { OUTRIGGER_DATA: '/data', OUTRIGGER_NODE: UID, OUTRIGGER_ROLE: 'pod' };
    await world.deps.processes.start({ command: ['pod'], environment: pod, folder: '/', logFile: '/l' });
    for (let i = 1; i <= 3; i++) {
      await kill(world);
      assert.equal(world.agents().length, 1, `restart ${i}`);
    }
    await kill(world);
    assert.equal(world.agents().length, 0);
    assert.deepEqual([said(world)['phase'], said(world)['reason']], ['Failed', 'GivenUp']);
    assert.match(said(world)['message'] as string, /restarted 3 times within 1 hour .*outrigger node restart n0 -n demo/);
    assert.equal(world.alive.size, 1, 'the pod goes on');
    await stop();
    const again = await start(world);
    await world.clock.advance(2 * HOUR_MS);
    assert.equal(world.agents().length, 0, 'a restart of the daemon clears nothing');
    assert.equal(said(world)['reason'], 'GivenUp');
    world.patch(CLUSTER_NODES, 'n0', { metadata: { annotations: { [ANNOTATION_RESTART]: 'r1' } } });
    await world.clock.advance(1_000);
    assert.equal(world.agents().length, 1, 'a person asked for it');
    assert.deepEqual([said(world)['phase'], said(world)['reason'], said(world)['message']], ['Running', undefined, undefined]);
    for (let i = 1; i <= 3; i++) await kill(world);
    assert.equal(world.agents().length, 1, 'the budget is fresh');
    await kill(world);
    assert.equal(world.agents().length, 0);
    await again.stop();
  });

  test('a person who asks for a start waits for no back-off, and is told at once', async () => {
    const { world, stop } = await running('High');
    for (let i = 1; i <= 7 && said(world)['reason'] !== 'GivenUp'; i++) await kill(world);
    assert.equal(said(world)['reason'], 'GivenUp');
    for (const request of ['r1', 'r2']) {
      world.patch(CLUSTER_NODES, 'n0', { metadata: { annotations: { [ANNOTATION_RESTART]: request } } });
      await world.clock.advance(100);
      assert.deepEqual([world.agents().length, said(world)['phase']], [1, 'Running'], request);
      // The next one finds it in the midst of a back-off.
      for (let i = 1; i <= 3; i++) await kill(world, i === 3 ? 0 : 40_000);
    }
    await stop();
  });

  test('more than three in longer than the window are all answered', async () => {
    const { world, stop } = await running('High');
    for (let i = 1; i <= 8; i++) await kill(world, HOUR_MS / 3);
    assert.equal(world.agents().length, 1);
    await stop();
  });

  test('told to end in order, or refused by a director: started again, and it counts for nothing', async () => {
    const { world, stop } = await running('High');
    for (let i = 1; i <= 6; i++) {
      world.agents()[0]?.end({ exitCode: i % 2 === 0 ? 0 : 3, signal: null });
      await world.clock.advance(120_000);
      assert.equal(world.agents().length, 1);
    }
    await stop();
  });

  test('ended while no daemon looked: started, without counting', async () => {
    const { world, stop } = await running('High');
    let [current, halt] = [world, stop];
    for (let i = 1; i <= 6; i++) {
      await halt();
      current.agents()[0]?.end(KILLED);
      ({ world: current, stop: halt } = await start(world));
      assert.equal(world.agents().length, 1);
    }
    await halt();
  });

  test('Off: it is left, and said; the preset is followed, and then it is started', async () => {
    const { world, stop } = await running('Off');
    await kill(world);
    assert.equal(world.agents().length, 0);
    assert.deepEqual([said(world)['phase'], said(world)['reason']], ['Exited', 'Off']);
    world.patch(CLUSTERS, 'harbor', { spec: { availability: { nodeRestart: 'Low' } } });
    await world.clock.advance(20_000);
    assert.equal(world.agents().length, 1);
    assert.equal(said(world)['reason'], undefined);
    await stop();
  });

  test('a node that was given up is deleted: everything of it ends', async () => {
    const { world, stop } = await running('High');
    const pod = { OUTRIGGER_DATA: '/data', OUTRIGGER_NODE: UID, OUTRIGGER_ROLE: 'pod' };
    await world.deps.processes.start({ command: ['pod'], environment: pod, folder: '/', logFile: '/l' });
    for (let i = 1; i <= 4; i++) await kill(world);
    world.patch(CLUSTER_NODES, 'n0', { metadata: { deletionTimestamp: 'x' } });
    await world.clock.advance(5_000);
    assert.deepEqual([world.alive.size, world.read(CLUSTER_NODES, 'n0')], [0, undefined]);
    await stop();
  });
});

describe('an agent that is silent', () => {
  test('silent and idle for the silence of its preset: ended and started again, and that counts', async () => {
    const { world, stop } = await running('Medium');
    const first = world.agents()[0]?.id.pid ?? 0;
    world.silent.add(first).add(0);
    world.idle.add(first);
    await world.clock.advance(58_000);
    assert.equal(world.agents()[0]?.id.pid, first, 'not before its time');
    await world.clock.advance(6_000);
    assert.notEqual(world.agents()[0]?.id.pid, first);
    assert.equal(world.agents().length, 1);
    assert.equal(said(world)['restarts'], 1);
    await stop();
  });

  test('silent but writing, or idle but alive: left alone for a day', async () => {
    const { world, stop } = await running('High');
    const pid = world.agents()[0]?.id.pid ?? 0;
    world.silent.add(pid);
    await world.clock.advance(HOUR_MS);
    world.silent.delete(pid);
    world.idle.add(pid);
    await world.clock.advance(HOUR_MS);
    assert.equal(world.agents()[0]?.id.pid, pid);
    assert.equal(world.started.length, 1);
    await stop();
  });

  test('Off: never', async () => {
    const { world, stop } = await running('Off');
    const pid = world.agents()[0]?.id.pid ?? 0;
    world.silent.add(pid);
    world.idle.add(pid);
    await world.clock.advance(HOUR_MS);
    assert.equal(world.agents()[0]?.id.pid, pid);
    await stop();
  });
});

describe('a host that lost its records', () => {
  async function wiped(withMachine: boolean): Promise<Running> {
    const { world, stop } = await running('Medium');
    await stop();
    for (const name of world.records.keys()) if (name.startsWith('node-')) world.records.delete(name);
    if (withMachine) for (const one of world.alive.values()) one.end(KILLED);
    if (withMachine) for (const path of world.files.keys()) if (path.includes(UID)) world.files.delete(path);
    return start(world);
  }

  test('nothing is left: it says Gone, and starts that life never again', async () => {
    const { world, stop } = await wiped(true);
    await world.clock.advance(120_000);
    assert.equal(world.started.length, 1);
    assert.equal(said(world)['phase'], 'Gone');
    world.patch(CLUSTER_NODES, 'n0', { spec: { incarnation: 2, host: null } });
    await world.clock.advance(2_000);
    assert.equal(world.agents().length, 1, 'the next life may run here');
    await stop();
  });

  test('something lives: it starts nothing, stops nothing and says so; a higher incarnation takes the place', async () => {
    const { world, stop } = await wiped(false);
    await world.clock.advance(120_000);
    assert.deepEqual([world.started.length, world.agents().length], [1, 1]);
    assert.deepEqual([said(world)['phase'], said(world)['reason']], ['Failed', 'RecordLost']);
    const status = part(world, HOSTS, 'h1', 'status');
    assert.deepEqual(status['recordLost'], ['demo/n0']);
    world.patch(CLUSTER_NODES, 'n0', { spec: { incarnation: 2, host: null } });
    await world.clock.advance(35_000);
    assert.equal(world.agents().length, 1);
    assert.equal(said(world)['incarnation'], 2);
    assert.deepEqual(part(world, HOSTS, 'h1', 'status')['recordLost'], []);
    await stop();
  });

  test('I1 of slots-taken.ts: something lives: another node gets another address', async () => {
    const { world, stop } = await wiped(false);
    const another = {
      ...node({ index: 1, role: 'Worker' }),
      metadata: { ...(node()['metadata'] as JsonObject), name: 'n1', uid: 'uid-n1' },
    };
    world.put(CLUSTER_NODES, another);
    await world.clock.advance(2_000);
    assert.equal(addressOf(world, UID), '127.77.7.10');
    assert.equal(addressOf(world, 'uid-n1'), '127.77.7.20');
    await stop();
  });

  test('I1 of slots-taken.ts: an address on which somebody listens is given to nobody, folder or not', async () => {
    const { world, stop } = await wiped(true);
    // A pod of slot 1 and the balancer of slot 2.
    world.listening.add(13).add(20);
    world.patch(CLUSTER_NODES, 'n0', { spec: { incarnation: 2, host: null } });
    await world.clock.advance(2_000);
    assert.equal(addressOf(world, UID), '127.77.7.30');
    await stop();
  });

  test('something lives and the node is deleted: all that bears its mark ends before the finalizer goes', async () => {
    const { world, stop } = await wiped(false);
    await world.clock.advance(1_000);
    world.patch(CLUSTER_NODES, 'n0', { metadata: { deletionTimestamp: 'x' } });
    await world.clock.advance(5_000);
    assert.deepEqual([world.alive.size, world.read(CLUSTER_NODES, 'n0')], [0, undefined]);
    await stop();
  });
});

describe('what the host says', () => {
  test('I3 of infrastructure.ts: an old word that comes late is put right', async () => {
    const { world, stop } = await running('Medium');
    const now = said(world);
    world.patch(CLUSTER_NODES, 'n0', { status: { infrastructure: { ...now, phase: 'Starting', pid: 1 } } });
    await world.clock.advance(1_000);
    assert.deepEqual(said(world), now);
    await stop();
  });

  test('confirmed dead in this boot it claims and begins nothing, keeps what nobody replaced, and says so', async () => {
    const { world, stop } = await running('Medium');
    world.patch(HOSTS, 'h1', { metadata: { annotations: { [ANNOTATION_HOST_DEAD]: 'boot' } } });
    await world.clock.advance(1_000);
    world.put(CLUSTER_NODES, { ...node(), metadata: { ...(node()['metadata'] as JsonObject), name: 'n1', uid: 'uid-n1' } });
    await world.clock.advance(60_000);
    assert.equal(world.agents().length, 1);
    assert.equal(part(world, CLUSTER_NODES, 'n1', 'spec')['host'], undefined);
    const [ready] = part(world, HOSTS, 'h1', 'status')['conditions'] as JsonObject[];
    assert.deepEqual([ready?.['status'], ready?.['reason']], ['False', 'NodeLost']);
    world.patch(CLUSTER_NODES, 'n0', { spec: { incarnation: 2, host: null } });
    await world.clock.advance(5_000);
    assert.equal(world.agents().length, 0, 'what was replaced is stopped');
    await stop();
  });
});
