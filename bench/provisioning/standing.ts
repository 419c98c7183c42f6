/**
 * What extension servers cost while nothing happens: many clusters stand, available, and every node renews its Lease.
 *
 * The clusters are written as they stand, by an administrator, and the Leases are renewed by that one credential: twenty thousand agents with a
 * connection each would cost this machine more than all that is measured.
 */

import { newNode } from '../../src/decide/scale.ts';
import { CLUSTER_NODES, CLUSTERS, HOSTS, VIRTUAL_DATA_CENTERS } from '../../src/model/addresses.ts';
import type { ClusterNode } from '../../src/model/cluster-node.ts';
import type { Cluster, ClusterStatus } from '../../src/model/cluster.ts';
import { LEASES } from '../../src/model/core-kinds.ts';
import type { JsonObject } from '../../src/model/json.ts';
import { nodeLeaseName, nodeName, reservationKey } from '../../src/model/labels.ts';
import { LIMITS } from '../../src/model/limits.ts';
import { eventually } from '../../tests/support/eventually.ts';
import { leaseOf, leaseSpec } from '../../tests/support/hollow-agent.ts';
import { PLAIN_RELEASE } from '../../tests/support/plain-release.ts';
import { proportionalMB, withDescendants } from '../calibration.ts';
import { cpuSeconds, made, NAMESPACE } from './rig.ts';
import type { BenchPlane } from './rig.ts';

const WRITES_UNDER_WAY = 64;
const SERVICES = ['hello', 'ticker'];
const CALL_MS = 60_000;
const CAUGHT_UP_MS = 120_000;

export interface StandingFigures {
  readonly clusters: number;
  readonly renewalsPerSecond: number;
  /** From the start of the processes until one that is made after all others is begun. */
  readonly caughtUpSeconds: number;
  /** By server: share of a core, and PSS, while nothing happens but renewals. */
  readonly idle: readonly { readonly server: string; readonly core: number; readonly megabytes: number }[];
}

/** Starts `servers` extension servers on a plane where `clusters` stand, and watches them for `seconds`. */
export async function standing(plane: BenchPlane, clusters: number, servers: number, seconds: number): Promise<StandingFigures> {
  const nodes = await settle(plane, clusters);
  const stop = new AbortController();
  const renewals = renewAll(plane, nodes, stop.signal);
  try {
    const begin = performance.now();
    const names = Array.from({ length: servers }, (_, i) => `extension-${i + 1}`);
    const pids = names.map((name) => plane.startServer(name).pid ?? 0);
    await untilBegun(plane, 'probe');
    const caughtUpSeconds = (performance.now() - begin) / 1000;
    // What starting has left over (first looks, garbage) is no standing cost.
    await pause(Math.min(10, seconds) * 1000);
    const before = pids.map(usedBy);
    const fromMs = performance.now();
    const fromCount = renewals.count();
    await pause(seconds * 1000);
    const took = (performance.now() - fromMs) / 1000;
    const idle = names.map((server, i) => ({
      server,
      core: (usedBy(pids[i] ?? 0) - (before[i] ?? 0)) / took,
      megabytes: proportionalMB(withDescendants(pids[i] ?? 0)),
    }));
    return { clusters, renewalsPerSecond: (renewals.count() - fromCount) / took, caughtUpSeconds, idle };
  } finally {
    stop.abort();
    await renewals.ended;
  }
}

function usedBy(pid: number): number {
  return withDescendants(pid).reduce((sum, one) => sum + cpuSeconds(one), 0);
}

async function pause(ms: number): Promise<void> {
  await new Promise((done) => setTimeout(done, ms));
}

/** A cluster that is made now is seen to have been begun. */
async function untilBegun(plane: BenchPlane, name: string): Promise<void> {
  const home = 'nowhere';
  const object = { apiVersion: 'outrigger.dev/v1', kind: 'Cluster', metadata: { name, namespace: NAMESPACE }, spec: specOf(home) };
  await made(plane.api.create(CLUSTERS, NAMESPACE, object, AbortSignal.timeout(CALL_MS)));
  await eventually(
    'the servers have caught up',
    async () => {
      const read = await plane.api.get<Cluster>(CLUSTERS, NAMESPACE, name, AbortSignal.timeout(CALL_MS));
      return read.ok && read.value.status?.attempt !== undefined;
    },
    CAUGHT_UP_MS,
    25,
  );
}

// ---- what stands ------------------------------------------------------------------------------------------------------------------------

async function settle(plane: BenchPlane, clusters: number): Promise<readonly ClusterNode[]> {
  const perHome = LIMITS.clustersPerVirtualDataCenter;
  const nodes: ClusterNode[] = [];
  for (let first = 0; first < clusters; first += perHome) {
    const home = `standing-${first / perHome}`;
    const count = Math.min(perHome, clusters - first);
    const room = { nodes: 2 * perHome, cpuMillis: 1_000_000_000, memoryMiB: 1_000_000_000 };
    await create(plane, HOSTS, { kind: 'Host', metadata: { name: home }, spec: { capacity: room } });
    await create(plane, VIRTUAL_DATA_CENTERS, {
      kind: 'VirtualDataCenter',
      metadata: { name: home },
      spec: { quota: room, hosts: [home] },
    });
    const names = Array.from({ length: count }, (_, i) => `s${first + i}`);
    const made_ = await inParallel(names, async (name) => await createCluster(plane, name, home));
    await reserveAll(plane, home, made_);
    const all = made_.flatMap((cluster) => [0, 1].map((index) => ({ cluster, index })));
    nodes.push(...(await inParallel(all, async ({ cluster, index }) => await createNode(plane, cluster, index, home))));
  }
  return nodes;
}

function specOf(home: string): JsonObject {
  return { virtualDataCenter: home, release: PLAIN_RELEASE, workers: 1 };
}

async function createCluster(plane: BenchPlane, name: string, home: string): Promise<Cluster> {
  const finalizers = ['outrigger.dev/cluster'];
  const cluster = await create<Cluster>(plane, CLUSTERS, { kind: 'Cluster', metadata: { name, finalizers }, spec: specOf(home) });
  const now = new Date().toISOString();
  const condition = (type: string, status: string, reason: string): JsonObject => ({
    type,
    status,
    reason,
    message: 'As it was when it became available.',
    lastTransitionTime: now,
    observedGeneration: 1,
  });
  const status = {
    attempt: 1,
    attempts: [{ number: 1, startedAt: now, endedAt: now, generation: 1, outcome: 'Available', steps: [] }],
    availableAt: now,
    autoRepair: 'Disarmed',
    term: 1,
    primary: nodeName(name, 1, 0),
    release: { current: PLAIN_RELEASE, target: PLAIN_RELEASE },
    workers: 1,
    phase: 'Available',
    observedGeneration: 1,
    conditions: [
      condition('Ready', 'True', 'Available'),
      condition('Progressing', 'False', 'Available'),
      condition('Reachable', 'True', 'Heard'),
      condition('Redundant', 'True', 'AllRedundant'),
    ],
  } satisfies { [K in keyof ClusterStatus]: unknown };
  return await made(plane.api.mergePatch<Cluster>(CLUSTERS, NAMESPACE, name, { status }, AbortSignal.timeout(CALL_MS), 'status')).then(
    (patched) => ({ ...cluster, ...patched }),
  );
}

async function reserveAll(plane: BenchPlane, home: string, clusters: readonly Cluster[]): Promise<void> {
  const entries = clusters.flatMap(({ metadata, spec }) =>
    [0, 1].map((index): [string, JsonObject] => [
      reservationKey(metadata.uid, index),
      { cluster: metadata.name, node: nodeName(metadata.name, 1, index), generation: 1, ...spec.resources },
    ]),
  );
  const sum = (field: 'cpuMillis' | 'memoryMiB'): number => entries.reduce((total, [, entry]) => total + Number(entry[field]), 0);
  const reserved = { nodes: entries.length, cpuMillis: sum('cpuMillis'), memoryMiB: sum('memoryMiB') };
  const status = { reservations: Object.fromEntries(entries), reserved };
  await made(plane.api.mergePatch(VIRTUAL_DATA_CENTERS, NAMESPACE, home, { status }, AbortSignal.timeout(CALL_MS), 'status'));
}

async function createNode(plane: BenchPlane, cluster: Cluster, index: number, host: string): Promise<ClusterNode> {
  const wanted = newNode(cluster, 1, index);
  const object = { ...wanted, spec: { ...wanted.spec, host } };
  const node = await made(plane.api.create<ClusterNode>(CLUSTER_NODES, NAMESPACE, object, AbortSignal.timeout(CALL_MS)));
  const services = Object.fromEntries(SERVICES.map((name) => [name, { phase: 'Running', ready: true, restarts: 0 }]));
  const status = {
    role: wanted.spec.role,
    infrastructure: { incarnation: 1, phase: 'Running', address: '127.0.0.1', restarts: 0 },
    agent: { incarnation: 1, phase: 'Ready', release: PLAIN_RELEASE, observedGeneration: 1, balancer: 'Running', services },
  };
  await made(plane.api.mergePatch(CLUSTER_NODES, NAMESPACE, node.metadata.name, { status }, AbortSignal.timeout(CALL_MS), 'status'));
  const spec = leaseSpec(node.metadata.name, LIMITS.nodeLeaseRenewMs);
  await made(plane.api.create(LEASES, NAMESPACE, leaseOf(node.metadata, spec), AbortSignal.timeout(CALL_MS)));
  return node;
}

async function create<T>(plane: BenchPlane, address: Parameters<BenchPlane['api']['create']>[0], object: JsonObject): Promise<T> {
  const isNamespaced = address.scope === 'Namespaced';
  const namespace = isNamespaced ? NAMESPACE : '';
  const metadata = { ...(object['metadata'] as JsonObject), ...(isNamespaced ? { namespace } : {}) };
  const whole = { apiVersion: 'outrigger.dev/v1', ...object, metadata };
  return (await made(plane.api.create(address, namespace, whole, AbortSignal.timeout(CALL_MS)))) as T;
}

async function inParallel<A, B>(items: readonly A[], work: (item: A) => Promise<B>): Promise<B[]> {
  const done: B[] = [];
  let next = 0;
  const worker = async (): Promise<void> => {
    for (let at = next++; at < items.length; at = next++) done[at] = await work(items[at] as A);
  };
  await Promise.all(Array.from({ length: WRITES_UNDER_WAY }, worker));
  return done;
}

// ---- renewals ---------------------------------------------------------------------------------------------------------------------------

interface Renewals {
  /** Renewals answered so far. */
  count(): number;
  readonly ended: Promise<void>;
}

/** Each once in 60 s ± 10 %, spread evenly. */
function renewAll(plane: BenchPlane, nodes: readonly ClusterNode[], signal: AbortSignal): Renewals {
  let count = 0;
  const renew = async ({ metadata }: ClusterNode): Promise<void> => {
    const spec = leaseSpec(metadata.name, LIMITS.nodeLeaseRenewMs);
    const answer = await plane.api
      .mergePatch(LEASES, NAMESPACE, nodeLeaseName(metadata.uid), { spec }, AbortSignal.timeout(CALL_MS))
      .catch(() => undefined);
    if (answer?.ok === true) count += 1;
  };
  const run = async (): Promise<void> => {
    const due = nodes.map((node, i) => ({ node, atMs: performance.now() + (i / nodes.length) * LIMITS.nodeLeaseRenewMs }));
    while (!signal.aborted) {
      const nowMs = performance.now();
      for (const one of due) {
        if (one.atMs > nowMs) continue;
        one.atMs = nowMs + LIMITS.nodeLeaseRenewMs * (0.9 + 0.2 * Math.random());
        void renew(one.node);
      }
      await pause(20);
    }
  };
  return { count: () => count, ended: run() };
}
