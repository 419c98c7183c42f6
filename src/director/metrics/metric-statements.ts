/**
 * The SQL of samples (tables: src/director/store/postgres-schema.ts).
 *
 * A round is one row: two arrays, series and values. A round that comes again adds what it brought besides, and nothing else, so that what counts is
 * (cluster uid, series, time), however a site cuts its shipments.
 */

import type { SqlStatement } from '../../ports/sql.ts';

export const SAMPLES_SETTINGS = `SET jit = off; SET lock_timeout = '3s'; SET idle_in_transaction_session_timeout = '3s'`;
export const SAMPLES_READER_SETTINGS = `SET jit = off; SET default_transaction_read_only = on; SET work_mem = '16MB'`;

/** $1 cluster, $2 series, $3 names, $4 types, $5 used at, $6 most series of a cluster. Gives id and text of those that are kept; in one order, against deadlocks. */
export const KEEP_SERIES: SqlStatement = {
  name: 'samples_keep_series',
  text: `WITH asked AS (SELECT * FROM unnest($2::text[], $3::text[], $4::text[]) AS a(series, name, type)),
known AS (SELECT series FROM outrigger.metric_series WHERE cluster_uid = $1::text AND series = ANY ($2::text[])),
fresh AS (SELECT a.series, row_number() OVER (ORDER BY a.series) AS place FROM asked a WHERE NOT EXISTS (SELECT FROM known k WHERE k.series = a.series)),
room AS (SELECT $6::int8 - count(*) AS places FROM outrigger.metric_series WHERE cluster_uid = $1::text)
INSERT INTO outrigger.metric_series AS s (cluster_uid, series, name, type, used_ms)
SELECT $1::text, a.series, a.name, a.type, $5::int8 FROM asked a
WHERE a.series IN (SELECT series FROM known) OR a.series IN (SELECT f.series FROM fresh f, room r WHERE f.place <= r.places)
ORDER BY a.series
ON CONFLICT (cluster_uid, series) DO UPDATE SET used_ms = greatest(s.used_ms, excluded.used_ms)
RETURNING s.id, s.series`,
};

/** $1 cluster, $2 times (each once), $3 series and $4 values of each as texts of arrays. */
export const KEEP_ROUNDS: SqlStatement = {
  name: 'samples_keep_rounds',
  text: `INSERT INTO outrigger.metric_rounds AS old (cluster_uid, at_ms, series, samples)
SELECT $1::text, r.at_ms, r.series::int4[], r.samples::float8[] FROM unnest($2::int8[], $3::text[], $4::text[]) AS r(at_ms, series, samples)
ORDER BY r.at_ms
ON CONFLICT (cluster_uid, at_ms) DO UPDATE SET (series, samples) = (
  SELECT array_agg(b.id), array_agg(b.value) FROM (
    SELECT * FROM unnest(old.series, old.samples) AS o(id, value)
    UNION ALL SELECT * FROM unnest(excluded.series, excluded.samples) AS n(id, value) WHERE NOT n.id = ANY (old.series)) AS b)
WHERE NOT excluded.series <@ old.series`,
};

/** $1 clusters, $2 after, $3 through, $4 most rows. */
export const NEWEST: SqlStatement = {
  name: 'samples_newest',
  text: `SELECT r.cluster_uid, r.at_ms, s.series, s.type, x.value FROM unnest($1::text[]) AS c(uid)
CROSS JOIN LATERAL (SELECT * FROM outrigger.metric_rounds m WHERE m.cluster_uid = c.uid AND m.at_ms > $2::int8 AND m.at_ms <= $3::int8
  ORDER BY m.at_ms DESC LIMIT 1) AS r
CROSS JOIN LATERAL unnest(r.series, r.samples) AS x(id, value)
JOIN outrigger.metric_series s ON s.id = x.id LIMIT $4::int8`,
};

/** $1 cluster, $2 name, $3 most rows. */
export const SERIES_NAMED: SqlStatement = {
  name: 'samples_series_named',
  text: `SELECT id, series FROM outrigger.metric_series WHERE cluster_uid = $1::text AND name = $2::text ORDER BY series LIMIT $3::int8`,
};

/** $1 cluster, $2 ids, $3 start, $4 end, $5 step, $6 lookback. Each step with the values of $2 in their order, as the text of an array. */
export const RANGE: SqlStatement = {
  name: 'samples_range',
  text: `SELECT g.at_ms, (SELECT array_agg(r.samples[array_position(r.series, u.id)] ORDER BY u.place)
    FROM unnest($2::int4[]) WITH ORDINALITY AS u(id, place))::text
FROM generate_series($3::int8, $4::int8, $5::int8) AS g(at_ms)
CROSS JOIN LATERAL (SELECT m.series, m.samples FROM outrigger.metric_rounds m
  WHERE m.cluster_uid = $1::text AND m.at_ms <= g.at_ms AND m.at_ms > g.at_ms - $6::int8 ORDER BY m.at_ms DESC LIMIT 1) AS r`,
};

/** $1 before, $2 most rows. */
export const SWEEP_ROUNDS: SqlStatement = {
  name: 'samples_sweep_rounds',
  text: `WITH old AS (SELECT cluster_uid, at_ms FROM outrigger.metric_rounds WHERE at_ms < $1::int8 LIMIT $2::int8),
gone AS (DELETE FROM outrigger.metric_rounds m USING old WHERE m.cluster_uid = old.cluster_uid AND m.at_ms = old.at_ms RETURNING 1)
SELECT count(*) FROM gone`,
};

export const SWEEP_SERIES: SqlStatement = {
  name: 'samples_sweep_series',
  text: `DELETE FROM outrigger.metric_series WHERE id IN (SELECT id FROM outrigger.metric_series WHERE used_ms < $1::int8 LIMIT $2::int8)`,
};
