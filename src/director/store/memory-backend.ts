/**
 * The store's backend in memory: the same promises as PostgreSQL, without a disk. For tests and the simulator.
 *
 * Several backends may share one `MemoryDatabase`, as several directors share one database. The contract tests run the same file against this and
 * against PostgreSQL.
 *
 * I1: a commit is atomic and fenced by era and base, as the SQL statement is.
 * I2: it forgets only what its `close` gives up; the database outlives its backends.
 */

import { assert, present } from '../../base/assert.ts';
import { Fault } from '../../model/fault.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Random } from '../../ports/random.ts';
import type {
  ChangeBatch,
  EntityKey,
  Era,
  ExclusiveStore,
  HistoryChange,
  ReplayChange,
  ResourceName,
  StateBefore,
  StoreBackend,
  StoredRow,
  StoreHead,
  Tombstone,
} from '../../ports/store.ts';
import { eraStart } from './era.ts';
import { keyText } from './key.ts';

interface OpenedEra {
  readonly era: Era;
  /** Its revisions are above this. */
  readonly since: number;
}

/** What a disk would hold. */
export interface MemoryDatabase {
  eras: OpenedEra[];
  revision: number;
  compacted: number;
  /** Revision of each entity's state. */
  readonly entities: Map<string, number>;
  /** In order of revision. A deletion stays as a tombstone. */
  history: HistoryChange[];
  readonly listeners: Set<(revision: number) => void>;
  /** Whoever writes waits for the one before. */
  lock: Promise<void>;
}

export interface MemoryBackendOptions {
  readonly database: MemoryDatabase;
  readonly clock: Clock;
  readonly random: Random;
  /** False: no hints, as when NOTIFY is lost. */
  readonly hints?: boolean;
}

export function newMemoryDatabase(): MemoryDatabase {
  return { eras: [], revision: 0, compacted: 0, entities: new Map(), history: [], listeners: new Set(), lock: Promise.resolve() };
}

export function memoryBackend(options: MemoryBackendOptions): StoreBackend {
  const { database, clock, random } = options;
  const hints = new Set<(revision: number) => void>();
  const onCommit = (revision: number): void => hints.forEach((listener) => listener(revision));
  if (options.hints !== false) database.listeners.add(onCommit);
  const head = (): StoreHead => headOf(database);
  const begin = (number: number, revision: number): StoreHead => {
    beginEra(database, number, random.uuid(), eraStart(Math.max(database.revision, revision), clock.nowMs()));
    return head();
  };
  return {
    open: async () => await locked(database, async () => (database.eras.length > 0 ? head() : begin(1, 0))),
    head: async () => head(),
    commit: async (batch) => await locked(database, async () => (isNext(batch, head()) ? commit(database, batch) : 'behind')),
    exclusive: async (work) => await locked(database, async () => await exclusive(database, work)),
    snapshot: async (onRow) => {
      for (const revision of database.entities.values()) onRow(stateAt(database, revision));
      return head();
    },
    history: async (after, limit) => page(database.history, after, Infinity, limit),
    replay: async (of, after, through, limit) => replay(database, of, after, through, limit),
    before: async (of, after, through) => before(database, of, after, through),
    onHint: (listener) => {
      hints.add(listener);
      return () => void hints.delete(listener);
    },
    tombstone: async (uid) => tombstonesOf(database).find((tombstone) => tombstone.uid === uid),
    tombstones: async (afterUid, limit) =>
      tombstonesOf(database)
        .filter((tombstone) => tombstone.uid > afterUid)
        .slice(0, limit),
    compact: async (through, limit) => compact(database, through, limit),
    openEra: async (seen, revision) =>
      await locked(database, async () =>
        isAbove(seen, revision, head()) ? begin(Math.max(seen.number, head().era.number) + 1, revision) : head(),
      ),
    close: async () => {
      database.listeners.delete(onCommit);
      hints.clear();
    },
  };
}

function headOf(database: MemoryDatabase): StoreHead {
  const current = database.eras.at(-1);
  if (current === undefined) throw new Fault('StoreUnavailable', 'The store in memory was not opened.');
  return { era: current.era, revision: database.revision, compacted: database.compacted };
}

function isAbove(seen: Era, revision: number, head: StoreHead): boolean {
  return seen.number > head.era.number || (seen.number === head.era.number && seen.id === head.era.id && revision > head.revision);
}

function isNext(batch: ChangeBatch, head: StoreHead): boolean {
  return batch.era.id === head.era.id && batch.era.number === head.era.number && batch.base === head.revision;
}

function beginEra(database: MemoryDatabase, number: number, id: string, since: number): void {
  database.eras.push({ era: { number, id }, since });
  database.revision = since;
  database.compacted = since;
}

async function exclusive<T>(database: MemoryDatabase, work: (store: ExclusiveStore) => Promise<T>): Promise<T> {
  const batches: ChangeBatch[] = [];
  const result = await work({
    head: headOf(database),
    history: async (after) => page(database.history, after, Infinity, 1000),
    write: async (batch) => void batches.push(batch),
  });
  for (const batch of batches) {
    assert(isNext(batch, headOf(database)), 'what is written under the lock follows the head');
    commit(database, batch);
  }
  return result;
}

async function locked<T>(database: MemoryDatabase, work: () => Promise<T>): Promise<T> {
  const turn = database.lock;
  let release: () => void = () => undefined;
  database.lock = new Promise((resolve) => {
    release = resolve;
  });
  await turn;
  try {
    return await work();
  } finally {
    release();
  }
}

function commit(database: MemoryDatabase, batch: ChangeBatch): 'committed' {
  batch.changes.forEach((change, i) => {
    const text = keyText(change.key);
    assert(change.revision === batch.base + i + 1, 'a batch has the revisions that follow its base');
    assert(database.entities.get(text) === change.previous, 'a change replaces the state that is there');
    if (change.body === undefined) database.entities.delete(text);
    else database.entities.set(text, change.revision);
    database.history.push({ ...change, batch: batch.id });
  });
  database.revision = batch.base + batch.changes.length;
  for (const listener of database.listeners) queueMicrotask(() => listener(database.revision));
  return 'committed';
}

function indexAbove(history: readonly HistoryChange[], after: number): number {
  let low = 0;
  let high = history.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (present(history[middle], 'a row of history').revision <= after) low = middle + 1;
    else high = middle;
  }
  return low;
}

function page(history: readonly HistoryChange[], after: number, through: number, limit: number): HistoryChange[] {
  const start = indexAbove(history, after);
  return history.slice(start, Math.min(start + limit, indexAbove(history, through)));
}

function isOf(key: EntityKey, of: ResourceName | undefined): boolean {
  return of === undefined || (key.group === of.group && key.resource === of.resource);
}

function rowAt(database: MemoryDatabase, revision: number): HistoryChange | undefined {
  const row = database.history[indexAbove(database.history, revision - 1)];
  return row?.revision === revision ? row : undefined;
}

function stateAt(database: MemoryDatabase, revision: number): StoredRow {
  const { key, uid, body } = present(rowAt(database, revision), `the state at revision ${revision}`);
  return { key, uid, revision, body: present(body, `the body at revision ${revision}`) };
}

function replay(
  database: MemoryDatabase,
  of: ResourceName | undefined,
  after: number,
  through: number,
  limit: number,
): { changes: ReplayChange[]; through: number } | 'expired' {
  if (after < database.compacted) return 'expired';
  const rows = page(database.history, after, through, Infinity).filter((row) => isOf(row.key, of));
  const changes = rows.slice(0, limit).map((row): ReplayChange => {
    const previous = row.previous === undefined ? undefined : rowAt(database, row.previous);
    return { ...row, previousBody: previous?.body };
  });
  return { changes, through: rows.length > limit ? present(changes.at(-1), 'a page that is cut has a row').revision : through };
}

function before(database: MemoryDatabase, of: ResourceName, after: number, through: number): StateBefore[] | 'expired' {
  if (after < database.compacted) return 'expired';
  const first = new Map<string, StateBefore>();
  for (const row of page(database.history, after, through, Infinity)) {
    const text = keyText(row.key);
    if (!isOf(row.key, of) || first.has(text)) continue;
    first.set(text, row.previous === undefined ? { key: row.key } : { key: row.key, row: stateAt(database, row.previous) });
  }
  return Array.from(first.values());
}

function tombstonesOf(database: MemoryDatabase): Tombstone[] {
  const eraAt = (revision: number): Era =>
    present(
      database.eras.findLast(({ since }) => since < revision),
      'the era of a revision',
    ).era;
  return database.history
    .filter((row) => row.body === undefined)
    .map(({ key, uid, revision }) => ({ key, uid, revision, era: eraAt(revision) }))
    .sort((a, b) => (a.uid < b.uid ? -1 : 1));
}

function compact(database: MemoryDatabase, through: number, limit: number): number {
  const to = Math.min(through, database.compacted + limit, database.revision);
  if (to <= database.compacted) return database.compacted;
  const superseded = new Set(page(database.history, database.compacted, to, Infinity).map((row) => row.previous));
  database.history = database.history.filter((row) => row.body === undefined || !superseded.has(row.revision));
  database.compacted = to;
  return to;
}
