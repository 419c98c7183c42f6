/**
 * Embedded PostgreSQL: a real server from an npm package, in a folder of ours, as a process of its own that outlives its starter.
 *
 * It listens on a unix socket alone, and lets in the users of this machine that are meant to (peer authentication), so there is no password and no port. When its
 * starter was killed it lives on and holds its folder; the next starter finds and adopts it.
 *
 * I1: a folder has at most one server; who starts second adopts the first.
 * I2: a half-made folder is never used: it is made beside, and renamed when it is whole.
 * I3: what is committed is on disk (fsync and synchronous_commit are on, whatever its configuration file says).
 */

import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chownSync, closeSync, existsSync, openSync, readdirSync, readSync, fstatSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { Fault, isFault } from '../../model/fault.ts';
import type { Log } from '../../ports/log.ts';
import type { ProcessId } from '../../ports/processes.ts';
import { isAlive, processIdOf, sendSignal } from '../process-id.ts';
import { roleEnvironment, startDetached } from '../spawn.ts';
import { findPrograms } from './binaries.ts';
import type { PostgresPrograms } from './binaries.ts';
import { currentUser, preparePostgresHome } from './home.ts';
import type { PostgresHome } from './home.ts';
import { anybodyIn, clearStaleLocks, findPostmaster } from './postmaster.ts';
import type { Postmaster } from './postmaster.ts';
import { postgresServer } from './server.ts';
import type { PostgresAddress } from './server.ts';
import { prepareSocketFolder } from './socket-folder.ts';
import { exitFault, worldFault } from './trouble.ts';

export interface EmbeddedPostgres {
  readonly address: PostgresAddress;
  readonly process: ProcessId;
  /** True when it was running already. */
  readonly adopted: boolean;
  /** Its files: `data`, `run`, `postgres.log`. */
  readonly folder: string;
  /** Sentences for the person who started it. */
  readonly notes: readonly string[];
}

export interface EmbeddedOptions {
  /** `--data`; made if need be. */
  readonly dataFolder: string;
  readonly log: Log;
  /** Where files go that may not lie in the data folder; /var/lib/outrigger unless told. */
  readonly sharedRoot?: string;
}

const PORT = 5432;
const ROLE = 'outrigger';
const DATABASE = 'outrigger';
/** Recovery after a crash reads at most `max_wal_size` of log again; on a slow disk that is minutes. */
const START_DEADLINE_MS = 180_000;
const STOP_FAST_MS = 20_000;
const STOP_AT_ONCE_MS = 5_000;
const POLL_MS = 20;
/** What an ended server left behind goes away by itself. */
const LEFTOVERS_MS = 10_000;

/** Small memory, one writer, small rows; everything else is PostgreSQL's default. */
const SERVER_SETTINGS: Readonly<Record<string, string>> = {
  listen_addresses: '',
  unix_socket_permissions: '0700',
  fsync: 'on',
  synchronous_commit: 'on',
  full_page_writes: 'on',
  max_connections: '40',
  shared_buffers: '32MB',
  wal_buffers: '4MB',
  min_wal_size: '80MB',
  max_wal_size: '512MB',
  max_wal_senders: '2',
  // Reads are few and small; workers for them would only cost memory.
  io_method: 'sync',
  max_parallel_workers: '0',
  max_parallel_workers_per_gather: '0',
  max_logical_replication_workers: '0',
  autovacuum_max_workers: '1',
  autovacuum_worker_slots: '2',
  jit: 'off',
  log_min_messages: 'warning',
  log_checkpoints: 'off',
  log_line_prefix: '%m [%p] ',
  log_timezone: 'UTC',
};

/** Where a server that was started here can be reached by another process. */
export function embeddedAddress(socketFolder: string, port: number = PORT, database: string = DATABASE): PostgresAddress {
  return { host: socketFolder, port, user: ROLE, database };
}

/** Starts it, or adopts the one that runs. Resolves when it answers. Faults FolderUnwritable, DiskFull, ProgramMissing, ProgramFailed, StoreForeign, DeadlineExceeded. */
export async function startEmbeddedPostgres(options: EmbeddedOptions, signal: AbortSignal): Promise<EmbeddedPostgres> {
  const home = preparePostgresHome(options.dataFolder, options.sharedRoot);
  const programs = findPrograms(home.user, home.spare);
  const data = join(home.folder, 'data');
  const deadlineMs = performance.now() + START_DEADLINE_MS;
  const running = findPostmaster(data);
  if (running === undefined) {
    if (!existsSync(join(data, 'PG_VERSION'))) await initialize(home, programs, signal);
    letIn(home);
  }
  const { postmaster, adopted } =
    running === undefined ? await startServer(options, home, programs, deadlineMs, signal) : { postmaster: running, adopted: true };
  await answering(postmaster, data, deadlineMs, signal);
  options.log.info(adopted ? 'Embedded PostgreSQL was running and is used.' : 'Embedded PostgreSQL is running.', {
    pid: postmaster.process.pid,
    folder: home.folder,
  });
  return {
    address: embeddedAddress(postmaster.socketFolder, postmaster.port),
    process: postmaster.process,
    adopted,
    folder: home.folder,
    notes: [...home.notes, ...programs.notes],
  };
}

/**
 * Stops the server of `folder` (as `EmbeddedPostgres.folder` says), whoever started it: what runs is rolled back, what is committed is kept.
 * Harmless when there is none. Fault DeadlineExceeded when it does not end.
 */
export async function stopEmbeddedPostgres(folder: string): Promise<void> {
  const data = join(folder, 'data');
  // Fast: disconnects everyone, and writes a checkpoint. Immediate: ends at once, and recovers at the next start.
  for (const how of ['SIGINT', 'SIGQUIT'] as const) {
    const running = findPostmaster(data)?.process;
    if (running !== undefined) sendSignal(running.pid, how);
    const until = performance.now() + (how === 'SIGINT' ? STOP_FAST_MS : STOP_AT_ONCE_MS);
    while (performance.now() < until) {
      if (!anybodyIn(data)) return;
      await wait(POLL_MS);
    }
  }
  throw new Fault('DeadlineExceeded', `PostgreSQL does not end; look at ${join(folder, 'postgres.log')} and at its disk.`);
}

/** Makes the data folder, whole or not at all. */
async function initialize(home: PostgresHome, programs: PostgresPrograms, signal: AbortSignal): Promise<void> {
  const data = join(home.folder, 'data');
  for (const name of readdirSync(home.folder)) {
    const maker = /^data\.(\d+)\.[0-9a-f]+\.tmp$/.exec(name)?.[1];
    if (maker !== undefined && processIdOf(Number(maker)) === undefined) rmSync(join(home.folder, name), { recursive: true, force: true });
  }
  const beside = `${data}.${process.pid}.${randomBytes(4).toString('hex')}.tmp`;
  const args = ['-D', beside, '-U', ROLE, '-E', 'UTF8', '--locale=C', '--auth-local=peer', '--auth-host=reject', '--no-instructions'];
  const { code, words } = await runInitdb(programs.initdb, args, home, signal);
  if (code !== 0) {
    rmSync(beside, { recursive: true, force: true });
    throw exitFault('initdb', words, home.folder);
  }
  try {
    renameSync(beside, data);
  } catch (cause) {
    rmSync(beside, { recursive: true, force: true });
    if (!existsSync(join(data, 'PG_VERSION'))) throw worldFault(cause, `The folder ${data} of PostgreSQL cannot be made`);
  }
}

async function runInitdb(
  program: string,
  args: readonly string[],
  home: PostgresHome,
  signal: AbortSignal,
): Promise<{ readonly code: number | null; readonly words: string }> {
  const child = spawn(program, args, {
    cwd: home.folder,
    env: { PATH: '/usr/bin:/bin', LC_ALL: 'C', TZ: 'UTC' },
    stdio: ['ignore', 'pipe', 'pipe'],
    ...home.switchTo,
    signal,
  });
  let words = '';
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk: Buffer) => (words = (words + chunk.toString('utf8')).slice(-8_000)));
  const code = await new Promise<number | null>((done, failed) => {
    child.once('error', (cause) => failed(new Fault('ProgramMissing', `${program} cannot be started: ${cause.message}.`, { cause })));
    child.once('close', done);
  });
  return { code, words };
}

/** Who may come in: the user that runs the server, and the one that runs Outrigger, both as the one role there is. */
function letIn(home: PostgresHome): void {
  const data = join(home.folder, 'data');
  const names = new Set([home.user.name, currentUser().name]);
  const files = {
    'pg_hba.conf': `# Written by Outrigger at each start.\nlocal all all peer map=outrigger\n`,
    'pg_ident.conf': `# Written by Outrigger at each start.\n${Array.from(names, (name) => `outrigger "${name}" ${ROLE}\n`).join('')}`,
  };
  try {
    for (const [name, text] of Object.entries(files)) {
      writeFileSync(join(data, name), text, { mode: 0o600 });
      if (home.switchTo !== undefined) chownSync(join(data, name), home.switchTo.uid, home.switchTo.gid);
    }
  } catch (cause) {
    throw worldFault(cause, `The configuration of PostgreSQL in ${data} cannot be written`);
  }
}

interface Started {
  readonly postmaster: Postmaster;
  readonly adopted: boolean;
}

async function startServer(
  options: EmbeddedOptions,
  home: PostgresHome,
  programs: PostgresPrograms,
  deadlineMs: number,
  signal: AbortSignal,
): Promise<Started> {
  const data = join(home.folder, 'data');
  const logFile = join(home.folder, 'postgres.log');
  await leftoversGone(data, signal);
  const socketFolder = prepareSocketFolder(home, PORT);
  clearStaleLocks(data, socketFolder, PORT);
  const settings = Object.entries({ ...SERVER_SETTINGS, port: String(PORT), unix_socket_directories: socketFolder });
  const { id, exited } = await startDetached({
    command: [programs.postgres, '-D', data, ...settings.flatMap(([name, value]) => ['-c', `${name}=${value}`])],
    environment: roleEnvironment({ PATH: '/usr/bin:/bin', LC_ALL: 'C', TZ: 'UTC' }, { data: options.dataFolder, role: 'postgres' }),
    folder: data,
    logFile,
    ...(home.switchTo === undefined ? {} : { user: home.switchTo }),
  });
  let ended = false;
  void exited.then(() => (ended = true));
  while (performance.now() < deadlineMs) {
    const found = findPostmaster(data);
    if (found !== undefined && (found.process.pid === id.pid || ended)) return { postmaster: found, adopted: found.process.pid !== id.pid };
    // Somebody who starts it at the same time may have been first.
    if (ended && !anybodyIn(data)) throw exitFault('PostgreSQL', readEnd(logFile), logFile);
    await wait(POLL_MS, undefined, { signal });
  }
  throw late(logFile);
}

/** Processes of a server that was killed hold its shared memory until they notice. */
async function leftoversGone(data: string, signal: AbortSignal): Promise<void> {
  const until = performance.now() + LEFTOVERS_MS;
  while (anybodyIn(data) && findPostmaster(data) === undefined && performance.now() < until) await wait(POLL_MS, undefined, { signal });
}

/** Waits until it lets us in, makes sure that it is the server of this folder, and makes the database. */
async function answering(postmaster: Postmaster, data: string, deadlineMs: number, signal: AbortSignal): Promise<void> {
  const server = postgresServer(embeddedAddress(postmaster.socketFolder, postmaster.port, 'postgres'));
  const logFile = join(data, '..', 'postgres.log');
  for (;;) {
    try {
      const session = await server.connect('start', 2_000);
      try {
        return await prepareDatabase(session, data);
      } finally {
        session.destroy();
      }
    } catch (error) {
      if (!isFault(error, 'StoreUnavailable') || isRefusal(error)) throw error;
      if (!isAlive(postmaster.process)) throw exitFault('PostgreSQL', readEnd(logFile), logFile);
    }
    if (performance.now() > deadlineMs) throw late(logFile);
    await wait(POLL_MS, undefined, { signal });
  }
}

async function prepareDatabase(session: Awaited<ReturnType<ReturnType<typeof postgresServer>['connect']>>, data: string): Promise<void> {
  const answer = await session.run(
    { text: `SELECT current_setting('data_directory'), (SELECT count(*) FROM pg_database WHERE datname = '${DATABASE}')` },
    [],
    5_000,
  );
  if (!answer.ok) throw new Fault('StoreUnavailable', `PostgreSQL does not answer: ${answer.message}.`);
  const [at, count] = answer.rows[0] ?? [];
  if (at !== data) {
    throw new Fault(
      'StoreForeign',
      `Another PostgreSQL server, of ${at ?? 'an unknown folder'}, listens where the one of ${data} should. Stop it, or choose another folder with --data.`,
    );
  }
  if (count !== '0') return;
  const made = await session.run({ text: `CREATE DATABASE ${DATABASE}` }, [], 60_000);
  // Somebody else was first.
  if (made.ok || (made.failure === 'refused' && made.state === '42P04')) return;
  throw new Fault('StoreUnavailable', `The database ${DATABASE} could not be made: ${made.message}.`);
}

/** It is there, and says no: authentication (28…) is not going to change. */
function isRefusal(error: Fault): boolean {
  const code = (error.cause as { readonly code?: unknown } | undefined)?.code;
  return typeof code === 'string' && code.startsWith('28');
}

function late(logFile: string): Fault {
  return new Fault('DeadlineExceeded', `PostgreSQL did not come up within ${START_DEADLINE_MS / 1000} s; look at ${logFile}.`);
}

function readEnd(file: string): string {
  try {
    const descriptor = openSync(file, 'r');
    try {
      const size = fstatSync(descriptor).size;
      const bytes = Buffer.alloc(Math.min(size, 4_096));
      readSync(descriptor, bytes, 0, bytes.length, size - bytes.length);
      return bytes.toString('utf8');
    } finally {
      closeSync(descriptor);
    }
  } catch {
    return '';
  }
}
