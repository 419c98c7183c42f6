/**
 * Secrets are sealed on their way into the database and opened on their way out of it; nobody above knows.
 *
 * The whole body is sealed, bound to the entity's key. So neither a dump of the database, nor its history, nor a backup shows a Secret, and
 * a sealed body that was copied onto another name does not open.
 *
 * I1: no body of a Secret reaches the backend in the clear.
 * I2: what comes out is byte for byte what went in.
 * I3: a body that does not open is a Fault SealBroken, never plain bytes, never a body that is left out in silence.
 */

import type {
  Change,
  ChangeBatch,
  EntityKey,
  ExclusiveStore,
  HistoryChange,
  ReplayChange,
  StoreBackend,
  StoredRow,
} from '../../ports/store.ts';
import type { Sealer } from '../../ports/sealer.ts';

export function sealedBackend(backend: StoreBackend, sealer: Sealer): StoreBackend {
  return {
    open: (signal) => backend.open(signal),
    head: (signal) => backend.head(signal),
    commit: (batch, signal) => backend.commit(sealBatch(sealer, batch), signal),
    exclusive: (work, signal) => backend.exclusive((store) => work(sealedExclusive(store, sealer)), signal),
    snapshot: (onRow, signal) => backend.snapshot((row) => onRow(openRow(sealer, row)), signal),
    history: async (after, limit, signal) => (await backend.history(after, limit, signal)).map((change) => openChange(sealer, change)),
    replay: async (of, after, through, limit, signal) => {
      const page = await backend.replay(of, after, through, limit, signal);
      return page === 'expired' ? page : { ...page, changes: page.changes.map((change) => openReplay(sealer, change)) };
    },
    before: async (of, after, through, signal) => {
      const states = await backend.before(of, after, through, signal);
      if (states === 'expired' || !isSealed(of)) return states;
      return states.map((state) => (state.row === undefined ? state : { ...state, row: openRow(sealer, state.row) }));
    },
    onHint: (listener) => backend.onHint(listener),
    tombstone: (uid, signal) => backend.tombstone(uid, signal),
    tombstones: (afterUid, limit, signal) => backend.tombstones(afterUid, limit, signal),
    compact: (through, limit, signal) => backend.compact(through, limit, signal),
    openEra: (seen, revision, signal) => backend.openEra(seen, revision, signal),
    close: () => backend.close(),
  };
}

function sealedExclusive(store: ExclusiveStore, sealer: Sealer): ExclusiveStore {
  return {
    get head() {
      return store.head;
    },
    history: async (after) => (await store.history(after)).map((change) => openChange(sealer, change)),
    write: (batch) => store.write(sealBatch(sealer, batch)),
  };
}

function isSealed(key: Pick<EntityKey, 'group' | 'resource'>): boolean {
  return key.resource === 'secrets' && key.group === '';
}

/** What the seal is bound to; also how a broken one is called. */
function contextOf(key: EntityKey): string {
  return `secrets/${key.namespace}/${key.name}`;
}

/** Most batches hold no Secret and pass as they are. */
function sealBatch(sealer: Sealer, batch: ChangeBatch): ChangeBatch {
  if (!batch.changes.some((change) => isSealed(change.key))) return batch;
  return { ...batch, changes: batch.changes.map((change) => sealChange(sealer, change)) };
}

function sealChange(sealer: Sealer, change: Change): Change {
  if (change.body === undefined || !isSealed(change.key)) return change;
  return { ...change, body: sealer.seal(change.body, contextOf(change.key)) };
}

function openChange(sealer: Sealer, change: HistoryChange): HistoryChange {
  if (change.body === undefined || !isSealed(change.key)) return change;
  return { ...change, body: sealer.open(change.body, contextOf(change.key)) };
}

function openReplay(sealer: Sealer, change: ReplayChange): ReplayChange {
  if (!isSealed(change.key)) return change;
  const open = (body: Buffer | undefined): Buffer | undefined =>
    body === undefined ? undefined : sealer.open(body, contextOf(change.key));
  return { ...change, body: open(change.body), previousBody: open(change.previousBody) };
}

function openRow(sealer: Sealer, row: StoredRow): StoredRow {
  return isSealed(row.key) ? { ...row, body: sealer.open(row.body, contextOf(row.key)) } : row;
}
