/**
 * Deletion with real processes: from every phase of a Cluster at once while extension servers are killed, past hosts that are gone for good and past
 * finalizers of strangers; what appears after its cluster went is swept; and the doctor names each kind of orphan with what to do, which helps.
 *
 * After each the census: no entity, no reservation, no process, no folder.
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { Finding } from '../../src/decide/doctor.ts';
import { CLUSTER_NODES, CLUSTERS, HOSTS, SITES, VIRTUAL_DATA_CENTERS } from '../../src/model/addresses.ts';
import type { ClusterNode } from '../../src/model/cluster-node.ts';
import type { Cluster } from '../../src/model/cluster.ts';
import { conditionOf } from '../../src/model/condition.ts';
import type { JsonObject } from '../../src/model/json.ts';
import { programCommand } from '../../src/platform/program.ts';
import { leftOvers } from '../support/census.ts';
import { clusterOf, createCluster, deleteCluster, kill9, NAMESPACE, say, seconds, startControlPlane } from '../support/control-plane.ts';
import type { ControlPlane } from '../support/control-plane.ts';
import { eventually } from '../support/eventually.ts';
import { createHost, startFleet } from '../support/hollow-fleet.ts';
import { runCommand, testMachine } from '../support/machine-rig.ts';
import type { TestMachine } from '../support/machine-rig.ts';
import { patchStatus, plantOrphans } from '../support/orphans.ts';
import { freeze } from '../support/outage-rig.ts';
import type { Frozen } from '../support/outage-rig.ts';

const WAIT_MS = 60_000;
const ORPHAN_S = 3;
const KILLS = 4;

/** A cluster on its way: what makes it so, and how it is known to be there. */
interface Case {
  readonly home: string;
  readonly workers?: number;
  readonly spec?: JsonObject;
  /** What is done to it, where it would not come there by itself. */
  readonly strike?: () => Promise<void>;
  readonly ready: (cluster: Cluster) => boolean;
}

describe('deletion', () => {
  let plane: ControlPlane;
  let machine: TestMachine;
  /** The agent of the degraded worker. */
  let hung: Frozen | undefined;
  const servers: ChildProcess[] = [];
  const kills = new AbortController();
  let started = 0;

  const startServer = (): void => {
    const args = ['extension', '--kubeconfig', join(plane.data, 'run', 'extension.kubeconfig'), '--identity', `server-${++started}`];
    const [file, ...rest] = programCommand([...args, '--log-level', 'error']);
    const env = { ...process.env, OUTRIGGER_DATA: plane.data, OUTRIGGER_ROLE: 'extension' };
    servers.push(spawn(file, rest, { stdio: ['ignore', 'ignore', 'inherit'], env }));
  };

  before(async () => {
    plane = await startControlPlane('deletion', 0, ['--no-sample']);
    startServer();
    startServer();
    await makeOrganization(plane);
    const times = { machineMs: 0, leaseRenewMs: 5_000 };
    await startFleet(plane, { hosts: { roomy: 50, narrow: 1 }, servicesMs: 0, ...times });
    await startFleet(plane, { hosts: { unready: 50 }, servicesMs: 600_000, ...times });
    await Promise.all(['ghost', 'vanished'].map((name) => createHost(plane, name, 50)));
    machine = testMachine(`${plane.data}/machines/one`, `127.79.${randomInt(1, 250)}.10`);
  });
  after(async () => {
    kills.abort();
    machine?.killAll();
    await plane?.cleanup();
  });

  const nodesOf = async (cluster: string): Promise<readonly ClusterNode[]> =>
    (await plane.list(CLUSTER_NODES)).filter(({ spec }) => spec.cluster === cluster);
  const nodeOf = (cluster: string, index = 0): Promise<ClusterNode> =>
    eventually(
      `${cluster} has a node ${index}`,
      async () => (await nodesOf(cluster)).find(({ spec }) => spec.index === index),
      WAIT_MS,
      50,
    );
  const take = async (host: string, cluster: string, index = 0): Promise<void> => {
    await plane.patch(CLUSTER_NODES, NAMESPACE, (await nodeOf(cluster, index)).metadata.name, { spec: { host } });
  };
  const tell = async (cluster: string, infrastructure: JsonObject): Promise<void> => {
    const { metadata, spec } = await nodeOf(cluster);
    await patchStatus(plane, CLUSTER_NODES, NAMESPACE, metadata.name, {
      infrastructure: { incarnation: spec.incarnation, ...infrastructure },
    });
  };
  const untilGone = (names: readonly string[]): Promise<unknown> =>
    eventually(
      `${names.join(', ')} are gone`,
      async () => {
        const left = (await plane.list(CLUSTERS)).filter(({ metadata }) => names.includes(metadata.name));
        return left.length === 0 || undefined;
      },
      WAIT_MS,
      100,
    ).catch(async (cause: unknown) => {
      const left = (await plane.list(CLUSTERS)).map((one) => `${one.metadata.name}: ${messageOf(one)}`);
      throw new Error(`${(cause as Error).message}\n${left.join('\n')}`);
    });
  const nothingLeft = async (): Promise<void> => {
    let left: readonly string[] = [];
    await eventually('nothing is left', async () => (left = await leftOvers(plane)).length === 0, WAIT_MS, 200).catch(() =>
      assert.fail(left.join('\n')),
    );
  };
  const says = async (name: string, pattern: RegExp): Promise<void> => {
    let text = '';
    await eventually(
      `${name} says ${pattern.source}`,
      async () => pattern.test((text = messageOf(await clusterOf(plane, name)))),
      WAIT_MS,
      100,
    ).catch(() => assert.fail(`${name} says: ${text}`));
  };

  const step =
    (name: string) =>
    ({ status }: Cluster) =>
      status?.attempts?.at(-1)?.step === name && status.availableAt === undefined;
  const isAvailable = ({ status }: Cluster): boolean => status?.phase === 'Available';
  const never = {
    name: 'never',
    mode: 'Singleton',
    pod: {
      containers: [{ name: 'never', command: ['sleep', '600'], readinessProbe: { httpGet: { path: '/', port: 9 } } }],
    },
  };
  /** By the name of the cluster. */
  const cases: Readonly<Record<string, Case>> = {
    'no-input': { home: 'nowhere', ready: ({ status }) => status?.phase === 'Pending' && status.attempts?.[0]?.waitingFor === 'Input' },
    'no-host': { home: 'ghost', ready: (one) => step('PrimaryReady')(one) && one.status?.attempts?.[0]?.waitingFor === 'Host' },
    'primary-coming': { home: 'unready', ready: (one) => step('PrimaryReady')(one) && one.status?.attempts?.[0]?.waitingFor === undefined },
    'workers-waited-for': { home: 'narrow', workers: 1, ready: (one) => step('WorkersJoined')(one) },
    'services-coming': { home: 'main', spec: { services: [never] }, ready: step('ServicesReady') },
    'to-be-paired': { home: 'roomy', spec: { site: 'not-there' }, ready: step('PairSite') },
    'people-awaited': {
      home: 'joined',
      workers: 1,
      spec: { nodes: 'Joined' },
      strike: () => joinFirst(),
      ready: ({ status }) => status?.attempts?.[0]?.waitingFor === 'Join' && !messageText(status).includes('people-awaited-a1-n0'),
    },
    available: { home: 'main', ready: isAvailable },
    degraded: { home: 'main', workers: 1, strike: () => degrade(), ready: ({ status }) => status?.phase === 'Degraded' },
    error: {
      home: 'unready',
      spec: { autoRepairOnErrors: false },
      strike: async () => {
        // Its host has said all that it says by then.
        await eventually('error has joined', async () => (await nodeOf('error')).status?.agent?.phase === 'Joined', WAIT_MS, 100);
        await tell('error', { phase: 'Gone' });
      },
      ready: ({ status }) => status?.phase === 'Error' && (status.attempts?.[0]?.left ?? []).length > 0,
    },
    'attempt-removed': {
      home: 'ghost',
      strike: async () => {
        await take('ghost', 'attempt-removed');
        await tell('attempt-removed', { phase: 'Failed', reason: 'RecordLost', message: 'nothing is known of it' });
      },
      ready: ({ status }) => status?.abandonedAttempt === 1 && /being removed: host ghost has not yet let go/.test(messageText(status)),
    },
    repaired: {
      home: 'moving',
      strike: async () => {
        await eventually('repaired is available', async () => isAvailable(await clusterOf(plane, 'repaired')), WAIT_MS, 100);
        await plane.patch(VIRTUAL_DATA_CENTERS, NAMESPACE, 'moving', { spec: { hosts: ['ghost'] } });
        await confirmDead('repaired-a1-n0');
      },
      ready: ({ status }) => status?.nodes?.['repaired-a1-n0']?.incarnation === 2 && status.phase === 'Error',
    },
  };
  const joinFirst = async (): Promise<void> => {
    const name = (await nodeOf('people-awaited')).metadata.name;
    const made = await runCommand(['token', 'create', '--node', `${NAMESPACE}/${name}`, '--data', plane.data, '--json']);
    assert.equal(made.code, 0, made.err);
    const { server, token, caHash } = JSON.parse(made.out) as { server: string; token: string; caHash: string };
    const how = ['--server', server, '--token', token, '--ca-hash', caHash, '--lease-renew', '2s', '--balancer', 'relay'];
    machine.start(['agent', 'join', ...how, '--data', machine.data, '--address', machine.address]);
  };
  const degrade = async (): Promise<void> => {
    await eventually('degraded is available', async () => isAvailable(await clusterOf(plane, 'degraded')), WAIT_MS, 100);
    const { uid } = (await nodeOf('degraded', 1)).metadata;
    hung = freeze(...plane.of('agent', uid).map(({ pid }) => pid));
    kill9(...plane.living().flatMap((one) => (one.node === uid && one.role !== 'agent' ? [one.pid] : [])));
  };
  const confirmDead = async (node: string): Promise<void> => {
    const done = await runCommand(['node', 'confirm-dead', node, '-n', NAMESPACE, '--data', plane.data]);
    assert.equal(done.code, 0, done.err);
  };

  test('from every phase, while extension servers are killed; past hosts that are gone for good, and finalizers of strangers', async () => {
    const begun = performance.now();
    const names = Object.keys(cases);
    await Promise.all([
      ...Object.entries(cases).map(([name, { home, workers = 0, spec = {} }]) =>
        createCluster(plane, name, workers, { virtualDataCenter: home, ...spec }),
      ),
      createCluster(plane, 'forced', 0, { virtualDataCenter: 'vanished' }),
      ...['held-node', 'held-cluster'].map((name) => createCluster(plane, name, 0, { virtualDataCenter: 'roomy' })),
    ]);
    // The longest way first: what cannot be reached has 30 s to let go.
    await take('vanished', 'forced');
    await deleteCluster(plane, 'forced');
    await says(
      'forced',
      /Waits: host vanished has not yet let go of forced-a1-n0.*kubectl -n demo annotate cluster forced outrigger\.dev\/force-delete=true/,
    );
    const forcedMs = performance.now();
    await plane.patch(CLUSTERS, NAMESPACE, 'forced', { metadata: { annotations: { 'outrigger.dev/force-delete': 'true' } } });

    await Promise.all(Object.values(cases).map(async ({ strike }) => await strike?.()));
    for (const [name, { ready }] of Object.entries(cases))
      await eventually(`${name} is where it is to be deleted`, async () => ready(await clusterOf(plane, name)), WAIT_MS, 100).catch(
        async () => assert.fail(`${name} is not where it is to be deleted: ${JSON.stringify((await clusterOf(plane, name)).status)}`),
      );
    for (const name of ['held-node', 'held-cluster'])
      await eventually(`${name} is available`, async () => isAvailable(await clusterOf(plane, name)), WAIT_MS, 100);
    await holdByStrangers(await nodeOf('held-node'));
    const saved = await nodeOf('available');
    say(`${names.length} clusters were each in another phase after ${seconds(performance.now() - begun)}`);

    const killer = killServers(kills.signal);
    const deletedMs = performance.now();
    await Promise.all([...names, 'held-node', 'held-cluster'].map((name) => deleteCluster(plane, name)));
    // A host gives an agent that hangs a while to stop in order; this one wakes in the middle of it.
    hung?.thaw();
    await says('attempt-removed', /Waits: host ghost has not yet let go of attempt-removed-a1-n0/);
    await confirmDead('attempt-removed-a1-n0');
    const killed = await killer;
    await untilGone(names);
    say(
      `all were gone ${seconds(performance.now() - deletedMs)} after they were deleted; ${killed} extension servers were killed meanwhile`,
    );

    await says('held-node', /held-node-a1-n0 is held by the finalizer example\.com\/theirs, which is not of Outrigger/);
    await says('held-cluster', /Nothing of it is left but the finalizer example\.com\/theirs, which is not of Outrigger/);
    await plane.patch(CLUSTER_NODES, NAMESPACE, 'held-node-a1-n0', { metadata: { finalizers: null } });
    await plane.patch(CLUSTERS, NAMESPACE, 'held-cluster', { metadata: { finalizers: null } });
    await untilGone(['held-node', 'held-cluster', 'forced']);
    const tookMs = performance.now() - forcedMs;
    // Each server times it by its own clock, so after the last kill it begins anew.
    assert.ok(tookMs > 29_000, 'a host has its time');
    say(`a forced deletion ended ${seconds(tookMs)} after it was asked for`);
    await nothingLeft();
    // A joined machine keeps the agent that waits for its next node, and nothing else.
    const kept = (): string =>
      machine
        .living()
        .map((text) => text.split(' ')[0])
        .join();
    await eventually('the joined machine runs nothing of it', () => kept() === 'agent', WAIT_MS, 100).catch(() => assert.fail(kept()));
    late = saved;
  });

  test('what appears after its cluster went is named by the doctor, with what to do, and is swept', async () => {
    assert.ok(late !== undefined, 'there was a cluster');
    const { spec, metadata } = late;
    freeze(...servers.flatMap(({ pid }) => pid ?? []));
    await plantOrphans(plane, late);
    const found = await eventually('the doctor knows them', () => orphansFound(), WAIT_MS, 200);
    const [name, uid] = [metadata.name, metadata.uid];
    const planted: readonly (readonly [RegExp, RegExp])[] = [
      [new RegExp(`${name} belongs to a cluster that is not there`), /An extension server takes it away by itself/],
      [
        new RegExp(`holds capacity for the cluster available, which is not there \\(${spec.clusterUid}`),
        /An extension server takes it away by itself/,
      ],
      [/Site demo\/berth says that the cluster available is plugged in, which is not there/, /An extension server takes it away by itself/],
      [new RegExp(`Lease demo/node-${uid} is of a node that is not there`), /^kubectl -n demo delete lease/],
      [/bootstrap token demo\/bootstrap-\w+ is for available-a1-n0, which is not there/, /^kubectl -n demo delete secret/],
      [/Host vanished runs demo\/available-a1-n0 .* which is not there\. It goes on/, /outrigger node discard .* --host vanished/],
      [
        /license demo\/gold counts seats of the Site elsewhere, which is not there/,
        /or at once: kubectl -n demo patch universallicense gold/,
      ],
    ];
    for (const [what, todo] of planted) {
      const finding = found.find((one) => what.test(one.message));
      assert.ok(finding !== undefined, `${what.source} is not among:\n${found.map((one) => one.message).join('\n')}`);
      assert.match(finding.remedy ?? '', todo);
    }
    // What a person is told to type helps.
    for (const { remedy = '' } of found.filter(({ remedy: todo = '' }) => /^(kubectl|The next sync)/.test(todo)))
      await typed(/kubectl .*$/.exec(remedy)?.[0] ?? '');
    await patchStatus(plane, HOSTS, '', 'vanished', { unclaimedNodes: null });
    for (const { pid = 0 } of servers) process.kill(pid, 'SIGCONT');
    const begun = performance.now();
    await nothingLeft();
    await eventually(
      'the Site is free',
      async () => (await plane.get(SITES, NAMESPACE, 'berth'))?.status?.cluster === undefined,
      WAIT_MS,
      100,
    );
    say(`late creates were swept ${seconds(performance.now() - begun)} after servers looked again`);
    assert.deepEqual(await orphansFound(), undefined, 'the doctor has nothing to tell any more');
    assert.deepEqual(
      plane.living().filter(({ node }) => node !== ''),
      [],
      'nobody started the late node',
    );
  });

  const orphansFound = async (): Promise<readonly Finding[] | undefined> => {
    const done = await runCommand(['doctor', '--json', '--data', plane.data]);
    const findings = (JSON.parse(done.out) as { findings: Finding[] }).findings;
    const orphans = findings.filter(({ message }) =>
      /which is not there|of a node that is not there|a cluster that is not there/.test(message),
    );
    return orphans.length === 0 ? undefined : orphans;
  };
  /** As it stands there, by a shell. */
  const typed = async (command: string): Promise<void> => {
    const words = [...command.matchAll(/'([^']*)'|(\S+)/g)].map(([, quoted, plain]) => quoted ?? plain ?? '');
    const done = await plane.kubectl(...words.slice(1));
    assert.equal(done.code, 0, `${command}: ${done.err}`);
  };

  /** A node of a cluster that is gone, as it was. */
  let late: ClusterNode | undefined;
  const holdByStrangers = async (node: ClusterNode): Promise<void> => {
    const finalizers = [...(node.metadata.finalizers ?? []), 'example.com/theirs'];
    await plane.patch(CLUSTER_NODES, NAMESPACE, node.metadata.name, { metadata: { finalizers } });
    const { metadata } = await clusterOf(plane, 'held-cluster');
    await plane.patch(CLUSTERS, NAMESPACE, 'held-cluster', {
      metadata: { finalizers: [...(metadata.finalizers ?? []), 'example.com/theirs'] },
    });
  };
  /** One after the other, each in the middle of its work, for a while. Resolves with how many. */
  const killServers = async (signal: AbortSignal): Promise<number> => {
    let killed = 0;
    for (;;) {
      if (signal.aborted || killed >= KILLS) return killed;
      const victim = servers.shift();
      victim?.kill('SIGKILL');
      killed += 1;
      startServer();
      await new Promise((done) => setTimeout(done, 1_000 + randomInt(1_000)));
    }
  };
});

function messageText(status: Cluster['status']): string {
  return conditionOf(status?.conditions, 'Ready')?.message ?? '';
}

function messageOf({ status }: Cluster): string {
  return messageText(status);
}

async function makeOrganization(plane: ControlPlane): Promise<void> {
  const quota = { nodes: 60, cpuMillis: 640_000, memoryMiB: 655_360 };
  const home = (name: string, hosts: string[], nodeDriver = 'process') => ({
    apiVersion: 'outrigger.dev/v1',
    kind: 'VirtualDataCenter',
    metadata: { name, namespace: NAMESPACE },
    spec: { quota, hosts, nodeDriver },
  });
  for (const object of [
    { apiVersion: 'v1', kind: 'Namespace', metadata: { name: NAMESPACE } },
    home('main', ['local']),
    ...['roomy', 'narrow', 'unready', 'ghost', 'vanished'].map((name) => home(name, [name])),
    home('moving', ['roomy']),
    home('joined', [], 'joined'),
    // The attempt that failed stays where it is; and no server waits for the Lease of one that was killed.
    {
      apiVersion: 'outrigger.dev/v1',
      kind: 'ServerConfig',
      metadata: { name: 'a-deletion' },
      spec: { orphanSeconds: ORPHAN_S, retryBaseSeconds: 300, sharing: 'Off' },
    },
  ]) {
    const made = await plane.apply(object);
    assert.equal(made.code, 0, made.err);
  }
}
