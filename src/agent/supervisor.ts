/**
 * Supervises the services of a node: one machine a service (src/decide/service-machine.ts), whose effects are carried out here.
 *
 * I1: every effect is answered exactly once, within its deadline, by a call made after it.
 * I2: nothing here waits for the director, the disk or another service.
 * I3: pods of services that nobody planned are let go only once a plan is known: a lost plan stops nothing.
 */

import { unreachable } from '../base/assert.ts';
import { initialService, isServiceGone, serviceReportOf, stepService } from '../decide/service-machine.ts';
import type { ListedPod, ServiceEffect, ServiceEvent, ServiceReport, ServiceState } from '../decide/service-machine.ts';
import type { PlannedService } from '../decide/plan.ts';
import { isFault } from '../model/fault.ts';
import { LIMITS } from '../model/limits.ts';
import type { Clock } from '../ports/clock.ts';
import type { Log } from '../ports/log.ts';
import type { Prober } from '../ports/prober.ts';
import type { Random } from '../ports/random.ts';
import type { Pod, PodRuntime } from '../ports/runtime.ts';
import type { RememberedService } from './memory.ts';

export interface SupervisorDeps {
  readonly runtime: PodRuntime;
  /** Environment of the pods of framework services, besides their own. */
  readonly frameworkMarks: Readonly<Record<string, string>>;
  readonly prober: Prober;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
}

/** A service as it stands on this node. */
export interface Instance {
  readonly report: ServiceReport;
  /** Hash of the pod that is wanted; undefined: none is. */
  readonly hash: string | undefined;
  /** `ip:port` of the pod that runs, or ran last. */
  readonly address: string | undefined;
}

export interface Supervisor {
  /** From now on these services are wanted, and no others. */
  want(services: readonly PlannedService[]): void;
  /** By name; services of which nothing is known yet are left out. */
  instances(): ReadonlyMap<string, Instance>;
  /** True when nothing is wanted and nothing lives any more. */
  isIdle(): boolean;
  onChange(listener: () => void): void;
  /** Resolves when all that was under way has been answered; call it after the signal aborted. */
  settled(): Promise<void>;
}

interface Machine {
  readonly name: string;
  state: ServiceState;
  /** Templates by hash: what is wanted, and what still runs. */
  readonly templates: Map<string, PlannedService>;
  address: string | undefined;
  report: ServiceReport | undefined;
  /** Cuts the wait for the next tick. */
  alarm: AbortController | undefined;
}

interface Supervision {
  readonly deps: SupervisorDeps;
  readonly machines: Map<string, Machine>;
  readonly remembered: Readonly<Record<string, RememberedService>>;
  readonly listeners: (() => void)[];
  readonly underWay: Set<Promise<void>>;
  readonly signal: AbortSignal;
  /** What an earlier plan left behind: not looked for yet, being looked for, found. */
  sweep: 'none' | 'under way' | 'done';
}

/** Above the grace of a pod, what stopping it may take. */
const STOP_MARGIN_MS = 30_000;
const SWEEP_RETRY_MS = 1_000;

/** Supervises until the signal aborts; pods go on after that. */
export function supervise(deps: SupervisorDeps, remembered: Readonly<Record<string, RememberedService>>, signal: AbortSignal): Supervisor {
  const all: Supervision = { deps, machines: new Map(), remembered, listeners: [], underWay: new Set(), signal, sweep: 'none' };
  deps.runtime.watch(() => {
    for (const machine of all.machines.values()) feed(all, machine, { type: 'Hint' });
  }, signal);
  signal.addEventListener('abort', () => all.machines.forEach((machine) => machine.alarm?.abort()), { once: true });
  return {
    want: (services) => wantAll(all, services),
    instances: () => new Map([...all.machines.values()].flatMap((machine) => instanceOf(machine))),
    isIdle: () => all.sweep === 'done' && [...all.machines.values()].every((machine) => isServiceGone(machine.state)),
    onChange: (listener) => void all.listeners.push(listener),
    settled: async () => {
      while (all.underWay.size > 0) await Promise.all(all.underWay);
    },
  };
}

function wantAll(all: Supervision, services: readonly PlannedService[]): void {
  if (all.sweep === 'none') track(all, sweep(all));
  for (const service of services) {
    const machine = machineOf(all, service.name);
    machine.templates.set(service.desired.hash, service);
    feed(all, machine, { type: 'Want', desired: service.desired });
  }
  for (const machine of all.machines.values()) {
    if (services.some((service) => service.name === machine.name)) continue;
    feed(all, machine, { type: 'Want', desired: undefined });
  }
}

/** Finds pods of services that are not in the plan any more: a machine for each lets them go. */
async function sweep(all: Supervision): Promise<void> {
  all.sweep = 'under way';
  for (;;) {
    const pods = await listForSweep(all);
    if (all.signal.aborted) return;
    if (pods !== undefined) {
      const left = pods.filter(({ key }) => !all.machines.has(key.service));
      for (const { key } of left) feed(all, machineOf(all, key.service), { type: 'Want', desired: undefined });
      all.sweep = 'done';
      return changed(all);
    }
    await all.deps.clock.sleep(SWEEP_RETRY_MS, all.signal).catch(() => undefined);
  }
}

async function listForSweep(all: Supervision): Promise<readonly Pod[] | undefined> {
  try {
    return await all.deps.runtime.list();
  } catch (cause) {
    if (!isFault(cause)) throw cause;
    all.deps.log.warn('The pods of this node cannot be listed; it is tried again.', { error: cause });
    return undefined;
  }
}

function machineOf(all: Supervision, name: string): Machine {
  const known = all.machines.get(name);
  if (known !== undefined) return known;
  const machine: Machine = {
    name,
    state: initialService(all.remembered[name]),
    templates: new Map(),
    address: undefined,
    report: undefined,
    alarm: undefined,
  };
  all.machines.set(name, machine);
  return machine;
}

function instanceOf(machine: Machine): [string, Instance][] {
  if (machine.report === undefined) return [];
  return [[machine.name, { report: machine.report, hash: machine.state.desired?.hash, address: machine.address }]];
}

// ---- stepping ---------------------------------------------------------------------------------------------------------------------------

function feed(all: Supervision, machine: Machine, event: ServiceEvent): void {
  if (all.signal.aborted) return;
  const nowMs = all.deps.clock.monotonicMs();
  const { state, effects, wakeAtMs } = stepService(machine.state, event, nowMs, all.deps.random.float());
  machine.state = state;
  machine.address = addressOf(machine) ?? machine.address;
  setAlarm(all, machine, wakeAtMs);
  for (const effect of effects) track(all, carryOut(all, machine, effect));
  const report = serviceReportOf(state, nowMs) ?? machine.report;
  if (JSON.stringify(report) === JSON.stringify(machine.report)) return;
  machine.report = report;
  all.deps.log.info(`${machine.name} is ${report?.phase ?? 'unknown'}${report?.ready === true ? ' and ready' : ''}.`, {
    restarts: report?.restarts,
    ...(report?.message === undefined ? {} : { why: report.message }),
  });
  changed(all);
}

/** Of the pod that runs, else of the one that is wanted. */
function addressOf(machine: Machine): string | undefined {
  const running = machine.state.pods?.find((pod) => pod.phase === 'Running')?.hash;
  return machine.templates.get(running ?? machine.state.desired?.hash ?? '')?.address;
}

function changed(all: Supervision): void {
  for (const listener of all.listeners) listener();
}

function setAlarm(all: Supervision, machine: Machine, wakeAtMs: number | undefined): void {
  machine.alarm?.abort();
  machine.alarm = undefined;
  if (wakeAtMs === undefined) return;
  const alarm = new AbortController();
  machine.alarm = alarm;
  void all.deps.clock.sleep(Math.max(0, wakeAtMs - all.deps.clock.monotonicMs()), alarm.signal).then(
    () => feed(all, machine, { type: 'Tick' }),
    () => undefined,
  );
}

function track(all: Supervision, work: Promise<void>): void {
  all.underWay.add(work);
  void work.finally(() => all.underWay.delete(work));
}

// ---- effects ----------------------------------------------------------------------------------------------------------------------------

async function carryOut(all: Supervision, machine: Machine, effect: ServiceEffect): Promise<void> {
  const { runtime } = all.deps;
  switch (effect.kind) {
    case 'ListPods':
      return await answer(all, machine, 'ListFailed', LIMITS.podOperationMs, async () => {
        const pods = await runtime.list();
        return { type: 'PodsListed', pods: pods.filter((pod) => pod.key.service === machine.name).map(listedPod) };
      });
    case 'StartPod':
      return await answer(all, machine, 'StartFailed', LIMITS.podOperationMs, (signal) => start(all, machine, effect.hash, signal));
    case 'StopPod':
      return await answer(all, machine, 'StopFailed', effect.graceMs + STOP_MARGIN_MS, async (signal) => {
        await runtime.stop({ service: machine.name, revisionHash: effect.hash }, effect.graceMs, signal);
        return { type: 'Stopped' };
      });
    case 'RemovePod':
      return await answer(all, machine, 'RemoveFailed', LIMITS.podOperationMs, async () => {
        await runtime.remove({ service: machine.name, revisionHash: effect.hash });
        if (effect.hash !== machine.state.desired?.hash) machine.templates.delete(effect.hash);
        return { type: 'Removed' };
      });
    case 'Probe':
      return await probe(all, machine, effect);
    default:
      return unreachable(effect, 'service effect');
  }
}

/** Feeds what `work` answers, or that it failed. A bug in it ends the agent, which is started again; pods go on meanwhile. */
async function answer(
  all: Supervision,
  machine: Machine,
  failure: 'ListFailed' | 'StartFailed' | 'StopFailed' | 'RemoveFailed',
  deadlineMs: number,
  work: (signal: AbortSignal) => Promise<ServiceEvent>,
): Promise<void> {
  const deadline = AbortSignal.timeout(deadlineMs);
  try {
    feed(all, machine, await work(AbortSignal.any([all.signal, deadline])));
  } catch (cause) {
    if (all.signal.aborted) return;
    if (!isFault(cause) && !deadline.aborted) throw cause;
    const message = deadline.aborted ? `was not done within ${deadlineMs} ms` : (cause as Error).message;
    feed(all, machine, { type: failure, message });
  }
}

async function start(all: Supervision, machine: Machine, hash: string, signal: AbortSignal): Promise<ServiceEvent> {
  const template = machine.templates.get(hash);
  if (template === undefined) return { type: 'StartFailed', message: `its template ${hash} is not known any more` };
  // Known here and not to the plan: where this node lives on its disk.
  const env = template.framework === undefined ? template.env : { ...template.env, ...all.deps.frameworkMarks };
  await all.deps.runtime.start({ key: { service: machine.name, revisionHash: hash }, spec: template.pod, env }, signal);
  return { type: 'Started' };
}

async function probe(all: Supervision, machine: Machine, effect: Extract<ServiceEffect, { kind: 'Probe' }>): Promise<void> {
  const { plan, instance } = effect;
  const hash = machine.state.supervised ?? '';
  const template = machine.templates.get(hash);
  const container = template?.pod.containers.find((one) => one.name === plan.container);
  const asked = plan.kind === 'readiness' ? container?.readinessProbe : container?.livenessProbe;
  if (template === undefined || asked === undefined) {
    return feed(all, machine, { type: 'Probed', instance, id: plan.id, ok: false, message: 'its template is not known any more' });
  }
  const target = { key: { service: machine.name, revisionHash: hash }, container: plan.container, podAddress: template.podAddress };
  const said = await all.deps.prober.ask(asked, target, plan.timeoutMs, all.signal);
  feed(all, machine, {
    type: 'Probed',
    instance,
    id: plan.id,
    ok: said.ok,
    ...(said.message === undefined ? {} : { message: said.message }),
  });
}

function listedPod({ key, state }: Pod): ListedPod {
  const hash = key.revisionHash;
  if (state.phase === 'Running') return { hash, phase: 'Running', startedMs: state.startedMs };
  return { hash, phase: 'Exited', exitCode: state.exitCode, ranMs: state.ranMs };
}
