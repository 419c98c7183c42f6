/**
 * The sessions of one director with its database, made when needed and made again when lost.
 *
 * Each is looked at when it is made, before anything runs on it: is this a primary, the same database on the same timeline as the store knows? So a
 * restored or promoted database begins its new era before it is read or written.
 *
 * I1: no statement of the store runs on a session that was not looked at.
 * I2: a database whose identity is not the stored one opens a new era, once, whichever director meets it first.
 */

import { assert, present } from '../../base/assert.ts';
import { Fault } from '../../model/fault.ts';
import { LIMITS } from '../../model/limits.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Log } from '../../ports/log.ts';
import type { Random } from '../../ports/random.ts';
import type { SqlAnswer, SqlFailure, SqlRow, SqlServer, SqlSession, SqlStatement, SqlValue } from '../../ports/sql.ts';
import { aborted } from './waiters.ts';
import { eraStart } from './era.ts';
import { MIGRATIONS, SCHEMA_VERSION, STARTUP_LOCK, VERSION_TABLE } from './postgres-schema.ts';
import { HINT_CHANNEL, IDENTITY, LOCK_HEAD, STORED_IDENTITY } from './postgres-statements.ts';

export interface PostgresDeps {
  readonly server: SqlServer;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
}

/**
 * What a session was made for. `lane` writes and follows, `reader` looks at the counter and hears hints, `bulk` reads much; the two of samples are
 * apart from those, so that neither waits for the other.
 */
export type SessionPurpose = 'lane' | 'reader' | 'bulk' | 'samples' | 'samples-reader';

interface Identity {
  readonly system: string;
  readonly timeline: string;
  readonly hasStore: boolean;
}

export interface Slot {
  /** The session, made and looked at; Faults `StoreUnavailable`, `StoreSchemaNewer`, `Aborted`. */
  get(signal: AbortSignal): Promise<SqlSession>;
  close(): void;
}

export function makeSlot(deps: PostgresDeps, purpose: SessionPurpose, settings: string, onHint?: (revision: number) => void): Slot {
  let current: Promise<SqlSession> | undefined;
  let open: SqlSession | undefined;
  let closed = false;
  const make = async (): Promise<SqlSession> => {
    const session = await deps.server.connect(purpose, LIMITS.statementMs);
    try {
      await prepare(deps, session, settings);
    } catch (error) {
      session.destroy();
      throw error;
    }
    if (closed) session.destroy();
    if (onHint !== undefined) session.onNotification((channel, payload) => void (channel === HINT_CHANNEL && onHint(Number(payload))));
    open = session;
    return session;
  };
  return {
    get: async (signal) => {
      if (signal.aborted) throw aborted();
      if (open?.open === true) return open;
      current ??= make().finally(() => {
        current = undefined;
      });
      return await current;
    },
    close: () => {
      closed = true;
      open?.destroy();
    },
  };
}

async function prepare(deps: PostgresDeps, session: SqlSession, settings: string): Promise<void> {
  rowsOf(await session.run({ text: settings }, [], LIMITS.statementMs));
  const identity = await identityOf(deps, session);
  if (!identity.hasStore) await migrate(deps, session, identity);
  const [version, system, timeline] = firstRow(await session.run(STORED_IDENTITY, [], LIMITS.statementMs));
  if (Number(version) > SCHEMA_VERSION) throw newerSchema(Number(version));
  if (Number(version) < SCHEMA_VERSION) await migrate(deps, session, identity);
  if (system !== identity.system || timeline !== identity.timeline) await openEraFor(deps, session, identity);
}

async function identityOf(deps: PostgresDeps, session: SqlSession): Promise<Identity> {
  const [standby, system, timeline, commits, fsync, encoding, hasStore] = firstRow(await session.run(IDENTITY, [], LIMITS.statementMs));
  const at = deps.server.address;
  if (standby === 'true')
    throw new Fault('StoreUnavailable', `PostgreSQL at ${at} is a standby and takes no writes; the director needs the primary.`);
  if (encoding !== 'UTF8') {
    throw new Fault(
      'StoreForeign',
      `The database at ${at} has the encoding ${encoding}; create one with UTF8 and name that in the setting.`,
    );
  }
  if (fsync !== 'on') deps.log.warn('PostgreSQL runs with fsync off: a power failure can destroy the store. Set fsync = on.', { at });
  // An acknowledged write is on disk, whatever the server's default is.
  if (commits === 'off') rowsOf(await session.run({ text: 'SET synchronous_commit = on' }, [], LIMITS.statementMs));
  return { system: present(system, 'the system identifier'), timeline: present(timeline, 'the timeline'), hasStore: hasStore === 'true' };
}

/** Brings the tables to this code's version. Directors that start together wait for each other. */
async function migrate(deps: PostgresDeps, session: SqlSession, identity: Identity): Promise<void> {
  await transaction(session, async (run) => {
    await run({ text: `SELECT pg_advisory_xact_lock(${STARTUP_LOCK.join(', ')})` });
    await run({ text: VERSION_TABLE });
    const [row] = await run({ text: 'SELECT version FROM outrigger.schema_version' });
    const version = Number(row?.[0] ?? 0);
    if (version > SCHEMA_VERSION) throw newerSchema(version);
    for (const migration of MIGRATIONS.slice(version)) await run({ text: migration });
    if (version === SCHEMA_VERSION) return;
    await run({ text: 'DELETE FROM outrigger.schema_version' });
    await run({ text: 'INSERT INTO outrigger.schema_version (version) VALUES ($1::int4)' }, [SCHEMA_VERSION]);
    if (version === 0) await found(deps, run, identity);
    deps.log.info('The store has its tables.', { from: version, to: SCHEMA_VERSION });
  });
}

/** The first era of a new store. It begins where any new era would, so that not even a client of a lost store sees revisions fall. */
async function found(deps: PostgresDeps, run: Run, identity: Identity): Promise<void> {
  const since = eraStart(0, deps.clock.nowMs());
  const id = deps.random.uuid();
  await run({ text: `INSERT INTO outrigger.compaction (through) VALUES ($1::int8)` }, [since]);
  await run({ text: `INSERT INTO outrigger.eras (number, id, since, reason) VALUES (1, $1::text, $2::int8, 'founded')` }, [id, since]);
  await run(
    {
      text: `INSERT INTO outrigger.counter (revision, era_number, era_id, system_identifier, timeline)
        VALUES ($1::int8, 1, $2::text, $3::text, $4::text)`,
    },
    [since, id, identity.system, identity.timeline],
  );
}

/** The database is another than the stored one: it was restored, promoted or copied. */
async function openEraFor(deps: PostgresDeps, session: SqlSession, identity: Identity): Promise<void> {
  await transaction(session, async (run) => {
    const [head] = await run(LOCK_HEAD);
    const [stored] = await run(STORED_IDENTITY);
    const [, system, timeline] = present(stored, 'the stored identity');
    if (system === identity.system && timeline === identity.timeline) return;
    const [number, , revision] = present(head, 'the head');
    const reason = `system identifier ${system} → ${identity.system}, timeline ${timeline} → ${identity.timeline}`;
    await beginEra(deps, run, { number: Number(number) + 1, above: Number(revision), reason });
    await run({ text: 'UPDATE outrigger.counter SET system_identifier = $1::text, timeline = $2::text' }, [
      identity.system,
      identity.timeline,
    ]);
    deps.log.warn('The database is another than before (restored, promoted or copied): a new era has begun.', { reason });
  });
}

/** Under the counter's lock. */
export async function beginEra(
  deps: PostgresDeps,
  run: Run,
  era: { readonly number: number; readonly above: number; readonly reason: string },
): Promise<void> {
  const since = eraStart(era.above, deps.clock.nowMs());
  const id = deps.random.uuid();
  await run({ text: 'UPDATE outrigger.counter SET revision = $1::int8, era_number = $2::int8, era_id = $3::text' }, [
    since,
    era.number,
    id,
  ]);
  await run({ text: 'INSERT INTO outrigger.eras (number, id, since, reason) VALUES ($1::int8, $2::text, $3::int8, $4::text)' }, [
    era.number,
    id,
    since,
    era.reason,
  ]);
  await run({ text: 'UPDATE outrigger.compaction SET through = $1::int8' }, [since]);
  await run({ text: `SELECT pg_notify('${HINT_CHANNEL}', $1::text)` }, [since]);
}

export type Run = (statement: SqlStatement, values?: readonly SqlValue[]) => Promise<readonly SqlRow[]>;

/**
 * Runs `work` in a transaction. When the answer to its COMMIT is lost, the Fault says `WriteOutcomeUnknown`; in every other failure nothing remains.
 */
export async function transaction<T>(session: SqlSession, work: (run: Run) => Promise<T>, begin = 'BEGIN'): Promise<T> {
  const run: Run = async (statement, values = []) => rowsOf(await session.run(statement, values, LIMITS.statementMs));
  await run({ text: begin });
  let result: T;
  try {
    result = await work(run);
  } catch (error) {
    const answer = await session.run({ text: 'ROLLBACK' }, [], LIMITS.statementMs);
    if (!answer.ok) session.destroy();
    throw error;
  }
  const answer = await session.run({ text: 'COMMIT' }, [], LIMITS.statementMs);
  if (!answer.ok) throw answer.failure === 'lost' ? unknownOutcome(answer) : faultOf(answer);
  return result;
}

export function rowsOf(answer: SqlAnswer): readonly SqlRow[] {
  if (!answer.ok) throw faultOf(answer);
  return answer.rows;
}

export function firstRow(answer: SqlAnswer): SqlRow {
  return present(rowsOf(answer)[0], 'the one row of an answer');
}

/** Division by zero (the tally of a commit), a key or revision that is taken: the tables are not what the copy says. */
const DIVERGED = ['22012', '23505'];

/** What a failed statement means, when nothing of it remains. */
export function faultOf(answer: SqlFailure): Fault {
  if (answer.failure === 'lost') {
    return new Fault(
      'StoreUnavailable',
      `The connection to PostgreSQL was lost: ${answer.message}. The director connects again by itself.`,
    );
  }
  assert(!DIVERGED.includes(answer.state), `this director's copy is what the database holds (${answer.state}: ${answer.message})`);
  if (answer.state === '53100')
    return new Fault('DiskFull', `PostgreSQL's disk is full (${answer.message}); nothing was written. Make room on it.`);
  return new Fault(
    'StoreUnavailable',
    `PostgreSQL refused a statement of the store (${answer.state}): ${answer.message}. Nothing was written.`,
  );
}

export function unknownOutcome(answer: SqlFailure): Fault {
  return new Fault('WriteOutcomeUnknown', `The answer of PostgreSQL to a commit was lost: ${answer.message}. The write may have happened.`);
}

function newerSchema(version: number): Fault {
  return new Fault(
    'StoreSchemaNewer',
    `The store's tables are of version ${version}, this director knows ${SCHEMA_VERSION}: a newer director has been here. Start that version, or restore a backup from before.`,
  );
}
