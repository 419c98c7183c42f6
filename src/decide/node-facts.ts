/**
 * What a ClusterNode says, read in one way by all.
 *
 * I1: a section that speaks of another incarnation than the node's is not read.
 * I2: only a host's word (Gone) or a person's (confirm-dead, naming the incarnation) proves a death; silence and failure prove nothing.
 */

import type { ClusterNode } from '../model/cluster-node.ts';
import { holderText, tokenCommand } from '../model/joined-machine.ts';
import { ANNOTATION_CONFIRM_DEAD, ANNOTATION_VOUCHED_DEAD, FINALIZER_NODE } from '../model/labels.ts';

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
  return agent !== undefined && agent.phase !== 'Stopped' && agent.phase !== 'Stopping' && !isLost(node) && !isUnattended(node);
}

export function isReady(node: ClusterNode): boolean {
  return agentOf(node)?.phase === 'Ready' && !isLost(node) && !isUnattended(node);
}

/** The host says that this life of the machine is over, or that it could not be brought up: nothing of it serves. */
export function isLost(node: ClusterNode): boolean {
  const machine = machineOf(node);
  return machine?.phase === 'Gone' || (machine?.phase === 'Failed' && machine.reason === undefined);
}

/**
 * The host does not see to its agent any more (given up, node-level HA off, record lost), and what the agent said last may be old. Its pods and its
 * balancer may still serve: it is not ready, and not lost either, so nobody cuts it off and its deletion gives them their time to drain.
 */
export function isUnattended(node: ClusterNode): boolean {
  return machineOf(node)?.reason !== undefined;
}

/** Why this life of the node is known to be over; undefined: it is not known. */
export function deathOf(node: ClusterNode): string | undefined {
  if (machineOf(node)?.phase === 'Gone') return `its host says that the machine is gone`;
  if (isConfirmedDead(node)) return 'a person confirmed that the machine is off';
  return undefined;
}

/** A person vouched that this life of the node is over. */
export function isConfirmedDead(node: ClusterNode): boolean {
  return node.metadata.annotations?.[ANNOTATION_CONFIRM_DEAD] === String(node.spec.incarnation);
}

/**
 * The term under which a manager vouched that this life of the node is over; undefined: none did. It licenses a replacement, of a worker alone: the machine
 * may still run, so nothing is let go for it.
 */
export function vouchedTerm(node: ClusterNode): number | undefined {
  const [incarnation, term] = (node.metadata.annotations?.[ANNOTATION_VOUCHED_DEAD] ?? '').split('.').map(Number);
  return incarnation === node.spec.incarnation && Number.isSafeInteger(term) ? term : undefined;
}

/** It waits for a machine that a person lets in; no host claims it. */
export function isForJoined(node: ClusterNode): boolean {
  return node.spec.machine === 'Joined';
}

/** No host and no machine holds it, so nobody but its owner's keepers can let it go. */
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
  const { name, namespace = '' } = node.metadata;
  const nobody = isForJoined(node)
    ? `no machine has joined as it: ${tokenCommand(namespace, name)} prints the command for one`
    : 'not claimed by a host';
  const where = node.spec.host === undefined ? nobody : `on ${holderText(node.spec.host)}`;
  const parts = [where, `machine ${machine?.phase ?? 'not reported'}`, `agent ${agent?.phase ?? 'not joined'}`, ...notes];
  return `${name} (${parts.join(', ')})`;
}
