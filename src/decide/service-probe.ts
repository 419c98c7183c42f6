/**
 * Probes of one pod: when each is due, and what its answers mean.
 *
 * I1: a probe has at most one question open, and none before its initial delay.
 * I2: readiness begins false and turns after successThreshold answers; it falls after failureThreshold. Liveness begins true.
 */

import type { Container, Probe } from '../model/pod.ts';

export type ProbePlan = {
  /** `<container>/<kind>`, unique in the pod. */
  readonly id: string;
  readonly container: string;
  readonly kind: 'readiness' | 'liveness';
  readonly initialDelayMs: number;
  readonly periodMs: number;
  readonly timeoutMs: number;
  readonly successThreshold: number;
  readonly failureThreshold: number;
};

export type ProbeState = {
  readonly nextMs: number;
  readonly open: boolean;
  readonly successes: number;
  readonly failures: number;
  readonly passed: boolean;
};

/** By `ProbePlan.id`. */
export type ProbeStates = Readonly<Record<string, ProbeState>>;

/** The plans of a container's probes. */
export function probePlansOf(container: Container): ProbePlan[] {
  const plan = (kind: 'readiness' | 'liveness', probe: Probe): ProbePlan => ({
    id: `${container.name}/${kind}`,
    container: container.name,
    kind,
    initialDelayMs: probe.initialDelaySeconds * 1000,
    periodMs: probe.periodSeconds * 1000,
    timeoutMs: probe.timeoutSeconds * 1000,
    successThreshold: kind === 'liveness' ? 1 : probe.successThreshold,
    failureThreshold: probe.failureThreshold,
  });
  return [
    ...(container.readinessProbe === undefined ? [] : [plan('readiness', container.readinessProbe)]),
    ...(container.livenessProbe === undefined ? [] : [plan('liveness', container.livenessProbe)]),
  ];
}

/** States for a pod that started at `startedMs`. `wasReady`: it is found again and was ready before, so it stays so until a probe fails. */
export function freshProbes(plans: readonly ProbePlan[], startedMs: number, nowMs: number, wasReady: boolean): ProbeStates {
  const fresh = (plan: ProbePlan): ProbeState => ({
    nextMs: Math.max(nowMs, startedMs + plan.initialDelayMs),
    open: false,
    successes: 0,
    failures: 0,
    passed: plan.kind === 'liveness' || wasReady,
  });
  return Object.fromEntries(plans.map((plan) => [plan.id, fresh(plan)]));
}

/** Which probes are to be asked now, and when the next one is. */
export function probe(
  states: ProbeStates,
  plans: readonly ProbePlan[],
  nowMs: number,
): { readonly probes: ProbeStates; readonly plans: readonly ProbePlan[]; readonly wakeAtMs: number | undefined } {
  const closed = plans.filter((plan) => states[plan.id]?.open === false);
  const due = closed.filter((plan) => (states[plan.id]?.nextMs ?? Infinity) <= nowMs);
  const later = closed.map((plan) => states[plan.id]?.nextMs ?? Infinity).filter((nextMs) => nextMs > nowMs);
  const opened = due.map((plan): [string, ProbeState] => [plan.id, opening(states[plan.id])]);
  return {
    probes: due.length === 0 ? states : { ...states, ...Object.fromEntries(opened) },
    plans: due,
    wakeAtMs: later.length === 0 ? undefined : Math.min(...later),
  };
}

/** The states after an answer to `plan`. */
export function probed(states: ProbeStates, plan: ProbePlan, ok: boolean, nowMs: number): ProbeStates {
  const state = states[plan.id];
  if (state === undefined || !state.open) return states;
  const successes = ok ? Math.min(state.successes + 1, plan.successThreshold) : 0;
  const failures = ok ? 0 : Math.min(state.failures + 1, plan.failureThreshold);
  const passed = ok ? state.passed || successes >= plan.successThreshold : state.passed && failures < plan.failureThreshold;
  return { ...states, [plan.id]: { nextMs: nowMs + plan.periodMs, open: false, successes, failures, passed } };
}

function opening(state: ProbeState | undefined): ProbeState {
  return state === undefined ? { nextMs: 0, open: true, successes: 0, failures: 0, passed: false } : { ...state, open: true };
}
