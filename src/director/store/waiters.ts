/**
 * Calls that wait for the copy to reach a revision, each with its deadline.
 *
 * Deadlines and signals are looked at in sweeps, four a second, because a timer and an abort listener for each of tens of thousands of reads a second
 * would cost more than the reads.
 *
 * I1: every wait ends: reached, past its deadline, aborted, or the store closed.
 */

import { Fault } from '../../model/fault.ts';

/** How often deadlines are looked at, in ms; a deadline is kept to within this. */
export const SWEEP_INTERVAL_MS = 250;

/** What can be done about a call that waits. */
export interface Waiter {
  readonly signal: AbortSignal;
  /** On the monotonic clock. */
  readonly deadlineMs: number;
  reject(fault: Fault): void;
}

interface RevisionWaiter extends Waiter {
  readonly revision: number;
  resolve(revision: number): void;
}

/** Rejects those whose time is over; returns the others, or the same array when all stay. */
export function sweep<W extends Waiter>(waiters: W[], nowMs: number, late: (waiter: W) => Fault): W[] {
  if (!waiters.some((waiter) => isOver(waiter, nowMs))) return waiters;
  const staying: W[] = [];
  for (const waiter of waiters) {
    if (!isOver(waiter, nowMs)) staying.push(waiter);
    else waiter.reject(waiter.signal.aborted ? aborted() : late(waiter));
  }
  return staying;
}

function isOver(waiter: Waiter, nowMs: number): boolean {
  return waiter.signal.aborted || nowMs >= waiter.deadlineMs;
}

/** The caller gave up before anything was done. */
export function aborted(): Fault {
  return new Fault('Aborted', 'The request was given up by its caller before the store answered; nothing was written for it.');
}

/** The store is shutting down. */
export function closing(): Fault {
  return new Fault('StoreUnavailable', 'This director is shutting down; nothing was done. Try again, another director will answer.');
}

export class RevisionWaiters {
  #waiting: RevisionWaiter[] = [];

  wait(revision: number, deadlineMs: number, signal: AbortSignal): Promise<number> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ revision, deadlineMs, signal, resolve, reject });
    });
  }

  /** Answers those who waited for `revision` or an earlier one. */
  reached(revision: number): void {
    if (this.#waiting.length === 0) return;
    const done = this.#waiting.filter((waiter) => waiter.revision <= revision);
    if (done.length === 0) return;
    this.#waiting = this.#waiting.filter((waiter) => waiter.revision > revision);
    for (const waiter of done) waiter.resolve(revision);
  }

  sweep(nowMs: number, at: number): void {
    this.#waiting = sweep(
      this.#waiting,
      nowMs,
      ({ revision }) =>
        new Fault('StoreTimeout', `Revision ${revision} was asked for, but this director has only reached ${at}; try again in a moment.`),
    );
  }

  failAll(fault: Fault): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const waiter of waiting) waiter.reject(fault);
  }
}
