/**
 * The door to `pg`: sessions of a PostgreSQL server (src/ports/sql.ts).
 *
 * Rows are taken as text, as they come over the wire: `pg` itself decodes every value to a string, so its parsers would only add work.
 *
 * I1: what runs when a connection breaks answers `lost`; an error that the server raised and survived answers `refused`.
 * I2: a session is never left waiting: a deadline destroys its connection.
 */

import { readFileSync } from 'node:fs';
import { Client, Query } from 'pg';
import type { QueryConfig } from 'pg';
import { Fault } from '../../model/fault.ts';
import type { SqlAnswer, SqlFailure, SqlRow, SqlServer, SqlSession, SqlStatement, SqlValue } from '../../ports/sql.ts';

export interface PostgresAddress {
  /** A host name or address, or the folder of a unix socket (then absolute). */
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly database: string;
  readonly password?: string;
  /** Absent: in the clear (unix socket, or a trusted network). `encrypted`: to whoever answers. `verified`: only to who has a certificate for `host`. */
  readonly tls?: 'encrypted' | 'verified';
  /** PEM of the CA that the certificate must come from; else one that the machine trusts. */
  readonly ca?: string;
}

/** The values as they are: every column is text here. */
const RAW_TYPES = { getTypeParser: () => (value: string) => value };

export function postgresServer(at: PostgresAddress): SqlServer {
  const address = `${at.host.startsWith('/') ? `${at.host}/.s.PGSQL.${at.port}` : `${at.host}:${at.port}`} (database ${at.database}, user ${at.user})`;
  return { address, connect: async (purpose, timeoutMs) => await connect(at, address, purpose, timeoutMs) };
}

const URL_PARAMETERS = ['host', 'user', 'sslmode', 'sslrootcert'];
const TLS_OF_SSLMODE = new Map([
  [null, undefined],
  ['disable', undefined],
  ['require', 'encrypted'],
  ['verify-full', 'verified'],
] as const);

/**
 * Reads a connection URL, `postgres://user:password@host:port/database?sslmode=…`, with parameters as libpq knows them: `host` (the folder of a unix
 * socket), `user`, `sslmode` (disable, require, verify-full), `sslrootcert` (a file). Fault SettingInvalid; it never repeats the URL, which may hold a password.
 */
export function parsePostgresUrl(text: string): PostgresAddress {
  const url = URL.parse(text);
  if (url === null) throw wrongUrl('is not a URL; write postgres://USER:PASSWORD@HOST:5432/DATABASE');
  if (url.protocol !== 'postgres:' && url.protocol !== 'postgresql:') throw wrongUrl('must begin with postgres://');
  const unknown = [...url.searchParams.keys()].find((name) => !URL_PARAMETERS.includes(name));
  if (unknown !== undefined) throw wrongUrl(`has the unknown parameter ${unknown}; known are ${URL_PARAMETERS.join(', ')}`);
  const sslmode = url.searchParams.get('sslmode') as 'disable' | null;
  if (!TLS_OF_SSLMODE.has(sslmode)) throw wrongUrl('has an unknown sslmode; known are disable, require, verify-full');
  const tls = TLS_OF_SSLMODE.get(sslmode);
  const password = decodeURIComponent(url.password);
  const rootFile = url.searchParams.get('sslrootcert');
  return {
    host: url.searchParams.get('host') ?? decodeURIComponent(url.hostname),
    port: url.port === '' ? 5432 : Number(url.port),
    user: url.searchParams.get('user') ?? (decodeURIComponent(url.username) || 'postgres'),
    database: decodeURIComponent(url.pathname.slice(1)) || 'postgres',
    ...(password === '' ? {} : { password }),
    ...(tls === undefined ? {} : { tls }),
    ...(rootFile === null ? {} : { ca: readRoot(rootFile) }),
  };
}

function wrongUrl(what: string): Fault {
  return new Fault('SettingInvalid', `The setting databaseUrl ${what}.`);
}

function readRoot(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (cause) {
    throw new Fault('SettingInvalid', `The file ${file}, which databaseUrl names as sslrootcert, cannot be read.`, { cause });
  }
}

async function connect(at: PostgresAddress, address: string, purpose: string, timeoutMs: number): Promise<SqlSession> {
  const client = new Client({
    host: at.host,
    port: at.port,
    user: at.user,
    database: at.database,
    password: at.password ?? '',
    ...(at.tls === undefined ? {} : { ssl: { rejectUnauthorized: at.tls === 'verified', ...(at.ca === undefined ? {} : { ca: at.ca }) } }),
    application_name: `outrigger ${purpose}`,
    connectionTimeoutMillis: timeoutMs,
    keepAlive: true,
    keepAliveInitialDelayMillis: 5_000,
  });
  const session = new PgSession(client);
  try {
    await client.connect();
  } catch (cause) {
    session.destroy();
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new Fault(
      'StoreUnavailable',
      `PostgreSQL at ${address} does not let us in: ${reason}. Look whether it runs and accepts this user.`,
      { cause },
    );
  }
  return session;
}

class PgSession implements SqlSession {
  readonly #client: Client;
  readonly #fail = new Set<(failure: SqlFailure) => void>();
  #lost: string | undefined;
  #queue: Promise<unknown> = Promise.resolve();

  constructor(client: Client) {
    this.#client = client;
    client.on('error', (error: Error) => this.#lose(error.message));
    client.on('end', () => this.#lose('the connection was closed'));
  }

  get open(): boolean {
    return this.#lost === undefined;
  }

  async run(statement: SqlStatement, values: readonly SqlValue[], timeoutMs: number): Promise<SqlAnswer> {
    const rows: SqlRow[] = [];
    const answer = await this.#enqueue(statement, values, timeoutMs, false, (row) => rows.push(row));
    return answer.ok ? { ok: true, rows } : answer;
  }

  async each(statement: SqlStatement, values: readonly SqlValue[], silenceMs: number, onRow: (row: SqlRow) => void): Promise<SqlAnswer> {
    return await this.#enqueue(statement, values, silenceMs, true, onRow);
  }

  onNotification(listener: (channel: string, payload: string) => void): void {
    this.#client.on('notification', ({ channel, payload }) => listener(channel, payload ?? ''));
  }

  destroy(): void {
    this.#lose('the session was given up');
    this.#client.end().catch(() => undefined);
    // `end` says goodbye and waits for the server; a server that hangs must not keep us.
    (this.#client as unknown as { connection: { stream: { destroy(): void } } }).connection.stream.destroy();
  }

  #enqueue(
    statement: SqlStatement,
    values: readonly SqlValue[],
    timeoutMs: number,
    renewed: boolean,
    onRow: (row: SqlRow) => void,
  ): Promise<SqlAnswer> {
    const turn = this.#queue.then(async () => await this.#submit(statement, values, timeoutMs, renewed, onRow));
    this.#queue = turn.catch(() => undefined);
    return turn;
  }

  #submit(
    statement: SqlStatement,
    values: readonly SqlValue[],
    timeoutMs: number,
    renewed: boolean,
    onRow: (row: SqlRow) => void,
  ): Promise<SqlAnswer> {
    if (this.#lost !== undefined) return Promise.resolve(lost(this.#lost));
    return new Promise((resolve, reject) => {
      const done = (answer: SqlAnswer): void => {
        clearTimeout(timer);
        this.#fail.delete(done);
        resolve(answer);
      };
      const timer = setTimeout(() => {
        this.#lose(`no answer within ${timeoutMs} ms`);
        this.destroy();
      }, timeoutMs);
      this.#fail.add(done);
      const query = new Query({ ...statement, values: [...values], rowMode: 'array', types: RAW_TYPES } as QueryConfig);
      query.on('row', (row: unknown) => {
        if (renewed) timer.refresh();
        try {
          onRow(row as SqlRow);
        } catch (error) {
          reject(error instanceof Error ? error : new Error(String(error)));
          this.destroy();
        }
      });
      query.on('end', () => done({ ok: true, rows: [] }));
      query.on('error', (error: Error) => done(this.#failureOf(error)));
      this.#client.query(query);
    });
  }

  #failureOf(error: Error): SqlFailure {
    const { code, severity } = error as { code?: string; severity?: string };
    // 57P: the server ends the session (restart, crash of a neighbor); whether the statement was committed before is not said.
    const survived = code?.length === 5 && severity === 'ERROR' && !code.startsWith('57P') && !code.startsWith('08');
    if (survived) return { ok: false, failure: 'refused', state: code, message: error.message };
    this.#lose(error.message);
    return lost(error.message);
  }

  #lose(why: string): void {
    if (this.#lost !== undefined) return;
    this.#lost = why;
    for (const fail of Array.from(this.#fail)) fail(lost(why));
  }
}

function lost(message: string): SqlFailure {
  return { ok: false, failure: 'lost', message };
}
