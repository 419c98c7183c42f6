/**
 * Carries out what the host owes to each node (src/decide/host-claim.ts): starts machines, keeps them, stops them, and lets go.
 *
 * I1: nothing is started or stopped on a cached view: node and cluster are read live for that very step.
 * I2: each step is written down before it is taken, so that a crash at any point is gone on from.
 * I3: the finalizer goes only after nothing of the node lives here and its folder is gone.
 * I4: agents are restarted without asking anybody; a new token for one that needs it is made beside that (token.ts).
 */

import { dutyOf, startRefusal } from '../decide/host-claim.ts';
import type { Duty, StopReason } from '../decide/host-claim.ts';
import { isHostConfirmedDead } from '../decide/host-death.ts';
import { afterWord, DEFAULT_PRESET, freshRecord } from '../decide/node-restart.ts';
import { nodeLogFields } from '../decide/log-fields.ts';
import type { BootMoment, RestartDecision } from '../decide/node-restart.ts';
import { unreachable } from '../base/assert.ts';
import { CLUSTERS, CLUSTER_NODES } from '../model/addresses.ts';
import type { Cluster } from '../model/cluster.ts';
import type { ClusterNode } from '../model/cluster-node.ts';
import type { UnclaimedNode } from '../model/host.ts';
import { Fault } from '../model/fault.ts';
import type { Host } from '../model/host.ts';
import { ANNOTATION_RESTART, FINALIZER_NODE } from '../model/labels.ts';
import type { Answer } from '../ports/api.ts';
import type { LogFields } from '../ports/log.ts';
import type { HostDeps } from './deps.ts';
import { nodeFolder } from './deps.ts';
import type { InfrastructureReports } from './infrastructure.ts';
import { keyedLoop } from './keyed-loop.ts';
import { endEarlierLife, endRemains, sayLost } from './lost.ts';
import { keepMachine, momentOf, stopAll } from './machine.ts';
import type { Machine, MachineHooks } from './machine.ts';
import { writeNodeFile } from './node-file.ts';
import type { NodeRecord, NodeRecords } from './records.ts';
import { sayOfNode } from './say-event.ts';
import type { Said } from './say-event.ts';
import { freeSlot } from './slots.ts';
import { slotsTaken } from './slots-taken.ts';
import { healer, mintToken } from './token.ts';
import { apiFor, tellSpan, tracedNode } from './trace.ts';
import type { Healer } from './token.ts';
import { openUnclaimedBook, strayFacts } from './unclaimed.ts';
import type { UnclaimedBook } from './unclaimed.ts';

/** Exit code of an agent that a director refused. */
const EXIT_REFUSED = 3;

export interface KeeperParts {
  readonly deps: HostDeps;
  readonly records: NodeRecords;
  readonly network: number;
  readonly reports: InfrastructureReports;
  /** The cached view of a node. */
  readonly seen: (nodeUid: string) => ClusterNode | undefined;
  /** This Host as last seen. */
  readonly host: () => Host | undefined;
  /** Records or what is unclaimed changed. */
  readonly onChange: () => void;
}

export interface Keeper {
  poke(nodeUid: string): void;
  /** Nodes that run here and are not among the director's. */
  unclaimed(): readonly UnclaimedNode[];
  /** Names of nodes of which something is left here, and no record. */
  recordLost(): readonly string[];
  settled(): Promise<void>;
}

export function createKeeper(parts: KeeperParts, signal: AbortSignal): Keeper {
  const machines = new Map<string, Machine>();
  const unclaimed = openUnclaimedBook(parts.deps);
  const lost = new Map<string, string>();
  const healing = healer(parts.deps, parts.network, (nodeUid) => machines.get(nodeUid)?.restart());
  const care = (nodeUid: string, work: AbortSignal): Promise<void> => untilDone(() => step(nodeUid, work), work);
  const loop = keyedLoop(parts.deps, 'The care for a node', care, signal, (nodeUid) => aboutNode(parts, nodeUid));

  const ensureMachine = (nodeUid: string): void => {
    const record = parts.records.get(nodeUid);
    if (machines.has(nodeUid) || record?.phase !== 'Running') return;
    const isAsked = informAgent(parts, record);
    const hooks = hooksOf(parts, healing, nodeUid, () => loop.poke(nodeUid), signal);
    machines.set(nodeUid, keepMachine(parts.deps, parts.records, nodeUid, hooks, isAsked, signal));
    parts.onChange();
  };
  /** One look and what follows from it; true when another look is due. */
  const step = async (nodeUid: string, work: AbortSignal): Promise<boolean> => {
    const { duty, node } = await dutyNow(parts, nodeUid, work);
    if (await noteUnclaimed(parts, unclaimed, nodeUid, duty, work)) parts.onChange();
    const isLeft = duty.do === 'sayLost' && node !== undefined && sayLost(parts.deps, parts.reports, node);
    if (noteLost(lost, nodeUid, isLeft ? node : undefined)) parts.onChange();
    switch (duty.do) {
      case 'nothing':
      case 'readLive':
      case 'sayLost':
        return false;
      case 'run':
      case 'unclaimed':
        ensureMachine(nodeUid);
        if (duty.do === 'run') await obeyWord(parts, machines, nodeUid, node);
        if (duty.do === 'run') await heal(parts, healing, nodeUid, node, work);
        return false;
      case 'start':
        return node !== undefined && (await beginNode(parts, node, work));
      case 'stop':
        await endMachine(parts, machines, nodeUid, duty.why, work);
        return true;
      case 'release':
        if (node !== undefined) await releaseNode(parts, node, work);
        return false;
      default:
        return unreachable(duty, 'duty');
    }
  };
  // Nodes that ran before this daemon are kept at once, director or not; what else is owed to them waits for a look at the director.
  for (const record of parts.records.all()) {
    ensureMachine(record.nodeUid);
    loop.poke(record.nodeUid);
  }
  return {
    poke: (nodeUid) => loop.poke(nodeUid),
    unclaimed: () => unclaimed.all(),
    recordLost: () => [...lost.values()],
    settled: () => loop.settled(),
  };
}

/** By which a line of the log about a node is found again. */
function aboutNode({ records, seen }: KeeperParts, nodeUid: string): LogFields {
  const node = seen(nodeUid);
  const known = records.get(nodeUid) ?? (node === undefined ? undefined : tracedNode(node));
  return known === undefined ? { nodeUid } : nodeLogFields(known);
}

async function endMachine(
  parts: KeeperParts,
  machines: Map<string, Machine>,
  nodeUid: string,
  why: StopReason,
  work: AbortSignal,
): Promise<void> {
  // First nobody restarts the agent any more, then it is written down that all of it ends: the two never write over each other.
  await machines.get(nodeUid)?.halt();
  machines.delete(nodeUid);
  await endNode(parts, nodeUid, why, work);
  parts.onChange();
}

/** True when that is news. */
async function noteUnclaimed(parts: KeeperParts, book: UnclaimedBook, nodeUid: string, duty: Duty, work: AbortSignal): Promise<boolean> {
  const record = parts.records.get(nodeUid);
  // What is being stopped stands there until nothing of it is left.
  if (duty.do === 'stop') return false;
  return duty.do === 'unclaimed' && record !== undefined ? await book.note(record, duty.why, work) : book.drop(nodeUid);
}

/** `node`: of which something is left; undefined: nothing is. True when that is news. */
function noteLost(lost: Map<string, string>, nodeUid: string, node: ClusterNode | undefined): boolean {
  if (node === undefined) return lost.delete(nodeUid);
  const before = lost.size;
  return lost.set(nodeUid, `${node.metadata.namespace ?? ''}/${node.metadata.name}`).size !== before;
}

/** What a person asks for by annotation, and what the cluster's preset says by now, of an agent that is left as it is. */
async function obeyWord(
  { deps, records }: KeeperParts,
  machines: ReadonlyMap<string, Machine>,
  nodeUid: string,
  node: ClusterNode | undefined,
): Promise<void> {
  const record = records.get(nodeUid);
  if (record === undefined || node === undefined) return;
  const now = momentOf(deps);
  const word = { preset: record.nodeRestart ?? DEFAULT_PRESET, request: node.metadata.annotations?.[ANNOTATION_RESTART] };
  const after = afterWord(record.restart ?? freshRecord(now), word, now);
  if (after === undefined) return;
  deps.log.info(
    after.restart ? 'A node is started anew, as asked' : 'A node is started, now that its preset allows it',
    nodeLogFields(record),
  );
  await records.save({ ...record, restart: after.record });
  if (after.restart) machines.get(nodeUid)?.startAfresh();
  else machines.get(nodeUid)?.look();
}

/** An agent that runs with other addresses or directors than ours is told to end, and started again; its pods and balancer go on meanwhile. */
function informAgent(parts: KeeperParts, record: NodeRecord): boolean {
  const { deps } = parts;
  if (record.agent === undefined || !deps.processes.isAlive(record.agent)) return false;
  return writeNodeFile(deps, parts.network, record) && deps.processes.signalGroup(record.agent, 'SIGTERM');
}

async function untilDone(step: () => Promise<boolean>, work: AbortSignal): Promise<void> {
  while (!work.aborted && (await step()));
}

async function dutyNow(
  parts: KeeperParts,
  nodeUid: string,
  work: AbortSignal,
): Promise<{ readonly duty: Duty; readonly node: ClusterNode | undefined }> {
  // What a node with a damaged record was cannot be known, so nothing follows for it (records.ts, I2).
  if (parts.records.damaged().includes(nodeUid)) return { duty: { do: 'nothing' }, node: undefined };
  const held = parts.records.get(nodeUid);
  const cached = parts.seen(nodeUid);
  const duty = dutyOf({ host: parts.deps.name, live: false, node: cached, held });
  if (duty.do !== 'readLive') return { duty, node: cached };
  const [namespace, name] =
    cached === undefined ? [held?.namespace ?? '', held?.node ?? ''] : [cached.metadata.namespace ?? '', cached.metadata.name];
  const found = liveOf(await parts.deps.api.get<ClusterNode>(CLUSTER_NODES, namespace, name, work));
  const node = found?.metadata.uid === nodeUid ? found : undefined;
  const view = { host: parts.deps.name, live: true, node, held: parts.records.get(nodeUid) };
  const first = dutyOf(view);
  // Only over a node that is not one of the director's anything else is asked.
  return { duty: first.do === 'unclaimed' ? dutyOf({ ...view, ...(await strayFacts(parts.deps, nodeUid, work)) }) : first, node };
}

/** The object, or undefined when there is none. Every other refusal says nothing about the object, so nothing follows from it. */
function liveOf<T>(answer: Answer<T>): T | undefined {
  if (answer.ok) return answer.value;
  if (answer.reason === 'NotFound') return undefined;
  throw new Fault('DirectorRefused', `The director does not show what is asked for: ${answer.message}`);
}

/** Takes a slot, makes the folder and the token. False when node or cluster do not want it now. */
async function beginNode(parts: KeeperParts, node: ClusterNode, work: AbortSignal): Promise<boolean> {
  const { deps, records } = parts;
  const fromMs = deps.clock.nowMs();
  const namespace = node.metadata.namespace ?? '';
  const cluster = liveOf(await deps.api.get<Cluster>(CLUSTERS, namespace, node.spec.cluster, work));
  const host = parts.host();
  const isDead = host !== undefined && isHostConfirmedDead(host, deps.processes.self().bootId);
  const refusal = isDead ? `${deps.name} was confirmed dead in this very boot` : startRefusal(deps.name, node, cluster);
  if (refusal !== undefined) {
    deps.log.info('A node is not started', { ...nodeLogFields(tracedNode(node)), why: refusal });
    return false;
  }
  if (records.get(node.metadata.uid) === undefined) await endEarlierLife(deps, node.metadata.uid, work);
  // From here to the record nothing is waited for: two nodes would take one slot.
  const slot = records.get(node.metadata.uid)?.slot ?? freeSlot(slotsTaken(deps, records, parts.network));
  if (slot === undefined)
    throw new Fault('Overloaded', `There is no free address for ${node.metadata.name}; it waits until a node has gone.`);
  const record = recordOf(node, slot, cluster, momentOf(deps));
  await records.save(record);
  // The director knows of it before anything runs: a host that loses its records is told so by it.
  const told = { ...deps, api: apiFor(deps, record, 'prepare') };
  await parts.reports.tell(record, { phase: 'Starting' }, work, told.api);
  writeNodeFile(deps, parts.network, record, { token: await mintToken(told, record, work) });
  await records.save({ ...record, phase: 'Running' });
  deps.log.info('A node is started', { ...nodeLogFields(record), slot });
  tellSpan(deps, record, 'prepare', fromMs);
  return true;
}

function recordOf(node: ClusterNode, slot: number, cluster: Cluster | undefined, now: BootMoment): NodeRecord {
  const { spec, metadata } = node;
  const request = metadata.annotations?.[ANNOTATION_RESTART];
  return {
    namespace: metadata.namespace ?? '',
    node: metadata.name,
    nodeUid: metadata.uid,
    incarnation: spec.incarnation,
    cluster: spec.cluster,
    clusterUid: spec.clusterUid,
    attempt: spec.attempt,
    virtualDataCenter: spec.virtualDataCenter,
    role: spec.role,
    slot,
    cpuMillis: spec.resources.cpuMillis,
    memoryMiB: spec.resources.memoryMiB,
    phase: 'Preparing',
    restarts: 0,
    nodeRestart: cluster?.spec.availability?.nodeRestart ?? DEFAULT_PRESET,
    // What was asked for before it began is done by beginning.
    ...(request === undefined ? {} : { restart: freshRecord(now, request) }),
  };
}

async function heal(parts: KeeperParts, healing: Healer, nodeUid: string, node: ClusterNode | undefined, work: AbortSignal): Promise<void> {
  const record = parts.records.get(nodeUid);
  if (record !== undefined && node !== undefined) await healing.heal(record, node, work);
}

function hooksOf(parts: KeeperParts, healing: Healer, nodeUid: string, poke: () => void, signal: AbortSignal): MachineHooks {
  const { deps, records } = parts;
  return {
    onChange: (state) => {
      const record = records.get(nodeUid);
      if (record === undefined) return;
      if (state.phase === 'Running') writePidFile(deps, record, state.pid);
      parts.reports.report(record, state);
    },
    prepare: () => {
      const record = records.get(nodeUid);
      if (record !== undefined) writeNodeFile(deps, parts.network, record);
      return Promise.resolve();
    },
    onExit: (exit) => {
      // Its token ran out, or was used up by a life that is lost; or a certificate of it is refused.
      if (exit.exitCode === EXIT_REFUSED) healing.refused(nodeUid);
      poke();
    },
    onDecision: (decision, how) => {
      const record = records.get(nodeUid);
      if (record !== undefined) void sayOfNode(deps, record, eventOf(record, decision, how), signal);
    },
  };
}

function eventOf(record: NodeRecord, decision: RestartDecision, how: string): Said {
  if (decision.do === 'Leave')
    return { type: 'Warning', reason: 'NodeGivenUp', message: `${record.node}: ${decision.record.left.message}` };
  return { type: 'Warning', reason: 'NodeRestarted', message: `The agent of ${record.node} is restarted: ${how}.` };
}

/** `<data>/run/<namespace>.<node>.pid`, for people who want to kill an agent. */
function pidFile(deps: HostDeps, record: NodeRecord): string {
  return `${deps.data}/run/${record.namespace}.${record.node}.pid`;
}

function writePidFile(deps: HostDeps, record: NodeRecord, pid: number): void {
  deps.files.ensureFolder(`${deps.data}/run`, 0o755);
  deps.files.writeText(pidFile(deps, record), `${pid}\n`, 0o644);
}

async function endNode(parts: KeeperParts, nodeUid: string, why: StopReason, work: AbortSignal): Promise<void> {
  const { deps, records } = parts;
  const record = records.get(nodeUid);
  if (record === undefined) return;
  deps.log.info('A node is stopped', { ...nodeLogFields(record), why });
  await records.save({ ...record, phase: 'Stopping' });
  await stopAll({ ...deps, log: deps.log.with(nodeLogFields(record)) }, nodeUid, work);
  deps.files.removeFolder(nodeFolder(deps.data, nodeUid));
  deps.files.remove(pidFile(deps, record));
  if (why !== 'HigherIncarnation') parts.reports.report(record, { phase: 'Gone' });
  await records.forget(nodeUid);
}

/** Nothing of it is to be here any more. A conflict means that it changed meanwhile: look again. */
async function releaseNode(parts: KeeperParts, node: ClusterNode, work: AbortSignal): Promise<void> {
  await endRemains(parts.deps, node.metadata.uid, work);
  const { namespace = '', name, uid, resourceVersion, finalizers = [] } = node.metadata;
  const patch = { metadata: { uid, resourceVersion, finalizers: finalizers.filter((one) => one !== FINALIZER_NODE) } };
  const answer = await parts.deps.api.mergePatch<ClusterNode>(CLUSTER_NODES, namespace, name, patch, work);
  if (!answer.ok && answer.reason !== 'NotFound') throw new Fault('DirectorRefused', `${name} cannot be let go yet: ${answer.message}`);
  parts.reports.forget(uid);
}
