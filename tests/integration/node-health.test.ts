/**
 * `nodeHealthCheck` and mass silence with real processes: a director, an extension server, a host with real agents for the clusters whose managers judge,
 * and many sites of hollow agents that fall silent at one blow.
 *
 * All nodes are struck at once, while that mass silence lasts: so first nothing of a silent site may be replaced, and once it is over only what is proven.
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createServer } from 'node:net';
import type { Server } from 'node:net';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { CLUSTERS, CLUSTER_NODES, SERVER_CONFIGS, VIRTUAL_DATA_CENTERS } from '../../src/model/addresses.ts';
import type { ClusterNode } from '../../src/model/cluster-node.ts';
import type { Cluster } from '../../src/model/cluster.ts';
import { conditionOf } from '../../src/model/condition.ts';
import type { Condition, ConditionType } from '../../src/model/condition.ts';
import { EVENTS } from '../../src/model/core-kinds.ts';
import type { JsonObject } from '../../src/model/json.ts';
import { ANNOTATION_CONFIRM_DEAD, ANNOTATION_VOUCHED_DEAD } from '../../src/model/labels.ts';
import { programCommand } from '../../src/platform/program.ts';
import { clusterOf, createCluster, kill9, NAMESPACE, say, seconds, startControlPlane } from '../support/control-plane.ts';
import type { ControlPlane } from '../support/control-plane.ts';
import { eventually } from '../support/eventually.ts';
import { freePort } from '../support/free-port.ts';
import { createHost, startFleet } from '../support/hollow-fleet.ts';
import type { Fleet } from '../support/hollow-fleet.ts';
import { runCommand } from '../support/machine-rig.ts';
import { freeze } from '../support/outage-rig.ts';

const WAIT_MS = 60_000;
/** The least that the schema takes. */
const HELD_S = 10;
const STARTUP_S = 30;
/** The least that the schema takes; a server believes its own clock alone, after 10 s. */
const STEP_DEADLINE_S = 5;
const LEASE = '1s';
const SITES = Array.from({ length: 10 }, (_, index) => `site-${index}`);

describe('node health', () => {
  let plane: ControlPlane;
  /** Of the sites that fall silent, and of others. */
  let silent: Fleet;
  let port = 0;
  let struckMs = 0;
  /** Nodes of alone. */
  let aloneUids: readonly string[] = [];
  let blocker: Server | undefined;
  const frozen = new Map<string, readonly number[]>();

  before(async () => {
    process.env['OUTRIGGER_LEASE_RENEW'] = LEASE;
    plane = await startControlPlane('node-health', 0, ['--no-sample']);
    port = await freePort();
    startServer(plane, port);
    await makeOrganization(plane);
    const times = { machineMs: 0, servicesMs: 0, leaseRenewMs: 1_000 };
    silent = await startFleet(plane, { hosts: { 'silent-host': 100 }, ...times });
    await startFleet(plane, { hosts: { 'heard-host': 100 }, ...times });
    await createHost(plane, 'nobody', 10);
    // Their hosts leave a silent agent alone for longer than this test takes.
    const slow = { availability: { nodeRestart: 'Low' } };
    await Promise.all([
      createCluster(plane, 'quiet', 1, slow),
      createCluster(plane, 'alone', 1, slow),
      createCluster(plane, 'tight', 1, { nodeHealthCheck: { maxUnhealthyPercent: 40 } }),
      createCluster(plane, 'late', 0, { virtualDataCenter: 'moving' }),
      ...SITES.map((name) => createCluster(plane, name, 0, { virtualDataCenter: 'silent' })),
      ...['gone', 'said'].map((name) => createCluster(plane, name, 0, { virtualDataCenter: 'heard' })),
    ]);
    const begun = performance.now();
    await untilOne('late', 'is whole', isWhole);
    await stranded();
    await until('all are whole', (all) => all.length === 16 && all.every((one) => one.metadata.name === 'late' || isWhole(one)));
    say(`16 clusters were whole ${seconds(performance.now() - begun)} after they were made`);
  });
  after(async () => {
    blocker?.close();
    await plane?.cleanup();
  });

  const until = (what: string, holds: (clusters: readonly Cluster[]) => boolean | Promise<boolean>, withinMs = WAIT_MS): Promise<void> =>
    eventually(what, async () => (await holds(await plane.list(CLUSTERS))) || undefined, withinMs, 150).then(
      () => undefined,
      async (cause: unknown) => {
        const clusters = (await plane.list(CLUSTERS)).filter(({ metadata }) => !SITES.includes(metadata.name));
        const told = clusters.map(({ metadata, status }) => {
          const conditions = (status?.conditions ?? []).map((one) => `${one.type}=${one.status} ${one.message.slice(0, 200)}`);
          return `${metadata.name} ${status?.phase} ${JSON.stringify(status?.nodes)} ${conditions.slice(0, 3).join('; ')}`;
        });
        throw new Error(`${(cause as Error).message}\n${told.join('\n')}`);
      },
    );
  const untilOne = (name: string, what: string, holds: (cluster: Cluster) => boolean): Promise<void> =>
    until(`${name} ${what}`, (all) => all.some((one) => one.metadata.name === name && holds(one)));
  const nodeOf = async (cluster: string, index: number): Promise<ClusterNode> => {
    const found = (await plane.list(CLUSTER_NODES)).find(({ spec }) => spec.cluster === cluster && spec.index === index);
    assert.ok(found !== undefined, `${cluster} has a node ${index}`);
    return found;
  };
  const incarnationOf = async (cluster: string, index = 0): Promise<number> => (await nodeOf(cluster, index)).spec.incarnation;
  const replaced = (cluster: string, index = 0): Promise<void> =>
    until(`node ${index} of ${cluster} is replaced`, async () => (await incarnationOf(cluster, index)) === 2);
  /** Its host takes long to end one that does not hear. */
  const endFrozen = (which: string): void => kill9(...(frozen.get(which) ?? []));
  const metric = async (name: string): Promise<number> => {
    const text = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
    return Number(new RegExp(`^outrigger_extension_${name} (\\d+)$`, 'm').exec(text)?.[1]);
  };
  /** As a machine that is off looks to the others: its agent says nothing, and nothing that it ran answers. A stopped agent keeps its host from starting another for a while. */
  const silence = async (cluster: string, index: number): Promise<void> => {
    const { uid } = (await nodeOf(cluster, index)).metadata;
    const agents = plane.of('agent', uid).map((one) => one.pid);
    freeze(...agents);
    frozen.set(`${cluster}/${index}`, agents);
    kill9(...plane.living().flatMap((one) => (one.node === uid && one.role !== 'agent' ? [one.pid] : [])));
  };
  /** A worker of late that nobody starts: no daemon is there for the host that has it. */
  const stranded = async (): Promise<void> => {
    await plane.patch(VIRTUAL_DATA_CENTERS, NAMESPACE, 'moving', { spec: { hosts: ['nobody'] } });
    await plane.patch(CLUSTERS, NAMESPACE, 'late', { spec: { workers: 1 } });
    await eventually('late has a worker', async () => (await nodeOf('late', 1).catch(() => undefined)) !== undefined, WAIT_MS, 50);
    await plane.patch(CLUSTER_NODES, NAMESPACE, 'late-a1-n1', { spec: { host: 'nobody' } });
    await plane.patch(VIRTUAL_DATA_CENTERS, NAMESPACE, 'moving', { spec: { hosts: ['local'] } });
  };
  const says = (about: string, pattern: RegExp): Promise<unknown> =>
    eventually(
      `an Event of ${about} like ${pattern.source}`,
      async () => {
        const events = (await plane.list(EVENTS)).filter(({ involvedObject }) => involvedObject.name === about);
        return events.some(({ message = '' }) => pattern.test(message)) || undefined;
      },
      WAIT_MS,
      150,
    );
  const limit = (percent: number): Promise<unknown> =>
    plane.patch(SERVER_CONFIGS, '', 'a-node-health', { spec: { massSilencePercent: percent } });

  test('many sites fall silent at once: it is said of each and in the metrics, and nothing is replaced', async () => {
    blocker = await takePort(plane, await nodeOf('tight', 1));
    await plane.patch(SERVER_CONFIGS, '', 'a-node-health', { spec: { stepDeadlineSeconds: STEP_DEADLINE_S } });
    const alone = (await plane.list(CLUSTER_NODES)).filter((one) => one.spec.cluster === 'alone');
    aloneUids = alone.map((one) => one.metadata.uid).toSorted();
    await silence('quiet', 1);
    await silence('alone', 0);
    silent.freeze();
    struckMs = performance.now();
    await eventually('the metrics say so', async () => (await metric('mass_silence')) === 1 || undefined, WAIT_MS, 100);
    say(`a mass silence was known ${seconds(performance.now() - struckMs)} after ${SITES.length} of 16 sites fell silent`);
    assert.equal(await metric('watched_sites'), 16);
    await until('each silent site says so', (all) => all.filter((one) => SITES.includes(one.metadata.name)).every(isWithheld));
    await eventually('all are counted', async () => (await metric('silent_sites')) === SITES.length || undefined, WAIT_MS, 100);
    // What a host proves is withheld, what a person says is not.
    await sayGone(plane, await nodeOf('gone', 0));
    await plane.patch(CLUSTER_NODES, NAMESPACE, 'said-a1-n0', { metadata: { annotations: { [ANNOTATION_CONFIRM_DEAD]: '1' } } });
    await untilOne('gone', 'says that its repair is withheld', isWithheld);
    await replaced('said');
    await untilOne('quiet', 'is withheld too', isWithheld);
    await eventually('its time is over', () => performance.now() > struckMs + (HELD_S + 4) * 1000, WAIT_MS, 100);
    for (const [cluster, index] of [
      ['quiet', 1],
      ['alone', 0],
      ['gone', 0],
      ...SITES.map((name): [string, number] => [name, 0]),
    ] as const) {
      const node = await nodeOf(cluster, index);
      assert.deepEqual([node.spec.incarnation, node.metadata.annotations?.[ANNOTATION_VOUCHED_DEAD]], [1, undefined], cluster);
    }
    assert.equal(await metric('mass_silence'), 1, 'it lasts');
  });

  test('a person ends it for all: what is proven is replaced then, and a silent worker for which its manager vouches', async () => {
    const endedMs = performance.now();
    await limit(100);
    await replaced('gone');
    await eventually('the metrics say that it is over', async () => (await metric('mass_silence')) === 0 || undefined, WAIT_MS, 100);
    await until('nobody says so any more', (all) => !all.some(isWithheld));
    await replaced('quiet', 1);
    say(
      `a silent worker was replaced ${seconds(performance.now() - struckMs)} after it fell silent, ${seconds(performance.now() - endedMs)} after the end`,
    );
    assert.match(
      (await nodeOf('quiet', 1)).metadata.annotations?.[ANNOTATION_VOUCHED_DEAD] ?? '',
      /^1\.1$/,
      'incarnation and term are named',
    );
    await says('quiet-a1-n1', /Incarnation 1 of quiet-a1-n1, on host local, was not heard.* for 10 s .*the manager vouches, in term 1/);
    endFrozen('quiet/1');
    await untilOne('quiet', 'is whole again', isWhole);
    assert.equal(await incarnationOf('quiet', 1), 2, 'once');
  });

  test('above maxUnhealthyPercent an ill worker is not replaced, which names it; with the limit raised it is', async () => {
    await untilOne('tight', 'says that too many are unhealthy', ({ status }) => {
      const condition = conditionOf(status?.conditions, 'RemediationAllowed');
      return condition?.reason === 'TooManyUnhealthy' && /1 of 2 nodes are unhealthy \(tight-a1-n1\).*allows 40 %/.test(condition.message);
    });
    assert.equal(await incarnationOf('tight', 1), 1);
    await plane.patch(CLUSTERS, NAMESPACE, 'tight', { spec: { nodeHealthCheck: { maxUnhealthyPercent: 50 } } });
    await replaced('tight', 1);
    await says('tight-a1-n1', /Incarnation 1 of tight-a1-n1, on host local, was not ready for 10 s/);
    blocker?.close();
    await untilOne('tight', 'is whole again', isWhole);
  });

  test('a worker that never came up is replaced, and another host starts it', async () => {
    await replaced('late', 1);
    await says('late-a1-n1', /Incarnation 1 of late-a1-n1, on host nobody, never came up for 30 s/);
    await untilOne('late', 'is whole', isWhole);
    assert.equal((await nodeOf('late', 1)).spec.host, 'local');
  });

  test('the known bug of the product that inspired this: an error long after creation destroys nothing, and the store refuses it', async () => {
    const { metadata, spec, status } = await clusterOf(plane, 'alone');
    assert.equal(spec.autoRepairOnErrors, true, 'the flag was left on');
    assert.ok(performance.now() > struckMs + 2 * STEP_DEADLINE_S * 1000, 'the error lasts longer than any step may');
    assert.deepEqual([status?.phase, status?.attempt, status?.abandonedAttempt, status?.autoRepair], ['Error', 1, undefined, 'Disarmed']);
    assert.deepEqual(
      status?.attempts?.map(({ outcome }) => outcome),
      ['Available'],
    );
    const nodes = (await plane.list(CLUSTER_NODES)).filter((one) => one.spec.clusterUid === metadata.uid);
    nodes.sort((a, b) => (a.metadata.uid < b.metadata.uid ? -1 : 1));
    assert.deepEqual(
      nodes.map((one) => [one.metadata.uid, one.metadata.deletionTimestamp, one.spec.incarnation]),
      aloneUids.map((uid) => [uid, undefined, 1]),
      'the very nodes that it became available with',
    );
    const steps: readonly (readonly [JsonObject, RegExp])[] = [
      [{ abandonedAttempt: 1 }, /abandonedAttempt/],
      [{ attempt: 2 }, /attempt/],
      [{ autoRepair: 'Armed' }, /autoRepair/],
      [{ availableAt: null }, /availableAt/],
    ];
    for (const [patch, named] of steps) {
      const answer = await plane.api.mergePatch(CLUSTERS, NAMESPACE, 'alone', { status: patch }, AbortSignal.timeout(WAIT_MS), 'status');
      assert.ok(!answer.ok && answer.reason === 'Invalid', JSON.stringify(answer));
      assert.match(answer.message, named);
    }
  });

  test('a silent primary is never replaced; its cluster names what a person can do, and that helps', async () => {
    await untilOne('alone', 'is in Error', ({ status }) => status?.phase === 'Error');
    const node = await nodeOf('alone', 0);
    assert.deepEqual([node.spec.incarnation, node.metadata.annotations?.[ANNOTATION_VOUCHED_DEAD]], [1, undefined]);
    const { message = '' } = conditionOf((await clusterOf(plane, 'alone')).status?.conditions, 'Ready') ?? {};
    const command = /never replaced for silence.*: outrigger (node confirm-dead alone-a1-n0 -n demo)\. /.exec(message)?.[1];
    assert.ok(command !== undefined, message);
    const done = await runCommand([...command.split(' '), '--data', plane.data]);
    assert.equal(done.code, 0, done.err);
    await replaced('alone');
    endFrozen('alone/0');
    await untilOne('alone', 'is whole again', isWhole);
    assert.deepEqual(await clusterOf(plane, 'alone').then(({ status }) => status?.attempts?.length), 1, 'nothing of it was made anew');
  });

  test('set back, it is known again; it ends by itself when the sites are heard', async () => {
    await limit(20);
    await eventually('it is known again', async () => (await metric('mass_silence')) === 1 || undefined, WAIT_MS, 100);
    await until('each silent site says so again', (all) => all.filter((one) => SITES.includes(one.metadata.name)).every(isWithheld));
    silent.thaw();
    const thawedMs = performance.now();
    await eventually('it is over', async () => (await metric('mass_silence')) === 0 || undefined, WAIT_MS, 100);
    say(`a mass silence ended ${seconds(performance.now() - thawedMs)} after the sites were heard again`);
    await until('nobody says so any more, and all are reachable', (all) =>
      all.every((one) => !isWithheld(one) && conditionIs(one.status?.conditions, 'Reachable', 'True')),
    );
    for (const name of SITES) assert.equal(await incarnationOf(name), 1, name);
  });
});

function isWhole({ spec, status }: Cluster): boolean {
  return status?.phase === 'Available' && status.workers === spec.workers && conditionIs(status.conditions, 'Progressing', 'False');
}

function isWithheld({ status }: Cluster): boolean {
  return conditionOf(status?.conditions, 'RemediationAllowed')?.reason === 'MassSilence';
}

function conditionIs(conditions: readonly Condition[] | undefined, type: ConditionType, status: Condition['status']): boolean {
  return conditionOf(conditions, type)?.status === status;
}

/** What its host says of a machine that it finds ended. */
async function sayGone({ api }: ControlPlane, { metadata, spec }: ClusterNode): Promise<void> {
  const infrastructure = { incarnation: spec.incarnation, phase: 'Gone' };
  const patch = { metadata: { uid: metadata.uid }, status: { infrastructure } };
  const answer = await api.mergePatch(CLUSTER_NODES, NAMESPACE, metadata.name, patch, AbortSignal.timeout(WAIT_MS), 'status');
  if (!answer.ok) throw new Error(answer.message);
}

/** Kills the node's balancer and listens where it would: it cannot serve again, and the node says that it is not ready. */
async function takePort(plane: ControlPlane, { metadata, status }: ClusterNode): Promise<Server> {
  kill9(...plane.of('balancer', metadata.uid).map((one) => one.pid));
  const listen = (): Promise<Server | undefined> =>
    new Promise((done) => {
      const server = createServer((socket) => socket.destroy());
      server.once('error', () => done(undefined));
      server.listen({ host: status?.infrastructure?.address, port: 8080 }, () => done(server));
    });
  return await eventually('its port is taken', listen);
}

function startServer(plane: ControlPlane, port: number): void {
  const args = ['extension', '--kubeconfig', join(plane.data, 'run', 'extension.kubeconfig'), '--identity', 'judge', '--log-level', 'warn'];
  const [file, ...rest] = programCommand([...args, '--health-listen', `127.0.0.1:${port}`]);
  spawn(file, rest, {
    stdio: ['ignore', 'ignore', 'inherit'],
    env: { ...process.env, OUTRIGGER_DATA: plane.data, OUTRIGGER_ROLE: 'extension' },
  });
}

async function makeOrganization(plane: ControlPlane): Promise<void> {
  const quota = { nodes: 60, cpuMillis: 640_000, memoryMiB: 655_360 };
  const home = (name: string, hosts: string[]) => ({
    apiVersion: 'outrigger.dev/v1',
    kind: 'VirtualDataCenter',
    metadata: { name, namespace: NAMESPACE },
    spec: { quota, hosts, nodeDriver: 'process' },
  });
  const nodeHealthCheck = { startupSeconds: STARTUP_S, notReadySeconds: HELD_S, unknownSeconds: HELD_S };
  for (const object of [
    { apiVersion: 'v1', kind: 'Namespace', metadata: { name: NAMESPACE } },
    home('main', ['local']),
    home('moving', ['local']),
    home('silent', ['silent-host']),
    home('heard', ['heard-host']),
    { apiVersion: 'outrigger.dev/v1', kind: 'ServerConfig', metadata: { name: 'a-node-health' }, spec: { nodeHealthCheck } },
  ]) {
    const made = await plane.apply(object);
    assert.equal(made.code, 0, made.err);
  }
}
