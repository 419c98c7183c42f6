/**
 * Reports each node's `status.infrastructure`: newest wins, one write at a time for each node.
 *
 * I1: what is written carries the incarnation it speaks of, and is guarded by the node's uid.
 * I2: failing to write never stops a machine; it is tried again until something newer is to be said, or the node is gone.
 */

import { CLUSTER_NODES } from '../model/addresses.ts';
import type { ClusterNode } from '../model/cluster-node.ts';
import { Fault } from '../model/fault.ts';
import type { JsonObject } from '../model/json.ts';
import type { HostDeps } from './deps.ts';
import { keyedLoop } from './keyed-loop.ts';
import type { KeyedLoop } from './keyed-loop.ts';
import type { MachineState } from './machine.ts';
import type { NodeRecord } from './records.ts';
import { addressesOf } from './slots.ts';

export interface InfrastructureReports {
  /** What to say of the recorded incarnation. */
  report(record: NodeRecord, state: MachineState | { readonly phase: 'Gone' }): void;
  /** Says no more of this node. */
  forget(nodeUid: string): void;
  settled(): Promise<void>;
}

interface Report {
  readonly namespace: string;
  readonly node: string;
  readonly infrastructure: JsonObject;
}

const MESSAGE_MAX = 1024;

export function reportInfrastructure(deps: HostDeps, network: number, signal: AbortSignal): InfrastructureReports {
  const wanted = new Map<string, Report>();
  const written = new Map<string, string>();
  const loop: KeyedLoop = keyedLoop(deps, 'The report of a node', (nodeUid, work) => writeReport(nodeUid, work), signal);
  const writeReport = async (nodeUid: string, work: AbortSignal): Promise<void> => {
    const report = wanted.get(nodeUid);
    if (report === undefined) return;
    const text = JSON.stringify(report.infrastructure);
    if (written.get(nodeUid) === text) return;
    const patch = { metadata: { uid: nodeUid }, status: { infrastructure: report.infrastructure } };
    const answer = await deps.api.mergePatch<ClusterNode>(CLUSTER_NODES, report.namespace, report.node, patch, work, 'status');
    if (!answer.ok && answer.reason !== 'NotFound' && answer.reason !== 'Conflict') throw new Fault('DirectorRefused', answer.message);
    written.set(nodeUid, text);
  };
  return {
    report: (record, state) => {
      const infrastructure = infrastructureOf(network, record, state);
      wanted.set(record.nodeUid, { namespace: record.namespace, node: record.node, infrastructure });
      loop.poke(record.nodeUid);
    },
    forget: (nodeUid) => {
      wanted.delete(nodeUid);
      written.delete(nodeUid);
    },
    settled: () => loop.settled(),
  };
}

/** A merge patch: null takes away what the state before had said. */
function infrastructureOf(network: number, record: NodeRecord, state: MachineState | { readonly phase: 'Gone' }): JsonObject {
  const gone = state.phase === 'Gone';
  const { address, podAddresses } = addressesOf(network, record.slot);
  return {
    incarnation: record.incarnation,
    phase: state.phase,
    address: gone ? null : address,
    podAddresses: gone ? null : [...podAddresses],
    pid: 'pid' in state ? state.pid : null,
    restarts: record.restarts,
    message: 'message' in state ? state.message.slice(0, MESSAGE_MAX) : null,
  };
}
