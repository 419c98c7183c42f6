/**
 * Who repairs a node of a cluster that was available: its manager (the primary's agent) or an extension server. Asked by both, of the same entities, so
 * that they never disagree.
 *
 * I1: a node has one owner, or none while its cluster was not available yet, is being deleted, or the node is leaving or of another attempt.
 * I2: the owner is a function of what stands in the Cluster and its nodes; what an observer knows besides (silence) comes into it only once it was
 *     written there.
 * I3: the primary is never the manager's: nobody vouches for himself.
 * I4: workers are the manager's unless it is written that there is no manager that could: the primary never reported in its present incarnation, is
 *     lost, proven dead, given up or leaving, or its entry in the Cluster's status says that it is not ready.
 */

import type { ClusterNode } from '../model/cluster-node.ts';
import type { ClusterView } from './cluster-view.ts';
import { agentOf, deathOf, isLeaving, isLost, machineOf } from './node-facts.ts';

export type RepairOwner = 'Manager' | 'ExtensionServer';

type Entities = Pick<ClusterView, 'cluster' | 'nodes'>;

/** Undefined: nobody repairs it. */
export function repairOwner(entities: Entities, node: ClusterNode): RepairOwner | undefined {
  const { metadata, status } = entities.cluster;
  if (status?.availableAt === undefined || metadata.deletionTimestamp !== undefined) return undefined;
  if (node.spec.attempt !== (status.attempt ?? 0) || isLeaving(node)) return undefined;
  const primary = primaryOf(entities);
  if (primary?.metadata.uid === node.metadata.uid) return 'ExtensionServer';
  return primary !== undefined && mayManage(entities, primary) ? 'Manager' : 'ExtensionServer';
}

/** The nodes that `owner` repairs. */
export function repairedBy(entities: Entities, owner: RepairOwner): readonly ClusterNode[] {
  return entities.nodes.filter((node) => repairOwner(entities, node) === owner);
}

/** The node that is primary now: by status.primary, else the one that was born so. */
export function primaryOf(view: Entities): ClusterNode | undefined {
  const attempt = view.cluster.status?.attempt ?? 0;
  const mine = view.nodes.filter((node) => node.spec.attempt === attempt);
  return mine.find((node) => node.metadata.name === view.cluster.status?.primary) ?? mine.find((node) => node.spec.index === 0);
}

/** Nothing that is written speaks against it. */
function mayManage({ cluster }: Entities, primary: ClusterNode): boolean {
  if (isLeaving(primary) || isLost(primary) || deathOf(primary) !== undefined) return false;
  if (cluster.status?.nodes?.[primary.metadata.name]?.ready === false) return false;
  const reason = machineOf(primary)?.reason;
  // A host that lost its record says nothing of the agent.
  return isAgentThere(primary) && (reason === undefined || reason === 'RecordLost');
}

function isAgentThere(primary: ClusterNode): boolean {
  const phase = agentOf(primary)?.phase;
  return phase !== undefined && phase !== 'Stopping' && phase !== 'Stopped';
}
