/**
 * What an extension server does about one Cluster: creation with its attempts; deletion and repair have files of their own.
 *
 * From any state of the world the next step follows; nothing is remembered but what stands in entities and what the observer itself timed.
 *
 * I1: status.attempt n is committed before a node of attempt n is created.
 * I2: attempt n + 1 begins only on a live view that shows no node of an earlier attempt, and after its back-off.
 * I3: an attempt is abandoned only on a live view, only while availableAt is not set, by a write of its own: nothing is destroyed in that pass.
 * I4: availableAt, autoRepair Disarmed and the attempt's outcome are one write; afterwards creation writes nothing any more.
 * I5: at most maxAttempts attempts fail for one generation of the spec; with autoRepairOnErrors off none is abandoned, and what was made stays.
 * I6: a deadline passes only by own observation, or by time stamps together with LIMITS.stepSeenMinMs of own observation; it does not run
 *     while the step waits for what trying again cannot bring.
 * I7: the finalizer is on the Cluster before anything is made for it.
 * I8: nodes of abandoned attempts, late ones too, are let go.
 * I9: a cluster whose nodes remember that it was available is available: a director that was restored from an older copy creates, shrinks and abandons
 *     nothing of it.
 */

import type { Attempt, Cluster, ClusterStatus } from '../model/cluster.ts';
import { STEPS } from '../model/cluster.ts';
import { FINALIZER_CLUSTER } from '../model/labels.ts';
import { LIMITS } from '../model/limits.ts';
import { backoffMs } from '../base/backoff.ts';
import { attemptsAfter, recordOf, statusPatch, stepDone, timestamp } from './attempt.ts';
import type { ClusterView, Decision } from './cluster-view.ts';
import { decideDeletion } from './deletion.ts';
import { guardOf } from './effect.ts';
import type { Effect } from './effect.ts';
import { hostDeathEffects } from './host-death.ts';
import { letGoLicensed } from './let-go.ts';
import type { LetGo } from './let-go.ts';
import { licensed } from './license.ts';
import { agentOf } from './node-facts.ts';
import { NO_EFFECTS, clusterEvent, soonest } from './outcome.ts';
import { seenMs } from './observation.ts';
import { summaryOf } from './phase.ts';
import type { ConditionChange } from './phase.ts';
import { servicesOf } from './plan.ts';
import { decideAfterAvailable } from './repair.ts';
import { surplusNodes, surplusReservations } from './scale.ts';
import { releasedByForce } from './site-release.ts';
import { pairedCondition } from './site-standing.ts';
import { evaluateStep } from './steps.ts';
import type { StepResult } from './steps.ts';

/** The next effects for `view.cluster`. */
export function decideCluster(view: ClusterView): Decision {
  const { metadata, status } = view.cluster;
  const deaths = hostDeathEffects(view.hosts ?? [], view.nodes);
  // A fact of its own, committed before anything follows from it.
  if (deaths.length > 0) return view.live ? { ...NO_EFFECTS, effects: deaths } : { ...NO_EFFECTS, needsLive: true };
  if (metadata.deletionTimestamp !== undefined) return licensed(view, decideDeletion(view));
  const finalizers = metadata.finalizers ?? [];
  if (!finalizers.includes(FINALIZER_CLUSTER)) {
    return {
      ...NO_EFFECTS,
      effects: [{ kind: 'SetClusterFinalizer', on: guardOf(view.cluster), finalizers: [...finalizers, FINALIZER_CLUSTER] }],
    };
  }
  const decision = status?.availableAt === undefined ? decideCreation(view) : decideAfterAvailable(view);
  return licensed(view, { ...decision, effects: [...decision.effects, ...releasedByForce(view)] });
}

function decideCreation(view: ClusterView): Decision {
  const status: ClusterStatus = view.cluster.status ?? {};
  const attempt = status.attempt ?? 0;
  if (attempt === 0) return work(view, status, begun(view, 1));
  if ((status.abandonedAttempt ?? 0) >= attempt) return between(view, status, attempt);
  const record = recordOf(status, attempt);
  // A status without the record of its own attempt was written by hand; the attempt begins anew under its number.
  const since = rememberedAvailable(view, attempt);
  if (since !== undefined)
    return view.live ? available(view, status, record ?? begun(view, attempt), since) : { ...NO_EFFECTS, needsLive: true };
  if (record === undefined) return work(view, status, begun(view, attempt));
  return record.outcome === 'Failed' ? stuck(view, status, record) : work(view, status, record);
}

/** An abandoned attempt: first all of it goes, then, after the back-off, the next one begins. */
function between(view: ClusterView, status: ClusterStatus, attempt: number): Decision {
  const gone = letGoLicensed(view, view.nodes);
  const failure = recordOf(status, attempt)?.message ?? 'it failed';
  if (view.nodes.length > 0) {
    const why =
      gone.waits.length === 0
        ? ''
        : `: ${gone.waits.join('; ')}; if that machine is off for good, annotate the node with outrigger.dev/force-delete=true`;
    const message = `Attempt ${attempt} failed (${failure}); what was made is being removed${why}.`;
    return withStatus(view, status, [['Ready', 'False', 'StepFailed', message], progressing('True', 'Provisioning', message)], gone);
  }
  const waitMs = untilRetryMs(view, status, attempt);
  if (waitMs > 0) {
    const message = `Attempt ${attempt} failed (${failure}); the next one begins at ${status.retryAt}.`;
    const timed: LetGo = { effects: [], watching: [retryKey(view, attempt)], waits: [], requeueAfterMs: waitMs };
    return withStatus(view, status, [['Ready', 'False', 'StepFailed', message], progressing('True', 'Provisioning', message)], timed);
  }
  if (!view.live) return { ...NO_EFFECTS, needsLive: true, watching: [retryKey(view, attempt)] };
  return work(view, status, begun(view, attempt + 1));
}

/** An attempt that failed and is kept; it is abandoned as soon as the rules allow it. */
function stuck(view: ClusterView, status: ClusterStatus, record: Attempt): Decision {
  if (mayAbandon(view, status)) return view.live ? abandon(view, status, record) : { ...NO_EFFECTS, needsLive: true };
  return withStatus(view, status, stuckConditions(view, record.message ?? 'it failed'), lateNodes(view, record.number));
}

/** Goes through the steps as far as they are done, then acts, waits or fails. */
function work(view: ClusterView, status: ClusterStatus, begin: Attempt): Decision {
  const now = timestamp(view.nowMs);
  let record = begin;
  let result: StepResult = { state: 'Done' };
  for (let step = record.step ?? STEPS[0]; ;) {
    result = evaluateStep(view, record.number, step);
    if (result.state !== 'Done') break;
    const next = STEPS[STEPS.indexOf(step) + 1];
    record = stepDone(record, next, now);
    if (next === undefined) return available(view, status, record);
    step = next;
  }
  return working(view, status, restamped(record, result, now), result);
}

function working(view: ClusterView, status: ClusterStatus, record: Attempt, result: Exclude<StepResult, { state: 'Done' }>): Decision {
  const clock = stepClock(view, record);
  const isLate = record.waitingFor === undefined && clock.leftMs <= 0;
  if (result.state === 'Failed' || isLate) {
    if (!view.live) return { ...NO_EFFECTS, needsLive: true, watching: clock.isRunning ? [clock.key] : [] };
    const late = `${record.step} did not finish within ${view.config.stepDeadlineSeconds} s: ${withRefusal(view, result.message)}`;
    return fail(view, status, record, result.state === 'Failed' ? `${record.step}: ${result.message}` : late);
  }
  const late = lateNodes(view, record.number);
  const shrink = surplusNodes(view, record.number);
  const next: ClusterStatus = { ...status, attempts: attemptsAfter(status, record), attempt: record.number, autoRepair: armed(view) };
  delete next.retryAt;
  const patch = statusPatch(view, next, conditionsWhile(view, result), errorOf(result));
  const started = recordOf(status, record.number) === undefined && record.number > 1;
  return {
    effects: [
      ...patch,
      ...(started ? [clusterEvent(view.cluster, 'Normal', 'AttemptStarted', `Attempt ${record.number} begins.`)] : []),
      ...late.effects,
      ...shrink.effects,
      ...(result.state === 'Act' ? result.effects : []),
      ...(record.step === 'Validate' ? [] : surplusReservations(view, record.number)),
    ],
    needsLive: false,
    watching: [...(clock.isRunning ? [clock.key] : []), ...late.watching, ...shrink.watching],
    ...soonest([record.waitingFor === undefined ? clock.leftMs : undefined, late.requeueAfterMs, shrink.requeueAfterMs]),
  };
}

/** The step failed for good: the fact is written down; what follows from it happens in a later pass. */
function fail(view: ClusterView, status: ClusterStatus, record: Attempt, message: string): Decision {
  const ended: Attempt = { ...record, outcome: 'Failed', endedAt: timestamp(view.nowMs), message: message.slice(0, 1024) };
  delete ended.waitingFor;
  const after: ClusterStatus = { ...status, attempt: record.number, attempts: attemptsAfter(status, ended) };
  if (mayAbandon(view, after)) return abandon(view, after, ended);
  const event = clusterEvent(view.cluster, 'Warning', 'AttemptFailed', `Attempt ${record.number}: ${message}`);
  return withStatus(view, after, stuckConditions(view, message), { effects: [event], watching: [], waits: [] });
}

function abandon(view: ClusterView, status: ClusterStatus, record: Attempt): Decision {
  const { config } = view;
  const policy = { baseMs: config.retryBaseSeconds * 1000, capMs: config.retryCapSeconds * 1000, jitter: 0.25 };
  const retryAt = timestamp(view.nowMs + backoffMs(policy, failuresOf(view, status), view.dice));
  const message = `Attempt ${record.number} failed (${record.message ?? 'no reason'}); what was made is removed and another one begins after ${retryAt}.`;
  const next: ClusterStatus = { ...status, abandonedAttempt: record.number, retryAt, autoRepair: armed(view) };
  const event = clusterEvent(view.cluster, 'Warning', 'AttemptAbandoned', message);
  const changes: readonly ConditionChange[] = [['Ready', 'False', 'StepFailed', message], progressing('True', 'Provisioning', message)];
  return { ...NO_EFFECTS, effects: [...statusPatch(view, next, changes, ['StepFailed', message]), event] };
}

/** When the cluster became available, as its nodes remember it; undefined: none of them does. */
function rememberedAvailable({ nodes }: ClusterView, attempt: number): string | undefined {
  const said = nodes.filter((node) => node.spec.attempt === attempt).map((node) => agentOf(node)?.availableAt);
  return said.filter((at) => at !== undefined).sort()[0];
}

/** `since`: when it became available, where that is remembered. */
function available(view: ClusterView, status: ClusterStatus, record: Attempt, since?: string): Decision {
  const now = since ?? timestamp(view.nowMs);
  const primary = view.nodes.find((node) => node.spec.attempt === record.number && node.spec.index === 0)?.metadata.name;
  const services = view.release === undefined ? [] : servicesOf(view.cluster.spec, view.release);
  const mine = view.nodes.filter((node) => node.spec.attempt === record.number);
  const ended: Attempt = { ...record, outcome: 'Available', endedAt: now };
  const next: ClusterStatus = {
    ...status,
    ...summaryOf(mine, services, view.cluster.spec.workers),
    availableAt: now,
    autoRepair: 'Disarmed',
    attempt: record.number,
    attempts: attemptsAfter(status, ended),
    term: Math.max(status.term ?? 0, 1),
    release: { ...status.release, current: view.cluster.spec.release, target: view.cluster.spec.release },
    ...(primary === undefined ? {} : { primary }),
  };
  delete next.retryAt;
  const changes: readonly ConditionChange[] = [
    ['Ready', 'True', 'Available', 'All nodes are ready and all services run.'],
    progressing('False', 'Available', 'Everything is as the spec asks.'),
    ['Reachable', 'True', 'Heard', 'The site is heard.'],
    pairedCondition(view.cluster, view.site),
  ];
  const known = since === undefined ? '' : ' Its nodes remember it: this director was restored from an older copy.';
  const event = clusterEvent(view.cluster, 'Normal', 'Available', `Available after attempt ${record.number}.${known}`);
  return { ...NO_EFFECTS, effects: [...statusPatch(view, next, changes, undefined), event] };
}

/** Nodes of earlier attempts: a server that was paused may have made them long after. */
function lateNodes(view: ClusterView, attempt: number): LetGo {
  return letGoLicensed(
    view,
    view.nodes.filter((node) => node.spec.attempt < attempt),
  );
}

// ---- times ------------------------------------------------------------------------------------------------------------------------------

/** How long the step at work may still take, and under which key it is timed. */
function stepClock(view: ClusterView, record: Attempt): { readonly key: string; readonly leftMs: number; readonly isRunning: boolean } {
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

function retryKey(view: ClusterView, attempt: number): string {
  return `retry/${view.cluster.metadata.uid}/${attempt}`;
}

function untilRetryMs(view: ClusterView, status: ClusterStatus, attempt: number): number {
  if (status.retryAt === undefined) return 0;
  const seen = seenMs(view.seen, retryKey(view, attempt), view.monotonicMs);
  return Math.min(Date.parse(status.retryAt) - view.nowMs, view.config.retryCapSeconds * 1000 - seen);
}

/** The deadline starts anew when what could not be helped has come. */
function restamped(record: Attempt, result: StepResult, now: string): Attempt {
  const waitingFor = result.state === 'Wait' ? result.waitingFor : undefined;
  if (record.waitingFor === waitingFor) return record;
  const next: Attempt = { ...record, stepStartedAt: now };
  if (waitingFor === undefined) delete next.waitingFor;
  else next.waitingFor = waitingFor;
  return next;
}

// ---- rules ------------------------------------------------------------------------------------------------------------------------------

function begun(view: ClusterView, attempt: number): Attempt {
  const now = timestamp(view.nowMs);
  return {
    number: attempt,
    startedAt: now,
    generation: view.cluster.metadata.generation ?? 0,
    step: 'Validate',
    stepStartedAt: now,
    steps: [],
  };
}

function mayAbandon(view: ClusterView, status: ClusterStatus): boolean {
  return status.availableAt === undefined && view.cluster.spec.autoRepairOnErrors && failuresOf(view, status) < view.config.maxAttempts;
}

/** Failed attempts at the spec as it is now: a person who changes it gets all attempts anew. */
function failuresOf(view: ClusterView, status: ClusterStatus): number {
  const generation = view.cluster.metadata.generation ?? 0;
  return (status.attempts ?? []).filter((one) => one.outcome === 'Failed' && (one.generation ?? 0) === generation).length;
}

function armed(view: ClusterView): 'Armed' | 'Disarmed' {
  return view.cluster.spec.autoRepairOnErrors ? 'Armed' : 'Disarmed';
}

// ---- what is said -----------------------------------------------------------------------------------------------------------------------

function withStatus(view: ClusterView, next: ClusterStatus, changes: readonly ConditionChange[], more: LetGo | undefined): Decision {
  const patch: readonly Effect[] = statusPatch(view, { ...next, autoRepair: armed(view) }, changes, ['StepFailed', changes[0]?.[3] ?? '']);
  return {
    effects: [...patch, ...(more?.effects ?? [])],
    needsLive: false,
    watching: more?.watching ?? [],
    ...soonest([more?.requeueAfterMs]),
  };
}

function progressing(status: 'True' | 'False', reason: ConditionChange[2], message: string): ConditionChange {
  return ['Progressing', status, reason, message];
}

function conditionsWhile(view: ClusterView, result: Exclude<StepResult, { state: 'Done' }>): readonly ConditionChange[] {
  const message = `${capital(withRefusal(view, result.message))}.`;
  const isInput = result.state === 'Wait' && result.waitingFor === 'Input';
  const quota: readonly ConditionChange[] =
    result.reason === 'QuotaExceeded'
      ? [['QuotaReserved', 'False', 'QuotaExceeded', message]]
      : isInput
        ? []
        : [['QuotaReserved', 'True', 'QuotaReserved', 'The capacity is reserved.']];
  const pairing: readonly ConditionChange[] = view.cluster.spec.site === undefined ? [] : [pairedCondition(view.cluster, view.site)];
  return [
    ['Ready', 'False', result.reason, message],
    progressing(isInput ? 'False' : 'True', result.reason, message),
    ...quota,
    ...pairing,
  ];
}

function stuckConditions(view: ClusterView, failure: string): readonly ConditionChange[] {
  const { cluster, config } = view;
  const kept = `${capital(failure)}. What was made is kept for inspection.`;
  const [reason, todo]: readonly [ConditionChange[2], string] = cluster.spec.autoRepairOnErrors
    ? ['AttemptsExhausted', `${config.maxAttempts} attempts failed; change the spec to try again, or delete the cluster.`]
    : ['RepairDisabled', 'Set spec.autoRepairOnErrors to true to tear it down and try again, or delete the cluster.'];
  return [['Ready', 'False', reason, `${kept} ${todo}`], progressing('False', reason, `${kept} ${todo}`)];
}

function errorOf(result: StepResult): readonly [string, string] | undefined {
  return result.state === 'Wait' && result.waitingFor !== undefined ? [result.reason, result.message] : undefined;
}

function withRefusal(view: ClusterView, message: string): string {
  return view.refusal === undefined ? message : `${message}; the director refused: ${view.refusal}`;
}

function capital(text: string): string {
  return text.slice(0, 1).toUpperCase() + text.slice(1);
}

/** The key by which a loop shares and queues a cluster. */
export function clusterKey(cluster: Cluster): string {
  return `${cluster.metadata.namespace ?? ''}/${cluster.metadata.name}`;
}
