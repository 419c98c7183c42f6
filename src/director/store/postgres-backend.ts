/**
 * The store's backend over PostgreSQL.
 *
 * Three sessions a director: the lane writes and follows, the reader looks at the counter and hears NOTIFY, bulk reads much (the snapshot, resuming watches, old
 * pages) without making either wait.
 *
 * I1: a commit is one statement: all of it or nothing, fenced by era and base.
 * I2: what is said to be unknown may have happened; what is said to have failed otherwise has not, and never will.
 */

import { assert } from '../../base/assert.ts';
import { LIMITS } from '../../model/limits.ts';
import type { ChangeBatch, Era, ExclusiveStore, ResourceName, StoreBackend, StoreHead } from '../../ports/store.ts';
import type { SqlSession, SqlStatement, SqlValue } from '../../ports/sql.ts';
import { ALL_KEYS, keyText, resourceRange } from './key.ts';
import { byteaArray, int8Array, textArray } from './postgres-arrays.ts';
import { beforeRow, headOf, historyRow, replayRow, snapshotRow, tombstoneRow } from './postgres-rows.ts';
import { beginEra, faultOf, firstRow, makeSlot, rowsOf, transaction, unknownOutcome } from './postgres-sessions.ts';
import type { PostgresDeps, Run, Slot } from './postgres-sessions.ts';
import * as sql from './postgres-statements.ts';
import { FOLLOW_PAGE } from './tuning.ts';

/** Most bytes of bodies in one page of history. */
const PAGE_BYTES = 8 * 1024 * 1024;
/** Most revisions that one page of a replay looks through, so that a rare resource in a busy store does not hold the session for long. */
const REPLAY_SPAN = 20_000;

export function postgresBackend(deps: PostgresDeps): StoreBackend {
  const hints = new Set<(revision: number) => void>();
  const onHint = (revision: number): void => hints.forEach((listener) => listener(revision));
  const lane = makeSlot(deps, 'lane', sql.WRITER_SETTINGS);
  const reader = makeSlot(deps, 'reader', sql.READER_SETTINGS, onHint);
  const bulk = makeSlot(deps, 'bulk', sql.BULK_SETTINGS);
  return {
    open: async (signal) => await readHead(await lane.get(signal)),
    head: async (signal) => await readHead(await reader.get(signal)),
    commit: async (batch, signal) => await commit(await lane.get(signal), batch),
    exclusive: async (work, signal) => await exclusive(await lane.get(signal), work),
    snapshot: async (onRow, signal) => await snapshot(await bulk.get(signal), (row) => onRow(snapshotRow(row))),
    history: async (after, limit, signal) => (await all(await lane.get(signal), sql.HISTORY, [after, limit, PAGE_BYTES])).map(historyRow),
    replay: async (of, after, through, limit, signal) => await replay(await bulk.get(signal), of, { after, through, limit }),
    before: async (of, after, through, signal) => await before(await bulk.get(signal), of, { after, through }),
    onHint: (listener) => {
      hints.add(listener);
      return () => void hints.delete(listener);
    },
    tombstone: async (uid, signal) => (await all(await bulk.get(signal), sql.TOMBSTONE, [uid])).map(tombstoneRow)[0],
    tombstones: async (afterUid, limit, signal) => (await all(await bulk.get(signal), sql.TOMBSTONES, [afterUid, limit])).map(tombstoneRow),
    compact: async (through, limit, signal) => {
      const answer = await (await bulk.get(signal)).run(sql.COMPACT, [through, limit], LIMITS.bulkStatementMs);
      return Number(firstRow(answer)[0]);
    },
    openEra: async (seen, revision, signal) => await openEra(deps, await lane.get(signal), seen, revision),
    close: async () => [lane, reader, bulk].forEach((slot: Slot) => slot.close()),
  };
}

async function all(session: SqlSession, statement: SqlStatement, values: readonly SqlValue[]): Promise<(readonly (string | null)[])[]> {
  return [...rowsOf(await session.run(statement, values, LIMITS.bulkStatementMs))];
}

async function readHead(session: SqlSession): Promise<StoreHead> {
  return headOf(firstRow(await session.run(sql.HEAD, [], LIMITS.statementMs)));
}

async function commit(session: SqlSession, batch: ChangeBatch): Promise<'committed' | 'behind'> {
  const answer = await session.run(sql.COMMIT, commitValues(batch), LIMITS.statementMs);
  if (!answer.ok) throw answer.failure === 'lost' ? unknownOutcome(answer) : faultOf(answer);
  return firstRow(answer)[0] === '1' ? 'committed' : 'behind';
}

function commitValues(batch: ChangeBatch): SqlValue[] {
  const { changes, base, era } = batch;
  return [
    base,
    base + changes.length,
    batch.id,
    era.number,
    era.id,
    int8Array(changes.map((change) => change.previous)),
    textArray(changes.map((change) => change.uid)),
    textArray(changes.map((change) => keyText(change.key))),
    int8Array(changes.map((change) => (change.body === undefined ? 1 : undefined))),
    byteaArray(changes.map((change) => change.body)),
  ];
}

async function exclusive<T>(session: SqlSession, work: (store: ExclusiveStore) => Promise<T>): Promise<T> {
  return await transaction(session, async (run) => {
    const [row] = await run(sql.LOCK_HEAD);
    assert(row !== undefined, 'the counter has its row');
    const store: ExclusiveStore = {
      head: headOf(row),
      history: async (after) => (await run(sql.HISTORY, [after, FOLLOW_PAGE, PAGE_BYTES])).map(historyRow),
      write: async (batch) => {
        const [written] = await run(sql.COMMIT, commitValues(batch));
        assert(written?.[0] === '1', 'what is written under the lock follows the head');
      },
    };
    return await work(store);
  });
}

async function snapshot(session: SqlSession, onRow: (row: readonly (string | null)[]) => void): Promise<StoreHead> {
  const begin = 'BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY';
  return await transaction(
    session,
    async (run) => {
      const [row] = await run(sql.HEAD);
      assert(row !== undefined, 'the counter has its row');
      rowsOf(await session.each(sql.SNAPSHOT, [], LIMITS.bulkStatementMs, onRow));
      return headOf(row);
    },
    begin,
  );
}

interface Span {
  readonly after: number;
  readonly through: number;
}

async function replay(
  session: SqlSession,
  of: ResourceName | undefined,
  span: Span & { readonly limit: number },
): ReturnType<StoreBackend['replay']> {
  const { after, limit } = span;
  const through = Math.min(span.through, after + REPLAY_SPAN);
  const { from, to } = rangeOf(of);
  const changes = (await all(session, sql.REPLAY, [after, through, from, to, limit, PAGE_BYTES])).map(replayRow);
  if (await isCompacted(session, after)) return 'expired';
  // A short page may have been cut for its bytes; then the next one begins where it ended.
  const last = changes.at(-1);
  return { changes, through: last === undefined ? through : changes.length < limit && !isHeavy(changes) ? through : last.revision };
}

/** May the page have been cut for its bytes? */
function isHeavy(changes: readonly { readonly body: Buffer | undefined }[]): boolean {
  return changes.reduce((sum, { body }) => sum + (body?.length ?? 0), 0) >= PAGE_BYTES;
}

async function before(session: SqlSession, of: ResourceName, span: Span): ReturnType<StoreBackend['before']> {
  const { from, to } = rangeOf(of);
  const states = (await all(session, sql.BEFORE, [span.after, span.through, from, to])).map(beforeRow);
  return (await isCompacted(session, span.after)) ? 'expired' : states;
}

/** Asked after reading: as compaction only moves forward, what it has not reached now it had not reached then. */
async function isCompacted(session: SqlSession, after: number): Promise<boolean> {
  return Number(firstRow(await session.run(sql.COMPACTED, [], LIMITS.statementMs))[0]) > after;
}

function rangeOf(of: ResourceName | undefined): { readonly from: string; readonly to: string } {
  return of === undefined ? ALL_KEYS : resourceRange(of.group, of.resource);
}

async function openEra(deps: PostgresDeps, session: SqlSession, seen: Era, revision: number): Promise<StoreHead> {
  return await transaction(session, async (run: Run) => {
    const [row] = await run(sql.LOCK_HEAD);
    assert(row !== undefined, 'the counter has its row');
    const head = headOf(row);
    const ahead = seen.number === head.era.number && seen.id === head.era.id && revision > head.revision;
    if (seen.number <= head.era.number && !ahead) return head;
    const above = Math.max(revision, head.revision);
    await beginEra(deps, run, { number: seen.number + 1, above, reason: `a caller has seen era ${seen.number} at ${revision}` });
    const [opened] = await run(sql.HEAD);
    assert(opened !== undefined, 'the counter has its row');
    return headOf(opened);
  });
}
