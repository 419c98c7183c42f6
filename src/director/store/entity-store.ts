/**
 * The director's store: a copy of all entities over any backend, with group commit, linearizable reads and watches.
 *
 * This file only puts the parts together: the copy (replica), the lane that writes and follows, the shared look at the counter (freshness), the replay of
 * subscriptions, and the upkeep.
 *
 * I1: every loop ends with `close`; every call that waits is answered then.
 */

import { isUtf8 } from 'node:buffer';
import { assert } from '../../base/assert.ts';
import { backoffMs } from '../../base/backoff.ts';
import { Fault, isFault } from '../../model/fault.ts';
import { LIMITS } from '../../model/limits.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Log } from '../../ports/log.ts';
import type { Random } from '../../ports/random.ts';
import type { EntityStore, StoreBackend, StoreHead, Write, WriteOutcome } from '../../ports/store.ts';
import { addMark, compactableThrough, MARK_INTERVAL_MS } from './compaction.ts';
import type { Mark } from './compaction.ts';
import { openedBy, sightEra } from './era.ts';
import { Freshness } from './freshness.ts';
import { assertKey } from './key.ts';
import { Lane } from './lane.ts';
import { listAt } from './list-at.ts';
import { loadCopy, RECENT } from './load.ts';
import type { RecentTuning } from './load.ts';
import { Replica } from './replica.ts';
import type { LoadedCopy } from './replica.ts';
import { makePumps } from './replay.ts';
import { COMPACT_PAGE, STORE_BACKOFF } from './tuning.ts';
import { aborted, closing, SWEEP_INTERVAL_MS } from './waiters.ts';
import { WriteQueue } from './write-queue.ts';

export interface StoreDeps {
  readonly backend: StoreBackend;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  /** Usual unless told. */
  readonly recent?: RecentTuning;
}

/** How long `close` waits for writes that are under way. */
const DRAIN_MS = 3_000;

/** Loads the store and starts its loops. While the database does not answer it waits and tries, until `signal` aborts. */
export async function openEntityStore(deps: StoreDeps, signal: AbortSignal): Promise<EntityStore> {
  const copy = await loadPatiently(deps, signal);
  const store = new Store(deps, copy);
  store.start();
  return store;
}

async function loadPatiently(deps: StoreDeps, signal: AbortSignal): Promise<LoadedCopy> {
  for (let failures = 1; ; failures++) {
    try {
      return await loadCopy(deps.backend, deps.recent ?? RECENT, signal);
    } catch (error) {
      if (!isFault(error) || error.row.retry === 'never' || signal.aborted) throw error;
      deps.log.warn('The store waits for its database.', { fault: error.code, reason: error.message, tries: failures });
      await deps.clock.sleep(backoffMs(STORE_BACKOFF, failures, deps.random.float()), signal);
    }
  }
}

class Store implements EntityStore {
  readonly #deps: StoreDeps;
  readonly #replica: Replica;
  readonly #queue = new WriteQueue();
  readonly #lane: Lane;
  readonly #freshness: Freshness;
  readonly #closed = new AbortController();
  #closing = false;
  /** When callers' claims opened an era. */
  #openedMs: readonly number[] = [];
  /** The monotonic clock as of the last sweep: reading it for each of tens of thousands of calls a second costs more than its precision is worth. */
  #nowMs: number;
  #heardMs: number;
  #stopHints: () => void = () => undefined;

  constructor(deps: StoreDeps, copy: LoadedCopy) {
    const { backend, clock, random, log } = deps;
    const signal = this.#closed.signal;
    this.#deps = deps;
    this.#nowMs = clock.monotonicMs();
    this.#heardMs = this.#nowMs;
    this.#replica = new Replica(copy, makePumps({ backend, clock, random, log, signal, replica: () => this.#replica }));
    const replica = this.#replica;
    const onAnswer = (): void => {
      this.#heardMs = this.#nowMs;
    };
    const recent = deps.recent ?? RECENT;
    this.#lane = new Lane({ backend, clock, random, log, replica, queue: this.#queue, recent, onAnswer });
    const onHead = (head: StoreHead): void => this.#lane.noteHead(head);
    this.#freshness = new Freshness({ backend, clock, random, replica, onHead, signal, nowMs: () => this.#nowMs });
  }

  start(): void {
    const { signal } = this.#closed;
    this.#stopHints = this.#deps.backend.onHint((revision) => this.#lane.hint(revision));
    this.#keep(this.#lane.run(signal));
    this.#keep(this.#every(SWEEP_INTERVAL_MS, () => this.#sweep()));
    this.#keep(this.#every(LIMITS.storePollMs, () => this.#poll()));
    let marks: Mark[] = [];
    this.#keep(
      this.#every(MARK_INTERVAL_MS, async () => {
        marks = addMark(marks, { atMs: this.#deps.clock.monotonicMs(), revision: this.revision() });
        await this.#compact(marks);
      }),
    );
  }

  era(): ReturnType<EntityStore['era']> {
    return this.#replica.era;
  }

  revision(): number {
    return this.#replica.revision;
  }

  ready(): boolean {
    return !this.#closing && this.#nowMs - this.#heardMs < LIMITS.storeSilenceMs;
  }

  async write(write: Write, signal: AbortSignal): Promise<WriteOutcome> {
    assertKey(write.key);
    // One body that cannot be read back as text would keep every director from loading the store.
    assert(write.op === 'delete' || isUtf8(write.body), 'a body is UTF-8');
    this.#refuseIfOver(signal);
    const deadlineMs = this.#nowMs + LIMITS.writeDeadlineMs;
    return await new Promise<WriteOutcome>((resolve, reject) => {
      this.#queue.push({ write, signal, deadlineMs, resolve, reject });
      this.#lane.wake();
    });
  }

  async fresh(signal: AbortSignal): Promise<number> {
    this.#refuseIfOver(signal);
    return await this.#freshness.fresh(signal);
  }

  async atLeast(revision: number, signal: AbortSignal): Promise<number> {
    this.#refuseIfOver(signal);
    if (revision <= this.revision()) return this.revision();
    const deadlineMs = this.#nowMs + LIMITS.revisionDeadlineMs;
    return await this.#replica.waiters.wait(revision, deadlineMs, signal);
  }

  get: EntityStore['get'] = (key) => this.#replica.get(key);

  list: EntityStore['list'] = (group, resource, namespace) => this.#replica.list(group, resource, namespace);

  count: EntityStore['count'] = (group, resource, namespace) => this.#replica.count(group, resource, namespace);

  listAt: EntityStore['listAt'] = async (group, resource, namespace, revision, signal) => {
    await this.atLeast(revision, signal);
    return await listAt(this.#replica, this.#deps.backend, { group, resource, namespace, revision }, signal);
  };

  subscribe: EntityStore['subscribe'] = (scope, fromRevision, sink) => {
    if (this.#closing) throw closing();
    return this.#replica.subscribe(scope, fromRevision, sink);
  };

  tombstone: EntityStore['tombstone'] = (uid, signal) => this.#deps.backend.tombstone(uid, signal);

  tombstones: EntityStore['tombstones'] = (afterUid, limit, signal) => {
    assert(limit > 0 && limit <= LIMITS.tombstonePage, 'a page of tombstones has a limit within bounds');
    return this.#deps.backend.tombstones(afterUid, limit, signal);
  };

  observeEra: EntityStore['observeEra'] = async (era, revision, signal) => {
    this.#refuseIfOver(signal);
    const at = await this.fresh(signal);
    const sighting = sightEra({ era: this.era(), revision: at, nowMs: this.#deps.clock.nowMs() }, { era, revision });
    if (sighting !== 'opened') return sighting;
    const openedMs = openedBy(this.#openedMs, this.#deps.clock.monotonicMs());
    if (openedMs === undefined) {
      const minutes = LIMITS.eraOpeningsWindowMs / 60_000;
      throw new Fault(
        'Overloaded',
        `Callers have opened ${LIMITS.eraOpenings} eras of this store within ${minutes} minutes, and each ends all watches; the next one has to wait. Find out which caller claims to have seen era ${era.number}.`,
      );
    }
    this.#openedMs = openedMs;
    this.#deps.log.warn('A caller has seen a younger era of this store: opening a new one above it.', { seen: era.number, revision });
    const head = await this.#deps.backend.openEra(era, revision, signal);
    this.#lane.noteHead(head);
    await this.atLeast(head.revision, signal);
    return sighting;
  };

  async close(): Promise<void> {
    if (this.#closing) return;
    this.#closing = true;
    const { clock, backend } = this.#deps;
    const deadlineMs = clock.monotonicMs() + DRAIN_MS;
    while (!this.#lane.idle && clock.monotonicMs() < deadlineMs) await clock.sleep(5, this.#closed.signal);
    this.#stopHints();
    this.#closed.abort(closing());
    this.#lane.wake();
    this.#replica.endAll('closed');
    this.#queue.failAll(closing());
    this.#freshness.failAll(closing());
    this.#replica.waiters.failAll(closing());
    await backend.close();
  }

  #refuseIfOver(signal: AbortSignal): void {
    if (this.#closing) throw closing();
    if (signal.aborted) throw aborted();
  }

  #sweep(): void {
    const nowMs = this.#deps.clock.monotonicMs();
    this.#nowMs = nowMs;
    this.#queue.sweep(nowMs);
    this.#freshness.sweep(nowMs);
    this.#replica.waiters.sweep(nowMs, this.revision());
  }

  async #poll(): Promise<void> {
    await this.#freshness.fresh(this.#closed.signal);
  }

  async #compact(marks: readonly Mark[]): Promise<void> {
    const { backend, clock } = this.#deps;
    const through = compactableThrough(marks, clock.monotonicMs());
    if (through === undefined) return;
    while (this.#replica.compacted < through) {
      const before = this.#replica.compacted;
      this.#replica.noteCompacted(await backend.compact(through, COMPACT_PAGE, this.#closed.signal));
      if (this.#replica.compacted === before) return;
    }
  }

  async #every(intervalMs: number, work: () => Promise<void> | void): Promise<void> {
    const { signal } = this.#closed;
    while (!signal.aborted) {
      await this.#deps.clock.sleep(intervalMs, signal);
      try {
        await work();
      } catch (error) {
        if (!isFault(error)) throw error;
        this.#deps.log.warn('The store could not be looked after; trying again.', { fault: error.code, reason: error.message });
      }
    }
  }

  /** A loop that fails otherwise than by closing has broken a promise of the code: let the process stop. */
  #keep(loop: Promise<void>): void {
    loop.catch((error: unknown) => {
      if (!this.#closed.signal.aborted) throw error;
    });
  }
}
