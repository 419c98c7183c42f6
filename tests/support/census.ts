/**
 * The census: what must hold of every control plane once it was left alone, by looking at entities, processes and folders, none of which is believed
 * without the others. And a watchman who looks all the time for two where only one may be.
 *
 * It computes what should run from Clusters and ClusterReleases, not from what agents report.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { CLUSTERS, CLUSTER_NODES, CLUSTER_RELEASES, VIRTUAL_DATA_CENTERS } from '../../src/model/addresses.ts';
import { BOOTSTRAP_TOKEN_TYPE } from '../../src/model/bootstrap-token.ts';
import type { Cluster } from '../../src/model/cluster.ts';
import type { ClusterNode } from '../../src/model/cluster-node.ts';
import type { ClusterRelease } from '../../src/model/cluster-release.ts';
import { LEASES, SECRETS } from '../../src/model/core-kinds.ts';
import type { Lease, Secret } from '../../src/model/core-kinds.ts';
import { nodeLeaseName, reservationKey } from '../../src/model/labels.ts';
import type { VirtualDataCenter } from '../../src/model/virtual-data-center.ts';
import { ask, PATIENCE_MS, say, seconds } from './control-plane.ts';
import type { ControlPlane, Living } from './control-plane.ts';
import { eventually } from './eventually.ts';

/** The Host that `outrigger up` runs. */
const OWN_HOST = 'local';

interface World {
  readonly clusters: readonly Cluster[];
  readonly nodes: readonly ClusterNode[];
  readonly releases: readonly ClusterRelease[];
  readonly virtualDataCenters: readonly VirtualDataCenter[];
  readonly secrets: readonly Secret[];
  readonly leases: readonly Lease[];
  readonly living: readonly Living[];
}

/**
 * Waits until everything is as it should be: `names` are exactly the clusters that are there and Available (`unwell`: there, and in whatever state).
 * Prints how long that took.
 */
export async function settles(plane: ControlPlane, what: string, names: readonly string[], unwell: readonly string[] = []): Promise<void> {
  const begun = performance.now();
  let complaints: readonly string[] = ['nothing was looked at'];
  try {
    await eventually(what, async () => (complaints = await census(plane, names, unwell)).length === 0, PATIENCE_MS, 200);
  } catch (cause) {
    throw new Error(`${what}, but:\n  ${complaints.join('\n  ')}\n${lastWords(plane)}`, { cause });
  }
  say(`${what}: all is as it should be after ${seconds(performance.now() - begun)}`);
}

/** What is left of clusters where there shall be none, a sentence each: entities, reservations, tokens, Leases, processes, folders and records of the host. */
export async function leftOvers(plane: ControlPlane): Promise<readonly string[]> {
  const world = await look(plane);
  return [...nameComplaints(world, []), ...orphanComplaints(plane, world), ...reservationComplaints(world)];
}

/** The ends of all logs: nothing is left of them when the test has cleaned up. */
function lastWords(plane: ControlPlane): string {
  const folders = [
    join(plane.data, 'logs'),
    ...readdirSync(join(plane.data, 'host', 'nodes')).map((uid) => join(plane.data, 'host', 'nodes', uid, 'logs')),
  ];
  const files = folders.flatMap((folder) => (existsSync(folder) ? readdirSync(folder).map((name) => join(folder, name)) : []));
  const ends = files
    .filter((file) => /(agent|stop|host|director|extension-\d+)\.log$/.test(file))
    .map((file) => `${file}:\n${readFileSync(file, 'utf8').split('\n').slice(-25).join('\n')}`);
  return [plane.up().output().split('\n').slice(-15).join('\n'), ...ends].join('\n');
}

/** What is not as it should be, a sentence each. */
async function census(plane: ControlPlane, names: readonly string[], unwell: readonly string[]): Promise<readonly string[]> {
  const world = await look(plane);
  const wells = world.clusters.filter((cluster) => names.includes(cluster.metadata.name));
  const quick = [
    ...partComplaints(plane, world),
    ...nameComplaints(world, [...names, ...unwell]),
    ...wells.flatMap((cluster) => clusterComplaints(world, cluster)),
    ...orphanComplaints(plane, world),
    ...reservationComplaints(world),
  ];
  if (quick.length > 0) return quick;
  const served = await Promise.all(wells.flatMap((cluster) => nodesOf(world, cluster)).map(servingComplaint));
  return served.filter((one) => one !== undefined);
}

async function look(plane: ControlPlane): Promise<World> {
  const [clusters, nodes, releases, virtualDataCenters, secrets, leases] = await Promise.all([
    plane.list(CLUSTERS),
    plane.list(CLUSTER_NODES),
    plane.list(CLUSTER_RELEASES),
    plane.list(VIRTUAL_DATA_CENTERS),
    plane.list(SECRETS),
    plane.list(LEASES),
  ]);
  return { clusters, nodes, releases, virtualDataCenters, secrets, leases, living: plane.living() };
}

function partComplaints(plane: ControlPlane, { living }: World): string[] {
  const wanted = { up: 1, director: 1, host: 1, extension: plane.extensionServers, desktop: 1, 'connection-server': 2 };
  const counted = Object.entries(wanted).flatMap(([role, count]) => {
    const found = living.filter((one) => one.role === role).length;
    return found === count ? [] : [`${found} processes are ${role}, not ${count}`];
  });
  const known = new Set([...Object.keys(wanted), 'agent', 'balancer', 'pod', 'postgres']);
  const strangers = living.filter((one) => !known.has(one.role)).map((one) => `process ${one.pid} is ${one.role}`);
  return [...counted, ...strangers];
}

function nameComplaints({ clusters }: World, names: readonly string[]): string[] {
  const there = clusters.map((cluster) => cluster.metadata.name).toSorted();
  const wanted = names.toSorted();
  return there.join() === wanted.join() ? [] : [`the clusters are ${there.join(', ')}, not ${wanted.join(', ')}`];
}

// ---- one cluster ------------------------------------------------------------------------------------------------------------------------

function nodesOf({ nodes }: World, cluster: Cluster): readonly ClusterNode[] {
  return nodes.filter((node) => node.spec.clusterUid === cluster.metadata.uid);
}

function clusterComplaints(world: World, cluster: Cluster): string[] {
  const { metadata, spec, status } = cluster;
  const nodes = nodesOf(world, cluster);
  const release = world.releases.find((one) => one.metadata.name === spec.release);
  const ready = status?.conditions?.find((one) => one.type === 'Ready');
  const facts: readonly (readonly [boolean, string])[] = [
    [metadata.deletionTimestamp === undefined, 'is being deleted'],
    [status?.phase === 'Available', `is ${status?.phase}: ${ready?.message}`],
    [ready?.status === 'True', `has Ready ${ready?.status}: ${ready?.message}`],
    [status?.availableAt !== undefined && status.autoRepair === 'Disarmed', 'was available and is not disarmed'],
    [status?.workers === spec.workers, `says ${status?.workers} workers, not ${spec.workers}`],
    [status?.release?.current === spec.release, `runs release ${status?.release?.current}, not ${spec.release}`],
    [nodes.length === spec.workers + 1, `has the nodes ${nodes.map((node) => node.metadata.name).join(', ')}`],
    [nodes.every((node) => node.spec.attempt === status?.attempt), `has nodes of other attempts than ${status?.attempt}`],
    [Object.keys(status?.nodes ?? {}).length === nodes.length, `tells of the nodes ${Object.keys(status?.nodes ?? {}).join(', ')}`],
    [status?.primary === nodes.find((node) => node.spec.index === 0)?.metadata.name, `has the primary ${status?.primary}`],
    [release !== undefined, `has no release ${spec.release}`],
  ];
  const own = facts.filter(([holds]) => !holds).map(([, sentence]) => `${metadata.name} ${sentence}`);
  return [...own, ...(release === undefined ? [] : nodes.flatMap((node) => nodeComplaints(world, node, release)))];
}

function nodeComplaints(world: World, node: ClusterNode, release: ClusterRelease): string[] {
  const { metadata, spec, status } = node;
  const mine = world.living.filter((one) => one.node === metadata.uid);
  const agents = mine.filter((one) => one.role === 'agent');
  const balancers = mine.filter((one) => one.role === 'balancer');
  const facts: readonly (readonly [boolean, string])[] = [
    [agents.length === 1, `has ${agents.length} agents`],
    [balancers.length === 1, `has ${balancers.length} balancers`],
    [status?.infrastructure?.phase === 'Running', `has the machine ${status?.infrastructure?.phase}`],
    [status?.infrastructure?.pid === agents[0]?.pid, `names ${status?.infrastructure?.pid} as its agent, which is ${agents[0]?.pid}`],
    [status?.agent?.phase === 'Ready' && status.agent.incarnation === spec.incarnation, `has the agent ${status?.agent?.phase}`],
  ];
  const wanted = release.spec.services
    .filter((service) => service.mode === 'Replicated' || spec.index === 0)
    .map((service) => service.name);
  const pods = mine.filter((one) => one.role === 'pod');
  const counted = new Set([...wanted, ...pods.map((one) => one.service)]);
  const miscounted = [...counted].flatMap((service) => {
    const sessions = new Set(pods.filter((one) => one.service === service).map((one) => one.sessionId)).size;
    const processes = pods.filter((one) => one.service === service).length;
    const should = wanted.includes(service) ? 1 : 0;
    return sessions === should && processes === 2 * should
      ? []
      : [`runs ${service} ${sessions} times, in ${processes} processes (a shim and a program are one), not ${should}`];
  });
  return [...facts.filter(([holds]) => !holds).map(([, sentence]) => sentence), ...miscounted].map((text) => `${metadata.name} ${text}`);
}

/** Through the node's own balancer. */
async function servingComplaint(node: ClusterNode): Promise<string | undefined> {
  const address = node.status?.infrastructure?.address ?? '';
  const { status, text } = await ask(`http://${address}:8080/`);
  return status === 200 ? undefined : `${node.metadata.name} answers ${status} at ${address}: ${text}`;
}

// ---- orphans ----------------------------------------------------------------------------------------------------------------------------

function orphanComplaints(plane: ControlPlane, world: World): string[] {
  const owners = new Set(world.clusters.map((cluster) => cluster.metadata.uid));
  const nodes = new Set(world.nodes.map((node) => node.metadata.uid));
  const leases = new Set(world.nodes.map((node) => nodeLeaseName(node.metadata.uid)));
  const folders = readdirSync(join(plane.data, 'host', 'nodes'));
  const records = readdirSync(join(plane.data, 'host', 'store')).flatMap((name) => /^node-(.*)\.json$/.exec(name)?.[1] ?? []);
  const held = world.nodes.filter((node) => node.spec.host === OWN_HOST).map((node) => node.metadata.uid);
  return [
    ...world.nodes.filter((node) => !owners.has(node.spec.clusterUid)).map((node) => `node ${node.metadata.name} has no cluster`),
    ...world.living
      .filter((one) => one.node !== '' && !nodes.has(one.node))
      .map((one) => `process ${one.pid} (${one.role} ${one.service}) belongs to node ${one.node}, which is gone`),
    ...world.secrets
      .filter((secret) => secret.type === BOOTSTRAP_TOKEN_TYPE)
      .map((secret) => ({ name: secret.metadata.name, uid: Buffer.from(secret.data?.['nodeUid'] ?? '', 'base64').toString() }))
      .filter(({ uid }) => uid !== '' && !nodes.has(uid))
      .map(({ name, uid }) => `Secret ${name} is for node ${uid}, which is gone`),
    ...world.leases
      .filter(({ metadata }) => metadata.name.startsWith(nodeLeaseName('')) && !leases.has(metadata.name))
      .map(({ metadata }) => `Lease ${metadata.name} belongs to a node that is gone`),
    ...difference('folder', folders, held),
    ...difference('record of the host', records, held),
  ];
}

function difference(what: string, there: readonly string[], wanted: readonly string[]): string[] {
  return [
    ...there.filter((one) => !wanted.includes(one)).map((one) => `there is a ${what} ${one} of no node`),
    ...wanted.filter((one) => !there.includes(one)).map((one) => `there is no ${what} ${one}`),
  ];
}

function reservationComplaints({ virtualDataCenters, nodes }: World): string[] {
  return virtualDataCenters.flatMap(({ metadata, status }) => {
    const mine = nodes.filter((node) => node.metadata.namespace === metadata.namespace && node.spec.virtualDataCenter === metadata.name);
    const wanted = mine.map((node) => reservationKey(node.spec.clusterUid, node.spec.index));
    const there = Object.entries(status?.reservations ?? {});
    const sums = {
      nodes: there.length,
      cpuMillis: there.reduce((sum, [, one]) => sum + one.cpuMillis, 0),
      memoryMiB: there.reduce((sum, [, one]) => sum + one.memoryMiB, 0),
    };
    const said = { nodes: 0, cpuMillis: 0, memoryMiB: 0, ...status?.reserved };
    const isRight = said.nodes === sums.nodes && said.cpuMillis === sums.cpuMillis && said.memoryMiB === sums.memoryMiB;
    return [
      ...difference(
        `reservation in ${metadata.name}`,
        there.map(([key]) => key),
        wanted,
      ),
      ...(isRight ? [] : [`${metadata.name} says ${JSON.stringify(said)} is reserved, and ${JSON.stringify(sums)} is`]),
    ];
  });
}

// ---- the watchman -----------------------------------------------------------------------------------------------------------------------

export interface Watchman {
  /** What was seen twice at a time where one may be, a sentence each. */
  stop(): readonly string[];
}

const LOOK_MS = 200;
/** A process that was just forked shows its parent's marks until it has become itself. */
const LOOKS_TO_BELIEVE = 3;
const SINGLETONS = ['ticker'];

/** Looks for two agents or balancers of one node, two instances of one service on one node, two instances of a singleton in one cluster. */
export function keepWatch(plane: ControlPlane): Watchman {
  const seen = new Map<string, number>();
  const timer = setInterval(() => {
    const doubles = doublesIn(plane.living());
    for (const double of seen.keys()) if (!doubles.includes(double) && (seen.get(double) ?? 0) < LOOKS_TO_BELIEVE) seen.delete(double);
    for (const double of doubles) seen.set(double, (seen.get(double) ?? 0) + 1);
  }, LOOK_MS);
  return {
    stop: () => {
      clearInterval(timer);
      return [...seen].filter(([, looks]) => looks >= LOOKS_TO_BELIEVE).map(([double, looks]) => `${double}, seen ${looks} times`);
    },
  };
}

function doublesIn(living: readonly Living[]): string[] {
  const groups = new Map<string, Set<number>>();
  const count = (name: string, pid: number): void => void groups.set(name, (groups.get(name) ?? new Set()).add(pid));
  for (const { role, node, service, cluster, pid, sessionId } of living) {
    if (role === 'agent' || role === 'balancer') count(`${role} of node ${node}`, pid);
    if (role === 'pod') count(`${service} on node ${node}`, sessionId);
    if (role === 'pod' && SINGLETONS.includes(service)) count(`${service} of ${cluster}`, sessionId);
  }
  return [...groups].filter(([, pids]) => pids.size > 1).map(([name, pids]) => `${name}: ${[...pids].join(', ')}`);
}
