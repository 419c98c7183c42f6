/**
 * Supervision of one service on one node: from what is wanted and what was seen, the next operation on its pod.
 *
 * The agent keeps one state a service and feeds events in; it carries out the effects and feeds their answers back. Pods outlive the agent:
 * a machine starts with not knowing what runs, so its first effect is to look.
 *
 * What the shell owes: every ListPods, StartPod, StopPod and RemovePod is answered exactly once (also when it failed), by a call made after
 * the effect; every Probe is answered within its timeout; a `Tick` comes at `wakeAtMs`; a `Hint` when the runtime says that something exited.
 *
 * I1: at most one pod of the service lives: a start is asked for only when a list, or the answers since, show that none does.
 * I2: one operation at a time; it ends by its answer and by nothing else.
 * I3: a pod that died is asked for again at once; dying again and again it waits longer and longer, up to LIMITS.podRestartCapMs; having
 *     run for LIMITS.podRestartResetMs makes its next death the first.
 * I4: ready only while its pod runs with the wanted hash, is not being drained, and all its readiness probes have passed.
 * I5: a pod that is found running with the wanted hash is kept; one with another hash is drained, stopped and removed before the next start.
 * I6: restartPolicy: Never is never started again, OnFailure only after a failure; until the hash changes.
 * I7: a pod that is not wanted is drained, stopped and removed, and nothing is started.
 */

import { backoffMs } from '../base/backoff.ts';
import type { BackoffPolicy } from '../base/backoff.ts';
import { LIMITS } from '../model/limits.ts';
import { freshProbes, probe, probed } from './service-probe.ts';
import type { ProbePlan, ProbeStates } from './service-probe.ts';

/** What should run. `hash` stands for the template and the addresses: another hash is another pod. */
export type Desired = {
  readonly hash: string;
  readonly restartPolicy: 'Always' | 'OnFailure' | 'Never';
  /** Between TERM and KILL. */
  readonly graceMs: number;
  /** Between leaving the balancers and TERM; 0 when nobody balances it. */
  readonly drainMs: number;
  readonly probes: readonly ProbePlan[];
};

/** A pod of this service as the runtime lists it. `startedMs` is on the machine's monotonic clock, as every time here. */
export type ListedPod =
  | { readonly hash: string; readonly phase: 'Running'; readonly startedMs: number }
  | { readonly hash: string; readonly phase: 'Exited'; readonly exitCode: number | null; readonly ranMs: number };

export type ServiceEvent =
  /** What is wanted now; undefined: nothing. */
  | { readonly type: 'Want'; readonly desired: Desired | undefined }
  | { readonly type: 'PodsListed'; readonly pods: readonly ListedPod[] }
  | { readonly type: 'ListFailed'; readonly message: string }
  | { readonly type: 'Started' }
  /** Nothing of it lives, and nothing of it will. */
  | { readonly type: 'StartFailed'; readonly message: string }
  | { readonly type: 'Stopped' }
  | { readonly type: 'StopFailed'; readonly message: string }
  | { readonly type: 'Removed' }
  | { readonly type: 'RemoveFailed'; readonly message: string }
  | { readonly type: 'Probed'; readonly instance: number; readonly id: string; readonly ok: boolean; readonly message?: string }
  | { readonly type: 'Hint' }
  | { readonly type: 'Tick' };

export type ServiceEffect =
  | { readonly kind: 'ListPods' }
  | { readonly kind: 'StartPod'; readonly hash: string }
  | { readonly kind: 'StopPod'; readonly hash: string; readonly graceMs: number }
  | { readonly kind: 'RemovePod'; readonly hash: string }
  | { readonly kind: 'Probe'; readonly instance: number; readonly plan: ProbePlan };

type Operation =
  | { readonly kind: 'List' }
  | { readonly kind: 'Start'; readonly hash: string }
  | { readonly kind: 'Stop'; readonly hash: string }
  | { readonly kind: 'Remove'; readonly hash: string };

export type ServiceState = {
  readonly desired: Desired | undefined;
  /** undefined: not known, look first. */
  readonly pods: readonly ListedPod[] | undefined;
  readonly busy: Operation | undefined;
  /** Something may have changed: look again as soon as the operation under way has ended. */
  readonly relist: boolean;
  readonly listedMs: number;
  /** Grows with every start and adoption, so that a late probe of an earlier pod is told apart. */
  readonly instance: number;
  /** The hash whose pod the probes speak of; undefined: none. */
  readonly supervised: string | undefined;
  readonly probes: ProbeStates;
  /** Being taken out of the balancers, by the terms that it was started under. */
  readonly draining: { readonly hash: string; readonly untilMs: number; readonly graceMs: number } | undefined;
  /** The pod that failed its liveness probe and must go. */
  readonly killing: string | undefined;
  /** The pod that was stopped on purpose: its end is no failure. */
  readonly stopped: string | undefined;
  /** The exited pod whose end is already counted. */
  readonly counted: string | undefined;
  /** Deaths in a row, and of all. */
  readonly failures: number;
  readonly restarts: number;
  readonly startAtMs: number;
  readonly message: string | undefined;
  /** What the node store remembers from before a crash of the agent. */
  readonly remembered: { readonly hash: string; readonly ready: boolean } | undefined;
};

export interface ServiceStep {
  readonly state: ServiceState;
  readonly effects: readonly ServiceEffect[];
  /** Send a Tick then; undefined: nothing is waited for. */
  readonly wakeAtMs: number | undefined;
}

export interface ServiceReport {
  readonly phase: 'Starting' | 'Running' | 'BackOff' | 'Stopping' | 'Stopped' | 'Failed';
  readonly ready: boolean;
  readonly restarts: number;
  readonly message?: string;
}

/** terminationGracePeriodSeconds' default, for a pod whose template is not known any more. */
const DEFAULT_GRACE_MS = 10_000;

const RESTARTS: BackoffPolicy = { baseMs: LIMITS.podRestartBaseMs, capMs: LIMITS.podRestartCapMs, jitter: 0.2 };

/** A machine that knows nothing yet. `remembered`: the pod that was last known to be ready, from the node store. */
export function initialService(remembered?: { readonly hash: string; readonly ready: boolean }): ServiceState {
  return {
    desired: undefined,
    pods: undefined,
    busy: undefined,
    relist: false,
    listedMs: 0,
    instance: 0,
    supervised: undefined,
    probes: {},
    draining: undefined,
    killing: undefined,
    stopped: undefined,
    counted: undefined,
    failures: 0,
    restarts: 0,
    startAtMs: 0,
    message: undefined,
    remembered,
  };
}

/** The next state and what is to be done. `nowMs` is monotonic; `dice` is uniform in [0, 1). */
export function stepService(state: ServiceState, event: ServiceEvent, nowMs: number, dice: number): ServiceStep {
  return advance(absorb(state, event, nowMs, dice), nowMs, dice);
}

/** What to tell others; undefined while nothing is known yet (keep what was said last). */
export function serviceReportOf(state: ServiceState, nowMs: number): ServiceReport | undefined {
  if (state.pods === undefined && state.busy?.kind !== 'Start') return undefined;
  const running = state.pods?.find((pod) => pod.phase === 'Running');
  const base = { restarts: state.restarts, ...(state.message === undefined ? {} : { message: state.message }) };
  if (state.desired === undefined) return { ...base, phase: running === undefined ? 'Stopped' : 'Stopping', ready: false };
  if (state.draining !== undefined || state.busy?.kind === 'Stop') return { ...base, phase: 'Stopping', ready: false };
  if (running !== undefined) {
    const ready = isReady(state);
    return { ...base, phase: 'Running', ready };
  }
  const ended = completedPod(state);
  if (ended !== undefined) return { ...base, phase: ended.exitCode === 0 ? 'Stopped' : 'Failed', ready: false };
  return { ...base, phase: state.failures > 1 && state.startAtMs > nowMs ? 'BackOff' : 'Starting', ready: false };
}

/** True when nothing of the service lives and nothing is wanted: the machine may be forgotten. */
export function isServiceGone(state: ServiceState): boolean {
  return state.desired === undefined && state.busy === undefined && state.pods?.length === 0;
}

// ---- events ---------------------------------------------------------------------------------------------------------------------------

function absorb(state: ServiceState, event: ServiceEvent, nowMs: number, dice: number): ServiceState {
  switch (event.type) {
    case 'Want':
      return wanted(state, event.desired, nowMs);
    case 'PodsListed':
      return state.busy?.kind === 'List' ? listed(state, event.pods, nowMs) : state;
    case 'ListFailed':
      return state.busy?.kind === 'List' ? retryLater({ ...state, busy: undefined, pods: undefined }, event.message, nowMs, dice) : state;
    case 'Started':
      return state.busy?.kind === 'Start' ? started(state, state.busy.hash, nowMs) : state;
    case 'StartFailed':
      return state.busy?.kind === 'Start' ? failed({ ...state, busy: undefined, pods: undefined }, event.message, nowMs, dice) : state;
    case 'Stopped':
      return state.busy?.kind === 'Stop' ? { ...state, busy: undefined, draining: undefined, pods: undefined } : state;
    case 'StopFailed':
      return state.busy?.kind === 'Stop' ? retryLater({ ...state, busy: undefined, pods: undefined }, event.message, nowMs, dice) : state;
    case 'Removed':
      return state.busy?.kind === 'Remove' ? removed(state, state.busy.hash) : state;
    case 'RemoveFailed':
      return state.busy?.kind === 'Remove' ? retryLater({ ...state, busy: undefined, pods: undefined }, event.message, nowMs, dice) : state;
    case 'Probed':
      return probeAnswered(state, event, nowMs, dice);
    case 'Hint':
      return { ...state, relist: true };
    case 'Tick':
      return state;
  }
}

function wanted(state: ServiceState, desired: Desired | undefined, nowMs: number): ServiceState {
  const old = state.desired;
  if (old?.hash === desired?.hash) return { ...state, desired };
  const leaving =
    old !== undefined && isReady(state) ? { hash: old.hash, untilMs: nowMs + old.drainMs, graceMs: old.graceMs } : state.draining;
  const draining = leaving?.hash === desired?.hash ? undefined : leaving;
  // A new template deserves a fresh start: what its predecessor did wrong is not held against it.
  return { ...state, desired, failures: 0, startAtMs: nowMs, message: undefined, draining };
}

function listed(state: ServiceState, pods: readonly ListedPod[], nowMs: number): ServiceState {
  const next = { ...state, busy: undefined, pods, relist: false, listedMs: nowMs };
  return next.supervised !== undefined && runningPod(next, next.supervised) === undefined
    ? { ...next, supervised: undefined, probes: {} }
    : next;
}

function started(state: ServiceState, hash: string, nowMs: number): ServiceState {
  return { ...state, busy: undefined, pods: [{ hash, phase: 'Running', startedMs: nowMs }], message: undefined };
}

function removed(state: ServiceState, hash: string): ServiceState {
  const pods = state.pods?.filter((pod) => pod.hash !== hash);
  return {
    ...state,
    busy: undefined,
    pods,
    counted: state.counted === hash ? undefined : state.counted,
    stopped: state.stopped === hash ? undefined : state.stopped,
    killing: state.killing === hash ? undefined : state.killing,
  };
}

function probeAnswered(state: ServiceState, event: Extract<ServiceEvent, { type: 'Probed' }>, nowMs: number, dice: number): ServiceState {
  if (event.instance !== state.instance || state.supervised === undefined || state.desired === undefined) return state;
  const plan = state.desired.probes.find((one) => one.id === event.id);
  if (plan === undefined) return state;
  const probes = probed(state.probes, plan, event.ok, nowMs);
  const next = { ...state, probes, ...(event.ok ? {} : { message: event.message ?? `${event.id} failed` }) };
  if (plan.kind === 'liveness' && probes[plan.id]?.passed === false) return condemned(next, state.supervised, nowMs, dice);
  return isReady(next) ? { ...next, message: undefined } : next;
}

/** Failed its liveness probe: a death, counted now, because the runtime may not list what is left of it. */
function condemned(state: ServiceState, hash: string, nowMs: number, dice: number): ServiceState {
  const pod = runningPod(state, hash);
  if (pod === undefined || state.killing === hash) return state;
  const failures = nowMs - pod.startedMs >= LIMITS.podRestartResetMs ? 0 : state.failures;
  return failed({ ...state, failures, killing: hash, counted: hash }, state.message ?? 'failed its liveness probe', nowMs, dice);
}

/** A death: the next start waits the longer the more there were in a row. */
function failed(state: ServiceState, message: string, nowMs: number, dice: number): ServiceState {
  const failures = state.failures + 1;
  const waitMs = failures <= 1 ? 0 : backoffMs(RESTARTS, failures - 1, dice);
  return { ...state, failures, message, startAtMs: nowMs + waitMs };
}

/** The runtime could not do it: that is not the pod's fault, but must not spin either. */
function retryLater(state: ServiceState, message: string, nowMs: number, dice: number): ServiceState {
  return { ...state, message, startAtMs: Math.max(state.startAtMs, nowMs + backoffMs(RESTARTS, 1, dice)) };
}

// ---- what follows -----------------------------------------------------------------------------------------------------------------------

function advance(state: ServiceState, nowMs: number, dice: number): ServiceStep {
  if (state.busy !== undefined) return supervise(state, nowMs);
  if (state.pods === undefined && nowMs < state.startAtMs && state.message !== undefined) return wait(state, state.startAtMs);
  if (state.pods === undefined || state.relist || nowMs >= state.listedMs + LIMITS.podRelistMs) {
    return does({ ...state, relist: false, busy: { kind: 'List' } }, { kind: 'ListPods' }, nowMs);
  }
  const exited = state.pods.find((pod) => pod.phase === 'Exited' && pod !== completedPod(state));
  if (exited?.phase === 'Exited') {
    const next = counted(state, exited, nowMs, dice);
    return does({ ...next, busy: { kind: 'Remove', hash: exited.hash } }, { kind: 'RemovePod', hash: exited.hash }, nowMs);
  }
  const surplus = state.pods.find((pod) => pod.phase === 'Running' && (pod.hash !== state.desired?.hash || pod.hash === state.killing));
  if (surplus !== undefined) return letGo(state, surplus.hash, nowMs);
  return state.pods.length > 0 ? supervise(adopted(state, nowMs), nowMs) : begin(state, nowMs);
}

function begin(state: ServiceState, nowMs: number): ServiceStep {
  const { desired } = state;
  if (desired === undefined) return { state, effects: [], wakeAtMs: undefined };
  if (nowMs < state.startAtMs) return wait(state, state.startAtMs);
  const restarts = state.failures > 0 ? state.restarts + 1 : state.restarts;
  const forgotten = {
    supervised: undefined,
    probes: {},
    draining: undefined,
    killing: undefined,
    stopped: undefined,
    counted: undefined,
    remembered: undefined,
  };
  const next: ServiceState = { ...state, ...forgotten, restarts, busy: { kind: 'Start', hash: desired.hash } };
  return does(next, { kind: 'StartPod', hash: desired.hash }, nowMs);
}

/** Takes the probes of a pod up that runs as wanted. */
function adopted(state: ServiceState, nowMs: number): ServiceState {
  const { desired } = state;
  const pod = desired === undefined ? undefined : runningPod(state, desired.hash);
  if (desired === undefined || pod === undefined || state.supervised === desired.hash) return state;
  const wasReady = state.remembered?.hash === desired.hash && state.remembered.ready;
  const probes = freshProbes(desired.probes, pod.startedMs, nowMs, wasReady);
  return { ...state, supervised: desired.hash, instance: state.instance + 1, probes, draining: undefined, remembered: undefined };
}

/** Probes that are due, and when to look again. */
function supervise(state: ServiceState, nowMs: number): ServiceStep {
  const listAtMs = state.listedMs + LIMITS.podRelistMs;
  if (state.supervised === undefined || state.desired === undefined) {
    return { state, effects: [], wakeAtMs: state.busy === undefined ? listAtMs : undefined };
  }
  const due = probe(state.probes, state.desired.probes, nowMs);
  const effects = due.plans.map((plan): ServiceEffect => ({ kind: 'Probe', instance: state.instance, plan }));
  const wakeAtMs = Math.min(due.wakeAtMs ?? Infinity, state.busy === undefined ? listAtMs : Infinity);
  return { state: { ...state, probes: due.probes }, effects, wakeAtMs: wakeAtMs === Infinity ? undefined : wakeAtMs };
}

/** Drain, then stop. One that is not ready gets nothing, so there is nothing to wait for. */
function letGo(state: ServiceState, hash: string, nowMs: number): ServiceStep {
  const wasReady = state.remembered?.hash === hash && state.remembered.ready;
  const terms = { hash, untilMs: nowMs + (wasReady ? LIMITS.podDrainMs : 0), graceMs: state.desired?.graceMs ?? DEFAULT_GRACE_MS };
  const draining = state.draining?.hash === hash ? state.draining : terms;
  if (nowMs < draining.untilMs && state.killing !== hash) return wait({ ...state, draining }, draining.untilMs);
  const stopped = state.killing === hash ? state.stopped : hash;
  const next: ServiceState = {
    ...state,
    draining,
    stopped,
    supervised: undefined,
    probes: {},
    remembered: undefined,
    busy: { kind: 'Stop', hash },
  };
  return does(next, { kind: 'StopPod', hash, graceMs: draining.graceMs }, nowMs);
}

/** Counts the end of a pod, once. One that ran as wanted and was not stopped on purpose has died. */
function counted(state: ServiceState, pod: Extract<ListedPod, { phase: 'Exited' }>, nowMs: number, dice: number): ServiceState {
  const mine = pod.hash === state.desired?.hash && pod.hash !== state.stopped;
  if (!mine || state.counted === pod.hash) return state;
  const failures = pod.ranMs >= LIMITS.podRestartResetMs ? 0 : state.failures;
  return failed({ ...state, failures, counted: pod.hash }, `exited with ${pod.exitCode ?? 'a signal'}`, nowMs, dice);
}

/** The exited pod that restartPolicy says to leave as it is. */
function completedPod(state: ServiceState): Extract<ListedPod, { phase: 'Exited' }> | undefined {
  const { desired } = state;
  if (desired === undefined || desired.restartPolicy === 'Always') return undefined;
  const pod = state.pods?.find((one) => one.phase === 'Exited' && one.hash === desired.hash && one.hash !== state.stopped);
  if (pod?.phase !== 'Exited') return undefined;
  return desired.restartPolicy === 'Never' || pod.exitCode === 0 ? pod : undefined;
}

function runningPod(state: ServiceState, hash: string): Extract<ListedPod, { phase: 'Running' }> | undefined {
  const pod = state.pods?.find((one) => one.phase === 'Running' && one.hash === hash);
  return pod?.phase === 'Running' ? pod : undefined;
}

function isReady(state: ServiceState): boolean {
  const { desired } = state;
  if (desired === undefined || state.supervised !== desired.hash || state.draining !== undefined || state.killing !== undefined)
    return false;
  return desired.probes.every((plan) => plan.kind !== 'readiness' || state.probes[plan.id]?.passed === true);
}

function does(state: ServiceState, effect: ServiceEffect, nowMs: number): ServiceStep {
  const step = supervise(state, nowMs);
  return { ...step, effects: [effect, ...step.effects] };
}

function wait(state: ServiceState, untilMs: number): ServiceStep {
  return { state, effects: [], wakeAtMs: untilMs };
}
