/**
 * The door to the store of entities: what the director's API layer sees (`EntityStore`), and what a database must be able to do for it
 * (`StoreBackend`).
 *
 * The store knows bytes, keys, uids and revisions, and nothing about kinds. One counter row, locked by the writing transaction, gives
 * revisions without gaps in commit order (etcd's model; docs/decisions/0004-store.md). Each director keeps all entities in memory, at one
 * known revision, and answers from there.
 *
 * I1: within an era revisions are gap-free and in commit order; each belongs to exactly one write of one entity.
 * I2: a write is answered `ok` only when it is on disk; its answer, every cache and every watcher see the same bytes at the same revision.
 * I3: compare-and-swap is exact, also between writes of one batch and between directors.
 * I4: a subscription delivers every event after its revision, in order, once; or it ends and says why.
 * I5: a new era raises the revision above all that was served before, and ends every subscription.
 */

import type { JsonObject } from '../model/json.ts';

/** Where an entity lives. None of the parts holds `/` or a control character. `namespace` is '' when the resource is cluster scoped. */
export interface EntityKey {
  readonly group: string;
  readonly resource: string;
  readonly namespace: string;
  readonly name: string;
}

/** Which life of the store. A higher `number` is younger; same number with another `id` is a foreign store. */
export interface Era {
  readonly number: number;
  readonly id: string;
}

/** One state of one entity. Immutable; shared by all who read. */
export interface StoredEntity {
  readonly key: EntityKey;
  readonly uid: string;
  readonly revision: number;
  /** JSON as served: UTF-8, with `resourceVersion` spliced in as the first key of `metadata`. Never change it. */
  readonly bytes: Buffer;
  /** `metadata.labels`; parsed on first use and kept. */
  labels(): Readonly<Record<string, string>>;
  /** Parsed afresh at each call; the caller owns it. */
  object(): JsonObject;
}

/**
 * What a caller asks to be written, guarded by the uid and revision that it was decided on.
 * `body`: JSON without `resourceVersion` that begins `{"apiVersion":"…","kind":"…","metadata":{"` (see `spliceRevision`). The store keeps
 * it: the caller must not change it afterwards.
 */
export type Write =
  | { readonly op: 'create'; readonly key: EntityKey; readonly uid: string; readonly body: Buffer }
  | { readonly op: 'update'; readonly key: EntityKey; readonly uid: string; readonly ifRevision: number; readonly body: Buffer }
  | { readonly op: 'delete'; readonly key: EntityKey; readonly uid: string; readonly ifRevision: number };

/**
 * `exists`: the name is taken (create). `missing`: there is no such entity. `stale`: it is there, at another revision or with another uid.
 * The answer of a refused write is as fresh as that of an accepted one. `current` is what stood against it.
 */
export type WriteOutcome =
  | { readonly ok: true; /** After a deletion: the last state, bearing the deletion's revision. */ readonly entity: StoredEntity }
  | { readonly ok: false; readonly reason: 'exists' | 'stale'; readonly current: StoredEntity }
  | { readonly ok: false; readonly reason: 'missing' };

export type StoreEventType = 'ADDED' | 'MODIFIED' | 'DELETED';

export interface StoreEvent {
  readonly type: StoreEventType;
  /** The state after the write; for DELETED the last state, bearing the deletion's revision. */
  readonly entity: StoredEntity;
  /** The state before it; absent for ADDED. A watch with a selector needs it to see an entity leave. */
  readonly previous?: StoredEntity;
  /** The watch event as a line of JSON with its newline, `{"type":…,"object":…}\n`; made once, shared by all watchers. Never change it. */
  readonly line: Buffer;
}

/** What to be told about. Without `namespace` all of them; `name` only together with `namespace` ('' when cluster scoped). */
export interface WatchScope {
  readonly group: string;
  readonly resource: string;
  readonly namespace?: string;
  readonly name?: string;
}

/**
 * Why a subscription is over. `expired`: it fell behind what history still holds (410). `era`: the store began a new life (410).
 * `closed`: this store is shutting down (end the stream; the client resumes elsewhere).
 */
export type SubscriptionEnd = 'expired' | 'era' | 'closed';

/** Who is told. Called synchronously; it must not throw and must not call back into its subscription except `pause` and `close`. */
export interface EventSink {
  /** At most 256 events at once. The array is shared with others: read it, do not keep or change it. */
  events(batch: readonly StoreEvent[]): void;
  /** Called at most once, and nothing after it. Not called after `Subscription.close()`. */
  end(reason: SubscriptionEnd): void;
}

export interface Subscription {
  /**
   * Every event up to here that is in scope has been handed to the sink. It also moves when nothing in scope happened, so it is what a
   * bookmark may say.
   */
  revision(): number;
  /**
   * Stops delivery, without loss: the store keeps only the position, so a slow sink costs no memory. It ends as `expired` when history
   * (at least ten minutes) moves past the position.
   */
  pause(): void;
  resume(): void;
  close(): void;
}

/** What is left of a deleted entity. Never compacted. */
export interface Tombstone {
  readonly key: EntityKey;
  readonly uid: string;
  /** The revision of its deletion, and the era in which that happened. */
  readonly revision: number;
  readonly era: Era;
}

/**
 * What became of a caller's claim to have seen an era. `known`: not younger than ours. `opened`: it was, so a new one has begun here, above it.
 * `foreign`: our number with another id: obey nothing of it, report it. `implausible`: no honest store can have served that.
 */
export type EraSighting = 'known' | 'opened' | 'foreign' | 'implausible';

/**
 * All entities, one database behind them. Every method that takes a signal rejects with a `Fault`: `StoreUnavailable` or `StoreTimeout`
 * (nothing was written), `WriteOutcomeUnknown` (a write may have happened), `Overloaded` (the queue is full), `Aborted` (the signal did it, nothing was written).
 */
export interface EntityStore {
  era(): Era;
  /** The revision that this copy has reached. */
  revision(): number;
  /** True while this copy is loaded and the database has answered lately. */
  ready(): boolean;

  /** Concurrent writes are committed together, in the order of the calls, each with its own answer. */
  write(write: Write, signal: AbortSignal): Promise<WriteOutcome>;

  /**
   * Linearizable reads: resolves, with the revision of this copy, once that has reached a counter which was read by a query sent after
   * this call. Shared by all who wait. Read synchronously after it.
   */
  fresh(signal: AbortSignal): Promise<number>;
  /** Resolves once this copy has reached `revision` (reads "not older than"). `StoreTimeout` when it does not in time, also for a revision that does not exist yet. */
  atLeast(revision: number, signal: AbortSignal): Promise<number>;

  get(key: EntityKey): StoredEntity | undefined;
  /** A new array, sorted by namespace, then name (in code points). Without `namespace`: of all. Pass '' for a cluster scoped resource, or nothing. */
  list(group: string, resource: string, namespace?: string): StoredEntity[];
  /** How many `list` would give, without making it. */
  count(group: string, resource: string, namespace?: string): number;
  /**
   * As `list`, but as of `revision` (consistent pages): this copy rolled back. `expired` when history does not reach that far, or `revision` is of
   * an older era. Waits when `revision` is ahead of this copy.
   */
  listAt(
    group: string,
    resource: string,
    namespace: string | undefined,
    revision: number,
    signal: AbortSignal,
  ): Promise<StoredEntity[] | 'expired'>;

  /**
   * All events in scope with a revision above `fromRevision`, in order, without loss or repetition. What is already there is delivered
   * soon, in pieces, never from within this call; so `list`, then `subscribe(…, revision())` without awaiting between them, misses nothing.
   * A `fromRevision` ahead of this copy is waited for. `expired`: history does not reach that far back (410).
   */
  subscribe(scope: WatchScope, fromRevision: number, sink: EventSink): Subscription | 'expired';

  tombstone(uid: string, signal: AbortSignal): Promise<Tombstone | undefined>;
  /** In order of uid, from the first after `afterUid` ('' for the start), at most `limit` (≤ 1,000). */
  tombstones(afterUid: string, limit: number, signal: AbortSignal): Promise<Tombstone[]>;

  /** A caller says that it has seen `era` at `revision` (hello). Opens a new era when that is younger than ours. */
  observeEra(era: Era, revision: number, signal: AbortSignal): Promise<EraSighting>;

  /** Ends subscriptions (`closed`), refuses new writes, waits for those under way (3 s), lets the database go. */
  close(): Promise<void>;
}

// ---- what a database must be able to do -------------------------------------------------------------------------------------------

export interface StoreHead {
  readonly era: Era;
  /** The newest committed revision. */
  readonly revision: number;
  /** Every event with a revision above this is in history, with the state before it. */
  readonly compacted: number;
}

/** An entity as stored. */
export interface StoredRow {
  readonly key: EntityKey;
  readonly uid: string;
  readonly revision: number;
  readonly body: Buffer;
}

/** One write as history keeps it. */
export interface Change {
  readonly revision: number;
  readonly key: EntityKey;
  readonly uid: string;
  /** Revision of the state that this one replaced; undefined for a creation. */
  readonly previous: number | undefined;
  /** Undefined for a deletion. */
  readonly body: Buffer | undefined;
}

/** As read back: with the batch that wrote it. */
export interface HistoryChange extends Change {
  readonly batch: string;
}

/** As read back for a replay: with the body of the state that it replaced. */
export interface ReplayChange extends Change {
  readonly previousBody: Buffer | undefined;
}

/**
 * Writes that were decided on the state at `base`, with the revisions foreseen: `base + 1`, `base + 2`, … without a gap. All or nothing.
 * `id`: a UUID by which the batch is found again when the answer to its commit was lost.
 */
export interface ChangeBatch {
  readonly id: string;
  readonly era: Era;
  readonly base: number;
  readonly changes: readonly Change[];
}

/** The store while this director alone may write. */
export interface ExclusiveStore {
  readonly head: StoreHead;
  history(after: number): Promise<HistoryChange[]>;
  /** Committed when the work of `exclusive` resolves. Its base must be `head.revision`. */
  write(batch: ChangeBatch): Promise<void>;
}

export interface ResourceName {
  readonly group: string;
  readonly resource: string;
}

/** What an entity was at a revision; without `row` it was not there. */
export interface StateBefore {
  readonly key: EntityKey;
  readonly row?: StoredRow;
}

/** What a page of history answers, or that it is gone. */
export type ReplayPage = { readonly changes: ReplayChange[]; /** All up to here was looked at. */ readonly through: number } | 'expired';

/**
 * One database, as one director sees it. Failures are Faults: `StoreUnavailable` and `StoreTimeout` (nothing happened), `WriteOutcomeUnknown`
 * (a write may have happened), `StoreSchemaNewer`, `DiskFull`.
 */
export interface StoreBackend {
  /** Migrates, looks at the database's identity, opens a new era when it is another than the stored one. Call it first; again is harmless. */
  open(signal: AbortSignal): Promise<StoreHead>;
  /** The head, by a query sent after this call. */
  head(signal: AbortSignal): Promise<StoreHead>;
  /** `behind`: era and base were not the head's any more; nothing was written. */
  commit(batch: ChangeBatch, signal: AbortSignal): Promise<'committed' | 'behind'>;
  /** Holds the counter while `work` runs, so nobody else writes. Rolled back when `work` rejects. */
  exclusive<T>(work: (store: ExclusiveStore) => Promise<T>, signal: AbortSignal): Promise<T>;
  /** Every entity at one revision, in no order. */
  snapshot(onRow: (row: StoredRow) => void, signal: AbortSignal): Promise<StoreHead>;
  /** What came after `after`, oldest first, at most `limit` and at most about 8 MB. */
  history(after: number, limit: number, signal: AbortSignal): Promise<HistoryChange[]>;
  /** The changes in (after, through], oldest first, each with the state before it: of one resource or of all. At most `limit` and at most about 8 MB. */
  replay(of: ResourceName | undefined, after: number, through: number, limit: number, signal: AbortSignal): Promise<ReplayPage>;
  /** What each entity of one resource that changed in (after, through] was at `after`; undefined: it was not there. */
  before(of: ResourceName, after: number, through: number, signal: AbortSignal): Promise<StateBefore[] | 'expired'>;
  /** Someone may have committed up to this revision. Only a hint: it may be late, or missing. Returns how to stop it. */
  onHint(listener: (revision: number) => void): () => void;
  tombstone(uid: string, signal: AbortSignal): Promise<Tombstone | undefined>;
  tombstones(afterUid: string, limit: number, signal: AbortSignal): Promise<Tombstone[]>;
  /** Forgets superseded states up to `through`, at most `limit` revisions; returns how far history is now gone. Tombstones stay. */
  compact(through: number, limit: number, signal: AbortSignal): Promise<number>;
  /** Opens an era above `seen`, with a revision above `revision`, unless one has been opened meanwhile. */
  openEra(seen: Era, revision: number, signal: AbortSignal): Promise<StoreHead>;
  close(): Promise<void>;
}
