/**
 * What a cluster says of itself while it is created: conditions and sentences.
 *
 * I1: each sentence says what is wrong, why, and what a person can do, or that nobody has to.
 */

import type { ClusterView } from './cluster-view.ts';
import { replacementsOf } from './failure-cause.ts';
import type { Verdict, WaitingFor } from './failure-cause.ts';
import type { ConditionChange } from './phase.ts';
import { pairedCondition } from './site-standing.ts';
import type { StepResult } from './steps.ts';

export type Pending = Exclude<StepResult, { state: 'Done' }>;

export function progressing(status: 'True' | 'False', reason: ConditionChange[2], message: string): ConditionChange {
  return ['Progressing', status, reason, message];
}

/** `result` is what the step says, `waitingFor` what the attempt stands for because of it. */
export function conditionsWhile(
  view: ClusterView,
  result: Pending,
  message: string,
  waitingFor: WaitingFor | undefined,
): readonly ConditionChange[] {
  const sentence = `${capital(message)}.`;
  const isInput = waitingFor === 'Input' || waitingFor === 'Director';
  const quota: readonly ConditionChange[] =
    result.reason === 'QuotaExceeded'
      ? [['QuotaReserved', 'False', 'QuotaExceeded', sentence]]
      : isInput
        ? []
        : [['QuotaReserved', 'True', 'QuotaReserved', 'The capacity is reserved.']];
  const pairing: readonly ConditionChange[] = view.cluster.spec.site === undefined ? [] : [pairedCondition(view.cluster, view.site)];
  return [
    ['Ready', 'False', result.reason, sentence],
    progressing(isInput ? 'False' : 'True', result.reason, sentence),
    ...quota,
    ...pairing,
  ];
}

/** An attempt that failed and is kept. */
export function stuckConditions(view: ClusterView, failure: string): readonly ConditionChange[] {
  const { cluster, config } = view;
  const kept = `${capital(failure)}. What was made is kept for inspection.`;
  const [reason, todo]: readonly [ConditionChange[2], string] = cluster.spec.autoRepairOnErrors
    ? ['AttemptsExhausted', `${config.maxAttempts} attempts failed; change the spec to try again, or delete the cluster.`]
    : ['RepairDisabled', 'Set spec.autoRepairOnErrors to true to tear it down and try again, or delete the cluster.'];
  return [['Ready', 'False', reason, `${kept} ${todo}`], progressing('False', reason, `${kept} ${todo}`)];
}

/** What the step waits for or does, with what the director says against it. */
export function whileWaiting(view: ClusterView, message: string, waitingFor: WaitingFor | undefined): string {
  if (waitingFor === 'MassSilence')
    return `${message}; many sites of this director fell silent at once, which is the network or this place: until they are heard again the attempt is not given up and no node replaced`;
  if (view.refusal === undefined) return message;
  const refused = `${message}; the director refused: ${view.refusal}`;
  return waitingFor === 'Director' ? `${refused}. It is tried on and goes on by itself when the director takes it` : refused;
}

/** That one node is replaced, and why; the same in every pass until it is. */
export function replacing(view: ClusterView, verdict: Extract<Verdict, { cause: 'ReplaceNode' }>, fault: string, attempt: number): string {
  const { metadata, spec } = verdict.node;
  const times = replacementsOf(view.nodes.filter((node) => node.spec.attempt === attempt)) + 1;
  return `${fault}; ${metadata.name} alone is replaced by its incarnation ${spec.incarnation + 1} (replacement ${times} of at most ${view.config.nodeReplacements} in attempt ${attempt})`;
}

/** Why a node whose machine is at fault is not replaced alone, for the end of the sentence that names the fault. */
export function notReplaced(view: ClusterView, verdict: Verdict, attempt: number): string {
  if (verdict.cause !== 'NewAttempt') return '';
  const { nodeReplacements } = view.config;
  const times = replacementsOf(view.nodes.filter((node) => node.spec.attempt === attempt));
  if (times < nodeReplacements) return '; its host has lost track of it, so it cannot be replaced alone';
  if (nodeReplacements === 0) return '; no node is replaced alone (nodeReplacements of the ServerConfig is 0)';
  return `; ${times === 1 ? 'one node was' : `${times} nodes were`} replaced in this attempt already, all that nodeReplacements of the ServerConfig allows`;
}

export function capital(text: string): string {
  return text.slice(0, 1).toUpperCase() + text.slice(1);
}
