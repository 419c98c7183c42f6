/**
 * Nodes that are to run here, ran here, and of which there is no record any more: what is left of them, and what is said of that.
 *
 * I1: nothing is started and nothing is ended because a record is missing (src/decide/host-claim.ts, I7).
 * I2: under the tombstone of a node, read live, everything that bears its mark ends, whatever folder it belongs to.
 */

import { lostMachine } from '../decide/host-claim.ts';
import type { Remains } from '../decide/host-claim.ts';
import { nodeLogFields } from '../decide/log-fields.ts';
import type { ClusterNode } from '../model/cluster-node.ts';
import type { HostDeps } from './deps.ts';
import { nodeFolder } from './deps.ts';
import type { InfrastructureReports } from './infrastructure.ts';
import { stopAll } from './machine.ts';
import { tracedNode } from './trace.ts';

const GRACE_MS = 2_000;

function remainsOf({ processes, files, data }: HostDeps, nodeUid: string): Remains {
  const folder = nodeFolder(data, nodeUid);
  return {
    pids: processes.find({ OUTRIGGER_NODE: nodeUid }).map((one) => one.id.pid),
    folder: files.exists(folder) ? folder : undefined,
  };
}

/** True when something is left and a person has to see to it. */
export function sayLost(deps: HostDeps, reports: InfrastructureReports, node: ClusterNode): boolean {
  const { namespace = '', name, uid } = node.metadata;
  const state = lostMachine(deps.name, node, remainsOf(deps, uid));
  const subject = { namespace, node: name, nodeUid: uid, incarnation: node.spec.incarnation };
  deps.log.warn(state.message, nodeLogFields(tracedNode(node)));
  reports.report(subject, state);
  return state.phase !== 'Gone';
}

/** Ends what is left in this host's folder of an earlier life: the life that begins now never ran here. */
export async function endEarlierLife(deps: HostDeps, nodeUid: string, signal: AbortSignal): Promise<void> {
  const folder = nodeFolder(deps.data, nodeUid);
  const lives = deps.processes.find({ OUTRIGGER_DATA: deps.data, OUTRIGGER_NODE: nodeUid }).length > 0;
  if (!lives && !deps.files.exists(folder)) return;
  await stopAll(deps, nodeUid, signal);
  deps.files.removeFolder(folder);
}

/** Ends what is left of a node that is deleted (I2). */
export async function endRemains(deps: HostDeps, nodeUid: string, signal: AbortSignal): Promise<void> {
  await endEarlierLife(deps, nodeUid, signal);
  const left = deps.processes.find({ OUTRIGGER_NODE: nodeUid });
  await Promise.all(left.map((one) => deps.processes.stop(one.id, GRACE_MS, signal)));
}
