/**
 * Reports each node's `status.infrastructure`: newest wins, one write at a time for each node.
 *
 * I1: what is written carries the incarnation it speaks of, and is guarded by the node's uid.
 * I2: failing to write never stops a machine; it is tried again until something newer is to be said, or the node is gone.
 * I3: what the director shows counts, not what was sent: a write whose answer was lost may come late and overtake a newer one, and is then put right.
 */

import { mergeDiff } from '../decide/merge-diff.ts';
import { CLUSTER_NODES } from '../model/addresses.ts';
import type { ClusterNode } from '../model/cluster-node.ts';
import { Fault } from '../model/fault.ts';
import type { JsonObject } from '../model/json.ts';
import type { EntityApi } from '../ports/api.ts';
import type { HostDeps } from './deps.ts';
import { keyedLoop } from './keyed-loop.ts';
import type { KeyedLoop } from './keyed-loop.ts';
import type { MachineState } from './machine.ts';
import type { NodeRecord } from './records.ts';
import { addressesOf } from './slots.ts';

/** Whom a report speaks of; `slot` and `restarts` are absent where there is no record. */
export type ReportSubject = Pick<NodeRecord, 'namespace' | 'node' | 'nodeUid' | 'incarnation'> &
  Partial<Pick<NodeRecord, 'slot' | 'restarts'>>;

type ReportedState = MachineState | { readonly phase: 'Gone'; readonly message?: string };

export interface InfrastructureReports {
  /** What to say of the recorded incarnation. */
  report(subject: ReportSubject, state: ReportedState): void;
  /** Says it now. Throws `Fault` when the director does not take it. */
  tell(subject: ReportSubject, state: ReportedState, signal: AbortSignal, api?: EntityApi): Promise<void>;
  /** The node changed: what it shows may not be what was said. */
  look(nodeUid: string): void;
  /** Says no more of this node. */
  forget(nodeUid: string): void;
  settled(): Promise<void>;
}

export interface ReportParts {
  readonly deps: HostDeps;
  readonly network: number;
  readonly seen: (nodeUid: string) => ClusterNode | undefined;
  /** The revision of the list that `seen` was begun with: what was written up to it is in there, or was lost with a store that went back. */
  readonly listedAt: () => number;
  /** The director answered a write with this. */
  readonly learn: (node: ClusterNode) => void;
}

interface Report {
  readonly subject: ReportSubject;
  readonly section: JsonObject;
}

/** What the last write said, and the revision that it made; where there was no node to write to (not taken), the one that was seen of it. */
interface Written {
  readonly text: string;
  readonly revision: number;
  readonly isTaken: boolean;
}

const MESSAGE_MAX = 1024;

export function reportInfrastructure(parts: ReportParts, signal: AbortSignal): InfrastructureReports {
  const { deps, network } = parts;
  const wanted = new Map<string, Report>();
  const written = new Map<string, Written>();
  const writeReport = async (nodeUid: string, work: AbortSignal, api: EntityApi = deps.api): Promise<void> => {
    const report = wanted.get(nodeUid);
    const infrastructure = report === undefined ? undefined : pending(report, parts.seen(nodeUid), written.get(nodeUid), parts.listedAt());
    if (report === undefined || infrastructure === undefined) return;
    const { namespace, node } = report.subject;
    const patch = { metadata: { uid: nodeUid }, status: { infrastructure } };
    const answer = await api.mergePatch<ClusterNode>(CLUSTER_NODES, namespace, node, patch, work, 'status');
    if (!answer.ok && answer.reason !== 'NotFound' && answer.reason !== 'Conflict') throw new Fault('DirectorRefused', answer.message);
    const shown = answer.ok ? answer.value : parts.seen(nodeUid);
    written.set(nodeUid, { text: textOf(report), revision: Number(shown?.metadata.resourceVersion ?? 0), isTaken: answer.ok });
    if (answer.ok) parts.learn(answer.value);
  };
  const loop: KeyedLoop = keyedLoop(deps, 'The report of a node', async (nodeUid, work) => await writeReport(nodeUid, work), signal);
  const want = (subject: ReportSubject, state: ReportedState): void => {
    wanted.set(subject.nodeUid, { subject, section: sectionOf(deps, network, subject, state) });
  };
  return {
    report: (subject, state) => {
      want(subject, state);
      loop.poke(subject.nodeUid);
    },
    tell: async (subject, state, work, api) => {
      want(subject, state);
      await writeReport(subject.nodeUid, work, api);
      if (written.get(subject.nodeUid)?.isTaken === false)
        throw new Fault('DirectorRefused', `The director did not take what was said of ${subject.node}: it is gone, or another one.`);
    },
    look: (nodeUid) => {
      if (wanted.has(nodeUid)) loop.poke(nodeUid);
    },
    forget: (nodeUid) => {
      wanted.delete(nodeUid);
      written.delete(nodeUid);
    },
    settled: () => loop.settled(),
  };
}

/** What is to be written, as a merge patch of the section; undefined: nothing. */
function pending(report: Report, seen: ClusterNode | undefined, written: Written | undefined, listedAt: number): JsonObject | undefined {
  const { incarnation } = report.subject;
  if (seen !== undefined && seen.spec.incarnation > incarnation) return undefined;
  if (written?.text === textOf(report) && (seen === undefined || isLagging(seen, written, listedAt))) return undefined;
  const diff = mergeDiff({ ...seen?.status?.infrastructure }, report.section);
  // The incarnation is always named, so that nobody takes a part of it for another life's.
  return diff === undefined ? undefined : { ...diff, incarnation };
}

/** `seen` need not have that write yet. A list that was made after it has it, unless the store went back. */
function isLagging(seen: ClusterNode, { revision, isTaken }: Written, listedAt: number): boolean {
  const shown = Number(seen.metadata.resourceVersion);
  return isTaken ? shown <= revision && revision > listedAt : shown === revision;
}

function textOf({ section }: Report): string {
  return JSON.stringify(section);
}

function sectionOf(deps: HostDeps, network: number, subject: ReportSubject, state: ReportedState): JsonObject {
  const { slot } = subject;
  const addresses = state.phase === 'Gone' || slot === undefined ? undefined : addressesOf(network, slot);
  return {
    incarnation: subject.incarnation,
    phase: state.phase,
    ...(addresses === undefined ? {} : { address: addresses.address, podAddresses: [...addresses.podAddresses] }),
    ...('pid' in state ? { pid: state.pid } : {}),
    restarts: subject.restarts ?? 0,
    ...('reason' in state && state.reason !== undefined ? { reason: state.reason } : {}),
    bootId: deps.processes.self().bootId,
    ...('message' in state && state.message !== undefined ? { message: state.message.slice(0, MESSAGE_MAX) } : {}),
  };
}
