/**
 * The store's tables, as forward-only migrations.
 *
 * `counter`: one row; whoever holds its lock writes. `history`: every write by revision, and with it every body, once. `entities`: which revision each key is at: a
 * pointer into history. So a body is written once whether it is current or past, and a deletion needs none: its last state is the row that it
 * replaced. `history` rows without a body are deletions: they stay for ever, as tombstones. docs/decisions/0004-store.md says what was measured.
 *
 * I1: a migration is never changed after it was released; the next one has the next number.
 * I2: version N can be read by the code of version N − 1, so directors are replaced one after another.
 */

/** Bodies up to here stay inline and uncompressed, because compressing them takes longer than writing them; the most that fits on a page. */
const INLINE_BYTES = 8160;

/** In order; the first makes version 1. Each runs in one transaction with the note of its number. */
export const MIGRATIONS: readonly string[] = [
  `
CREATE TABLE outrigger.counter (
  one boolean PRIMARY KEY DEFAULT true CHECK (one),
  revision bigint NOT NULL,
  era_number bigint NOT NULL,
  era_id text NOT NULL,
  system_identifier text NOT NULL,
  timeline text NOT NULL
) WITH (fillfactor = 10);

CREATE TABLE outrigger.eras (
  number bigint PRIMARY KEY,
  id text NOT NULL,
  since bigint NOT NULL,
  opened_at timestamptz NOT NULL DEFAULT now(),
  reason text NOT NULL
);

CREATE TABLE outrigger.compaction (
  one boolean PRIMARY KEY DEFAULT true CHECK (one),
  through bigint NOT NULL
);

CREATE TABLE outrigger.history (
  revision bigint PRIMARY KEY,
  previous bigint,
  batch uuid NOT NULL,
  uid text COLLATE "C" NOT NULL,
  key text COLLATE "C" NOT NULL,
  body bytea
) WITH (toast_tuple_target = ${INLINE_BYTES});

CREATE INDEX history_tombstones ON outrigger.history (uid) WHERE body IS NULL;

CREATE TABLE outrigger.entities (
  key text COLLATE "C" PRIMARY KEY,
  uid text COLLATE "C" NOT NULL,
  revision bigint NOT NULL
) WITH (fillfactor = 80);
`,
  // Samples that sites ship (src/director/metrics). One row a round: a row a sample would be a hundred times as many, and as many bytes.
  `
CREATE TABLE outrigger.metric_series (
  id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  cluster_uid text COLLATE "C" NOT NULL,
  series text COLLATE "C" NOT NULL,
  name text COLLATE "C" NOT NULL,
  type text COLLATE "C" NOT NULL,
  used_ms bigint NOT NULL,
  UNIQUE (cluster_uid, series)
);

CREATE TABLE outrigger.metric_rounds (
  cluster_uid text COLLATE "C" NOT NULL,
  at_ms bigint NOT NULL,
  series integer[] NOT NULL,
  samples double precision[] NOT NULL,
  PRIMARY KEY (cluster_uid, at_ms)
);

CREATE INDEX metric_rounds_age ON outrigger.metric_rounds (at_ms);
`,
];

/** What this code knows; a database with a higher one is refused. */
export const SCHEMA_VERSION = MIGRATIONS.length;

/** Runs before every migration; harmless when it is there. */
export const VERSION_TABLE = `
CREATE SCHEMA IF NOT EXISTS outrigger;
CREATE TABLE IF NOT EXISTS outrigger.schema_version (
  one boolean PRIMARY KEY DEFAULT true CHECK (one),
  version integer NOT NULL
);
`;

/** One advisory lock for everything that directors do once at their start: "outr" and "schm" as numbers. */
export const STARTUP_LOCK = [0x6f757472, 0x7363686d] as const;
