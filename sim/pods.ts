/**
 * The services of one machine: the product's service machines over a simulated runtime, whose operations are slow, fail, and lose their agent.
 */

import { initialService, isServiceGone, serviceReportOf, stepService } from '../src/decide/service-machine.ts';
import type { ServiceEffect, ServiceEvent, ServiceState } from '../src/decide/service-machine.ts';
import type { PlannedService } from '../src/decide/plan.ts';
import type { JsonObject } from '../src/model/json.ts';
import { noteServing } from './change-checks.ts';
import { checkPods, exitPod, labelOf, podsOf } from './machine.ts';
import type { Machine } from './machine-state.ts';
import { later } from './process.ts';
import type { InFlight, Life } from './process.ts';
import { spring } from './traps.ts';
import { violate } from './world.ts';
import type { World } from './world.ts';

export type WantedService = PlannedService & { readonly isBroken: boolean };

export interface Pods {
  want(services: readonly WantedService[]): void;
  /** Name → status.agent.services entry. */
  reports(): JsonObject;
}

interface Supervised {
  state: ServiceState;
  wanted: WantedService | undefined;
  timer: () => void;
}

interface Supervisor {
  readonly world: World;
  readonly machine: Machine;
  readonly life: Life;
  readonly onChange: () => void;
  readonly services: Map<string, Supervised>;
}

/** Finds what runs on the machine already, as an agent does at its start. */
export function createPods(world: World, machine: Machine, life: Life, onChange: () => void): Pods {
  const supervisor: Supervisor = { world, machine, life, onChange, services: new Map() };
  machine.exited = (name) => {
    if (supervisor.services.has(name)) later(life, 5, () => send(supervisor, name, { type: 'Hint' }));
  };
  return {
    want: (services) => {
      const names = new Set([...services.map((service) => service.name), ...supervisor.services.keys(), ...machine.pods.keys()]);
      for (const name of names)
        want(
          supervisor,
          name,
          services.find((service) => service.name === name),
        );
    },
    reports: () => reportsOf(supervisor),
  };
}

function want(supervisor: Supervisor, name: string, wanted: WantedService | undefined): void {
  let service = supervisor.services.get(name);
  if (service === undefined) {
    service = { state: initialService(supervisor.machine.disk.ready[name]), wanted: undefined, timer: () => undefined };
    supervisor.services.set(name, service);
  }
  service.wanted = wanted;
  if (service.state.desired?.hash === wanted?.desired.hash && service.state.pods !== undefined) return;
  send(supervisor, name, { type: 'Want', desired: wanted?.desired });
}

function send(supervisor: Supervisor, name: string, event: ServiceEvent): void {
  const { world, life, machine } = supervisor;
  const service = supervisor.services.get(name);
  if (service === undefined) return;
  const nowMs = world.scheduler.nowMs();
  const before = JSON.stringify(serviceReportOf(service.state, nowMs));
  const step = stepService(service.state, event, nowMs, life.process.dice.float());
  service.state = step.state;
  service.timer();
  service.timer =
    step.wakeAtMs === undefined ? () => undefined : later(life, step.wakeAtMs - nowMs, () => send(supervisor, name, { type: 'Tick' }));
  for (const effect of step.effects) perform(supervisor, name, service, effect);
  const report = serviceReportOf(service.state, nowMs);
  const { supervised } = service.state;
  noteServing(world, machine, name, supervised, report?.ready === true);
  if (supervised !== undefined && report !== undefined) machine.disk.ready[name] = { hash: supervised, ready: report.ready };
  if (isServiceGone(service.state) && service.wanted === undefined) {
    service.timer();
    supervisor.services.delete(name);
    machine.pods.delete(name);
  }
  if (JSON.stringify(report) !== before) supervisor.onChange();
}

/** Carries one effect out; its answer comes back as an event, in this life of the agent or never. */
function perform(supervisor: Supervisor, name: string, service: Supervised, effect: ServiceEffect): void {
  const { world, life } = supervisor;
  const { dice } = life.process;
  if (effect.kind === 'Probe') {
    const isAiling =
      service.wanted?.mode === 'Replicated' && (world.faults.ailingUntilMs.get(life.process.name) ?? 0) > world.scheduler.nowMs();
    const ok = service.wanted?.isBroken !== true && !isAiling && !(inTrouble(world) && dice.chance(0.2));
    later(life, dice.between(1, 50), () => send(supervisor, name, { type: 'Probed', instance: effect.instance, id: effect.plan.id, ok }));
    return;
  }
  const flight: InFlight = { what: effect.kind, hits: new Set() };
  life.process.inFlight.add(flight);
  const { fault } = spring(world, life.process, effect.kind);
  const tookMs = effect.kind === 'ListPods' ? dice.between(1, 5) : dice.between(10, 600);
  // What the runtime was told goes on without the agent; only the answer is lost with it.
  world.scheduler.after(tookMs, () => {
    const ok = !(inTrouble(world) && dice.chance(0.15)) && fault !== 'lostRequest';
    const event = ok ? done(supervisor, name, effect) : failure(effect);
    if (effect.kind !== 'ListPods') world.coverage.note(effect.kind, flight.hits);
    life.process.inFlight.delete(flight);
    later(life, 0, () => send(supervisor, name, effect.kind === 'ListPods' && ok ? listed(supervisor, name) : event));
  });
}

function done(supervisor: Supervisor, name: string, effect: Exclude<ServiceEffect, { kind: 'Probe' }>): ServiceEvent {
  const { world, machine, life } = supervisor;
  const pods = podsOf(machine, name);
  const nowMs = world.scheduler.nowMs();
  if (effect.kind === 'ListPods') return listed(supervisor, name);
  if (effect.kind === 'StopPod') {
    exitPod(pods, effect.hash, null, nowMs);
    return { type: 'Stopped' };
  }
  if (effect.kind === 'RemovePod') {
    if (pods.get(effect.hash)?.phase === 'Exited') pods.delete(effect.hash);
    return { type: 'Removed' };
  }
  // The runtime starts nothing on behalf of an agent that is gone: its call died with it before the pod was forked.
  if (life.over || !machine.isAlive) return { type: 'StartFailed', message: 'the agent is gone' };
  if (pods.get(effect.hash)?.phase === 'Running') violate(world, `${name} is started on ${labelOf(machine)}, where it runs already`);
  pods.set(effect.hash, { hash: effect.hash, phase: 'Running', startedMs: nowMs });
  checkPods(world, machine, name, supervisor.services.get(name)?.wanted?.mode === 'Singleton');
  return { type: 'Started' };
}

function listed(supervisor: Supervisor, name: string): ServiceEvent {
  return { type: 'PodsListed', pods: [...podsOf(supervisor.machine, name).values()] };
}

function failure(effect: ServiceEffect): ServiceEvent {
  const message = 'the runtime failed';
  if (effect.kind === 'ListPods') return { type: 'ListFailed', message };
  if (effect.kind === 'StartPod') return { type: 'StartFailed', message };
  return effect.kind === 'StopPod' ? { type: 'StopFailed', message } : { type: 'RemoveFailed', message };
}

function inTrouble(world: World): boolean {
  return world.faults.podTroubleUntilMs > world.scheduler.nowMs();
}

function reportsOf(supervisor: Supervisor): JsonObject {
  const nowMs = supervisor.world.scheduler.nowMs();
  const entries = [...supervisor.services]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .flatMap(([name, service]) => {
      const report = serviceReportOf(service.state, nowMs);
      if (report === undefined) return [];
      const { address } = service.wanted ?? {};
      const entry: JsonObject = { phase: report.phase, ready: report.ready, restarts: report.restarts };
      return [[name, address === undefined ? entry : { ...entry, address }] as const];
    });
  return Object.fromEntries(entries);
}
