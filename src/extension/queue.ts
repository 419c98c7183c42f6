/**
 * The work queue of an extension server: which clusters wait to be looked at, and when.
 *
 * I1: a key is never worked on twice at once; when it is asked for meanwhile it is looked at once more afterwards.
 * I2: a key waits once, with the earliest time that was asked for; asking for "now" always wins.
 * I3: it holds each key at most once, so it is bounded by the number of clusters.
 */

import { createDueTimes } from '../base/due-times.ts';

export interface WorkQueue {
  /** Asks for a look at `key` no later than `dueMs` (monotonic). */
  add(key: string, dueMs: number): void;
  /** Takes the next key that is due and that nobody works on, or undefined. The caller must `done` it. */
  take(nowMs: number): string | undefined;
  done(key: string): void;
  forget(key: string): void;
  /** When something may next be taken (monotonic ms); undefined when nothing waits. */
  nextDueMs(): number | undefined;
  /** Keys at work right now. */
  atWork(): number;
  /** Keys that are due and that nobody works on yet. */
  waiting(nowMs: number): number;
}

export function createQueue(): WorkQueue {
  const later = createDueTimes();
  const ready = new Set<string>();
  const working = new Set<string>();
  /** Keys that became due while they were worked on. */
  const again = new Set<string>();

  const promote = (nowMs: number): void => {
    for (let key = later.popDue(nowMs); key !== undefined; key = later.popDue(nowMs)) (working.has(key) ? again : ready).add(key);
  };

  return {
    add: (key, dueMs) => {
      if (ready.has(key) || again.has(key)) return;
      later.set(key, Math.min(dueMs, later.get(key) ?? Number.POSITIVE_INFINITY));
    },
    take: (nowMs) => {
      promote(nowMs);
      for (const key of ready) {
        ready.delete(key);
        working.add(key);
        return key;
      }
      return undefined;
    },
    done: (key) => {
      working.delete(key);
      if (again.delete(key)) ready.add(key);
    },
    forget: (key) => {
      later.delete(key);
      ready.delete(key);
      again.delete(key);
    },
    nextDueMs: () => (ready.size > 0 ? Number.NEGATIVE_INFINITY : later.nextMs()),
    atWork: () => working.size,
    waiting: (nowMs) => {
      promote(nowMs);
      return ready.size + again.size;
    },
  };
}
