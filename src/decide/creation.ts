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
 * I6: a deadline passes as step-clock.ts has it; it does not run while the step waits for what trying again cannot bring.
 * I7: the finalizer is on the Cluster before anything is made for it.
 * I8: nodes of abandoned attempts, late ones too, are let go.
 * I9: a cluster whose nodes remember that it was available is available: a director that was restored from an older copy creates, shrinks and abandons
 *     nothing of it.
 * I10: what a failure calls for is decided by its cause (failure-cause.ts); one node is replaced only before the cluster was available, on a live view.
 */

import type { Attempt } from '../model/attempt.ts';
import type { Cluster, ClusterStatus } from '../model/cluster.ts';
import { STEPS } from '../model/attempt.ts';
import { FINALIZER_CLUSTER } from '../model/labels.ts';
import { backoffMs } from '../base/backoff.ts';
import { attemptsAfter, recordOf, statusPatch, timestamp } from './attempt.ts';
import { begunAttempt, failedAttempt, isTold, stepDone, told, waitsFor } from './attempt-story.ts';
import type { ClusterView, Decision } from './cluster-view.ts';
import { conditionsWhile, notReplaced, progressing, replacing, stuckConditions, whileWaiting } from './creation-words.ts';
import type { Pending } from './creation-words.ts';
import { decideDeletion } from './deletion.ts';
import { guardOf } from './effect.ts';
import type { Effect } from './effect.ts';
import { causeOf, endsAttempt, replacementsOf } from './failure-cause.ts';
import type { RepairBudget, Verdict } from './failure-cause.ts';
import { unclaimedHold, wordsHold } from './held-words.ts';
import type { Hold } from './held-words.ts';
import { hostDeathEffects } from './host-death.ts';
import { letGoLicensed } from './let-go.ts';
import type { LetGo } from './let-go.ts';
import { licensed } from './license.ts';
import { isObeyed } from './mass-silence.ts';
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
import { spared } from './spared.ts';
import { restamped, standsFor, stepClock } from './step-clock.ts';
import type { StepClock } from './step-clock.ts';
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
  return spared(view, licensed(view, { ...decision, effects: [...decision.effects, ...releasedByForce(view)] }));
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
  const failed = recordOf(status, attempt);
  const cleared =
    failed === undefined
      ? status
      : { ...status, attempts: attemptsAfter(status, told(failed, timestamp(view.nowMs), 'Everything of it is removed.')) };
  return work(view, cleared, begun(view, attempt + 1));
}

/** An attempt that failed and is kept; it is abandoned as soon as the rules allow it. */
function stuck(view: ClusterView, status: ClusterStatus, record: Attempt): Decision {
  if (mayAbandon(view, status, record)) return view.live ? abandon(view, status, record) : { ...NO_EFFECTS, needsLive: true };
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
  return working(view, status, record, result);
}

/** The step is not done: its cause says what follows. */
function working(view: ClusterView, status: ClusterStatus, before: Attempt, found: Pending): Decision {
  const unclaimed = unclaimedHold(view, before, found);
  const result = unclaimed?.result ?? found;
  const record = restamped(before, standsFor(view, before, result), timestamp(view.nowMs));
  const clock = stepClock(view, record);
  const isLate = record.waitingFor === undefined && clock.leftMs <= 0;
  const verdict = causeOf(
    {
      isLate,
      ...(record.waitingFor === undefined ? {} : { waitingFor: record.waitingFor }),
      ...(result.state === 'Failed' ? { node: result.node } : {}),
      ...(view.refusal === undefined ? {} : { refusal: view.refusal }),
      massSilence: isObeyed(view.massSilence, record.waitingFor === 'MassSilence'),
    },
    budgetOf(view, status, record),
  );
  const watching = clock.isRunning ? [clock.key] : [];
  if (verdict.cause === 'ReplaceNode') {
    return view.live ? replaceNode(view, status, record, result, verdict) : { ...NO_EFFECTS, needsLive: true, watching };
  }
  if (endsAttempt(verdict)) {
    if (!view.live) return { ...NO_EFFECTS, needsLive: true, watching };
    const late = `${record.step} did not finish within ${view.config.stepDeadlineSeconds} s: ${whileWaiting(view, result.message, undefined)}`;
    const fault = `${record.step}: ${result.message}${notReplaced(view, verdict, record.number)}`;
    return fail(view, status, record, result.state === 'Failed' ? fault : late, verdict);
  }
  const stands = 'waitingFor' in verdict ? restamped(record, verdict.waitingFor, timestamp(view.nowMs)) : record;
  return onward(view, status, stands, result, clock, unclaimed);
}

/** The step is at work, or stands: what it does, what it waits for, and what is let go besides. */
function onward(view: ClusterView, status: ClusterStatus, record: Attempt, result: Pending, clock: StepClock, unclaimed?: Hold): Decision {
  const late = lateNodes(view, record.number);
  const shrink = surplusNodes(view, record.number);
  const message = whileWaiting(view, result.message, record.waitingFor);
  const written = toldOf(view, waitsFor(record, message), message);
  const patch = workingPatch(view, status, written, conditionsWhile(view, result, message, record.waitingFor), [result.reason, message]);
  const stored = recordOf(status, record.number);
  const waits = record.waitingFor !== undefined && record.waitingFor !== stored?.waitingFor;
  const words = wordsHold(view, patch);
  const holds = [words, unclaimed].filter((one) => one !== undefined);
  return {
    effects: [
      ...(words === undefined ? patch : []),
      ...(stored === undefined ? [clusterEvent(view.cluster, 'Normal', 'AttemptStarted', `Attempt ${record.number} begins.`)] : []),
      ...(waits ? [clusterEvent(view.cluster, 'Normal', 'Waiting', `Attempt ${record.number}, ${record.step}: ${message}.`)] : []),
      ...late.effects,
      ...shrink.effects,
      ...(result.state === 'Act' ? result.effects : []),
      ...(record.step === 'Validate' ? [] : surplusReservations(view, record.number)),
    ],
    needsLive: false,
    watching: [...(clock.isRunning ? [clock.key] : []), ...holds.map(({ key }) => key), ...late.watching, ...shrink.watching],
    ...soonest([
      record.waitingFor === undefined ? clock.leftMs : undefined,
      ...holds.map(({ leftMs }) => leftMs),
      late.requeueAfterMs,
      shrink.requeueAfterMs,
    ]),
  };
}

/** One machine is at fault: its node alone begins another life. It is written down first; the step has its whole time anew. */
function replaceNode(
  view: ClusterView,
  status: ClusterStatus,
  record: Attempt,
  result: Pending,
  verdict: Extract<Verdict, { cause: 'ReplaceNode' }>,
): Decision {
  const { node } = verdict;
  const now = timestamp(view.nowMs);
  const message = replacing(view, verdict, result.message, record.number);
  const sentence = `${record.step}: ${message}.`;
  const isKnown = isTold(record, sentence);
  const written: Attempt = isKnown
    ? record
    : { ...told(waitsFor(record, message), now, sentence), cause: 'ReplaceNode', stepStartedAt: now };
  const patch = workingPatch(view, status, written, conditionsWhile(view, result, message, undefined), undefined);
  const { namespace, name, uid } = node.metadata;
  const about = { kind: 'ClusterNode', namespace: namespace ?? '', name, uid } as const;
  return {
    ...NO_EFFECTS,
    effects: [
      ...patch,
      { kind: 'RaiseIncarnation', on: guardOf(node), incarnation: node.spec.incarnation + 1 },
      { kind: 'RecordEvent', about, type: 'Warning', reason: 'NodeReplaced', message: sentence.slice(0, 1024) },
      clusterEvent(view.cluster, 'Warning', 'NodeReplaced', sentence),
    ],
  };
}

function workingPatch(
  view: ClusterView,
  status: ClusterStatus,
  record: Attempt,
  changes: readonly ConditionChange[],
  error: readonly [string, string] | undefined,
): readonly Effect[] {
  const next: ClusterStatus = { ...status, attempts: attemptsAfter(status, record), attempt: record.number, autoRepair: armed(view) };
  delete next.retryAt;
  return statusPatch(view, next, changes, record.waitingFor === undefined ? undefined : error);
}

/** What a person must know later: that the director refused, and that the step stood. */
function toldOf(view: ClusterView, record: Attempt, message: string): Attempt {
  const now = timestamp(view.nowMs);
  const stands =
    record.waitingFor === undefined ? record : { ...told(record, now, `${record.step} stands: ${message}.`), cause: 'Stop' as const };
  if (view.refusal === undefined || record.waitingFor !== undefined) return stands;
  return {
    ...told(stands, now, `${record.step}: the director refused: ${view.refusal}; it is tried again with back-off.`),
    cause: 'Retry',
  };
}

/** The step failed for good: the fact is written down; what follows from it happens in a later pass. */
function fail(view: ClusterView, status: ClusterStatus, record: Attempt, message: string, { cause }: Verdict): Decision {
  const mine = cause === 'Stop' ? view.nodes.filter((node) => node.spec.attempt === record.number) : [];
  const ended = failedAttempt(record, cause, message, timestamp(view.nowMs), mine);
  const after: ClusterStatus = { ...status, attempt: record.number, attempts: attemptsAfter(status, ended) };
  if (cause === 'NewAttempt') return abandon(view, after, ended);
  const changes = stuckConditions(view, message);
  const said = told(ended, timestamp(view.nowMs), changes[0]?.[3] ?? '');
  const event = clusterEvent(view.cluster, 'Warning', 'AttemptFailed', `Attempt ${record.number}: ${changes[0]?.[3] ?? message}`);
  return withStatus(view, { ...after, attempts: attemptsAfter(after, said) }, changes, { effects: [event], watching: [], waits: [] });
}

function abandon(view: ClusterView, status: ClusterStatus, record: Attempt): Decision {
  const { config } = view;
  const policy = { baseMs: config.retryBaseSeconds * 1000, capMs: config.retryCapSeconds * 1000, jitter: 0.25 };
  const retryAt = timestamp(view.nowMs + backoffMs(policy, failuresOf(view, status), view.dice));
  const message = `Attempt ${record.number} failed (${record.message ?? 'no reason'}); what was made is removed and another one begins after ${retryAt}.`;
  const { left: _, ...rest } = record;
  const gone = told(
    { ...rest, cause: 'NewAttempt' },
    timestamp(view.nowMs),
    `What was made is removed; another attempt begins after ${retryAt}.`,
  );
  const attempts = attemptsAfter(status, gone);
  const next: ClusterStatus = { ...status, attempts, abandonedAttempt: record.number, retryAt, autoRepair: armed(view) };
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
  const ended: Attempt = { ...told(record, timestamp(view.nowMs), 'The cluster is available.'), outcome: 'Available', endedAt: now };
  delete ended.waits;
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

function retryKey(view: ClusterView, attempt: number): string {
  return `retry/${view.cluster.metadata.uid}/${attempt}`;
}

function untilRetryMs(view: ClusterView, status: ClusterStatus, attempt: number): number {
  if (status.retryAt === undefined) return 0;
  const seen = seenMs(view.seen, retryKey(view, attempt), view.monotonicMs);
  return Math.min(Date.parse(status.retryAt) - view.nowMs, view.config.retryCapSeconds * 1000 - seen);
}

// ---- rules ------------------------------------------------------------------------------------------------------------------------------

function begun(view: ClusterView, attempt: number): Attempt {
  return begunAttempt(attempt, view.cluster.metadata.generation ?? 0, timestamp(view.nowMs));
}

/** What is left to be tried before `record` fails. */
function budgetOf(view: ClusterView, status: ClusterStatus, record: Attempt): RepairBudget {
  return {
    wasAvailable: status.availableAt !== undefined,
    autoRepair: view.cluster.spec.autoRepairOnErrors,
    replacements: replacementsOf(view.nodes.filter((node) => node.spec.attempt === record.number)),
    failures: failuresOf(view, status),
    maxReplacements: view.config.nodeReplacements,
    maxAttempts: view.config.maxAttempts,
  };
}

/** Whether the failed attempt, which counts already, is followed by another one. */
function mayAbandon(view: ClusterView, status: ClusterStatus, record: Attempt): boolean {
  const budget = budgetOf(view, status, record);
  return (
    causeOf(
      { isLate: true, massSilence: isObeyed(view.massSilence, record.waitingFor === 'MassSilence') },
      { ...budget, failures: budget.failures - 1 },
    ).cause === 'NewAttempt'
  );
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

/** The key by which a loop shares and queues a cluster. */
export function clusterKey(cluster: Cluster): string {
  return `${cluster.metadata.namespace ?? ''}/${cluster.metadata.name}`;
}
