/**
 * Records of attempts, and the one way in which creation writes a Cluster's status.
 *
 * I1: the lists of a status stay within their bounds: the newest 20 attempts (of the newest 4 the whole log), the newest LIMITS.statusMessages events and errors.
 * I2: a status that already says it all gives no write.
 * I3: an error stands in errorSet only while its cause does.
 */

import type { Attempt } from '../model/attempt.ts';
import type { ClusterStatus } from '../model/cluster.ts';
import { LIMITS } from '../model/limits.ts';
import type { ClusterView } from './cluster-view.ts';
import { guardOf } from './effect.ts';
import type { Effect } from './effect.ts';
import { mergeDiff } from './merge-diff.ts';
import { phaseInput, phaseOf, withConditions } from './phase.ts';
import type { ConditionChange } from './phase.ts';

/** `maxItems` of status.attempts. */
const ATTEMPTS_KEPT = 20;
/** Attempts whose whole log is kept, and lines kept of the others: twenty long stories would be most of an object. */
const LOGS_KEPT = 4;
const OLD_LOG_LINES = 3;

/** RFC 3339 of a wall clock. */
export function timestamp(nowMs: number): string {
  return new Date(nowMs).toISOString();
}

export function recordOf(status: ClusterStatus, attempt: number): Attempt | undefined {
  return status.attempts?.find((one) => one.number === attempt);
}

/** The list with `record` in its place. */
export function attemptsAfter(status: ClusterStatus, record: Attempt): Attempt[] {
  const others = (status.attempts ?? []).filter((one) => one.number !== record.number);
  const kept = [...others, record].sort((a, b) => a.number - b.number).slice(-ATTEMPTS_KEPT);
  return kept.map((one, at) =>
    at < kept.length - LOGS_KEPT && one.log !== undefined ? { ...one, log: one.log.slice(-OLD_LOG_LINES) } : one,
  );
}

/** The write that makes `next`, with phase, conditions and errors, the cluster's status; none when it is already. */
export function statusPatch(
  view: ClusterView,
  next: ClusterStatus,
  changes: readonly ConditionChange[],
  error: readonly [reason: string, message: string] | undefined,
): readonly Effect[] {
  const { cluster } = view;
  const now = timestamp(view.nowMs);
  const generation = cluster.metadata.generation ?? 0;
  const whole: ClusterStatus = {
    ...next,
    observedGeneration: generation,
    conditions: withConditions(next.conditions, changes, generation, now),
    errorSet: errorsAfter(next.errorSet ?? [], error, now),
  };
  whole.phase = phaseOf(phaseInput(cluster, whole));
  whole.eventSet = eventsAfter(cluster.status ?? {}, whole, changes, now);
  const status = mergeDiff(cluster.status, whole);
  return status === undefined ? [] : [{ kind: 'PatchClusterStatus', on: guardOf(cluster), status }];
}

type Messages = NonNullable<ClusterStatus['errorSet']>;

function errorsAfter(old: Messages, error: readonly [string, string] | undefined, now: string): Messages {
  if (error === undefined) return [];
  const [reason, text] = error;
  const message = text.slice(0, 1024);
  return [old.find((one) => one.reason === reason && one.message === message) ?? { time: now, reason, message }];
}

/** A change of phase is an event worth keeping. */
function eventsAfter(old: ClusterStatus, next: ClusterStatus, changes: readonly ConditionChange[], now: string): Messages {
  const events = old.eventSet ?? [];
  if (next.phase === old.phase) return events;
  const event = { time: now, reason: next.phase ?? 'Pending', message: (changes[0]?.[3] ?? '').slice(0, 1024) };
  return [...events, event].slice(-LIMITS.statusMessages);
}
