/**
 * Traps: faults that wait for an effect, so that rare effects meet every fault too.
 *
 * A crash that falls anywhere in an hour almost never falls into the two milliseconds between a deletion and its answer; and there it matters.
 */

import type { Dice } from './dice.ts';
import { crash, pause } from './process.ts';
import type { Process } from './process.ts';
import { TRAP_FAULTS } from './trap-faults.ts';
import type { TrapFault, Traps } from './trap-faults.ts';
import type { World } from './world.ts';

/** Effects that traps wait for: every write, by its name in the coverage table. */
export const TRAPPED = [
  'SetClusterFinalizer',
  'DropClusterFinalizer',
  'PatchClusterStatus',
  'Abandon',
  'BecomeAvailable',
  'CreateNode',
  'RetireNode',
  'RaiseIncarnation',
  'DeleteNode',
  'DropNodeFinalizer',
  'Reserve',
  'Unreserve',
  'Claim',
  'ReportMachine',
  'ReportAgent',
  'StartPod',
  'StopPod',
  'RemovePod',
  'ReleaseSite',
  'ClaimSite',
  'ReportSite',
  'UnplugSite',
] as const;

/** Met so seldom that traps wait for them more often. */
const RARE = ['ReleaseSite', 'ReleaseSite', 'UnplugSite'] as const;

export function setTrap(traps: Traps, dice: Dice): void {
  const what = dice.chance(0.2) ? dice.pick(RARE) : dice.pick(TRAPPED);
  traps.set(what, [...(traps.get(what) ?? []), dice.pick(TRAP_FAULTS)].slice(-3));
}

/** What meets this call besides the weather. */
export interface Sprung {
  readonly fault: TrapFault | undefined;
  /** The process froze before it sent: the request leaves only after this. */
  readonly departMs: number;
}

const NOTHING: Sprung = { fault: undefined, departMs: 0 };

/** Springs the trap that waits for `what`, when there is one. */
export function spring(world: World, process: Process, what: string | undefined): Sprung {
  const waiting = what === undefined ? undefined : world.traps.get(what);
  const fault = waiting?.shift();
  if (fault === undefined) return NOTHING;
  const { dice } = process;
  world.trace(`TRAP ${fault} at ${what} of ${process.name}`);
  const nowMs = world.scheduler.nowMs();
  if (fault === 'crash') {
    world.scheduler.after(dice.between(0, 8), () => {
      if (process.life === undefined) return;
      crash(process);
      world.crashed(process);
    });
  }
  if (fault === 'stall') world.faults.stallUntilMs = Math.max(world.faults.stallUntilMs, nowMs + dice.between(500, 25_000));
  if (fault !== 'pause') return { fault, departMs: 0 };
  const pauseMs = dice.chance(0.5) ? dice.between(500, 15_000) : dice.between(15_000, 300_000);
  const freezesFirst = dice.chance(0.6);
  world.scheduler.after(0, () => pause(process, nowMs, pauseMs));
  return { fault, departMs: freezesFirst ? pauseMs : 0 };
}
