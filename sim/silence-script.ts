/**
 * Silences: a worker of which nobody hears any more, and all sites of a director at once.
 */

import type { Dice } from './dice.ts';
import type { Machine } from './machine-state.ts';
import type { World } from './world.ts';

/** Longer than a Lease of a node holds (LIMITS.nodeLeaseTtlMs). */
const LONG_MS = [250_000, 500_000] as const;

/** One worker hears nobody and nobody hears it; what it runs goes on. */
export function silenceWorker(world: World, dice: Dice): void {
  const workers = world.machines.filter((machine) => machine.isAlive && machine.role === 'Worker');
  if (workers.length === 0) return;
  const { name } = dice.pick(workers).agent;
  const untilMs = world.scheduler.nowMs() + dice.between(...LONG_MS);
  world.faults.cutUntilMs.set(name, untilMs);
  world.faults.lanCutUntilMs.set(name, untilMs);
}

/** No agent of these machines reaches a director; at their sites they hear each other. */
export function silenceSites(world: World, machines: readonly Machine[], forMs: number): void {
  const untilMs = world.scheduler.nowMs() + forMs;
  for (const { agent } of machines)
    world.faults.cutUntilMs.set(agent.name, Math.max(untilMs, world.faults.cutUntilMs.get(agent.name) ?? 0));
}
