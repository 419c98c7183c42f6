/**
 * Processes that crash, pause and come back.
 *
 * A life ends with a crash: whatever was to happen in it never does, its open calls are never answered. A pause defers everything to its end.
 */

import type { Clock } from '../src/ports/clock.ts';
import type { Log } from '../src/ports/log.ts';
import type { Random } from '../src/ports/random.ts';
import type { Dice } from './dice.ts';
import type { Scheduler } from './scheduler.ts';

export interface Process {
  readonly name: string;
  readonly dice: Dice;
  /** Its clock on the wall is off by this. */
  readonly wallOffsetMs: number;
  /** Its monotonic clock runs at this rate. */
  readonly rate: number;
  life: Life | undefined;
  pausedUntilMs: number;
  /** Stops that struck while a call was in flight; for coverage. */
  readonly inFlight: Set<InFlight>;
}

/** A call on its way; faults that meet it are noted. */
export interface InFlight {
  readonly what: string;
  readonly hits: Set<string>;
}

/** One life of a process, from its start to its crash. */
export interface Life {
  readonly process: Process;
  readonly scheduler: Scheduler;
  readonly startedMs: number;
  readonly controller: AbortController;
  over: boolean;
}

export function createProcess(name: string, dice: Dice): Process {
  const own = dice.fork(name);
  return {
    name,
    dice: own,
    wallOffsetMs: own.chance(0.3) ? own.between(-400_000, 400_000) : own.between(-50, 50),
    rate: 1 + (own.float() - 0.5) * 0.01,
    life: undefined,
    pausedUntilMs: 0,
    inFlight: new Set(),
  };
}

export function startLife(process: Process, scheduler: Scheduler): Life {
  const life: Life = { process, scheduler, startedMs: scheduler.nowMs(), controller: new AbortController(), over: false };
  process.life = life;
  process.pausedUntilMs = 0;
  return life;
}

/** Ends the life at once: nothing of it goes on. */
export function crash(process: Process): void {
  for (const call of process.inFlight) call.hits.add('crash');
  process.inFlight.clear();
  if (process.life !== undefined) process.life.over = true;
  process.life = undefined;
}

/** Freezes the process for `ms`. */
export function pause(process: Process, nowMs: number, ms: number): void {
  for (const call of process.inFlight) call.hits.add('pause');
  process.pausedUntilMs = Math.max(process.pausedUntilMs, nowMs + ms);
}

/** Runs `work` in this life after `delayMs`, later when it is paused then, never when it is over. */
export function later(life: Life, delayMs: number, work: () => void): () => void {
  const { scheduler, process } = life;
  let cancel = (): void => undefined;
  const attempt = (): void => {
    if (life.over) return;
    const leftMs = process.pausedUntilMs - scheduler.nowMs();
    if (leftMs > 0) cancel = scheduler.after(leftMs + process.dice.between(0, 3), attempt);
    else work();
  };
  cancel = scheduler.after(delayMs, attempt);
  return () => cancel();
}

/** The life's clocks. */
export function clockOf(life: Life): Clock {
  const { scheduler, process } = life;
  return {
    nowMs: () => WALL_START_MS + scheduler.nowMs() + process.wallOffsetMs,
    monotonicMs: () => monotonicMs(life),
    sleep: (ms, signal) =>
      new Promise((resolve, reject) => {
        const aborted = (): void => {
          callOff();
          scheduler.touch();
          reject(signal.reason as Error);
        };
        const callOff = later(life, ms, () => {
          signal.removeEventListener('abort', aborted);
          scheduler.touch();
          resolve();
        });
        signal.addEventListener('abort', aborted);
      }),
  };
}

export function monotonicMs(life: Life): number {
  return Math.floor(5_000_000 + life.scheduler.nowMs() * life.process.rate);
}

/** 2030-01-01. */
export const WALL_START_MS = 1_893_456_000_000;

export function randomOf(dice: Dice): Random {
  return {
    float: () => dice.float(),
    uuid: () => `${hex(dice, 8)}-${hex(dice, 4)}-4${hex(dice, 3)}-a${hex(dice, 3)}-${hex(dice, 12)}`,
    bytes: (count) => Uint8Array.from({ length: count }, () => dice.between(0, 255)),
  };
}

function hex(dice: Dice, digits: number): string {
  return Array.from({ length: digits }, () => dice.between(0, 15).toString(16)).join('');
}

/** A log that goes to the run's trace. */
export function logOf(write: (line: string) => void, name: string): Log {
  const line = (message: string, fields?: Readonly<Record<string, unknown>>): void =>
    write(`${name}: ${message}${fields === undefined ? '' : ` ${JSON.stringify(fields)}`}`);
  const log: Log = { debug: line, info: line, warn: line, error: line, with: () => log };
  return log;
}
