/**
 * What a ClusterNode says, read in one way by all.
 *
 * I1: a section that speaks of another incarnation than the node's is not read.
 * I2: only a host's word (Gone) or a person's (confirm-dead, naming the incarnation) proves a death; silence and failure prove nothing.
 */

import type { ClusterNode } from '../model/cluster-node.ts';
import { ANNOTATION_CONFIRM_DEAD, FINALIZER_NODE } from '../model/labels.ts';

type Machine = NonNullable<NonNullable<ClusterNode['status']>['infrastructure']>;
type Agent = NonNullable<NonNullable<ClusterNode['status']>['agent']>;

/** What the host says of this life of the node. */
export function machineOf(node: ClusterNode): Machine | undefined {
  const machine = node.status?.infrastructure;
  return machine?.incarnation === node.spec.incarnation ? machine : undefined;
}

/** What the agent says in this life of the node. */
export function agentOf(node: ClusterNode): Agent | undefined {
  const agent = node.status?.agent;
  return agent?.incarnation === node.spec.incarnation ? agent : undefined;
}

export function hasJoined(node: ClusterNode): boolean {
  const agent = agentOf(node);
  return agent !== undefined && agent.phase !== 'Stopped' && agent.phase !== 'Stopping' && !isLost(node);
}

export function isReady(node: ClusterNode): boolean {
  return agentOf(node)?.phase === 'Ready' && !isLost(node);
}

/** The host says that this life of the machine is over, or that it could not be brought up. */
export function isLost(node: ClusterNode): boolean {
  const phase = machineOf(node)?.phase;
  return phase === 'Gone' || phase === 'Failed';
}

/** Why this life of the node is known to be over; undefined: it is not known. */
export function deathOf(node: ClusterNode): string | undefined {
  if (machineOf(node)?.phase === 'Gone') return `its host says that the machine is gone`;
  if (node.metadata.annotations?.[ANNOTATION_CONFIRM_DEAD] === String(node.spec.incarnation))
    return 'a person confirmed that the machine is off';
  return undefined;
}

/** No host holds it, so nobody but its owner's keepers can let it go. */
export function isUnclaimed(node: ClusterNode): boolean {
  return node.spec.host === undefined;
}

export function isLeaving(node: ClusterNode): boolean {
  return node.metadata.deletionTimestamp !== undefined || node.spec.retired === true;
}

export function holdsNodeFinalizer(node: ClusterNode): boolean {
  return node.metadata.finalizers?.includes(FINALIZER_NODE) === true;
}

/** Where a node stands, for a sentence. */
export function standing(node: ClusterNode): string {
  const machine = machineOf(node);
  const agent = agentOf(node);
  const notes = [machine?.message, agent?.message].filter((note) => note !== undefined && note !== '');
  const where = node.spec.host === undefined ? 'not claimed by a host' : `on host ${node.spec.host}`;
  const parts = [where, `machine ${machine?.phase ?? 'not reported'}`, `agent ${agent?.phase ?? 'not joined'}`, ...notes];
  return `${node.metadata.name} (${parts.join(', ')})`;
}
