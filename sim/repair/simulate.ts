/**
 * A world of available clusters whose nodes fall silent and die, alone and many at once: who replaces what, on which proof, and when nobody does.
 *
 * Sites are cut off together for longer than their Leases hold; meanwhile machines die, and another cluster is ordered that cannot come up. Extension
 * servers crash, and pause past their Leases. Laws: repair-checks.ts, silence-checks.ts, health-checks.ts, sharing-checks.ts and checks.ts; left alone all
 * is as it was asked for.
 */

import type { Cluster } from '../../src/model/cluster.ts';
import { watchSafety } from '../checks.ts';
import type { CoverageTable } from '../coverage.ts';
import type { Dice } from '../dice.ts';
import { loseMachine, startDaemon } from '../host.ts';
import type { SimHost } from '../host-state.ts';
import type { Machine } from '../machine-state.ts';
import { openDataCenter, orderCluster } from '../orders.ts';
import { crash, pause } from '../process.ts';
import type { Process } from '../process.ts';
import { watchRepair } from '../repair-checks.ts';
import { NAMESPACE } from '../script.ts';
import { startServer } from '../server.ts';
import { unsettled } from '../settled.ts';
import { watchSilence } from '../silence-checks.ts';
import type { SilenceJudge } from '../silence-checks.ts';
import { silenceSites, silenceWorker } from '../silence-script.ts';
import { emptyStage, furnish } from '../simulate.ts';
import { violate } from '../world.ts';
import type { World } from '../world.ts';

export interface RepairRun {
  readonly seed: number;
  readonly violations: readonly string[];
  readonly coverage: CoverageTable;
}

interface Stage {
  readonly world: World;
  readonly servers: readonly Process[];
  readonly hosts: readonly SimHost[];
  readonly judge: SilenceJudge;
}

const CALM_MS = 1_800_000;
const END_MS = 3_000_000;
const SLICE_MS = 60_000;
/** A write that was decided before something became true. No message is late in these worlds. */
const IN_FLIGHT_MS = 40_000;

/** Runs `seed`. `onLine` gets the trace. `isEager`: ends at the first broken promise. */
export async function simulateRepair(seed: number, onLine?: (line: string) => void, isEager = false): Promise<RepairRun> {
  const { world, servers, hosts } = emptyStage(seed, onLine);
  world.store.onCommit((commit) =>
    world.trace(`${commit.writer} ${commit.type} ${commit.plural}/${commit.object.metadata.name} @${commit.revision}`),
  );
  watchSafety(world);
  watchRepair(world, IN_FLIGHT_MS);
  const stage: Stage = { world, servers, hosts, judge: watchSilence(world, servers) };
  const dice = world.dice.fork('repair');
  furnish({ world, hosts });
  world.store.mergePatch('person', 'serverconfigs', '', 'default', { spec: { stepDeadlineSeconds: 60, maxAttempts: 5 } });
  for (const host of hosts) {
    world.store.mergePatch('person', 'hosts', '', host.name, { spec: { capacity: { nodes: 24, cpuMillis: 64_000, memoryMiB: 65_536 } } });
    startDaemon(host);
  }
  for (const server of servers) startServer(world, server);
  openDataCenter(world, hosts, 24);
  plan(stage, dice);
  while (world.scheduler.nowMs() < END_MS && !(isEager && world.violations.length > 0))
    await world.scheduler.run(world.scheduler.nowMs() + SLICE_MS);
  for (const what of unsettled(world)) violate(world, `left alone: ${what}`);
  stage.judge.atEnd();
  return { seed, violations: world.violations, coverage: world.coverage.table() };
}

function plan(stage: Stage, dice: Dice): void {
  const { world } = stage;
  const at = (ms: number, work: () => void): void => void world.scheduler.after(ms, work);
  for (let count = dice.between(3, 5), index = 1; index <= count; index++) {
    const check = dice.chance(0.4) ? { nodeHealthCheck: { maxUnhealthyPercent: 40 } } : {};
    at(dice.between(500, 20_000), () => orderCluster(world, `c${index}`, dice.between(1, 2), check));
  }
  for (let atMs = 150_000; atMs < CALM_MS; atMs += dice.between(10_000, 150_000)) {
    const own = dice.fork(`strike ${atMs}`);
    at(atMs, () => strike(stage, own));
  }
  for (const atMs of [dice.between(200_000, 500_000), dice.between(1_000_000, 1_300_000)]) {
    const own = dice.fork(`mass ${atMs}`);
    at(atMs, () => silence(stage, own));
  }
  at(CALM_MS, () => calm(stage));
}

function strike(stage: Stage, dice: Dice): void {
  const { world } = stage;
  const kinds: readonly (readonly [string, () => void])[] = [
    ['silent worker', () => silenceWorker(world, dice)],
    ['machine lost', () => lose(stage, dice, () => true)],
    ['cluster lost', () => loseCluster(stage, dice)],
    ['server crash', () => crashServer(stage, dice)],
    ['server pause', () => pauseServer(stage, dice)],
  ];
  const [name, work] = dice.pick(kinds);
  world.trace(`FAULT ${name}`);
  work();
}

function living({ hosts }: Stage): readonly (readonly [SimHost, Machine])[] {
  return hosts.flatMap((host) => [...host.machines.values()].filter((one) => one.isAlive).map((machine) => [host, machine] as const));
}

function lose(stage: Stage, dice: Dice, which: (machine: Machine) => boolean): void {
  const found = living(stage).filter(([, machine]) => which(machine));
  if (found.length === 0) return;
  const [host, machine] = dice.pick(found);
  loseMachine(host, machine);
}

/** All machines of one cluster die at once, or all but one. */
function loseCluster(stage: Stage, dice: Dice): void {
  const found = living(stage);
  if (found.length === 0) return;
  const { clusterUid } = dice.pick(found)[1];
  const [spared, ...rest] = found.filter(([, machine]) => machine.clusterUid === clusterUid);
  for (const [host, machine] of rest) loseMachine(host, machine);
  if (spared !== undefined && dice.chance(0.3)) loseMachine(...spared);
}

function crashServer({ world, servers, judge }: Stage, dice: Dice): void {
  const server = dice.pick(servers);
  if (server.life === undefined) return;
  crash(server);
  const forMs = dice.between(500, 60_000);
  judge.disturbed(server, world.scheduler.nowMs() + forMs);
  world.scheduler.after(forMs, () => {
    if (server.life === undefined) startServer(world, server);
  });
}

function pauseServer({ world, servers, judge }: Stage, dice: Dice): void {
  const server = dice.pick(servers);
  const forMs = dice.between(2_000, 90_000);
  pause(server, world.scheduler.nowMs(), forMs);
  judge.disturbed(server, world.scheduler.nowMs() + forMs);
}

/** Most sites are cut off; machines die meanwhile, and a cluster is ordered whose machines cannot join. */
function silence(stage: Stage, dice: Dice): void {
  const { world } = stage;
  world.trace('FAULT mass silence');
  const clusters = (world.store.list('clusters') as readonly Cluster[]).filter(({ status }) => status?.availableAt !== undefined);
  const spared = dice.chance(0.5) ? clusters.at(0)?.metadata.uid : undefined;
  const machines = world.machines.filter((machine) => machine.isAlive && machine.clusterUid !== spared);
  const forMs = dice.between(320_000, 480_000);
  silenceSites(world, machines, forMs);
  world.scheduler.after(dice.between(215_000, 280_000), () => lose(stage, dice, (machine) => machine.role === 'Primary'));
  const name = `late-${world.scheduler.nowMs()}`;
  world.scheduler.after(dice.between(150_000, 190_000), () => {
    orderCluster(world, name, 1);
    if (dice.chance(0.7)) keepFromJoining(world, name, world.scheduler.nowMs() + forMs - 170_000);
  });
}

/** Machines of a cluster that is only being made are cut off as soon as they run. */
function keepFromJoining(world: World, cluster: string, untilMs: number): void {
  const leftMs = untilMs - world.scheduler.nowMs();
  if (leftMs <= 0) return;
  silenceSites(
    world,
    world.machines.filter((machine) => machine.isAlive && machine.cluster === cluster),
    leftMs,
  );
  world.scheduler.after(100, () => keepFromJoining(world, cluster, untilMs));
}

/** Nothing breaks any more; people raise what held repair back. */
function calm({ world, servers }: Stage): void {
  world.trace('CALM');
  world.faults.cutUntilMs.clear();
  world.faults.lanCutUntilMs.clear();
  for (const server of servers)
    world.scheduler.after(1_000, () => {
      if (server.life === undefined) startServer(world, server);
    });
  for (const { metadata } of world.store.list('clusters'))
    world.store.mergePatch('person', 'clusters', NAMESPACE, metadata.name, { spec: { nodeHealthCheck: { maxUnhealthyPercent: 100 } } });
}
