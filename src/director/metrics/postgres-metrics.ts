/**
 * Samples in PostgreSQL (src/ports/metric-store.ts), beside the entities and apart from them: sessions of their own, one that writes and one that reads.
 *
 * In peace a shipment is one statement: the numbers of a cluster's series are remembered. They belong to the session that they were read on, because
 * behind another one there may be another database (restored, promoted) in which they mean other series.
 *
 * I1: a sample is known by (cluster uid, series, time); writing it again changes nothing.
 * I2: writes wait in one bounded queue; beyond it whoever ships is told to wait.
 * I3: a series stays known for longer than any sample of it: it is marked as used at least once a day, and forgotten a day after the retention.
 */

import { LIMITS } from '../../model/limits.ts';
import { Fault } from '../../model/fault.ts';
import type { MetricType, Round } from '../../model/metric.ts';
import type { MetricCurve, MetricQuery, MetricStore, NewestSample } from '../../ports/metric-store.ts';
import type { SqlRow, SqlSession } from '../../ports/sql.ts';
import { int8Array, textArray } from '../store/postgres-arrays.ts';
import { firstRow, makeSlot, rowsOf } from '../store/postgres-sessions.ts';
import type { PostgresDeps } from '../store/postgres-sessions.ts';
import { seriesNameOf } from './series-name.ts';
import * as sql from './metric-statements.ts';

interface KnownSeries {
  readonly id: number;
  usedMs: number;
}

/** Of one cluster, by text. */
type SeriesBook = Map<string, KnownSeries>;

interface Books {
  /** What the books were read on. */
  session: SqlSession | undefined;
  /** By cluster, the one asked for last at the end. */
  readonly byCluster: Map<string, SeriesBook>;
}

const DAY_MS = 24 * 3600 * 1000;
type Kept = Awaited<ReturnType<MetricStore['write']>>;

export function postgresMetrics(deps: PostgresDeps): MetricStore {
  const writer = makeSlot(deps, 'samples', sql.SAMPLES_SETTINGS);
  const reader = makeSlot(deps, 'samples-reader', sql.SAMPLES_READER_SETTINGS);
  const books: Books = { session: undefined, byCluster: new Map() };
  let waiting = 0;
  let turn: Promise<unknown> = Promise.resolve();
  const inTurn = async <T>(work: () => Promise<T>): Promise<T> => {
    if (waiting >= LIMITS.metricWritesWaiting)
      throw new Fault('Overloaded', 'Too many sites ship samples at this moment; this one is to try again in a few seconds.');
    waiting++;
    const mine = turn.then(work, work);
    turn = mine.catch(() => undefined);
    return await mine.finally(() => waiting--);
  };
  return {
    write: (clusterUid, rounds, signal) =>
      inTurn(async () => await write(await writer.get(signal), books, { clusterUid, rounds, nowMs: deps.clock.nowMs() })),
    newest: async (clusterUids, afterMs, throughMs, maxSamples, signal) => {
      const values = [textArray(clusterUids), afterMs, throughMs, maxSamples + 1];
      const rows = rowsOf(await (await reader.get(signal)).run(sql.NEWEST, values, LIMITS.bulkStatementMs));
      return rows.length > maxSamples ? 'too-many' : rows.map(newestOf);
    },
    range: async (query, maxSeries, signal) => await range(await reader.get(signal), query, maxSeries),
    sweep: (beforeMs, maxRows, signal) =>
      inTurn(async () => {
        const session = await writer.get(signal);
        const gone = Number(firstRow(await session.run(sql.SWEEP_ROUNDS, [beforeMs, maxRows], LIMITS.bulkStatementMs))[0]);
        rowsOf(await session.run(sql.SWEEP_SERIES, [beforeMs - DAY_MS, maxRows], LIMITS.bulkStatementMs));
        return gone;
      }),
    close: () => [writer, reader].forEach((slot) => slot.close()),
  };
}

interface Batch {
  readonly clusterUid: string;
  readonly rounds: readonly Round[];
  readonly nowMs: number;
}

async function write(session: SqlSession, books: Books, batch: Batch): Promise<Kept> {
  const book = bookOf(session, books, batch.clusterUid);
  await learnSeries(session, book, batch);
  const byTime = new Map<number, Map<number, number>>();
  let [kept, dropped] = [0, 0];
  for (const { atMs, samples } of batch.rounds) {
    const row = byTime.get(atMs) ?? new Map<number, number>();
    byTime.set(atMs, row);
    for (const { series, value } of samples) {
      const known = book.get(series);
      if (known === undefined) dropped++;
      else if (!row.has(known.id)) row.set(known.id, value);
      if (known !== undefined) kept++;
    }
  }
  const rows = [...byTime].filter(([, row]) => row.size > 0);
  if (rows.length > 0) {
    const values = [
      batch.clusterUid,
      int8Array(rows.map(([atMs]) => atMs)),
      textArray(rows.map(([, row]) => `{${[...row.keys()].join(',')}}`)),
      textArray(rows.map(([, row]) => `{${[...row.values()].join(',')}}`)),
    ];
    rowsOf(await session.run(sql.KEEP_ROUNDS, values, LIMITS.statementMs));
  }
  if (dropped === 0) return { kept, dropped };
  const message = `This cluster has ${LIMITS.metricSeriesPerCluster} series already; samples of further ones are not kept. See which target makes so many.`;
  return { kept, dropped, message };
}

/** The book of a cluster, for this very session. */
function bookOf(session: SqlSession, books: Books, clusterUid: string): SeriesBook {
  if (books.session !== session) {
    books.session = session;
    books.byCluster.clear();
  }
  const book = books.byCluster.get(clusterUid) ?? new Map<string, KnownSeries>();
  books.byCluster.delete(clusterUid);
  books.byCluster.set(clusterUid, book);
  const [eldest] = books.byCluster.keys();
  if (books.byCluster.size > LIMITS.metricClustersRemembered && eldest !== undefined) books.byCluster.delete(eldest);
  return book;
}

/** Reads or makes the numbers of those series that are not known, or were not marked as used for a day. */
async function learnSeries(session: SqlSession, book: SeriesBook, { clusterUid, rounds, nowMs }: Batch): Promise<void> {
  const asked = new Map<string, MetricType>();
  for (const { samples } of rounds)
    for (const { series, type } of samples) {
      const known = book.get(series);
      if (known === undefined || nowMs - known.usedMs > DAY_MS) asked.set(series, type);
    }
  if (asked.size === 0) return;
  const texts = [...asked.keys()];
  const values = [
    clusterUid,
    textArray(texts),
    textArray(texts.map(seriesNameOf)),
    textArray([...asked.values()]),
    nowMs,
    LIMITS.metricSeriesPerCluster,
  ];
  for (const text of texts) book.delete(text);
  for (const [id, series] of rowsOf(await session.run(sql.KEEP_SERIES, values, LIMITS.statementMs)))
    book.set(series ?? '', { id: Number(id), usedMs: nowMs });
}

function newestOf([clusterUid, atMs, series, type, value]: SqlRow): NewestSample {
  return { clusterUid: clusterUid ?? '', atMs: Number(atMs), series: series ?? '', type: type as MetricType, value: Number(value) };
}

async function range(session: SqlSession, query: MetricQuery, maxSeries: number): Promise<readonly MetricCurve[] | 'too-many'> {
  const { clusterUid, name, startMs, endMs, stepMs, lookbackMs } = query;
  const named = rowsOf(await session.run(sql.SERIES_NAMED, [clusterUid, name, maxSeries + 1], LIMITS.statementMs));
  if (named.length > maxSeries) return 'too-many';
  if (named.length === 0) return [];
  const ids = `{${named.map(([id]) => id).join(',')}}`;
  const points: [number, number][][] = named.map(() => []);
  const values = [clusterUid, ids, startMs, endMs, stepMs, lookbackMs];
  for (const [at, texts] of rowsOf(await session.run(sql.RANGE, values, LIMITS.bulkStatementMs))) {
    const row = (texts ?? '{}').slice(1, -1).split(',');
    for (const [index, text] of row.entries()) if (text !== 'NULL') points[index]?.push([Number(at), Number(text)]);
  }
  return named
    .map(([, series], index) => ({ series: series ?? '', points: points[index] ?? [] }))
    .filter((curve) => curve.points.length > 0);
}
