/**
 * The door to `pg`: sessions of a PostgreSQL server (src/ports/sql.ts).
 *
 * Rows are taken as text, as they come over the wire: `pg` itself decodes every value to a string, so its parsers would only add work.
 *
 * I1: what runs when a connection breaks answers `lost`; an error that the server raised and survived answers `refused`.
 * I2: a session is never left waiting: a deadline destroys its connection.
 */

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
  /** PEM of the CA that the server's certificate must come from; undefined: no TLS (unix socket, or a trusted network). */
  readonly ca?: string;
}

/** The values as they are: every column is text here. */
const RAW_TYPES = { getTypeParser: () => (value: string) => value };

export function postgresServer(at: PostgresAddress): SqlServer {
  const address = `${at.host.startsWith('/') ? `${at.host}/.s.PGSQL.${at.port}` : `${at.host}:${at.port}`} (database ${at.database}, user ${at.user})`;
  return { address, connect: async (purpose, timeoutMs) => await connect(at, address, purpose, timeoutMs) };
}

/**
 * Reads a connection URL, `postgres://user:password@host:port/database?sslmode=…`; a host in the query is the folder of a unix socket.
 * `ca`: PEM, for sslmode verify-ca and verify-full.
 */
export function parsePostgresUrl(text: string, ca?: string): PostgresAddress {
  let url: URL;
  try {
    url = new URL(text);
  } catch (cause) {
    throw new Fault('SettingInvalid', 'The database setting is not a URL; write postgres://USER:PASSWORD@HOST:5432/DATABASE.', { cause });
  }
  if (url.protocol !== 'postgres:' && url.protocol !== 'postgresql:') {
    throw new Fault('SettingInvalid', `The database setting begins with "${url.protocol}"; it must begin with postgres://.`);
  }
  const password = decodeURIComponent(url.password);
  return {
    host: url.searchParams.get('host') ?? decodeURIComponent(url.hostname),
    port: url.port === '' ? 5432 : Number(url.port),
    user: decodeURIComponent(url.username) || 'postgres',
    database: decodeURIComponent(url.pathname.slice(1)) || 'postgres',
    ...(password === '' ? {} : { password }),
    ...(ca === undefined ? {} : { ca }),
  };
}

async function connect(at: PostgresAddress, address: string, purpose: string, timeoutMs: number): Promise<SqlSession> {
  const client = new Client({
    host: at.host,
    port: at.port,
    user: at.user,
    database: at.database,
    password: at.password ?? '',
    ...(at.ca === undefined ? {} : { ssl: { ca: at.ca, rejectUnauthorized: true } }),
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
          reject(error);
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
