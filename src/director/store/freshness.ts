/**
 * Linearizable reads: one look at the counter for everyone who waits.
 *
 * A read that must be fresh needs to know a revision that was current at some moment after the read came. A query sent after that learns one,
 * and serves all who came before it was sent. Those who come while it is under way wait for the next.
 *
 * I1: a call is answered from a query that was sent after the call.
 * I2: it is answered once the copy has reached that query's revision.
 */

import { backoffMs } from '../../base/backoff.ts';
import { Fault, isFault } from '../../model/fault.ts';
import { LIMITS } from '../../model/limits.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Random } from '../../ports/random.ts';
import type { StoreBackend, StoreHead } from '../../ports/store.ts';
import type { Replica } from './replica.ts';
import { STORE_BACKOFF } from './tuning.ts';
import { closing, sweep } from './waiters.ts';
import type { Waiter } from './waiters.ts';

export interface FreshnessDeps {
  readonly backend: StoreBackend;
  readonly clock: Clock;
  readonly random: Random;
  readonly replica: Replica;
  readonly onHead: (head: StoreHead) => void;
  /** The monotonic clock, to within a sweep. */
  readonly nowMs: () => number;
  /** Aborts when the store closes. */
  readonly signal: AbortSignal;
}

interface FreshWaiter extends Waiter {
  resolve(revision: number): void;
}

export class Freshness {
  readonly #deps: FreshnessDeps;
  #waiting: FreshWaiter[] = [];
  #running = false;

  constructor(deps: FreshnessDeps) {
    this.#deps = deps;
  }

  fresh(signal: AbortSignal): Promise<number> {
    const deadlineMs = this.#deps.nowMs() + LIMITS.freshDeadlineMs;
    const answer = new Promise<number>((resolve, reject) => {
      this.#waiting.push({ signal, deadlineMs, resolve, reject });
    });
    if (!this.#running) {
      this.#running = true;
      // After the current turn, so that all calls of one turn share the query.
      queueMicrotask(() => void this.#run());
    }
    return answer;
  }

  sweep(nowMs: number): void {
    this.#waiting = sweep(this.#waiting, nowMs, silent);
  }

  failAll(fault: Fault): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const waiter of waiting) waiter.reject(fault);
  }

  async #run(): Promise<void> {
    let failures = 0;
    while (this.#waiting.length > 0) {
      const group = this.#waiting;
      this.#waiting = [];
      const answered = await this.#ask(group);
      failures = answered ? 0 : failures + 1;
      if (!answered) await this.#pause(failures);
    }
    this.#running = false;
  }

  /** True when the group was served; otherwise it waits again, in front of those who came later. */
  async #ask(group: FreshWaiter[]): Promise<boolean> {
    try {
      const head = await this.#deps.backend.head(this.#deps.signal);
      this.#deps.onHead(head);
      this.#serve(group, head);
      return true;
    } catch (error) {
      if (!isFault(error) && !this.#deps.signal.aborted) throw error;
      this.#waiting = [...group, ...this.#waiting];
      if (this.#deps.signal.aborted) this.failAll(closing());
      return false;
    }
  }

  #serve(group: readonly FreshWaiter[], head: StoreHead): void {
    const { replica } = this.#deps;
    if (head.era.id === replica.era.id && replica.revision >= head.revision) {
      for (const waiter of group) waiter.resolve(replica.revision);
      return;
    }
    // The copy is behind; in another era the revision is above all that this copy can reach before it is loaded anew.
    for (const waiter of group) {
      replica.waiters.wait(head.revision, waiter.deadlineMs, waiter.signal).then(waiter.resolve, waiter.reject);
    }
  }

  async #pause(failures: number): Promise<void> {
    const { clock, random, signal } = this.#deps;
    await clock.sleep(backoffMs(STORE_BACKOFF, failures, random.float()), signal).catch(() => undefined);
  }
}

function silent(): Fault {
  return new Fault(
    'StoreUnavailable',
    `The store's database has not answered for ${LIMITS.freshDeadlineMs / 1000} s, so a current answer cannot be given. Look at the database, or try again in a moment.`,
  );
}
