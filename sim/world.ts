/**
 * One simulated world: what every part of the simulator shares.
 */

import type { SimConnectionServer } from './connection-servers.ts';
import type { Coverage } from './coverage.ts';
import type { Dice } from './dice.ts';
import type { Faults } from './faults.ts';
import type { Machine } from './machine-state.ts';
import type { Life, Process } from './process.ts';
import type { Scheduler } from './scheduler.ts';
import type { SimStore } from './store.ts';
import type { Traps } from './trap-faults.ts';

/** A node took other pods of the watched service, and they were not ready since. */
export interface Taking {
  readonly atMs: number;
  readonly hash: string;
  readonly life: Life | undefined;
}

export interface Changes {
  /** Generation of what was rolled back, by cluster uid and hash. */
  readonly tried: Map<string, number>;
  /** [generation, spec.release] of a cluster, by its uid, newest last. */
  readonly asked: Map<string, (readonly [number, string])[]>;
  readonly takings: Map<Machine, Taking>;
}

/** `process` dies at its `write`-th write (0: never): before it is sent, or when it has landed and nobody learns of it. `writes`: their names. */
export interface Death {
  readonly process: Process;
  readonly write: number;
  readonly when: 'before' | 'after';
  readonly writes: string[];
}

/** How an extension server stood when it woke last. */
export interface Beats {
  atMs: number;
  /** Undefined: it was never away. */
  wokeMs: number | undefined;
  /** Revisions of the others' Leases at that moment. */
  leases: ReadonlyMap<string, number>;
}

export interface World {
  readonly seed: number;
  readonly dice: Dice;
  readonly scheduler: Scheduler;
  readonly store: SimStore;
  readonly faults: Faults;
  readonly coverage: Coverage;
  /** All machines that ever were, dead ones too. */
  readonly machines: Machine[];
  /** Revision of each extension server's Lease; absent: none. */
  readonly leases: Map<string, number>;
  /** When each extension server looked around, by name (sharing-checks.ts). */
  readonly beats: Map<string, Beats>;
  /** Broken promises. */
  readonly violations: string[];
  /** Uids of nodes whose machine was given up by a person (force, confirm-dead). */
  readonly givenUp: Set<string>;
  /** Name of the Lease of a node → when it was renewed last. */
  readonly renewals: Map<string, number>;
  /** By host name; empty: nobody in this world speaks of Sites. */
  readonly connectionServers: Map<string, SimConnectionServer>;
  /** Faults that wait for an effect. */
  readonly traps: Traps;
  /** What changes of what runs are judged by (change-checks.ts). */
  readonly changes: Changes;
  /** A process that dies at one of its writes; absent: none. */
  deaths?: Death;
  /** Told of a process that a trap crashed: whoever starts it does so again. */
  crashed: (process: Process) => void;
  readonly trace: (line: string) => void;
}

/** Notes a broken promise; the run goes on, so that the first one is seen with what follows. */
export function violate(world: World, what: string): void {
  const line = `${stampOf(world)} ${what}`;
  world.trace(`VIOLATION ${what}`);
  if (world.violations.length < 20) world.violations.push(line);
}

export function stampOf(world: World): string {
  return `t=${(world.scheduler.nowMs() / 1000).toFixed(3)}`;
}
