/**
 * How long a step of creation may still take, and what stops that clock: what trying again cannot bring (`standsFor`); it begins anew when that has
 * come (`restamped`).
 *
 * I1: a deadline passes only by own observation, or by time stamps together with LIMITS.stepSeenMinMs of own observation: clocks of servers differ.
 * I2: it does not run before the step at work was read back, nor while the step waits for what trying again cannot bring.
 */

import type { Attempt } from '../model/attempt.ts';
import { LIMITS } from '../model/limits.ts';
import { recordOf } from './attempt.ts';
import type { ClusterView } from './cluster-view.ts';
import type { Pending } from './creation-words.ts';
import type { WaitingFor } from './failure-cause.ts';
import { isObeyed } from './mass-silence.ts';
import { seenMs } from './observation.ts';

export interface StepClock {
  readonly key: string;
  readonly leftMs: number;
  readonly isRunning: boolean;
}

/** How long the step at work may still take, and under which key it is timed. */
export function stepClock(view: ClusterView, record: Attempt): StepClock {
  const deadlineMs = view.config.stepDeadlineSeconds * 1000;
  const key = `step/${view.cluster.metadata.uid}/${record.number}/${record.step}/${record.stepStartedAt}`;
  const seen = seenMs(view.seen, key, view.monotonicMs);
  const stamped = view.nowMs - Date.parse(record.stepStartedAt ?? record.startedAt);
  const byStamps = Math.max(deadlineMs - stamped, Math.min(LIMITS.stepSeenMinMs, deadlineMs) - seen);
  // Timed is what was read: a write may be on its way for longer than the step may take.
  const stored = recordOf(view.cluster.status ?? {}, record.number);
  const isStored = stored?.step === record.step && stored?.stepStartedAt === record.stepStartedAt;
  return { key, leftMs: Math.min(deadlineMs - seen, byStamps), isRunning: isStored && record.waitingFor === undefined };
}

/** What trying again cannot bring: what the step says; or the director, while it refuses what it refused for the whole of the deadline. */
export function standsFor(view: ClusterView, record: Attempt, result: Pending): WaitingFor | undefined {
  if (result.state === 'Wait' && result.waitingFor !== undefined) return result.waitingFor;
  if (record.waitingFor === 'MassSilence' && isObeyed(view.massSilence, true)) return 'MassSilence';
  return record.waitingFor === 'Director' && view.refusal !== undefined ? 'Director' : undefined;
}

/** The deadline starts anew when what could not be helped has come. */
export function restamped(record: Attempt, waitingFor: WaitingFor | undefined, now: string): Attempt {
  if (record.waitingFor === waitingFor) return record;
  const next: Attempt = { ...record, stepStartedAt: now };
  if (waitingFor === undefined) delete next.waitingFor;
  else next.waitingFor = waitingFor;
  return next;
}
