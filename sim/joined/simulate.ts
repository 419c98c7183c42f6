/**
 * Clusters of machines that people let in (docs/decisions/0016): somebody joins each hours or seconds after it is asked for, while extension servers crash
 * and pause and agents die; some clusters are scaled, some deleted, one before anybody came.
 *
 * J1: creation waits for people without a deadline: no attempt fails or is abandoned for that.
 * J2: a node is taken by the machine that joined as it, once, and by no host.
 * J3: nobody takes over by himself: no joined machine is replaced, and of a cluster that lives none is ended but what was asked to go.
 * J4: a machine is never wiped: its pods are reset, what its disk remembers stays.
 */

import type { ClusterNode } from '../../src/model/cluster-node.ts';
import type { Cluster } from '../../src/model/cluster.ts';
import { MACHINE_PREFIX } from '../../src/model/joined-machine.ts';
import { watchSafety } from '../checks.ts';
import type { Dice } from '../dice.ts';
import { startDaemon } from '../host.ts';
import { runningPods } from '../machine.ts';
import { openDataCenter, orderCluster } from '../orders.ts';
import { crash, pause } from '../process.ts';
import type { Process } from '../process.ts';
import { NAMESPACE } from '../script.ts';
import { startServer } from '../server.ts';
import { unsettled } from '../settled.ts';
import { emptyStage, furnish } from '../simulate.ts';
import type { Commit } from '../store.ts';
import { violate } from '../world.ts';
import type { World } from '../world.ts';
import { joinMachine, startJoined } from './machine.ts';
import type { JoinedMachine } from './machine.ts';

export interface JoinedRun {
  readonly seed: number;
  readonly violations: readonly string[];
  /** What this world had to do with, and how often. */
  readonly met: Readonly<Record<string, number>>;
}

const END_MS = 3_600_000;
const CALM_MS = 2_700_000;
const SLICE_MS = 60_000;
const DEADLINE_S = 60;
const LOOK_MS = 5_000;
const SERVICES = ['hello', 'ticker'];

interface Story {
  readonly world: World;
  readonly dice: Dice;
  /** By uid of the node. */
  readonly joined: Map<string, JoinedMachine>;
  readonly met: Record<string, number>;
}

/** Runs `seed`. `onLine` gets the trace. */
export async function simulateJoined(seed: number, onLine?: (line: string) => void): Promise<JoinedRun> {
  const stage = emptyStage(seed, onLine);
  const { world, servers, hosts } = stage;
  const story: Story = { world, dice: world.dice.fork('joined'), joined: new Map(), met: {} };
  watchSafety(world);
  world.store.onCommit((commit) => judge(story, commit));
  furnish(stage);
  const spec = { stepDeadlineSeconds: DEADLINE_S, maxAttempts: 5 };
  world.store.mergePatch('person', 'serverconfigs', '', 'default', { spec });
  openDataCenter(world, hosts);
  for (const server of servers) startServer(world, server);
  for (const host of hosts) startDaemon(host);
  for (const name of ['c1', 'c2', 'c3']) planPeople(story, name);
  planFaults(story, servers);
  letIn(story);
  // What spins is told by its first broken promise.
  while (world.scheduler.nowMs() < END_MS && world.violations.length === 0) await world.scheduler.run(world.scheduler.nowMs() + SLICE_MS);
  if (world.violations.length === 0) for (const what of unsettled(world)) violate(world, `left alone: ${what}`);
  judgeEnd(story);
  return { seed, violations: world.violations, met: story.met };
}

function meet({ met }: Story, what: string): void {
  met[what] = (met[what] ?? 0) + 1;
}

// ---- people and faults ------------------------------------------------------------------------------------------------------------------

function planPeople(story: Story, name: string): void {
  const { world } = story;
  const dice = story.dice.fork(name);
  const at = (ms: number, work: () => void): void => void world.scheduler.after(ms, work);
  const orderMs = dice.between(1_000, 200_000);
  at(orderMs, () => orderCluster(world, name, dice.between(0, 2), { nodes: 'Joined' }));
  if (dice.chance(0.4)) {
    at(dice.between(1_000_000, 2_000_000), () => {
      meet(story, 'scaled');
      world.store.mergePatch('person', 'clusters', NAMESPACE, name, { spec: { workers: dice.between(0, 2) } });
    });
  }
  if (dice.chance(0.4)) {
    at(dice.chance(0.4) ? orderMs + dice.between(1_000, 100_000) : dice.between(1_000_000, 2_500_000), () => {
      const cluster = world.store.get('clusters', NAMESPACE, name) as Cluster | undefined;
      meet(story, cluster?.status?.availableAt === undefined ? 'deleted early' : 'deleted');
      world.store.remove('person', 'clusters', NAMESPACE, name, {});
    });
  }
}

/** Somebody lets a machine in for each node that waits for one: soon, or long after a step's deadline. */
function letIn(story: Story): void {
  const { world, dice, joined } = story;
  const awaited = new Set<string>();
  const look = (): void => {
    for (const node of world.store.list('clusternodes') as readonly ClusterNode[]) {
      const { uid, name } = node.metadata;
      if (node.spec.machine !== 'Joined' || awaited.has(uid)) continue;
      awaited.add(uid);
      const lateMs = dice.chance(0.5) ? dice.between(1_000, 30_000) : dice.between(2_000 * DEADLINE_S, 10_000 * DEADLINE_S);
      if (lateMs > 1_000 * DEADLINE_S) meet(story, 'joined late');
      world.scheduler.after(lateMs, () => {
        const now = world.store.get('clusternodes', NAMESPACE, name) as ClusterNode | undefined;
        if (now?.metadata.uid !== uid || now.metadata.deletionTimestamp !== undefined || now.spec.retired === true) return;
        meet(story, 'joined');
        joined.set(uid, joinMachine(world, `m${joined.size + 1}`, now));
      });
    }
    world.scheduler.after(LOOK_MS, look);
  };
  look();
}

function planFaults(story: Story, servers: readonly Process[]): void {
  const { world, joined } = story;
  const dice = story.dice.fork('faults');
  for (let atMs = 10_000; atMs < CALM_MS; atMs += dice.between(5_000, 60_000)) {
    const own = dice.fork(`fault ${atMs}`);
    world.scheduler.after(atMs, () => {
      const kind = own.pick(['server pause', 'server crash', 'agent crash', 'agent crash'] as const);
      world.trace(`FAULT ${kind}`);
      const server = own.pick(servers);
      if (kind === 'server pause') return pause(server, world.scheduler.nowMs(), own.between(2_000, 60_000));
      if (kind === 'server crash') {
        crash(server);
        world.scheduler.after(own.between(500, 30_000), () => server.life === undefined && startServer(world, server));
        return;
      }
      const all = [...joined.values()].filter((one) => !one.isOver);
      if (all.length === 0) return;
      meet(story, 'agent crash');
      const one = own.pick(all);
      crash(one.machine.agent);
      world.scheduler.after(1_000, () => startJoined(world, one));
    });
  }
}

// ---- judges -----------------------------------------------------------------------------------------------------------------------------

function judge({ world, joined }: Story, commit: Commit): void {
  const { name } = commit.object.metadata;
  if (commit.plural === 'clusters') {
    const { status } = commit.object as Cluster;
    const failed = status?.attempts?.find((attempt) => attempt.outcome === 'Failed');
    if ((status?.abandonedAttempt ?? 0) > 0 || failed !== undefined)
      violate(world, `J1: ${name} gives attempt ${failed?.number} up: ${failed?.message}`);
  }
  if (commit.plural !== 'clusternodes' || commit.type === 'DELETED') return;
  const [was, is] = [commit.previous as ClusterNode | undefined, commit.object as ClusterNode];
  const { host } = is.spec;
  if (host !== was?.spec.host && (host !== commit.writer || host !== joined.get(is.metadata.uid)?.machine.host))
    violate(world, `J2: ${commit.writer} takes ${name} for ${host}`);
  if (is.spec.incarnation > 1) violate(world, `J3: ${commit.writer} replaces ${name}`);
}

function judgeEnd({ world, joined }: Story): void {
  for (const { machine } of joined.values()) {
    const node = world.store.get('clusternodes', NAMESPACE, machine.node) as ClusterNode | undefined;
    const isThere = node?.metadata.uid === machine.nodeUid;
    const pods = SERVICES.flatMap((service) => runningPods(machine, service));
    if (isThere && !machine.isAlive) violate(world, `J3: ${machine.host} was ended, and ${machine.node} is there`);
    if (!isThere && pods.length > 0) violate(world, `J4: ${machine.node} is gone, and ${pods.length} pods run on ${machine.host}`);
    if (!machine.disk.isMember && isThere) violate(world, `J4: ${machine.host} does not remember that it joined`);
    if (!machine.host.startsWith(MACHINE_PREFIX)) violate(world, `J2: ${machine.host} is no joined machine`);
  }
}
