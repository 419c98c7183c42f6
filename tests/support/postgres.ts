/**
 * PostgreSQL for tests: one embedded server a test process, and a fresh database for whoever asks, copied from a template that has the store's tables.
 *
 * It is stopped and removed when the process's tests end; when the process is killed, a small shell that waits for that does it.
 */
import { spawn } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after } from 'node:test';
import { postgresBackend } from '../../src/director/store/postgres-backend.ts';
import { systemClock } from '../../src/platform/clock.ts';
import { startEmbeddedPostgres, stopEmbeddedPostgres } from '../../src/platform/postgres/embedded.ts';
import type { EmbeddedPostgres } from '../../src/platform/postgres/embedded.ts';
import { postgresServer } from '../../src/platform/postgres/server.ts';
import type { PostgresAddress } from '../../src/platform/postgres/server.ts';
import { systemRandom } from '../../src/platform/random.ts';
import type { Log } from '../../src/ports/log.ts';
import type { SqlServer, SqlSession } from '../../src/ports/sql.ts';

export const quietLog: Log = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
  with: () => quietLog,
};

export interface TestDatabase {
  readonly address: PostgresAddress;
  readonly server: SqlServer;
  drop(): Promise<void>;
}

export interface TestPostgres {
  /** `--data` of the server; its own files are in `embedded.folder`. */
  readonly dataFolder: string;
  readonly embedded: EmbeddedPostgres;
  /** A new database, with the store's tables in it and nothing else. */
  newDatabase(): Promise<TestDatabase>;
  stop(): Promise<void>;
}

const NEVER = new AbortController().signal;
const TEMPLATE = 'store_template';
let shared: Promise<TestPostgres> | undefined;
let databases = 0;
const running = new Set<() => Promise<void>>();
// Of the whole file: registered within a test it would run after that test.
after(async () => await Promise.all(Array.from(running, (stop) => stop())));

/** The one server of this test process. */
export function testPostgres(): Promise<TestPostgres> {
  shared ??= startTestPostgres();
  return shared;
}

/** A server of one's own, for tests that kill it. */
export async function startTestPostgres(): Promise<TestPostgres> {
  const dataFolder = newDataFolder();
  const embedded = await startEmbeddedPostgres({ dataFolder, log: quietLog }, NEVER);
  guard(embedded, dataFolder);
  const admin = await postgresServer({ ...embedded.address, database: 'postgres' }).connect('tests', 5_000);
  await sql(admin, `CREATE DATABASE ${TEMPLATE}`);
  const template = postgresServer({ ...embedded.address, database: TEMPLATE });
  const migrating = postgresBackend({ server: template, clock: systemClock(), random: systemRandom(), log: quietLog });
  await migrating.open(NEVER);
  await migrating.close();
  admin.destroy();
  const stop = async (): Promise<void> => {
    await stopEmbeddedPostgres(embedded.folder);
    rmSync(dataFolder, { recursive: true, force: true });
    running.delete(stop);
  };
  running.add(stop);
  return { dataFolder, embedded, newDatabase: async () => await newDatabase(embedded.address), stop };
}

/** A folder that another user may pass through, when we are root. */
export function newDataFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'pg-'));
  chmodSync(folder, 0o755);
  return folder;
}

async function newDatabase(at: PostgresAddress): Promise<TestDatabase> {
  const name = `t${process.pid}_${databases++}`;
  const admin = await postgresServer({ ...at, database: 'postgres' }).connect('tests', 5_000);
  // The session that made the template may take a moment to end.
  for (let tries = 0; ; tries++) {
    const made = await admin.run({ text: `CREATE DATABASE ${name} TEMPLATE ${TEMPLATE}` }, [], 30_000);
    if (made.ok) break;
    if (tries > 50) throw new Error(made.message);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  const address = { ...at, database: name };
  return {
    address,
    server: postgresServer(address),
    drop: async () => {
      if (admin.open) await sql(admin, `DROP DATABASE ${name} WITH (FORCE)`);
      admin.destroy();
    },
  };
}

async function sql(session: SqlSession, text: string): Promise<void> {
  const answer = await session.run({ text }, [], 30_000);
  if (!answer.ok) throw new Error(`${text}: ${answer.message}`);
}

/** Waits for our death, then ends the server and removes its files. Never signals a process that does not work in that folder. */
export function guard(embedded: Pick<EmbeddedPostgres, 'folder'>, dataFolder: string): void {
  const script = `
trap '' INT TERM HUP
while kill -0 "$1" 2>/dev/null; do sleep 0.2; done
pid=$(head -n 1 "$2/data/postmaster.pid" 2>/dev/null)
for signal in INT QUIT; do
  n=0
  while [ -n "$pid" ] && [ "$(readlink "/proc/$pid/cwd")" = "$2/data" ] && [ $n -lt 10 ]; do kill -$signal "$pid" 2>/dev/null; sleep 0.1; n=$((n + 1)); done
done
rm -rf "$3"`;
  const child = spawn('sh', ['-c', script, 'guard', String(process.pid), embedded.folder, dataFolder], {
    detached: true,
    stdio: 'ignore',
    cwd: '/',
  });
  child.unref();
}
