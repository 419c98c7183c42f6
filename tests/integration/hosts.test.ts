/**
 * Two hosts on this machine, each with a folder of its own: an agent that is stopped, a host that is drained, one that lost its records, one that is dead
 * and comes back, and a node that is given up. The services of the other node go on all the while.
 */
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, readdirSync, rmSync } from 'node:fs';
import { after, before, describe, test } from 'node:test';
import { CLUSTERS, CLUSTER_NODES, HOSTS, VIRTUAL_DATA_CENTERS } from '../../src/model/addresses.ts';
import type { ClusterNode } from '../../src/model/cluster-node.ts';
import { conditionOf } from '../../src/model/condition.ts';
import { allPids, environmentOf, sendSignal } from '../../src/platform/process-id.ts';
import { programCommand } from '../../src/platform/program.ts';
import { ask, kill9, NAMESPACE, PATIENCE_MS, pidsOf, say, seconds, startControlPlane } from '../support/control-plane.ts';
import type { ControlPlane } from '../support/control-plane.ts';
import { eventually } from '../support/eventually.ts';

/** Stands for the presets' 30, 60 and 120 s. */
const SILENCE_S = 6;

describe('two hosts', () => {
  let plane: ControlPlane;
  let second = '';

  const outrigger = (...args: string[]): { readonly code: number | null; readonly out: string } => {
    const [file, ...rest] = programCommand([...args, '--data', plane.data]);
    const done = spawnSync(file, rest, { encoding: 'utf8', timeout: PATIENCE_MS, killSignal: 'SIGKILL' });
    return { code: done.status, out: done.stdout + done.stderr };
  };
  /** The second machine's daemon; it is marked with its folder, and everything of it is found by that. */
  const startSecond = (args: readonly string[] = ['host']): void => {
    const [file, ...rest] = programCommand([...args, '--data', second]);
    const environment = { ...process.env, OUTRIGGER_DATA: second, OUTRIGGER_ROLE: 'host' };
    spawn(file, rest, { stdio: 'ignore', detached: true, env: environment }).unref();
  };
  const pidsOfSecond = (node?: string): number[] =>
    allPids().filter((pid) => {
      const environment = environmentOf(pid);
      return environment?.['OUTRIGGER_DATA'] === second && (node === undefined || environment['OUTRIGGER_NODE'] === node);
    });
  const killSecond = async (): Promise<void> => {
    await eventually('the second machine is off', () => {
      kill9(...pidsOfSecond());
      return pidsOfSecond().length === 0;
    });
  };
  const member = async (index: number): Promise<ClusterNode | undefined> =>
    (await plane.list(CLUSTER_NODES)).find((one) => one.spec.cluster === 'harbor' && one.spec.index === index);
  const worker = async (): Promise<ClusterNode> => {
    const node = await member(1);
    assert.ok(node !== undefined);
    return node;
  };
  /** The worker is ready on `host`, and the cluster redundant. */
  const isWhole = async (host: string, incarnation = 1): Promise<boolean> => {
    const [node, cluster] = [await member(1), await plane.get(CLUSTERS, NAMESPACE, 'harbor')];
    const isThere = node?.spec.host === host && node.spec.incarnation >= incarnation && node.status?.agent?.phase === 'Ready';
    const isTheirs = node?.status?.agent?.incarnation === node?.spec.incarnation && node?.status?.infrastructure?.phase === 'Running';
    return (
      isThere &&
      isTheirs &&
      cluster?.status?.phase === 'Available' &&
      conditionOf(cluster.status.conditions, 'Redundant')?.status === 'True'
    );
  };

  before(async () => {
    process.env['OUTRIGGER_NODE_SILENCE'] = `${SILENCE_S}s`;
    plane = await startControlPlane('hosts');
    second = `${plane.data}/second`;
    await eventually('harbor is whole', () => isWhole('local'), PATIENCE_MS);
  });
  after(async () => {
    if (plane === undefined) return;
    if (second !== '') await killSecond();
    await plane.cleanup();
  });

  test('a stopped agent is silent and idle: ended and started again; pods and balancer are who they were', async () => {
    const { uid } = (await worker()).metadata;
    const [agent] = plane.of('agent', uid);
    assert.ok(agent !== undefined);
    const others = (): unknown => pidsOf(plane, (one) => one.role === 'balancer' || (one.role === 'pod' && one.service === 'hello'));
    const untouched = others();
    const begun = performance.now();
    sendSignal(agent.pid, 'SIGSTOP');
    await eventually('another agent runs', () => plane.of('agent', uid).some((one) => one.pid !== agent.pid), PATIENCE_MS);
    const tookMs = performance.now() - begun;
    say(`SIGSTOP of an agent, with a silence of ${SILENCE_S} s: another one after ${seconds(tookMs)}`);
    assert.ok(tookMs >= SILENCE_S * 1000 - 1_500, 'not before its silence');
    await eventually('harbor is whole', () => isWhole('local'), PATIENCE_MS);
    assert.deepEqual(others(), untouched);
  });

  test('cordon and drain: the worker moves to the other host, the primary is named and stays', async () => {
    const spec = { capacity: { nodes: 2, cpuMillis: 2000, memoryMiB: 2048 }, drivers: ['process'] };
    const rack = { apiVersion: 'outrigger.dev/v1', kind: 'Host', metadata: { name: 'rack1' }, spec };
    assert.equal((await plane.apply(rack)).code, 0);
    const token = outrigger('token', 'create', '--host', 'rack1');
    assert.equal(token.code, 0, token.out);
    startSecond(token.out.trim().split(' ').slice(1));
    await plane.patch(VIRTUAL_DATA_CENTERS, NAMESPACE, 'main', { spec: { hosts: ['local', 'rack1'] } });
    await eventually('rack1 is ready', async () => (await plane.get(HOSTS, '', 'rack1'))?.status?.bootId !== undefined, PATIENCE_MS);
    const rehearsal = outrigger('host', 'drain', 'local', '--dry-run');
    assert.equal(rehearsal.code, 0, rehearsal.out);
    assert.match(rehearsal.out, /Would retire now: demo\/harbor-a1-n1/);
    const primary = (await member(0))?.metadata.uid ?? '';
    const untouched = pidsOf(plane, (one) => one.node === primary);
    const begun = performance.now();
    const drained = outrigger('host', 'drain', 'local', '--timeout', '80s');
    say(`a drain of one worker took ${seconds(performance.now() - begun)}`);
    assert.equal(drained.code, 3, drained.out);
    assert.match(drained.out, /holds no more workers \(moved: demo\/harbor-a1-n1\)\.\nPrimaries stay: demo\/harbor-a1-n0/);
    await eventually('harbor is whole on two hosts', () => isWhole('rack1'), PATIENCE_MS);
    assert.deepEqual(
      pidsOf(plane, (one) => one.node === primary),
      untouched,
      'the primary was not touched',
    );
    const listed = JSON.parse(outrigger('host', 'list', '--json').out) as { name: string; cordoned: boolean; nodes: number }[];
    assert.deepEqual(
      listed.map(({ name, cordoned, nodes }) => [name, cordoned, nodes]),
      [
        ['local', true, 1],
        ['rack1', false, 1],
      ],
    );
  });

  test('a host that lost its records and all that ran says Gone, and the node is replaced; it starts no life twice', async () => {
    const before = await worker();
    await killSecond();
    for (const name of readdirSync(`${second}/host/store`)) if (name.startsWith('node-')) rmSync(`${second}/host/store/${name}`);
    rmSync(`${second}/host/nodes`, { recursive: true });
    startSecond();
    await eventually('the worker is replaced', () => isWhole('rack1', before.spec.incarnation + 1), PATIENCE_MS);
    assert.equal((await worker()).metadata.uid, before.metadata.uid);
  });

  test('a host that is confirmed dead: its node starts on the other one; when it comes back it gives way and claims nothing', async () => {
    const uncordoned = outrigger('host', 'uncordon', 'local');
    assert.equal(uncordoned.code, 0, uncordoned.out);
    const { metadata, spec } = await worker();
    await killSecond();
    const begun = performance.now();
    const confirmed = outrigger('host', 'confirm-dead', 'rack1', '--yes', '--force');
    assert.equal(confirmed.code, 0, confirmed.out);
    await eventually('harbor is whole on local', () => isWhole('local', spec.incarnation + 1), PATIENCE_MS);
    say(`a dead host: its node was ready elsewhere ${seconds(performance.now() - begun)} after it was confirmed`);
    const untouched = pidsOf(plane, (one) => one.node === metadata.uid);
    startSecond();
    await eventually(
      'it says that it was confirmed dead',
      async () => conditionOf((await plane.get(HOSTS, '', 'rack1'))?.status?.conditions, 'Ready')?.reason === 'NodeLost',
      PATIENCE_MS,
    );
    await eventually('it let go of its former life', () => !existsSync(`${second}/host/nodes/${metadata.uid}`), PATIENCE_MS);
    assert.deepEqual(pidsOfSecond(metadata.uid), [], 'what it ran before is gone');
    assert.deepEqual(
      pidsOf(plane, (one) => one.node === metadata.uid),
      untouched,
      'the new life was not touched',
    );
    assert.equal(await isWhole('local', spec.incarnation + 1), true);
  });

  test('given up after three restarts: its services serve; a person has it started again', async () => {
    const node = await worker();
    const { uid, name } = node.metadata;
    const url = `http://${node.status?.infrastructure?.address}:8080/`;
    const untouched = pidsOf(plane, (one) => one.node === uid && one.role !== 'agent' && one.service === 'hello');
    const reason = async (): Promise<string | undefined> => (await worker()).status?.infrastructure?.reason;
    for (let round = 1; round <= 4; round++) {
      await eventually('its balancer serves', async () => (await ask(url)).status === 200, PATIENCE_MS);
      const agents = await eventually('an agent runs', () => plane.of('agent', uid)[0], PATIENCE_MS);
      kill9(agents.pid);
      if (round < 4) await eventually(`restart ${round}`, () => plane.of('agent', uid).some((one) => one.pid !== agents.pid), PATIENCE_MS);
    }
    await eventually('it is given up', async () => (await reason()) === 'GivenUp', PATIENCE_MS);
    assert.match((await worker()).status?.infrastructure?.message ?? '', /restarted 3 times within 24 hours.*outrigger node restart/);
    assert.deepEqual(plane.of('agent', uid), []);
    assert.equal((await ask(url)).status, 200, 'its balancer and its service go on');
    assert.deepEqual(
      pidsOf(plane, (one) => one.node === uid && one.role !== 'agent' && one.service === 'hello'),
      untouched,
    );
    const restarted = outrigger('node', 'restart', name, '-n', NAMESPACE);
    assert.equal(restarted.code, 0, restarted.out);
    await eventually('harbor is whole again', () => isWhole('local'), PATIENCE_MS);
    assert.equal(await reason(), undefined);
  });
});
