/**
 * The same orders, deaths and deletions twice: with the work shared between the extension servers, and with every server working on everything
 * (ServerConfig spec.sharing: Off). Servers pause for longer than their Leases last, and wake in the midst of creation, repair and deletion.
 *
 * W1: both worlds end in the same state: clusters, their phases and conditions, nodes with their attempts and incarnations, reservations.
 * W2: in both every law of checks.ts holds, and left alone all is as it was asked for.
 */

import { canonicalJson } from '../../src/base/canonical.ts';
import type { ClusterNode } from '../../src/model/cluster-node.ts';
import type { Cluster } from '../../src/model/cluster.ts';
import type { VirtualDataCenter } from '../../src/model/virtual-data-center.ts';
import { watchSafety } from '../checks.ts';
import type { Dice } from '../dice.ts';
import { loseMachine, startDaemon } from '../host.ts';
import type { SimHost } from '../host-state.ts';
import { openDataCenter, orderCluster } from '../orders.ts';
import { pause } from '../process.ts';
import type { Process } from '../process.ts';
import { NAMESPACE } from '../script.ts';
import { startServer } from '../server.ts';
import { unsettled } from '../settled.ts';
import { emptyStage, furnish } from '../simulate.ts';
import { violate } from '../world.ts';
import type { World } from '../world.ts';

export const WAYS = ['Rendezvous', 'Off'] as const;
export type Way = (typeof WAYS)[number];

export interface SharingRun {
  readonly seed: number;
  readonly violations: readonly string[];
  /** Writes that servers asked for, by way: what it cost. */
  readonly writes: Readonly<Record<Way, number>>;
  /** Pauses that struck while a server had a call in flight, both ways together. */
  readonly pausedAtWork: number;
}

interface Ended {
  readonly state: string;
  readonly writes: number;
  readonly pausedAtWork: number;
  readonly violations: readonly string[];
}

const END_MS = 1_500_000;
const LAST_MS = 900_000;
const LOOK_MS = 500;
/** Longer than a Lease lasts, and than work may be overdue. */
const PAUSE_MS = [4_000, 60_000] as const;

/** What is done to one cluster. The same both ways: it follows what is there, not when. */
interface Story {
  readonly name: string;
  readonly orderMs: number;
  readonly workers: number;
  /** Index of the node whose machine is lost once all is well; undefined: none. */
  readonly loses: number | undefined;
  readonly scalesTo: number | undefined;
  readonly isDeleted: boolean;
}

export async function simulateSharing(seed: number, onLine?: (line: string) => void): Promise<SharingRun> {
  const [shared, off] = [await run(seed, 'Rendezvous', onLine), await run(seed, 'Off', onLine)];
  const differs = shared.state === off.state ? [] : [`W1: the ends differ: shared ${shared.state}, off ${off.state}`];
  const named = (way: Way, { violations }: Ended): string[] => violations.map((what) => `${way}: ${what}`);
  return {
    seed,
    violations: [...named('Rendezvous', shared), ...named('Off', off), ...differs],
    writes: { Rendezvous: shared.writes, Off: off.writes },
    pausedAtWork: shared.pausedAtWork + off.pausedAtWork,
  };
}

async function run(seed: number, way: Way, onLine?: (line: string) => void): Promise<Ended> {
  const stage = emptyStage(seed, onLine);
  const { world, servers, hosts } = stage;
  world.trace(`SHARING ${way}`);
  watchSafety(world);
  furnish(stage);
  world.store.mergePatch('person', 'serverconfigs', '', 'default', { spec: { sharing: way, stepDeadlineSeconds: 600, maxAttempts: 5 } });
  for (const host of hosts)
    world.store.mergePatch('person', 'hosts', '', host.name, { spec: { capacity: { nodes: 12, cpuMillis: 64_000, memoryMiB: 65_536 } } });
  openDataCenter(world, hosts);
  for (const server of servers) startServer(world, server);
  for (const host of hosts) startDaemon(host);
  const dice = world.dice.fork('sharing');
  for (const name of ['c1', 'c2', 'c3']) tell(world, hosts, storyOf(name, dice.fork(name)));
  const paused = { atWork: 0 };
  planPauses(world, servers, dice.fork('pauses'), paused);
  await world.scheduler.run(END_MS);
  for (const what of unsettled(world)) violate(world, `left alone: ${what}`);
  const calls = Object.entries(world.coverage.table()).filter(([what]) => SERVER_WRITES.has(what));
  return {
    state: canonicalJson(stateOf(world)),
    writes: calls.reduce((sum, [, counts]) => sum + (counts['calls'] ?? 0), 0),
    pausedAtWork: paused.atWork,
    violations: world.violations,
  };
}

/** Asked for by extension servers. */
const SERVER_WRITES: ReadonlySet<string> = new Set([
  'SetClusterFinalizer',
  'DropClusterFinalizer',
  'PatchClusterStatus',
  'Abandon',
  'BecomeAvailable',
  'CreateNode',
  'RetireNode',
  'RaiseIncarnation',
  'DeleteNode',
  'Reserve',
  'Unreserve',
]);

function storyOf(name: string, dice: Dice): Story {
  const workers = dice.between(0, 2);
  return {
    name,
    orderMs: dice.between(1_000, 200_000),
    workers,
    loses: dice.chance(0.6) ? dice.between(0, workers) : undefined,
    scalesTo: dice.chance(0.4) ? dice.between(0, 2) : undefined,
    isDeleted: dice.chance(0.35),
  };
}

/** One thing after the other, each as soon as the one before has come to its end. */
function tell(world: World, hosts: readonly SimHost[], story: Story): void {
  const { name } = story;
  const steps: (() => void)[] = [];
  if (story.loses !== undefined) steps.push(() => lose(hosts, name, story.loses ?? 0));
  if (story.scalesTo !== undefined)
    steps.push(() => void world.store.mergePatch('person', 'clusters', NAMESPACE, name, { spec: { workers: story.scalesTo ?? 0 } }));
  if (story.isDeleted) steps.push(() => void world.store.remove('person', 'clusters', NAMESPACE, name, {}));
  const next = (): void => {
    const [step] = steps;
    if (step === undefined) return;
    if (isWell(world, name)) {
      steps.shift();
      step();
    }
    world.scheduler.after(LOOK_MS, next);
  };
  world.scheduler.after(story.orderMs, () => {
    orderCluster(world, name, story.workers);
    next();
  });
}

function isWell(world: World, name: string): boolean {
  const cluster = world.store.get('clusters', NAMESPACE, name) as Cluster | undefined;
  if (cluster?.status?.phase !== 'Available' || cluster.status.workers !== cluster.spec.workers) return false;
  const nodes = nodesOf(world, cluster);
  return nodes.length === cluster.spec.workers + 1 && nodes.every((node) => node.status?.agent?.phase === 'Ready');
}

function nodesOf(world: World, { metadata }: Cluster): readonly ClusterNode[] {
  return (world.store.list('clusternodes') as readonly ClusterNode[]).filter((node) => node.spec.clusterUid === metadata.uid);
}

function lose(hosts: readonly SimHost[], name: string, index: number): void {
  for (const host of hosts)
    for (const machine of host.machines.values())
      if (machine.cluster === name && machine.index === index && machine.isAlive) loseMachine(host, machine);
}

/** Whoever has a call in flight at that moment: it wakes in the midst of something. */
function planPauses(world: World, servers: readonly Process[], dice: Dice, paused: { atWork: number }): void {
  for (let atMs = 5_000; atMs < LAST_MS; atMs += dice.between(500, 8_000)) {
    const ms = dice.between(...PAUSE_MS);
    const isForAnybody = dice.chance(0.1);
    world.scheduler.after(atMs, () => {
      const [busy] = servers.filter((server) => server.inFlight.size > 0);
      const struck = busy ?? (isForAnybody ? servers[0] : undefined);
      if (struck === undefined) return;
      if (busy !== undefined) paused.atWork += 1;
      world.trace(`PAUSE of ${struck.name} for ${ms} ms`);
      pause(struck, world.scheduler.nowMs(), ms);
    });
  }
}

/** What a person sees, without what follows from when, and from who was first: times, revisions, uids, hosts. */
function stateOf(world: World): unknown {
  const clusters = (world.store.list('clusters') as readonly Cluster[]).toSorted((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1));
  const [vdc] = world.store.list('virtualdatacenters') as readonly VirtualDataCenter[];
  const reserved = Object.keys(vdc?.status?.reservations ?? {});
  return clusters.map((cluster) => {
    const { metadata, spec, status = {} } = cluster;
    const conditions = (status.conditions ?? []).map(({ type, status: is, reason }) => `${type} ${is} ${reason}`).toSorted();
    const { phase, attempt, abandonedAttempt, autoRepair, primary, workers, term } = status;
    return {
      name: metadata.name,
      finalizers: metadata.finalizers ?? [],
      spec,
      status: {
        phase,
        attempt,
        abandonedAttempt,
        autoRepair,
        primary,
        workers,
        term,
        conditions,
        isAvailable: status.availableAt !== undefined,
      },
      nodes: nodesOf(world, cluster).map(nodeState).toSorted(),
      reserved: reserved
        .filter((key) => key.startsWith(metadata.uid))
        .map((key) => key.slice(metadata.uid.length))
        .toSorted(),
    };
  });
}

function nodeState({ metadata, spec, status }: ClusterNode): string {
  const { attempt, index, role, incarnation, retired = false } = spec;
  const services = Object.entries(status?.agent?.services ?? {}).map(([name, { ready }]) => `${name} ${ready}`);
  return `${metadata.name} ${attempt} ${index} ${role} ${incarnation} ${retired} ${status?.agent?.phase} ${services.toSorted().join()}`;
}
