/**
 * What happens to a world: people who order, change and delete; and everything that can break, until a moment from which on nothing does.
 */

import { ANNOTATION_CONFIRM_DEAD, ANNOTATION_FORCE_DELETE } from '../src/model/labels.ts';
import type { ClusterNode } from '../src/model/cluster-node.ts';
import type { Cluster } from '../src/model/cluster.ts';
import { GROUP_VERSION } from '../src/model/resource.ts';
import type { Dice } from './dice.ts';
import { clearFaults } from './faults.ts';
import { agentExited, loseMachine, powerOff, startDaemon } from './host.ts';
import { bootOf } from './host-state.ts';
import type { SimHost } from './host-state.ts';
import { confirmHostDead, planSeeingTo, wipe } from './host-script.ts';
import { exitPod } from './machine.ts';
import { crash, pause } from './process.ts';
import type { Process } from './process.ts';
import { sayFarewell, startServer } from './server.ts';
import { planPlugging, removeCluster } from './site-script.ts';
import { setTrap } from './traps.ts';
import type { World } from './world.ts';

export interface Stage {
  readonly world: World;
  readonly servers: readonly Process[];
  readonly hosts: readonly SimHost[];
  /** From then on nothing breaks. */
  readonly calmMs: number;
  /** Names of the Sites of this world. */
  readonly sites: readonly string[];
}

export const NAMESPACE = 'demo';

/** Plans all faults of a run. */
export function planFaults(stage: Stage): void {
  const { world, calmMs } = stage;
  const dice = world.dice.fork('faults');
  const everyMs = dice.between(6_000, 25_000);
  for (let atMs = 5_000; atMs < calmMs; atMs += dice.between(1_000, 2 * everyMs)) {
    const own = dice.fork(`fault ${atMs}`);
    world.scheduler.after(atMs, () => strike(stage, own));
  }
  world.scheduler.after(calmMs, () => calm(stage));
  planSeeingTo(world, ({ metadata: { namespace = '', name, uid }, spec }) => confirmDead(world, namespace, name, uid, spec.incarnation));
}

/** Plans faults that wait for an effect; a process that is crashed by one comes back. */
export function planTraps(stage: Stage): void {
  const { world, calmMs } = stage;
  const dice = world.dice.fork('traps');
  for (let atMs = 1_000; atMs < calmMs; atMs += dice.between(2_000, 40_000)) world.scheduler.after(atMs, () => setTrap(world.traps, dice));
  world.crashed = (process) => {
    const server = stage.servers.find((one) => one === process);
    const host = stage.hosts.find((one) => one.process === process);
    if (server !== undefined) restartServer(stage, server, dice.between(500, 60_000));
    else if (host !== undefined) bringBack(stage, host, dice.between(500, 60_000));
    else {
      const owned = stage.hosts.flatMap((one) => [...one.machines.values()].map((machine) => ({ one, machine })));
      for (const { one, machine } of owned) if (machine.agent === process) agentExited(one, machine);
    }
  };
}

function restartServer({ world }: Stage, server: Process, afterMs: number): void {
  world.scheduler.after(afterMs, () => {
    if (server.life === undefined) startServer(world, server);
  });
}

function strike(stage: Stage, dice: Dice): void {
  const kinds: readonly (readonly [number, string, (stage: Stage, dice: Dice) => void])[] = [
    [16, 'server crash', crashServer],
    [12, 'server pause', pauseServer],
    [6, 'server stop', stopServer],
    [5, 'all servers down', crashAllServers],
    [10, 'store stall', stallStore],
    [14, 'bad network', spoilNetwork],
    [8, 'cut', cutOff],
    [14, 'lagging caches', lagCaches],
    [6, 'host daemon crash', crashDaemon],
    [4, 'host pause', pauseHost],
    [4, 'host off', turnOff],
    [6, 'agent crash', crashAgent],
    [3, 'agent pause', pauseAgent],
    [8, 'pod exit', killPod],
    [3, 'pod trouble', troublePods],
    [2, 'machine lost', loseOne],
    [3, 'host wiped', wipeOne],
    ...(stage.sites.length === 0 ? [] : [[6, 'lagging site', lagSites] as const]),
  ];
  const total = kinds.reduce((sum, [weight]) => sum + weight, 0);
  let at = dice.between(0, total - 1);
  const chosen = kinds.find(([weight]) => (at -= weight) < 0);
  if (chosen === undefined) return;
  stage.world.trace(`FAULT ${chosen[1]}`);
  chosen[2](stage, dice);
}

function crashServer(stage: Stage, dice: Dice): void {
  const server = dice.pick(stage.servers);
  if (server.life === undefined) return;
  crash(server);
  restartServer(stage, server, dice.chance(0.7) ? dice.between(500, 10_000) : dice.between(10_000, 200_000));
}

function crashAllServers(stage: Stage, dice: Dice): void {
  for (const server of stage.servers) {
    if (server.life === undefined) continue;
    crash(server);
    restartServer(stage, server, dice.between(5_000, 200_000));
  }
}

function stopServer(stage: Stage, dice: Dice): void {
  const server = dice.pick(stage.servers);
  if (server.life === undefined) return;
  sayFarewell(stage.world, server);
  crash(server);
  restartServer(stage, server, dice.between(500, 60_000));
}

function pauseServer({ world, servers }: Stage, dice: Dice): void {
  const busy = servers.filter((server) => server.inFlight.size > 0);
  pause(
    dice.pick(busy.length > 0 ? busy : servers),
    world.scheduler.nowMs(),
    dice.chance(0.5) ? dice.between(200, 20_000) : dice.between(20_000, 300_000),
  );
}

function stallStore({ world }: Stage, dice: Dice): void {
  world.faults.stallUntilMs = world.scheduler.nowMs() + (dice.chance(0.5) ? dice.between(100, 8_000) : dice.between(8_000, 40_000));
}

function everybody(stage: Stage): string[] {
  const agents = stage.hosts.flatMap((host) => [...host.machines.values()].map((machine) => machine.agent.name));
  return [...stage.servers.map((server) => server.name), ...stage.hosts.map((host) => host.name), ...agents];
}

function spoilNetwork(stage: Stage, dice: Dice): void {
  const { world } = stage;
  const untilMs = world.scheduler.nowMs() + dice.between(5_000, 120_000);
  const weather = { lossShare: dice.pick([0, 0.1, 0.3]), slowShare: dice.pick([0.1, 0.4]), slowMs: dice.pick([300, 5_000, 30_000]) };
  const who = dice.chance(0.4) ? everybody(stage) : [dice.pick(everybody(stage))];
  for (const name of who) world.faults.weather.set(name, { untilMs, weather });
}

function cutOff(stage: Stage, dice: Dice): void {
  stage.world.faults.cutUntilMs.set(dice.pick(everybody(stage)), stage.world.scheduler.nowMs() + dice.between(2_000, 240_000));
}

function lagCaches(stage: Stage, dice: Dice): void {
  const untilMs = stage.world.scheduler.nowMs() + dice.between(20_000, 200_000);
  const plural = dice.pick(['all', 'clusters', 'clusternodes', 'clusternodes', 'virtualdatacenters']);
  for (const server of stage.servers)
    if (dice.chance(0.6))
      stage.world.faults.lag.set(server.name, {
        untilMs,
        lagMs: dice.pick([1_000, 10_000, 60_000, 150_000]),
        plural: plural === 'all' ? undefined : plural,
      });
}

/** Agents and servers hear late of Sites. */
function lagSites(stage: Stage, dice: Dice): void {
  const untilMs = stage.world.scheduler.nowMs() + dice.between(20_000, 200_000);
  for (const name of everybody(stage))
    if (dice.chance(0.5)) stage.world.faults.lag.set(name, { untilMs, lagMs: dice.pick([1_000, 10_000, 60_000]), plural: 'sites' });
}

/** One server hears of a new cluster, or of its nodes, long after everybody else. */
function missTheBeginning(stage: Stage, dice: Dice): void {
  const { faults, scheduler } = stage.world;
  const plural = dice.pick(['clusters', 'clusternodes']);
  faults.lag.set(dice.pick(stage.servers).name, { untilMs: scheduler.nowMs() + 120_000, lagMs: dice.pick([60_000, 150_000]), plural });
}

function crashDaemon(stage: Stage, dice: Dice): void {
  const host = dice.pick(stage.hosts);
  if (host.process.life === undefined) return;
  crash(host.process);
  bringBack(stage, host, dice.between(500, 60_000));
}

function pauseHost({ world, hosts }: Stage, dice: Dice): void {
  pause(dice.pick(hosts).process, world.scheduler.nowMs(), dice.between(500, 120_000));
}

/** A host goes dark; now and then a person vouches for it, or gives up on it. */
function turnOff(stage: Stage, dice: Dice): void {
  const { world } = stage;
  const host = dice.pick(stage.hosts);
  if (host.process.life === undefined) return;
  const boot = bootOf(host);
  powerOff(host);
  const downMs = dice.chance(0.6) ? dice.between(5_000, 60_000) : dice.between(60_000, 400_000);
  bringBack(stage, host, downMs);
  if (downMs < 60_000) return;
  world.scheduler.after(40_000, () => {
    if (host.process.life !== undefined) return;
    if (dice.chance(0.4)) return confirmHostDead(host, boot);
    for (const machine of host.machines.values()) {
      if (dice.chance(0.4)) confirmDead(world, machine.namespace, machine.node, machine.nodeUid, machine.incarnation);
    }
  });
}

function wipeOne(stage: Stage, dice: Dice): void {
  const host = dice.pick(stage.hosts);
  wipe(host, dice);
  bringBack(stage, host, dice.between(500, 60_000));
}

function confirmDead(world: World, namespace: string, name: string, uid: string, incarnation: number): void {
  const node = world.store.get('clusternodes', namespace, name) as ClusterNode | undefined;
  if (node?.metadata.uid !== uid || node.spec.incarnation !== incarnation) return;
  world.givenUp.add(uid);
  const metadata = { annotations: { [ANNOTATION_CONFIRM_DEAD]: String(incarnation) } };
  world.store.mergePatch('person', 'clusternodes', namespace, name, { metadata });
}

function bringBack(stage: Stage, host: SimHost, afterMs: number): void {
  stage.world.scheduler.after(afterMs, () => {
    if (host.process.life === undefined) startDaemon(host);
  });
}

function anyMachine({ hosts }: Stage, dice: Dice): [SimHost, SimHost['machines'] extends Map<string, infer M> ? M : never] | undefined {
  const all = hosts.flatMap((host) =>
    [...host.machines.values()].filter((machine) => machine.isAlive).map((machine) => [host, machine] as const),
  );
  if (all.length === 0) return undefined;
  const [host, machine] = dice.pick(all);
  return [host, machine];
}

function crashAgent(stage: Stage, dice: Dice): void {
  const found = anyMachine(stage, dice);
  if (found === undefined) return;
  crash(found[1].agent);
  agentExited(found[0], found[1]);
}

function pauseAgent(stage: Stage, dice: Dice): void {
  const found = anyMachine(stage, dice);
  if (found !== undefined) pause(found[1].agent, stage.world.scheduler.nowMs(), dice.between(500, 60_000));
}

function killPod(stage: Stage, dice: Dice): void {
  const found = anyMachine(stage, dice);
  if (found === undefined || found[1].pods.size === 0) return;
  const [service, pods] = dice.pick([...found[1].pods]);
  for (const hash of pods.keys()) if (exitPod(pods, hash, dice.pick([0, 1, null]), stage.world.scheduler.nowMs())) found[1].exited(service);
}

function troublePods({ world }: Stage, dice: Dice): void {
  world.faults.podTroubleUntilMs = world.scheduler.nowMs() + dice.between(5_000, 90_000);
}

function loseOne(stage: Stage, dice: Dice): void {
  const found = anyMachine(stage, dice);
  if (found !== undefined && found[0].process.life !== undefined) loseMachine(found[0], found[1]);
}

/** Nothing breaks any more; what is down comes back. */
function calm(stage: Stage): void {
  stage.world.trace('CALM');
  clearFaults(stage.world.faults);
  stage.world.traps.clear();
  for (const server of stage.servers) restartServer(stage, server, 1_000);
  for (const host of stage.hosts) bringBack(stage, host, 1_000);
}

// ---- people -----------------------------------------------------------------------------------------------------------------------------

/** Plans what people do to one cluster. */
export function planPeople(stage: Stage, name: string): void {
  const { world } = stage;
  const dice = world.dice.fork(`people of ${name}`);
  const at = (ms: number, work: () => void): void => void world.scheduler.after(ms, work);
  const orderMs = dice.between(500, 300_000);
  at(orderMs, () => {
    if (orderMs < stage.calmMs && dice.chance(0.5)) missTheBeginning(stage, dice);
    order(stage, name, dice);
  });
  const change = (spec: () => Partial<Cluster['spec']>): void =>
    void world.store.mergePatch('person', 'clusters', NAMESPACE, name, { spec: { ...spec() } });
  for (let round = dice.between(0, 3); round > 0; round--)
    at(dice.between(orderMs, 2_000_000), () => change(() => ({ workers: dice.between(0, 2) })));
  if (dice.chance(0.3)) at(dice.between(orderMs, 2_000_000), () => change(() => ({ release: dice.pick(['1.0.0', '1.0.1']) })));
  if (dice.chance(0.2)) at(dice.between(orderMs, 2_000_000), () => change(() => ({ autoRepairOnErrors: dice.chance(0.6) })));
  if (dice.chance(0.7)) at(dice.between(orderMs + 60_000, 2_000_000), () => change(() => ({ release: '1.0.0' })));
  if (dice.chance(0.6)) at(dice.between(orderMs + 60_000, 2_000_000), () => annotate(world, 'clusters', name, { 'sim/broken': null }));
  if (dice.chance(0.1)) at(dice.between(orderMs, 1_500_000), () => deleteSomeNode(world, name, dice));
  if (dice.chance(0.5)) {
    const deleteMs = dice.between(orderMs + 1_000, 1_800_000);
    at(deleteMs, () => removeCluster({ ...stage, namespace: NAMESPACE }, name, dice.fork('removal')));
    if (dice.chance(0.3)) at(deleteMs + dice.between(30_000, 200_000), () => force(stage, name));
    if (dice.chance(0.5))
      for (let tries = 0; tries < 8; tries++) at(deleteMs + 1_000 + tries * dice.between(1_000, 60_000), () => order(stage, name, dice));
  }
  planPlugging({ ...stage, namespace: NAMESPACE }, stage.sites, name, orderMs);
}

/** Plans what people do to the data center: hosts that are named late, a quota that is raised, a host that is cordoned for a while. */
export function planProvider(stage: Stage): void {
  const { world } = stage;
  const dice = world.dice.fork('provider');
  const quota = dice.pick([2, 4, 6, 12, 12, 12]);
  const hosts = stage.hosts.map((host) => host.name);
  const isLate = dice.chance(0.1);
  const vdc = {
    apiVersion: GROUP_VERSION,
    kind: 'VirtualDataCenter',
    metadata: { name: 'lab' },
    spec: { quota: { nodes: quota, cpuMillis: 64_000, memoryMiB: 65_536 }, hosts: isLate ? [] : hosts, nodeDriver: 'process' },
  };
  const create = (): void => void world.store.create('person', 'virtualdatacenters', NAMESPACE, vdc);
  if (dice.chance(0.1)) world.scheduler.after(dice.between(1_000, 900_000), create);
  else create();
  const patch = (spec: object): void =>
    void world.store.mergePatch('person', 'virtualdatacenters', NAMESPACE, 'lab', { spec: { ...spec } });
  if (isLate && dice.chance(0.8)) world.scheduler.after(dice.between(900_001, 1_500_000), () => patch({ hosts }));
  if (dice.chance(0.5)) world.scheduler.after(dice.between(900_001, 1_800_000), () => patch({ quota: { nodes: 12 } }));
  const host = dice.pick(hosts);
  const cordon = (cordoned: boolean): void => void world.store.mergePatch('person', 'hosts', '', host, { spec: { cordoned } });
  if (!dice.chance(0.3)) return;
  world.scheduler.after(dice.between(10_000, 900_000), () => cordon(true));
  world.scheduler.after(dice.between(900_000, 1_500_000), () => cordon(false));
}

function order({ world, sites }: Stage, name: string, dice: Dice): void {
  const site = sites.length > 0 && world.dice.fork(`site of ${name} at ${world.scheduler.nowMs()}`).chance(0.6) ? sites[0] : undefined;
  const spec = {
    virtualDataCenter: 'lab',
    release: dice.chance(0.1) ? '9.9.9' : dice.pick(['1.0.0', '1.0.0', '1.0.1']),
    nodes: 'Provisioned',
    workers: dice.pick([0, 1, 1, 1, 2]),
    resources: { cpuMillis: 500, memoryMiB: 256 },
    services: [],
    ...(site === undefined ? {} : { site }),
    availability: { failover: 'None', nodeRestart: 'Medium' },
    upgrade: { readySeconds: 300, whenNodeDown: 'Wait' },
    autoRepairOnErrors: dice.chance(0.85),
  };
  const annotations = dice.chance(0.25) ? { 'sim/broken': dice.pick(['hello', 'ticker']) } : {};
  world.store.create('person', 'clusters', NAMESPACE, {
    apiVersion: GROUP_VERSION,
    kind: 'Cluster',
    metadata: { name, annotations },
    spec,
  });
}

function annotate(world: World, plural: string, name: string, annotations: Record<string, string | null>): void {
  world.store.mergePatch('person', plural, NAMESPACE, name, { metadata: { annotations } });
}

/** Force is for hosts that cannot be reached: whatever is held then counts as left behind. */
function force(stage: Stage, name: string): void {
  const { world } = stage;
  const cluster = world.store.get('clusters', NAMESPACE, name) as Cluster | undefined;
  if (cluster?.metadata.deletionTimestamp === undefined) return;
  const nodes = (world.store.list('clusternodes') as readonly ClusterNode[]).filter(
    (node) => node.spec.clusterUid === cluster.metadata.uid,
  );
  for (const node of nodes) world.givenUp.add(node.metadata.uid);
  annotate(world, 'clusters', name, { [ANNOTATION_FORCE_DELETE]: 'true' });
}

function deleteSomeNode(world: World, name: string, dice: Dice): void {
  const nodes = (world.store.list('clusternodes') as readonly ClusterNode[]).filter((node) => node.spec.cluster === name);
  if (nodes.length > 0) world.store.remove('person', 'clusternodes', NAMESPACE, dice.pick(nodes).metadata.name, {});
}
