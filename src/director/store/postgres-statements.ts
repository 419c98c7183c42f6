/**
 * The SQL of the store.
 *
 * The commit is one statement: the counter's row is locked and moved only if era and revision are still those that the batch was planned on (the fence); everything
 * else hangs on that row having come back. Statements of one transaction see the lock's winner, because whoever held it before has ended.
 */

import type { SqlStatement } from '../../ports/sql.ts';

export const HINT_CHANNEL = 'outrigger_store';

/** A body as text: JSON as it is; what is not JSON (sealed Secrets) in hex. `pg` decodes everything as text, so hex for all would double the way. */
function bodyText(column: string): string {
  return `CASE WHEN get_byte(${column}, 0) = 123 THEN convert_from(${column}, 'UTF8') ELSE '\\x' || encode(${column}, 'hex') END`;
}

/** Settings of a session that writes: its plans are always "few rows by key", whatever the planner believes of a table that just grew. */
export const WRITER_SETTINGS = `
SET enable_hashjoin = off; SET enable_mergejoin = off; SET enable_seqscan = off; SET plan_cache_mode = force_generic_plan;
SET jit = off; SET work_mem = '16MB'; SET lock_timeout = '3s'; SET idle_in_transaction_session_timeout = '3s'`;

export const READER_SETTINGS = `SET jit = off; SET plan_cache_mode = force_generic_plan; LISTEN ${HINT_CHANNEL}`;

export const BULK_SETTINGS = `SET jit = off; SET idle_in_transaction_session_timeout = '30s'`;

/**
 * Who answers: standby or not, which database, on which timeline (as in the names of its log files, so that it is that of now), whether commits wait for the
 * disk, and whether the store is there.
 */
export const IDENTITY: SqlStatement = {
  text: `SELECT pg_is_in_recovery()::text,
  (SELECT system_identifier::text FROM pg_control_system()),
  CASE WHEN pg_is_in_recovery() THEN '' ELSE substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8) END,
  current_setting('synchronous_commit'), current_setting('fsync'), current_setting('server_encoding'),
  (to_regclass('outrigger.counter') IS NOT NULL)::text`,
};

export const STORED_IDENTITY: SqlStatement = {
  text: `SELECT v.version, c.system_identifier, c.timeline FROM outrigger.counter c, outrigger.schema_version v`,
};

const HEAD_COLUMNS = `era_number, era_id, revision, (SELECT through FROM outrigger.compaction)`;

export const HEAD: SqlStatement = { name: 'head', text: `SELECT ${HEAD_COLUMNS} FROM outrigger.counter` };

export const LOCK_HEAD: SqlStatement = { name: 'lock', text: `SELECT ${HEAD_COLUMNS} FROM outrigger.counter FOR UPDATE` };

/**
 * $1 base, $2 last revision, $3 batch, $4 and $5 the era; then per change: previous, uid, key, whether it is a deletion, body.
 * Answers one row: 1 when the fence held. The division fails, and with it the statement, when the tables did not change as the copy foresaw.
 */
export const COMMIT: SqlStatement = {
  name: 'commit',
  text: `WITH fence AS (
  UPDATE outrigger.counter SET revision = $2::int8
  WHERE revision = $1::int8 AND era_number = $4::int8 AND era_id = $5::text RETURNING 1
), change AS MATERIALIZED (
  SELECT $1::int8 + n AS revision, previous, uid, key, gone
  FROM unnest($6::int8[], $7::text[], $8::text[], $9::int8[]) WITH ORDINALITY AS x (previous, uid, key, gone, n), fence
), past AS (
  INSERT INTO outrigger.history (revision, previous, batch, uid, key, body)
  SELECT $1::int8 + n, previous, $3::uuid, uid, key, body
  FROM unnest($6::int8[], $7::text[], $8::text[], $10::bytea[]) WITH ORDINALITY AS x (previous, uid, key, body, n), fence RETURNING 1
), made AS (
  INSERT INTO outrigger.entities (key, uid, revision) SELECT key, uid, revision FROM change WHERE previous IS NULL RETURNING 1
), changed AS (
  UPDATE outrigger.entities e SET revision = c.revision FROM change c
  WHERE c.previous IS NOT NULL AND c.gone IS NULL AND e.key = c.key AND e.revision = c.previous AND e.uid = c.uid RETURNING 1
), ended AS (
  DELETE FROM outrigger.entities e USING change c
  WHERE c.gone IS NOT NULL AND e.key = c.key AND e.revision = c.previous AND e.uid = c.uid RETURNING 1
), tally AS (
  SELECT (SELECT count(*) FROM fence) AS fenced, (SELECT count(*) FROM past) AS past,
    (SELECT count(*) FROM made) + (SELECT count(*) FROM changed) + (SELECT count(*) FROM ended) AS present
)
SELECT fenced, 1 / (CASE WHEN past = present AND past = fenced * ($2::int8 - $1::int8) THEN 1 ELSE 0 END),
  (SELECT pg_notify('${HINT_CHANNEL}', $2::text) FROM fence)
FROM tally`,
};

export const HISTORY: SqlStatement = {
  name: 'history',
  text: `SELECT revision, previous, batch, uid, key, ${bodyText('body')} FROM (
  SELECT *, sum(coalesce(octet_length(body), 0)) OVER (ORDER BY revision) - coalesce(octet_length(body), 0) AS before
  FROM (SELECT * FROM outrigger.history WHERE revision > $1::int8 ORDER BY revision LIMIT $2::int8) page
) sized WHERE before < $3::int8 ORDER BY revision`,
};

/** $1 after, $2 through, $3 and $4 the range of keys, $5 rows, $6 bytes. */
export const REPLAY: SqlStatement = {
  name: 'replay',
  text: `SELECT s.revision, s.previous, s.uid, s.key, ${bodyText('s.body')}, ${bodyText('p.body')} FROM (
  SELECT *, sum(coalesce(octet_length(body), 0)) OVER (ORDER BY revision) - coalesce(octet_length(body), 0) AS before
  FROM (
    SELECT * FROM outrigger.history
    WHERE revision > $1::int8 AND revision <= $2::int8 AND key >= $3::text AND key < $4::text ORDER BY revision LIMIT $5::int8
  ) page
) s LEFT JOIN outrigger.history p ON p.revision = s.previous WHERE s.before < $6::int8 ORDER BY s.revision`,
};

/** $1 after, $2 through, $3 and $4 the range of keys. */
export const BEFORE: SqlStatement = {
  name: 'before',
  text: `SELECT f.key, p.uid, p.revision, ${bodyText('p.body')} FROM (
  SELECT DISTINCT ON (key) key, previous FROM outrigger.history
  WHERE revision > $1::int8 AND revision <= $2::int8 AND key >= $3::text AND key < $4::text ORDER BY key, revision
) f LEFT JOIN outrigger.history p ON p.revision = f.previous`,
};

export const COMPACTED: SqlStatement = { name: 'compacted', text: 'SELECT through FROM outrigger.compaction' };

export const SNAPSHOT: SqlStatement = {
  text: `SELECT e.key, e.uid, e.revision, ${bodyText('h.body')} FROM outrigger.entities e JOIN outrigger.history h ON h.revision = e.revision`,
};

const TOMBSTONE_ERA = `LATERAL (SELECT number, id FROM outrigger.eras WHERE since < h.revision ORDER BY since DESC LIMIT 1) e`;

export const TOMBSTONE: SqlStatement = {
  text: `SELECT h.key, h.uid, h.revision, e.number, e.id FROM (
  SELECT * FROM outrigger.history WHERE body IS NULL AND uid = $1::text ORDER BY revision DESC LIMIT 1
) h, ${TOMBSTONE_ERA}`,
};

export const TOMBSTONES: SqlStatement = {
  text: `SELECT h.key, h.uid, h.revision, e.number, e.id FROM (
  SELECT * FROM outrigger.history WHERE body IS NULL AND uid > $1::text ORDER BY uid LIMIT $2::int8
) h, ${TOMBSTONE_ERA} ORDER BY h.uid`,
};

/** $1 through, $2 revisions at most. What a compacted write replaced is what nobody can ask for any more. */
export const COMPACT: SqlStatement = {
  text: `WITH at AS (
  SELECT c.through AS old, least($1::int8, c.through + $2::int8, (SELECT revision FROM outrigger.counter)) AS new
  FROM outrigger.compaction c FOR UPDATE
), moved AS (
  UPDATE outrigger.compaction SET through = at.new FROM at WHERE at.new > at.old RETURNING 1
), forgotten AS (
  DELETE FROM outrigger.history WHERE revision IN (
    SELECT h.previous FROM outrigger.history h, at WHERE h.revision > at.old AND h.revision <= at.new AND h.previous IS NOT NULL
  )
)
SELECT greatest(old, new) FROM at`,
};
