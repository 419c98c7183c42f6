/**
 * The cause of a step's failure, and so what helps: the one place where that is decided.
 *
 * The same step fails for a full quota, for a dead machine and for a bug in the release. Not the step but the cause says whether to try it again, to
 * replace one node, to begin anew, or to stop and ask a person.
 *
 * I1: of a cluster that was ever available, or whose auto-repair is off, nothing is replaced and no attempt is abandoned: Stop.
 * I2: one machine at fault costs one node: ReplaceNode, at most `maxReplacements` times an attempt; what its host has lost track of is never replaced, because
 *     nobody could stop it: NewAttempt, whose removal looks for it.
 * I3: what trying again cannot bring (a person's input, room on a host, a machine to join, a director that refuses) stops the step, explains, and goes on
 *     by itself when it has come; nothing is torn down for it.
 * I4: attempts are bounded: the last one that the configuration allows ends in Stop.
 * I5: in a mass silence (mass-silence.ts) what would end an attempt or replace a node stops instead: the network failed, not this
 *     cluster. But for a node that a person confirmed dead: that person has looked.
 */

import type { Attempt } from '../model/attempt.ts';
import type { ClusterNode } from '../model/cluster-node.ts';
import { deathOf, isConfirmedDead, isLost, isUnattended, machineOf } from './node-facts.ts';

export type WaitingFor = NonNullable<Attempt['waitingFor']>;

/** What is wrong with a step that is not done. */
export interface StepTrouble {
  /** What the step itself says that trying again cannot bring. */
  readonly waitingFor?: WaitingFor;
  /** The node whose machine is at fault. */
  readonly node?: ClusterNode;
  /** The step's deadline has passed. */
  readonly isLate: boolean;
  /** Why the director refused the last write for good. */
  readonly refusal?: string;
  /** Many sites of the director fell silent at once. */
  readonly massSilence?: boolean;
}

/** What is left to be tried. */
export interface RepairBudget {
  readonly wasAvailable: boolean;
  /** spec.autoRepairOnErrors */
  readonly autoRepair: boolean;
  /** Nodes replaced in this attempt. */
  readonly replacements: number;
  /** How many it may replace before it is given up. */
  readonly maxReplacements: number;
  /** Attempts that failed at this generation of the spec, this one not counted, and how many may. */
  readonly failures: number;
  readonly maxAttempts: number;
}

export type Verdict =
  /** Nothing is wrong yet: the step goes on, what was refused or lost is tried again with back-off. */
  | { readonly cause: 'Retry' }
  | { readonly cause: 'ReplaceNode'; readonly node: ClusterNode }
  | { readonly cause: 'NewAttempt' }
  /** The step stands and goes on by itself when that has come. */
  | { readonly cause: 'Stop'; readonly waitingFor: WaitingFor }
  /** The attempt has failed, and no other one follows by itself. */
  | { readonly cause: 'Stop'; readonly why: 'WasAvailable' | 'RepairDisabled' | 'AttemptsExhausted' };

/** Names the cause. Total: every trouble has one. */
export function causeOf(trouble: StepTrouble, budget: RepairBudget): Verdict {
  const { node, waitingFor, isLate, refusal } = trouble;
  if (node === undefined) {
    if (waitingFor !== undefined) return { cause: 'Stop', waitingFor };
    if (!isLate) return { cause: 'Retry' };
    // Another attempt would be refused the same.
    if (refusal !== undefined) return { cause: 'Stop', waitingFor: 'Director' };
  }
  if (trouble.massSilence === true && (node === undefined || !isConfirmedDead(node))) return { cause: 'Stop', waitingFor: 'MassSilence' };
  if (budget.wasAvailable) return { cause: 'Stop', why: 'WasAvailable' };
  if (!budget.autoRepair) return { cause: 'Stop', why: 'RepairDisabled' };
  if (node !== undefined && canReplace(node) && budget.replacements < budget.maxReplacements) return { cause: 'ReplaceNode', node };
  return budget.failures + 1 < budget.maxAttempts ? { cause: 'NewAttempt' } : { cause: 'Stop', why: 'AttemptsExhausted' };
}

/** Nodes that were replaced since they were made. */
export function replacementsOf(nodes: readonly ClusterNode[]): number {
  return nodes.reduce((sum, node) => sum + node.spec.incarnation - 1, 0);
}

/** Its machine is at fault: over, given up by its host, or confirmed dead. */
export function isAtFault(node: ClusterNode): boolean {
  return isLost(node) || isUnattended(node) || deathOf(node) !== undefined;
}

/** Why, as a sentence without its end. */
export function faultOf(node: ClusterNode): string {
  const death = deathOf(node);
  const machine = machineOf(node);
  if (machine?.phase !== 'Gone' && death !== undefined) return `${node.metadata.name}: ${death}`;
  return `the machine of ${node.metadata.name} is ${machine?.phase}: ${machine?.message ?? 'its host gave no reason'}`;
}

/** `true` for an attempt that a Stop of that kind ended may not be tried again by itself. */
export function endsAttempt(verdict: Verdict): verdict is Extract<Verdict, { why: string }> | { readonly cause: 'NewAttempt' } {
  return verdict.cause === 'NewAttempt' || 'why' in verdict;
}

function canReplace(node: ClusterNode): boolean {
  return deathOf(node) !== undefined || machineOf(node)?.reason !== 'RecordLost';
}
