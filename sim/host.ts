/**
 * A host daemon in virtual time.
 *
 * What it decides is the product's (src/decide/host-claim.ts); how it acts mirrors src/host/keeper.ts step by step: each step is written down
 * before it is taken, node and cluster are read live for it, the finalizer goes last. Its disk outlives it, its machines outlive it too.
 */

import { unreachable } from '../src/base/assert.ts';
import { claimsOf, dutyOf, startRefusal } from '../src/decide/host-claim.ts';
import type { StopReason } from '../src/decide/host-claim.ts';
import { CLUSTER_NODES, CLUSTERS, HOSTS } from '../src/model/addresses.ts';
import type { ClusterNode } from '../src/model/cluster-node.ts';
import type { Cluster } from '../src/model/cluster.ts';
import { isFault } from '../src/model/fault.ts';
import type { Host } from '../src/model/host.ts';
import { FINALIZER_NODE } from '../src/model/labels.ts';
import type { VirtualDataCenter } from '../src/model/virtual-data-center.ts';
import type { Answer, EntityApi } from '../src/ports/api.ts';
import type { Informer } from '../src/client/informer.ts';
import { startAgent } from './agent.ts';
import { simulatedApi } from './api.ts';
import { simulatedInformer } from './cache.ts';
import { isReported, report, sayLost } from './host-report.ts';
import { bootOf } from './host-state.ts';
import type { HostRecord, SimHost } from './host-state.ts';
import { checkFirstLife, checkReserved, checkStart, killPods } from './machine.ts';
import type { Machine } from './machine-state.ts';
import { crash, createProcess, later, startLife } from './process.ts';
import type { Life } from './process.ts';
import { RESTORER } from './store.ts';
import { violate } from './world.ts';
import type { World } from './world.ts';

const RESYNC_MS = 30_000;
const RETRY_MS = 2_000;

interface Daemon {
  readonly host: SimHost;
  readonly life: Life;
  readonly api: EntityApi;
  readonly nodes: Informer<ClusterNode>;
  readonly hosts: Informer<Host>;
  readonly vdcs: Informer<VirtualDataCenter>;
  readonly working: Set<string>;
  readonly again: Set<string>;
}

export function createHost(world: World, name: string): SimHost {
  return { name, world, process: createProcess(name, world.dice), boot: 1, records: new Map(), machines: new Map(), lost: new Map() };
}

/** Starts the daemon: what ran before is kept from the first moment. */
export function startDaemon(host: SimHost): void {
  const { world, process } = host;
  const life = startLife(process, world.scheduler);
  const daemon: Daemon = {
    host,
    life,
    api: simulatedApi(world, life),
    nodes: simulatedInformer<ClusterNode>(world, life, 'clusternodes'),
    hosts: simulatedInformer<Host>(world, life, 'hosts', (one) => one.metadata.name === host.name),
    vdcs: simulatedInformer<VirtualDataCenter>(world, life, 'virtualdatacenters'),
    working: new Set(),
    again: new Set(),
  };
  for (const record of host.records.values()) if (record.phase === 'Running') keepRunning(daemon, record);
  daemon.nodes.onChange((node) => {
    poke(daemon, node.metadata.uid);
    poke(daemon, 'claims');
  });
  daemon.hosts.onChange(() => poke(daemon, 'claims'));
  poke(daemon, 'boot');
  daemon.vdcs.onChange(() => poke(daemon, 'claims'));
  resync(daemon);
}

/** The machine room goes dark: daemon, agents and pods die; disks stay. */
export function powerOff(host: SimHost): void {
  crash(host.process);
  host.boot += 1;
  for (const machine of host.machines.values()) {
    crash(machine.agent);
    killPods(machine, host.world.scheduler.nowMs());
    machine.isAlive = false;
  }
}

/** The daemon and its disk are lost: its records, and, `withMachines`, all that ran. Without, machines go on that nobody has a record of. */
export function wipeHost(host: SimHost, withMachines: boolean): void {
  if (withMachines) powerOff(host);
  else crash(host.process);
  host.records.clear();
  host.lost.clear();
  for (const machine of host.machines.values()) machine.isForgotten = true;
  if (withMachines) host.machines.clear();
}

/** One machine is lost for good, disk and all; its host knows. */
export function loseMachine(host: SimHost, machine: Machine): void {
  const record = host.records.get(machine.nodeUid);
  crash(machine.agent);
  killPods(machine, host.world.scheduler.nowMs());
  machine.isAlive = false;
  host.machines.delete(machine.nodeUid);
  host.records.delete(machine.nodeUid);
  if (record !== undefined) host.lost.set(`${record.nodeUid}.${record.incarnation}`, record);
}

function resync(daemon: Daemon): void {
  const { host } = daemon;
  const mine = [...daemon.nodes.list()].filter((node) => node.spec.host === host.name);
  for (const uid of new Set([...host.records.keys(), ...mine.map((node) => node.metadata.uid)])) poke(daemon, uid);
  poke(daemon, 'claims');
  for (const record of host.lost.values()) poke(daemon, `lost/${record.nodeUid}.${record.incarnation}`);
  later(daemon.life, RESYNC_MS, () => resync(daemon));
}

/** Sees to one key, never twice at once. */
function poke(daemon: Daemon, key: string): void {
  if (daemon.working.has(key)) {
    daemon.again.add(key);
    return;
  }
  if (!isWorthALook(daemon, key)) return;
  daemon.working.add(key);
  daemon.host.world.scheduler.touch();
  const finish = (againMs: number | undefined): void => {
    daemon.working.delete(key);
    if (daemon.again.delete(key)) later(daemon.life, 1, () => poke(daemon, key));
    else if (againMs !== undefined) later(daemon.life, againMs, () => poke(daemon, key));
  };
  care(daemon, key).then(finish, (cause: unknown) => {
    if (!isFault(cause)) violate(daemon.host.world, `${daemon.host.name}: ${cause instanceof Error ? cause.stack : String(cause)}`);
    finish(RETRY_MS);
  });
}

/** Spares the promises of looks that find nothing. */
function isWorthALook(daemon: Daemon, key: string): boolean {
  const { host } = daemon;
  if (key === 'claims')
    return [...daemon.nodes.list()].some((node) => node.spec.host === undefined && node.metadata.deletionTimestamp === undefined);
  return key === 'boot' || key.startsWith('lost/') || host.records.has(key) || nodeOf(daemon, key)?.spec.host === host.name;
}

function nodeOf(daemon: Daemon, uid: string): ClusterNode | undefined {
  for (const node of daemon.nodes.list()) if (node.metadata.uid === uid) return node;
  return undefined;
}

async function care(daemon: Daemon, key: string): Promise<number | undefined> {
  if (key === 'claims') return claim(daemon);
  if (key === 'boot') return sayBoot(daemon);
  if (key.startsWith('lost/')) return reportLost(daemon, key.slice(5));
  while (await step(daemon, key));
  return undefined;
}

/** Which boot this is; said again until the director has it. */
async function sayBoot({ api, host, life }: Daemon): Promise<number | undefined> {
  const patch = { status: { bootId: bootOf(host) } };
  return (await api.mergePatch(HOSTS, '', host.name, patch, life.controller.signal, 'status')).ok ? undefined : RETRY_MS;
}

async function claim(daemon: Daemon): Promise<undefined> {
  const { host } = daemon;
  const self = daemon.hosts.get('', host.name);
  if (self === undefined) return;
  const held = [...host.records.values()];
  const claims = claimsOf({
    host: self,
    bootId: bootOf(host),
    virtualDataCenters: [...daemon.vdcs.list()],
    nodes: [...daemon.nodes.list()],
    held,
    freeSlots: 24 - held.length,
  });
  for (const node of claims) {
    const { namespace = '', name, uid, resourceVersion } = node.metadata;
    await daemon.api.mergePatch(
      CLUSTER_NODES,
      namespace,
      name,
      { metadata: { uid, resourceVersion }, spec: { host: host.name } },
      daemon.life.controller.signal,
    );
  }
}

/** One look and what follows; true: look again. */
async function step(daemon: Daemon, uid: string): Promise<boolean> {
  const { host } = daemon;
  const cached = nodeOf(daemon, uid);
  if (cached !== undefined && host.lost.has(`${uid}.${cached.spec.incarnation}`) && cached.metadata.deletionTimestamp === undefined)
    return false;
  const first = dutyOf({ host: host.name, live: false, node: cached, held: host.records.get(uid) });
  const node = first.do === 'readLive' ? await readNode(daemon, uid, cached) : cached;
  const buried = node === undefined && isBuried(host.world, uid);
  const duty = first.do === 'readLive' ? dutyOf({ host: host.name, live: true, node, held: host.records.get(uid), buried }) : first;
  const record = host.records.get(uid);
  switch (duty.do) {
    case 'nothing':
    case 'readLive':
      return false;
    case 'run':
    case 'unclaimed':
      if (record === undefined) return false;
      keepRunning(daemon, record);
      // An older report may have overtaken the newest: what the director shows counts, not what was sent.
      if (node !== undefined && !isReported(node, record, 'Running', bootOf(host))) await report(daemon, record, 'Running');
      return false;
    case 'start':
      return node !== undefined && (await begin(daemon, node));
    case 'stop':
      await stop(daemon, uid, duty.why);
      return true;
    case 'sayLost':
      if (node !== undefined) await sayLost(daemon, node);
      return false;
    case 'release':
      if (node !== undefined) await release(daemon, node);
      return false;
    default:
      return unreachable(duty, 'duty');
  }
}

/** The director shows the tombstone of this uid. */
function isBuried(world: World, uid: string): boolean {
  return world.store
    .history('clusternodes')
    .some((commit) => commit.type === 'DELETED' && commit.writer !== RESTORER && commit.object.metadata.uid === uid);
}

async function readNode(daemon: Daemon, uid: string, cached: ClusterNode | undefined): Promise<ClusterNode | undefined> {
  const record = daemon.host.records.get(uid);
  const namespace = cached?.metadata.namespace ?? record?.namespace ?? '';
  const found = liveOf(
    await daemon.api.get<ClusterNode>(CLUSTER_NODES, namespace, cached?.metadata.name ?? record?.node ?? '', daemon.life.controller.signal),
  );
  return found?.metadata.uid === uid ? found : undefined;
}

function liveOf<T>(answer: Answer<T>): T | undefined {
  return answer.ok ? answer.value : undefined;
}

async function begin(daemon: Daemon, node: ClusterNode): Promise<boolean> {
  const { host, life } = daemon;
  const cluster = liveOf(await daemon.api.get<Cluster>(CLUSTERS, node.metadata.namespace ?? '', node.spec.cluster, life.controller.signal));
  const refusal = startRefusal(host.name, node, cluster);
  if (refusal !== undefined || host.lost.has(`${node.metadata.uid}.${node.spec.incarnation}`)) return false;
  const { cpuMillis, memoryMiB } = node.spec.resources;
  const { namespace = '', name, uid: nodeUid } = node.metadata;
  const record: HostRecord = {
    namespace,
    node: name,
    nodeUid,
    incarnation: node.spec.incarnation,
    cpuMillis,
    memoryMiB,
    phase: 'Preparing',
  };
  if (host.records.get(nodeUid) === undefined) endEarlierLife(host, nodeUid);
  host.records.set(nodeUid, record);
  if (!(await report(daemon, record, 'Starting'))) {
    later(life, RETRY_MS, () => poke(daemon, nodeUid));
    return false;
  }
  await sleep(daemon, life.process.dice.between(20, 400));
  host.records.set(nodeUid, { ...record, phase: 'Running' });
  const machine = createMachine(host, node);
  checkFirstLife(host.world, machine);
  checkReserved(host.world, machine);
  host.machines.set(nodeUid, machine);
  host.world.machines.push(machine);
  return true;
}

function createMachine(host: SimHost, node: ClusterNode): Machine {
  const { namespace = '', name, uid } = node.metadata;
  const { incarnation, cluster, clusterUid, index, role } = node.spec;
  const agent = createProcess(`agent-${name}-${incarnation}`, host.world.dice.fork(`${host.name}/${uid}`));
  const disk = { isMember: false, membership: undefined, slots: {}, ready: {}, site: undefined, kept: {} };
  return {
    host: host.name,
    namespace,
    node: name,
    nodeUid: uid,
    incarnation,
    cluster,
    clusterUid,
    index,
    role,
    agent,
    isAlive: false,
    exited: () => undefined,
    serving: new Map(),
    pods: new Map(),
    disk,
  };
}

/** The agent runs; one that exited is started again. */
function keepRunning(daemon: Daemon, record: HostRecord): void {
  const machine = daemon.host.machines.get(record.nodeUid);
  if (machine === undefined || machine.agent.life !== undefined) return;
  if (!machine.isAlive) {
    machine.isAlive = true;
    checkStart(daemon.host.world, machine);
  }
  startAgent(daemon.host.world, machine);
  void report(daemon, record, 'Running');
}

/** An agent of this host exited: its daemon sees it at once, when it runs. */
export function agentExited(host: SimHost, machine: Machine): void {
  const { life } = host.process;
  if (life === undefined) return;
  later(life, 500, () => {
    const record = host.records.get(machine.nodeUid);
    if (record?.phase !== 'Running' || machine.agent.life !== undefined || host.machines.get(machine.nodeUid) !== machine) return;
    startAgent(host.world, machine);
  });
}

async function stop(daemon: Daemon, uid: string, why: StopReason): Promise<void> {
  const { host } = daemon;
  const record = host.records.get(uid);
  const machine = host.machines.get(uid);
  if (record === undefined) return;
  host.records.set(uid, { ...record, phase: 'Stopping' });
  host.world.trace(`${host.name} stops ${record.node}: ${why}`);
  await sleep(daemon, host.process.dice.between(50, 4000));
  if (machine !== undefined) {
    crash(machine.agent);
    killPods(machine, host.world.scheduler.nowMs());
    machine.isAlive = false;
    host.machines.delete(uid);
  }
  if (why !== 'HigherIncarnation') await report(daemon, record, 'Gone');
  host.records.delete(uid);
}

/** What still lives here of a life without a record; the one that begins now never ran here. */
function endEarlierLife(host: SimHost, nodeUid: string): void {
  const machine = host.machines.get(nodeUid);
  if (machine === undefined) return;
  crash(machine.agent);
  killPods(machine, host.world.scheduler.nowMs());
  machine.isAlive = false;
  host.machines.delete(nodeUid);
}

async function release(daemon: Daemon, node: ClusterNode): Promise<void> {
  endEarlierLife(daemon.host, node.metadata.uid);
  const { namespace = '', name, uid, resourceVersion, finalizers = [] } = node.metadata;
  const patch = { metadata: { uid, resourceVersion, finalizers: finalizers.filter((one) => one !== FINALIZER_NODE) } };
  await daemon.api.mergePatch(CLUSTER_NODES, namespace, name, patch, daemon.life.controller.signal);
}

async function reportLost(daemon: Daemon, key: string): Promise<number | undefined> {
  const record = daemon.host.lost.get(key);
  const node = record === undefined ? undefined : nodeOf(daemon, record.nodeUid);
  if (record === undefined || node === undefined || node.spec.incarnation > record.incarnation) return undefined;
  if (isReported(node, record, 'Gone')) return undefined;
  await report(daemon, record, 'Gone');
  return RETRY_MS;
}

function sleep(daemon: Daemon, ms: number): Promise<void> {
  return new Promise((resolve) => {
    later(daemon.life, ms, () => {
      daemon.host.world.scheduler.touch();
      resolve();
    });
  });
}
