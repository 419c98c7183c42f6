/**
 * A cluster of joined machines: nodes that wait for people, two machines that join by the printed command, and all of a node's life without a host daemon.
 */
import assert from 'node:assert/strict';
import { randomInt } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { after, before, describe, test } from 'node:test';
import { CLUSTERS, CLUSTER_NODES } from '../../src/model/addresses.ts';
import type { ClusterNode } from '../../src/model/cluster-node.ts';
import type { Cluster } from '../../src/model/cluster.ts';
import { conditionOf } from '../../src/model/condition.ts';
import type { JsonObject } from '../../src/model/json.ts';
import {
  ask,
  clusterOf,
  createCluster,
  deleteCluster,
  kill9,
  NAMESPACE,
  say,
  seconds,
  startControlPlane,
} from '../support/control-plane.ts';
import type { ControlPlane } from '../support/control-plane.ts';
import { wrongClock } from '../support/director.ts';
import { eventually } from '../support/eventually.ts';
import { runCommand, testMachine } from '../support/machine-rig.ts';
import type { CommandDone, Running, TestMachine } from '../support/machine-rig.ts';

const CLUSTER = 'shore';
const WAIT_MS = 60_000;
/** Loopback addresses that no host daemon gives. */
const NETWORK = `127.79.${randomInt(1, 250)}`;

interface Made {
  readonly token: string;
  readonly server: string;
  readonly caHash: string;
  readonly command: string;
  readonly note?: string;
  readonly madeAt: string;
}

describe('a cluster of joined machines', () => {
  let plane: ControlPlane;
  let one: TestMachine;
  let two: TestMachine;
  /** The token by which the first machine joined. */
  let used: Made;
  const agents = new Map<TestMachine, Running>();

  before(async () => {
    plane = await startControlPlane('joined', 1, ['--no-sample']);
    await makeOrganization(plane);
    one = testMachine(`${plane.data}/machines/one`, `${NETWORK}.10`);
    two = testMachine(`${plane.data}/machines/two`, `${NETWORK}.20`);
  });
  after(async () => {
    one?.killAll();
    two?.killAll();
    await plane?.cleanup();
  });

  const token = async (node: string, ...more: readonly string[]): Promise<Made> => {
    const done = await runCommand(['token', 'create', '--node', `${NAMESPACE}/${node}`, '--data', plane.data, '--json', ...more]);
    assert.equal(done.code, 0, done.err);
    return { ...(JSON.parse(done.out) as Made), madeAt: new Date().toISOString() };
  };
  const joinArgs = (machine: TestMachine, made: Made, ...more: readonly string[]): readonly string[] => {
    const how = ['--server', made.server, '--token', made.token, '--ca-hash', made.caHash];
    return [
      'agent',
      'join',
      ...how,
      '--data',
      machine.data,
      '--address',
      machine.address,
      '--lease-renew',
      '2s',
      '--balancer',
      'relay',
      ...more,
    ];
  };
  const nodeAt = async (index: number): Promise<ClusterNode | undefined> =>
    (await plane.list(CLUSTER_NODES)).find((node) => node.spec.cluster === CLUSTER && node.spec.index === index);
  const until = (what: string, holds: (cluster: Cluster) => boolean): Promise<Cluster> =>
    eventually(
      what,
      async () => {
        const cluster = await clusterOf(plane, CLUSTER);
        return holds(cluster) ? cluster : undefined;
      },
      WAIT_MS,
      100,
    ).catch(async (cause: unknown) => {
      const cluster = await clusterOf(plane, CLUSTER);
      throw new Error(
        `${(cause as Error).message}; ${JSON.stringify(cluster.status?.conditions)}\n${[...agents.values()].map((a) => a.output()).join('\n---\n')}`,
      );
    });
  const runAgent = (machine: TestMachine): Running => {
    const running = machine.start(['agent', '--dir', machine.folder]);
    agents.set(machine, running);
    return running;
  };
  const serves = async (): Promise<void> => {
    for (const machine of [one, two])
      await eventually(
        `${machine.address} serves`,
        async () => (await ask(`http://${machine.address}:8080/`)).status === 200,
        WAIT_MS,
        100,
      );
  };

  test('creation makes the nodes and waits for people, with the commands to type', async () => {
    await createCluster(plane, CLUSTER, 1, { nodes: 'Joined' });
    const cluster = await until('it waits', ({ status }) => conditionOf(status?.conditions, 'Ready')?.reason === 'WaitingForJoin');
    const message = conditionOf(cluster.status?.conditions, 'Ready')?.message ?? '';
    for (const index of [0, 1]) assert.match(message, new RegExp(`outrigger token create --node demo/shore-a1-n${index}`));
    assert.match(message, /without a deadline/);
    assert.equal(cluster.status?.attempts?.[0]?.waitingFor, 'Join');
    assert.equal((await nodeAt(0))?.spec.machine, 'Joined');
    assert.equal((await nodeAt(0))?.spec.host, undefined, 'no host claims it');
  });

  test('two machines join by the printed command, and it is Available', async () => {
    const begun = performance.now();
    for (const [machine, index] of [
      [one, 0],
      [two, 1],
    ] as const) {
      const made = await token(`shore-a1-n${index}`);
      if (index === 0) used = made;
      assert.equal(made.command, `outrigger agent join --server ${made.server} --token ${made.token} --ca-hash ${made.caHash}`);
      const running = machine.start(joinArgs(machine, made));
      agents.set(machine, running);
      await running.line(/has joined as demo\/shore-a1-n\d, incarnation 1, at 127\.79/);
    }
    await until('Available', ({ status }) => status?.phase === 'Available');
    say(`two joined machines: Available ${seconds(performance.now() - begun)} after the first token`);
    await serves();
    const node = await nodeAt(1);
    assert.match(node?.spec.host ?? '', /^joined:/);
    const { phase, address, bootId, incarnation } = node?.status?.infrastructure ?? {};
    assert.deepEqual([phase, address, incarnation], ['Running', two.address, 1]);
    assert.equal(bootId, readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim());
    assert.equal(two.of('agent').length, 1);
  });

  test('what is refused: a sentence and an exit code each', async () => {
    const third = testMachine(`${plane.data}/machines/refused`, `${NETWORK}.40`);
    const more = await token('shore-a1-n1');
    assert.match(more.note ?? '', /shore-a1-n1 is held by the joined machine .*lets only that machine in again/);
    const expiring = await token('shore-a1-n1', '--ttl', '1s');
    await eventually('it has expired', () => Date.now() > Date.parse(expiring.madeAt) + 1_100);
    const wrong = { ...more, token: `${more.token.slice(0, -4)}aaaa` };
    const cases: readonly [string, Made, Readonly<Record<string, string>>, number, RegExp][] = [
      ['no token', { ...more, token: 'abc' }, {}, 2, /That is no token.*copy the whole/],
      ['wrong token', wrong, {}, 3, /This token lets nobody join: this director knows none like it/],
      ['expired', expiring, {}, 3, /This token expired at .*; the director's clock says .*Create another one/],
      ['used', used, {}, 3, /This token was used already, by another machine/],
      [
        'wrong CA hash',
        { ...more, caHash: `sha256:${'0'.repeat(64)}` },
        {},
        3,
        /is not of the control plane with CA hash .*Nothing was sent/,
      ],
      ['wrong clock', more, wrongClock('+2h'), 3, /clock of this machine says .*, the director's says .*: 120 min apart/],
      ['second machine', more, {}, 3, /demo\/shore-a1-n1 is held by the joined machine .* already, and this is .*confirm-dead/],
      ['unreachable', { ...more, server: 'https://127.0.0.1:9' }, {}, 4, /127\.0\.0\.1:9 does not answer/],
    ];
    for (const [what, made, environment, code, says] of cases) {
      const done = await runCommand(joinArgs(third, made, '--no-run', '--json'), environment);
      assert.equal(done.code, code, `${what}: ${done.out}${done.err}`);
      assert.match(done.err, says, what);
      const told = JSON.parse(done.out) as { joined: boolean; message: string };
      assert.deepEqual([told.joined, done.err.includes(told.message.split('\n')[0] ?? '')], [false, true], what);
      assert.equal(existsSync(third.folder), false, `${what}: nothing is left where an agent would run it`);
    }
    const again = await runCommand(joinArgs(one, used, '--no-run'));
    assert.deepEqual([again.code, /had joined already as demo\/shore-a1-n0/.test(again.out)], [0, true], again.err);
    const running = await runCommand(joinArgs(one, more, '--no-run'));
    assert.equal(running.code, 1);
    assert.match(running.err, /The agent of demo\/shore-a1-n0 runs from/);
  });

  test('an agent that is killed finds everything again', async () => {
    const pods = two.of('pod');
    kill9(...two.of('agent'));
    await eventually('it is dead', () => two.of('agent').length === 0);
    assert.equal((await ask(`http://${two.address}:8080/`)).status, 200, 'what it ran goes on');
    await runAgent(two).line(/The agent starts/);
    await eventually('it reports again', async () => (await nodeAt(1))?.status?.infrastructure?.pid === two.of('agent')[0], WAIT_MS, 100);
    assert.deepEqual(two.of('pod'), pods);
  });

  test('scaled to nothing and back: the machine waits, and joins as the next node with a new token', async () => {
    await plane.patch(CLUSTERS, NAMESPACE, CLUSTER, { spec: { workers: 0 } });
    await eventually('the worker is gone', async () => (await nodeAt(1)) === undefined, WAIT_MS, 100).catch(async (cause: unknown) => {
      throw new Error(`${(cause as Error).message}: ${JSON.stringify(await nodeAt(1))}\n${agents.get(two)?.output()}`);
    });
    await agents.get(two)?.line(/waits for: outrigger agent join/);
    assert.deepEqual([...two.of('pod'), ...two.of('balancer')], [], 'nothing of the node runs');
    assert.equal(existsSync(two.folder), false);
    assert.ok(existsSync(`${two.folder}.before/logs`), 'logs stay for people');
    assert.equal(existsSync(`${two.folder}.before/identity`), false, 'what it proved itself with does not');
    await plane.patch(CLUSTERS, NAMESPACE, CLUSTER, { spec: { workers: 1 } });
    const waiting = await until('the condition tells the command', ({ status }) =>
      (conditionOf(status?.conditions, 'Progressing')?.message ?? '').includes('outrigger token create --node demo/shore-a1-n1'),
    );
    assert.equal(waiting.status?.phase, 'Available', 'a node that is coming degrades nothing');
    const joined = await runCommand(joinArgs(two, await token('shore-a1-n1'), '--no-run', '--json'));
    assert.equal(joined.code, 0, joined.err);
    assert.equal((JSON.parse(joined.out) as JsonObject)['joined'], true);
    assert.equal(await agents.get(two)?.ended, 0, 'the agent that waited ends, for whoever keeps it alive');
    runAgent(two);
    await until('two of two', ({ status }) => status?.workers === 1 && status.services?.['hello']?.ready === 2);
    await serves();
  });

  test('a machine that a person confirms dead is replaced by one that joins; the old one stops', async () => {
    const other = testMachine(`${plane.data}/machines/three`, `${NETWORK}.30`);
    await confirmDead();
    await until('the condition tells the command', ({ status }) =>
      (conditionOf(status?.conditions, 'Ready')?.message ?? '').includes('outrigger token create --node demo/shore-a1-n1'),
    );
    await agents.get(two)?.line(/lives on in its incarnation 2/);
    await agents.get(two)?.line(/waits for: outrigger agent join/);
    assert.deepEqual([...two.of('pod'), ...two.of('balancer')], []);
    agents.set(other, other.start(joinArgs(other, await token('shore-a1-n1'))));
    await until('whole again', ({ status }) => status?.phase === 'Available' && status.services?.['hello']?.ready === 2);
    assert.equal((await nodeAt(1))?.status?.infrastructure?.incarnation, 2);
    two = other;
    await serves();
  });

  const confirmDead = async (): Promise<void> => {
    const done: CommandDone = await runCommand(['node', 'confirm-dead', 'shore-a1-n1', '-n', NAMESPACE, '--data', plane.data]);
    assert.equal(done.code, 0, done.err);
    assert.match(done.out, /outrigger token create --node demo\/shore-a1-n1/);
    await eventually('it is at incarnation 2', async () => (await nodeAt(1))?.spec.incarnation === 2, WAIT_MS, 100);
  };

  test('deleted, it leaves nothing running and nothing in the director', async () => {
    await deleteCluster(plane, CLUSTER);
    await eventually('the cluster is gone', async () => (await plane.get(CLUSTERS, NAMESPACE, CLUSTER)) === undefined, WAIT_MS, 100);
    for (const machine of [one, two]) {
      await agents.get(machine)?.line(/waits for: outrigger agent join/);
      assert.deepEqual(
        machine.living().map((text) => text.split(' ')[0]),
        ['agent'],
        'only the agent that waits',
      );
    }
  });
});

async function makeOrganization(plane: ControlPlane): Promise<void> {
  const quota = { nodes: 4, cpuMillis: 8000, memoryMiB: 8192 };
  const spec = { quota, hosts: [], nodeDriver: 'joined' };
  for (const object of [
    { apiVersion: 'v1', kind: 'Namespace', metadata: { name: NAMESPACE } },
    { apiVersion: 'outrigger.dev/v1', kind: 'VirtualDataCenter', metadata: { name: 'main', namespace: NAMESPACE }, spec },
  ]) {
    const made = await plane.apply(object);
    assert.equal(made.code, 0, made.err);
  }
}
