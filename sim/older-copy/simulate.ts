/**
 * A world whose director is restored from an older copy in mid-run: people order, change and delete clusters, a copy is taken somewhere in it, more is
 * asked for, and then the store shows the copy again. Nobody says anything after that.
 *
 * O1: of a cluster that was available nothing is destroyed: no machine is stopped, no node retired or deleted, no life replaced and no attempt abandoned,
 *     but for what the copy itself says of that very node (a retirement or deletion that had begun, and stands).
 * O2: no pod of it ends, unless a change of what runs was under way.
 * O3: a person is told: of each machine that the director does not know as it runs its host knows that it is unclaimed; of each spec that is older than the
 *     one carried out the Cluster says SpecOlder.
 */

import { dutyOf } from '../../src/decide/host-claim.ts';
import { specAge } from '../../src/decide/spec-age.ts';
import type { SpecMemory } from '../../src/decide/spec-age.ts';
import type { ClusterNode } from '../../src/model/cluster-node.ts';
import type { Cluster } from '../../src/model/cluster.ts';
import { conditionOf } from '../../src/model/condition.ts';
import type { Dice } from '../dice.ts';
import { startDaemon } from '../host.ts';
import type { SimHost } from '../host-state.ts';
import { labelOf, runningPods } from '../machine.ts';
import type { Machine } from '../machine-state.ts';
import { openDataCenter, orderCluster } from '../orders.ts';
import { NAMESPACE } from '../script.ts';
import { startServer } from '../server.ts';
import { emptyStage, furnish } from '../simulate.ts';
import { RESTORER } from '../store.ts';
import type { Commit, StoreCopy } from '../store.ts';
import { violate } from '../world.ts';
import type { World } from '../world.ts';

export interface OlderCopyRun {
  readonly seed: number;
  readonly violations: readonly string[];
  /** What this world had to do with, and how often. */
  readonly met: Readonly<Record<string, number>>;
}

const SERVICES = ['hello', 'ticker'];
const SILENT_MS = 20 * 60_000;
const SLICE_MS = 30_000;

/** A machine that ran when the older copy came, and what ran on it. */
interface Survivor {
  readonly machine: Machine;
  readonly pods: readonly string[];
}

/** Runs `seed`. `onLine` gets the trace. */
export async function simulateOlderCopy(seed: number, onLine?: (line: string) => void): Promise<OlderCopyRun> {
  const stage = emptyStage(seed, onLine);
  const { world, servers, hosts } = stage;
  world.store.onCommit((commit) =>
    world.trace(`${commit.writer} ${commit.type} ${commit.plural}/${commit.object.metadata.name} @${commit.revision}`),
  );
  furnish(stage);
  for (const server of servers) startServer(world, server);
  for (const host of hosts) startDaemon(host);
  const dice = world.dice.fork('older copy');
  const met: Record<string, number> = {};
  planOrders(world, hosts, dice);
  const copyMs = dice.chance(0.3) ? dice.between(1_000, 120_000) : dice.between(120_000, 600_000);
  const restoreMs = copyMs + dice.between(5_000, 600_000);
  planLater(world, dice, copyMs, restoreMs, met);
  await runTo(world, copyMs);
  const copy = world.store.copy();
  await runTo(world, restoreMs);
  const survivors = survivorsOf(world);
  const truth = world.store.copy();
  world.trace('OLDER COPY');
  world.store.restore(copy);
  world.store.onCommit((commit) => judge(world, commit, truth, copy));
  await runTo(world, restoreMs + SILENT_MS);
  for (const survivor of survivors) judgeSurvivor(world, survivor, truth, copy);
  judgeTold(world, hosts, met);
  return { seed, violations: world.violations, met };
}

async function runTo(world: World, untilMs: number): Promise<void> {
  while (world.scheduler.nowMs() < untilMs) await world.scheduler.run(Math.min(untilMs, world.scheduler.nowMs() + SLICE_MS));
}

// ---- people -----------------------------------------------------------------------------------------------------------------------------

function planOrders(world: World, hosts: readonly SimHost[], dice: Dice): void {
  openDataCenter(world, hosts);
  for (const name of ['c1', 'c2']) world.scheduler.after(dice.between(500, 60_000), () => orderCluster(world, name, dice.between(0, 2)));
}

/** What is asked for after the copy, and lost with it. */
function planLater(world: World, dice: Dice, copyMs: number, restoreMs: number, met: Record<string, number>): void {
  const change = (name: string, spec: object): void =>
    void world.store.mergePatch('person', 'clusters', NAMESPACE, name, { spec: { ...spec } });
  const acts: readonly (readonly [string, () => void])[] = [
    ['scale c1', () => change('c1', { workers: dice.between(0, 2) })],
    ['scale c2', () => change('c2', { workers: dice.between(0, 2) })],
    ['release of c1', () => change('c1', { release: '1.0.1' })],
    ['another cluster', () => orderCluster(world, 'c3', dice.between(0, 1))],
    ['c2 is deleted', () => void world.store.remove('person', 'clusters', NAMESPACE, 'c2', {})],
  ];
  for (const [name, act] of acts) {
    if (!dice.chance(0.45)) continue;
    world.scheduler.after(dice.between(copyMs, restoreMs), () => {
      met[name] = 1;
      act();
    });
  }
}

// ---- judges -----------------------------------------------------------------------------------------------------------------------------

function clusterIn(copy: StoreCopy, uid: string): Cluster | undefined {
  return [...(copy.get('clusters')?.values() ?? [])].find((one) => one.metadata.uid === uid) as Cluster | undefined;
}

function nodeIn(copy: StoreCopy, uid: string): ClusterNode | undefined {
  return [...(copy.get('clusternodes')?.values() ?? [])].find((one) => one.metadata.uid === uid) as ClusterNode | undefined;
}

function isLeaving(node: ClusterNode | undefined): boolean {
  return node?.metadata.deletionTimestamp !== undefined || node?.spec.retired === true;
}

/** A cluster that was available when the copy came, and that nobody had asked to go. */
function isProtected(truth: StoreCopy, copy: StoreCopy, clusterUid: string): boolean {
  const [now, then] = [clusterIn(truth, clusterUid), clusterIn(copy, clusterUid)];
  if (now?.status?.availableAt === undefined || now.metadata.deletionTimestamp !== undefined) return false;
  return then?.metadata.deletionTimestamp === undefined;
}

/** O1, write by write. */
function judge(world: World, commit: Commit, truth: StoreCopy, copy: StoreCopy): void {
  if (commit.writer === RESTORER) return;
  const name = commit.object.metadata.name;
  if (commit.plural === 'clusters') {
    const [was, is] = [commit.previous as Cluster | undefined, commit.object as Cluster];
    const isAbandoned = (is.status?.abandonedAttempt ?? 0) > (was?.status?.abandonedAttempt ?? 0);
    if (isAbandoned && isProtected(truth, copy, is.metadata.uid))
      violate(world, `O1: ${commit.writer} abandons ${name}, which was available`);
    return;
  }
  if (commit.plural !== 'clusternodes') return;
  const [was, is] = [commit.previous as ClusterNode | undefined, commit.object as ClusterNode];
  if (was === undefined || nodeIn(truth, is.metadata.uid) === undefined || isLeaving(nodeIn(copy, is.metadata.uid))) return;
  if (!isProtected(truth, copy, is.spec.clusterUid)) return;
  const isDestroyed = (isLeaving(is) && !isLeaving(was)) || is.spec.incarnation > was.spec.incarnation || commit.type === 'DELETED';
  if (isDestroyed) violate(world, `O1: ${commit.writer} destroys ${name} (uid ${is.metadata.uid}), which nobody asked to go`);
}

function survivorsOf(world: World): readonly Survivor[] {
  return world.machines
    .filter((machine) => machine.isAlive)
    .map((machine) => ({ machine, pods: SERVICES.flatMap((service) => runningPods(machine, service)) }));
}

/** O1 and O2, at the end. */
function judgeSurvivor(world: World, { machine, pods }: Survivor, truth: StoreCopy, copy: StoreCopy): void {
  const [now, then] = [nodeIn(truth, machine.nodeUid), nodeIn(copy, machine.nodeUid)];
  const isGoing = now === undefined || isLeaving(now) || isLeaving(then) || now.spec.incarnation > machine.incarnation;
  if (isGoing || !isProtected(truth, copy, machine.clusterUid)) return;
  if (!machine.isAlive) violate(world, `O1: ${labelOf(machine)} was stopped, and nobody asked it to go`);
  const owner = clusterIn(truth, machine.clusterUid);
  const isChanging =
    owner?.status?.release?.progress !== undefined || conditionOf(owner?.status?.conditions, 'Progressing')?.status === 'True';
  const left = SERVICES.flatMap((service) => runningPods(machine, service));
  const ended = isChanging ? [] : pods.filter((pod) => !left.includes(pod));
  if (ended.length > 0) violate(world, `O2: of ${labelOf(machine)} ended ${ended.join(', ')}`);
}

/** O3. */
function judgeTold(world: World, hosts: readonly SimHost[], met: Record<string, number>): void {
  const nodes = world.store.list('clusternodes') as readonly ClusterNode[];
  for (const machine of world.machines.filter((one) => one.isAlive)) {
    const node = nodes.find((one) => one.metadata.uid === machine.nodeUid);
    if (node?.spec.incarnation === machine.incarnation && node.spec.host === machine.host) continue;
    const held = hosts.find((host) => host.name === machine.host)?.records.get(machine.nodeUid);
    const duty = dutyOf({ host: machine.host, live: true, node, held });
    if (duty.do !== 'unclaimed') violate(world, `O3: ${labelOf(machine)} runs, is not the director's, and its host says ${duty.do}`);
    else met[`unclaimed ${duty.why}`] = (met[`unclaimed ${duty.why}`] ?? 0) + 1;
  }
  for (const cluster of world.store.list('clusters') as readonly Cluster[]) {
    const primary = nodes.find((node) => node.metadata.name === cluster.status?.primary);
    const machine = world.machines.find((one) => one.isAlive && one.nodeUid === primary?.metadata.uid);
    const spec = machine?.disk.kept['spec'] as SpecMemory | undefined;
    if (machine === undefined || specAge(spec, cluster, true).state === 'Current') continue;
    met['older spec'] = (met['older spec'] ?? 0) + 1;
    const said = conditionOf(cluster.status?.conditions, 'Progressing')?.reason;
    if (said !== 'SpecOlder') violate(world, `O3: ${cluster.metadata.name} shows an older spec and says ${said ?? 'nothing'}`);
  }
}
