/**
 * The lane: the one loop of a director that writes to the database and follows it.
 *
 * One thing at a time: load the copy, catch up with other directors, or commit a batch. So a batch is always planned on a copy that is not moving, and
 * own writes are applied to the copy directly, without reading them back. While one batch is under way the next one gathers.
 *
 * I1: changes reach the copy in order, each once, whether they were our own or read back.
 * I2: a batch whose answer was lost is looked for by its id, under the lock, before anyone is answered or anything else is written. It is
 *     written again only when it is certain that it is not in and that its first try can never get in: the lock shows either its place
 *     taken by others, or the place still free, and then the same changes go there, so that whichever try wins, the result is the same.
 * I3: a refusal is answered only after the database confirmed the revision that it was judged on.
 */

import { assert } from '../../base/assert.ts';
import { backoffMs } from '../../base/backoff.ts';
import { Fault, isFault } from '../../model/fault.ts';
import { LIMITS } from '../../model/limits.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Log } from '../../ports/log.ts';
import type { Random } from '../../ports/random.ts';
import type { ExclusiveStore, StoreBackend, StoreEvent, StoreHead } from '../../ports/store.ts';
import { outcomesOf, planBatch } from './batch-plan.ts';
import type { BatchPlan } from './batch-plan.ts';
import { makeBell } from './bell.ts';
import { applyFollowed } from './follow.ts';
import { loadCopy } from './load.ts';
import type { RecentTuning } from './load.ts';
import type { Replica } from './replica.ts';
import { CAREFUL_BATCHES, CONFIRM_TRIES, FOLLOW_PAGE, STORE_BACKOFF } from './tuning.ts';
import type { PendingWrite, WriteQueue } from './write-queue.ts';

export interface LaneDeps {
  readonly backend: StoreBackend;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly replica: Replica;
  readonly queue: WriteQueue;
  readonly recent: RecentTuning;
  /** The database has just answered. */
  readonly onAnswer: () => void;
}

/** A batch on its way. */
interface Job {
  readonly id: string;
  readonly writes: readonly PendingWrite[];
  readonly deadlineMs: number;
  plan: BatchPlan;
  /** What was found of it in history. Kept here, because the answer to the look that found it may be lost too. */
  readonly found: StoreEvent[];
  /** True once a try may have been committed without our knowing. */
  unknown: boolean;
}

/** How a look under the lock ended. `lost`: this copy cannot follow any more; load it anew, then try again. */
type Settled = 'found' | 'written' | 'lost';

export class Lane {
  readonly #deps: LaneDeps;
  readonly #bell = makeBell();
  /** The newest revision that anybody spoke of; a hint. */
  #known = 0;
  #reload: 'era' | 'expired' | undefined;
  #careful = 0;
  #busy = false;

  constructor(deps: LaneDeps) {
    this.#deps = deps;
  }

  /** True when nothing is under way and nothing waits. */
  get idle(): boolean {
    return !this.#busy && this.#deps.queue.size === 0;
  }

  /** Something to do: a write was queued, … */
  wake(): void {
    this.#bell.ring();
  }

  /** … or somebody else may have written, … */
  hint(revision: number): void {
    if (revision <= this.#known) return;
    this.#known = revision;
    if (!this.#busy) this.#bell.ring();
  }

  /** … or the head was read. */
  noteHead(head: StoreHead): void {
    const { replica } = this.#deps;
    this.#deps.onAnswer();
    if (head.era.id !== replica.era.id || head.era.number !== replica.era.number) {
      this.#reload ??= 'era';
      this.#bell.ring();
      return;
    }
    replica.noteCompacted(head.compacted);
    this.hint(head.revision);
  }

  /** Until the signal aborts and the bell rings. A failed assertion comes out of it. */
  async run(signal: AbortSignal): Promise<void> {
    let failures = 0;
    while (!signal.aborted) {
      try {
        await this.#step(signal);
        failures = 0;
      } catch (error) {
        if (signal.aborted) return;
        if (!isFault(error)) throw error;
        failures++;
        if (isPowerOfTwo(failures))
          this.#deps.log.warn('The store waits for its database.', { fault: error.code, reason: error.message, tries: failures });
        await this.#pause(failures, signal);
      }
    }
  }

  async #step(signal: AbortSignal): Promise<void> {
    const { replica, queue } = this.#deps;
    const behind = this.#known - replica.revision;
    this.#busy = true;
    try {
      if (this.#reload !== undefined) await this.#load(this.#reload, signal);
      // A director that writes all the time must not keep us from writing: little is caught up under the lock, on the way.
      else if (behind > FOLLOW_PAGE || (behind > 0 && queue.size === 0)) await this.#catchUp(signal);
      else if (queue.size > 0) await this.#commitNext(behind > 0, signal);
    } finally {
      this.#busy = false;
    }
    const more = this.#reload !== undefined || this.#known > replica.revision || queue.size > 0;
    if (!more && !signal.aborted) await this.#bell.wait();
  }

  async #load(reason: 'era' | 'expired', signal: AbortSignal): Promise<void> {
    const { backend, replica, log } = this.#deps;
    const copy = await loadCopy(backend, this.#deps.recent, signal);
    this.#reload = undefined;
    replica.replace(copy, reason);
    this.#known = replica.revision;
    const { era, revision } = copy.head;
    log.warn('The store was loaded anew; watches have ended and resume.', { reason, era: era.number, revision });
  }

  async #catchUp(signal: AbortSignal): Promise<void> {
    const { backend, replica } = this.#deps;
    const changes = await backend.history(replica.revision, FOLLOW_PAGE, signal);
    this.#deps.onAnswer();
    if (changes[0]?.revision === replica.revision + 1) {
      applyFollowed(replica, changes);
      return;
    }
    // Nothing follows: another era, a history that was compacted away under us, or a hint that was wrong.
    const head = await backend.head(signal);
    this.noteHead(head);
    if (this.#reload !== undefined) return;
    if (head.compacted > replica.revision) this.#reload = 'expired';
    else if (head.revision <= replica.revision) this.#known = replica.revision;
  }

  async #commitNext(behind: boolean, signal: AbortSignal): Promise<void> {
    const { queue, random, clock } = this.#deps;
    if (behind) this.#careful = Math.max(this.#careful, 1);
    const taken = queue.take();
    const plan = this.#plan(taken);
    const writes = taken.slice(0, plan.verdicts.length);
    queue.putBack(taken.slice(writes.length));
    const deadlineMs = clock.monotonicMs() + LIMITS.outcomeDeadlineMs;
    const job: Job = { id: random.uuid(), writes, plan, found: [], deadlineMs, unknown: false };
    try {
      await this.#carryOut(job, signal);
    } catch (error) {
      this.#failed(job, error);
      throw error;
    }
  }

  async #carryOut(job: Job, signal: AbortSignal): Promise<void> {
    if (this.#careful === 0) {
      const done = job.plan.changes.length === 0 ? await this.#confirm(job, signal) : await this.#guess(job, signal);
      if (done) return;
    }
    await this.#settle(job, signal);
  }

  /** Nobody was written anything: the refusals stand if the copy was up to date. */
  async #confirm(job: Job, signal: AbortSignal): Promise<boolean> {
    const { backend, replica } = this.#deps;
    for (let tries = 0; tries < CONFIRM_TRIES; tries++) {
      const head = await backend.head(signal);
      this.noteHead(head);
      if (this.#reload !== undefined) return false;
      if (head.revision === replica.revision) {
        this.#answer(job, []);
        return true;
      }
      await this.#catchUp(signal);
      this.#replan(job);
      if (job.plan.changes.length > 0) return await this.#guess(job, signal);
    }
    return false;
  }

  /** Commits in one statement, on the guess that nobody else has written since. */
  async #guess(job: Job, signal: AbortSignal): Promise<boolean> {
    const { backend, replica } = this.#deps;
    const { base, changes } = job.plan;
    try {
      const answer = await backend.commit({ id: job.id, era: replica.era, base, changes }, signal);
      this.#deps.onAnswer();
      if (answer === 'committed') {
        this.#answer(job, replica.apply(changes));
        return true;
      }
    } catch (error) {
      if (!isFault(error, 'WriteOutcomeUnknown')) throw error;
      job.unknown = true;
      this.#deps.log.warn('The answer to a commit was lost; looking for the batch.', { batch: job.id, writes: changes.length });
      return false;
    }
    this.#careful = CAREFUL_BATCHES;
    return false;
  }

  /** Takes the lock, and finds the batch or writes it. */
  async #settle(job: Job, signal: AbortSignal): Promise<void> {
    const { backend, clock } = this.#deps;
    for (let failures = 0; ; failures++) {
      try {
        const settled = await backend.exclusive((store) => this.#underLock(job, store), signal);
        this.#deps.onAnswer();
        this.#finish(job, settled);
        return;
      } catch (error) {
        if (!isFault(error)) throw error;
        if (error.code === 'WriteOutcomeUnknown') job.unknown = true;
        // Found, though the last answer was lost.
        if (job.found.length > 0 && job.found.length === job.plan.changes.length) return this.#finish(job, 'found');
        // Not sent: its writers go back to the queue and keep their own deadlines.
        if (!job.unknown || signal.aborted || clock.monotonicMs() >= job.deadlineMs) throw error;
        await this.#pause(failures + 1, signal);
      }
    }
  }

  async #underLock(job: Job, store: ExclusiveStore): Promise<Settled> {
    const { replica } = this.#deps;
    while (replica.revision < store.head.revision) {
      const changes = await store.history(replica.revision);
      if (changes[0]?.revision !== replica.revision + 1) break;
      this.#careful = CAREFUL_BATCHES;
      const ours = new Set(changes.filter((change) => change.batch === job.id).map((change) => change.revision));
      const events = applyFollowed(replica, changes);
      job.found.push(...events.filter((event) => ours.has(event.entity.revision)));
    }
    if (job.found.length > 0) return 'found';
    if (replica.revision < store.head.revision || store.head.era.id !== replica.era.id) {
      this.noteHead(store.head);
      this.#reload ??= 'expired';
      // In our era, history that is gone may have held the batch.
      if (job.unknown && this.#reload === 'expired') throw unknownOutcome();
      return 'lost';
    }
    if (this.#careful > 0) this.#careful--;
    this.#replan(job);
    const { base, changes } = job.plan;
    if (changes.length > 0) await store.write({ id: job.id, era: replica.era, base, changes });
    return 'written';
  }

  #finish(job: Job, settled: Settled): void {
    if (settled === 'found') this.#answer(job, job.found);
    else if (settled === 'written') this.#answer(job, this.#deps.replica.apply(job.plan.changes));
    // The copy is loaded next. Another era does not hold the batch (it was looked for), so its writes may be judged anew there.
    else this.#deps.queue.putBack(job.writes);
  }

  #plan(writes: readonly PendingWrite[]): BatchPlan {
    const { replica } = this.#deps;
    return planBatch(
      writes.map((pending) => pending.write),
      replica.revision,
      (key) => replica.get(key),
    );
  }

  /** The copy has moved: judge again. The same copy gives the same plan (I2). */
  #replan(job: Job): void {
    if (job.plan.base !== this.#deps.replica.revision) job.plan = this.#plan(job.writes);
  }

  #answer(job: Job, events: readonly StoreEvent[]): void {
    const { plan, writes } = job;
    assert(events.length === plan.changes.length, 'a committed batch has an event for each of its changes');
    const outcomes = outcomesOf(plan, events);
    outcomes.forEach((outcome, i) => writes[i]?.resolve(outcome));
    this.#deps.queue.putBack(writes.slice(outcomes.length));
  }

  #failed(job: Job, error: unknown): void {
    if (!isFault(error)) return;
    if (job.unknown) {
      const fault = unknownOutcome(error);
      for (const pending of job.writes) pending.reject(fault);
    } else if (error.row.retry === 'later' && error.code !== 'DiskFull') {
      this.#deps.queue.putBack(job.writes);
    } else {
      for (const pending of job.writes) pending.reject(error);
    }
  }

  async #pause(failures: number, signal: AbortSignal): Promise<void> {
    await this.#deps.clock.sleep(backoffMs(STORE_BACKOFF, failures, this.#deps.random.float()), signal).catch(() => undefined);
  }
}

/** An outage of hours is told of a dozen times, not thousands. */
function isPowerOfTwo(n: number): boolean {
  return (n & (n - 1)) === 0;
}

function unknownOutcome(cause?: Fault): Fault {
  return new Fault(
    'WriteOutcomeUnknown',
    `The database went away while the write was being committed, and it could not be found out in ${LIMITS.outcomeDeadlineMs / 1000} s whether it was. It may have happened: read the object before writing again.`,
    { cause },
  );
}
