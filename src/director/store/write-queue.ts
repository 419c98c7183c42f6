/**
 * Writes that wait for the next batch.
 *
 * I1: bounded in number and in bytes; beyond that a write is refused at once (429), not queued.
 * I2: first come, first committed.
 * I3: a write that leaves the queue by its deadline or signal has not been sent anywhere.
 */

import { Fault } from '../../model/fault.ts';
import { LIMITS } from '../../model/limits.ts';
import type { Write, WriteOutcome } from '../../ports/store.ts';
import { sweep } from './waiters.ts';
import type { Waiter } from './waiters.ts';

export interface PendingWrite extends Waiter {
  readonly write: Write;
  resolve(outcome: WriteOutcome): void;
}

export class WriteQueue {
  #waiting: PendingWrite[] = [];
  #bytes = 0;

  get size(): number {
    return this.#waiting.length;
  }

  push(pending: PendingWrite): void {
    const bytes = bodyBytes(pending.write);
    if (this.#waiting.length >= LIMITS.pendingWrites || this.#bytes + bytes > LIMITS.pendingWriteBytes) {
      throw new Fault(
        'Overloaded',
        `${this.#waiting.length} writes already wait for the store; nothing was written. Try again in a moment.`,
      );
    }
    this.#bytes += bytes;
    this.#waiting.push(pending);
  }

  /** Takes the oldest, as many as make one batch. */
  take(): PendingWrite[] {
    let count = 0;
    let bytes = 0;
    for (const { write } of this.#waiting) {
      const more = bytes + bodyBytes(write);
      if (count >= LIMITS.batchWrites || (count > 0 && more > LIMITS.batchBytes)) break;
      count++;
      bytes = more;
    }
    this.#bytes -= bytes;
    return this.#waiting.splice(0, count);
  }

  /** Gives back what was taken, to the front. */
  putBack(pending: readonly PendingWrite[]): void {
    if (pending.length === 0) return;
    this.#waiting = [...pending, ...this.#waiting];
    this.#recount();
  }

  sweep(nowMs: number): void {
    const before = this.#waiting.length;
    this.#waiting = sweep(this.#waiting, nowMs, unavailable);
    if (this.#waiting.length !== before) this.#recount();
  }

  failAll(fault: Fault): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    this.#bytes = 0;
    for (const pending of waiting) pending.reject(fault);
  }

  #recount(): void {
    this.#bytes = this.#waiting.reduce((sum, { write }) => sum + bodyBytes(write), 0);
  }
}

function bodyBytes(write: Write): number {
  return write.op === 'delete' ? 0 : write.body.length;
}

function unavailable(): Fault {
  const seconds = LIMITS.writeDeadlineMs / 1000;
  return new Fault(
    'StoreUnavailable',
    `The store's database has not answered for ${seconds} s; nothing was written. Look at the database, or try again in a moment.`,
  );
}
