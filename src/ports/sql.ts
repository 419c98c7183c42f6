/**
 * The door to a PostgreSQL server: sessions that run statements, one after another.
 *
 * Rows come as text (PostgreSQL's text format, null for NULL); whoever wrote the statement knows what each column is. Failures are values,
 * because whether a statement may have taken effect decides what the caller does next.
 *
 * I1: a session that lost its connection never comes back; every later statement on it answers `lost`.
 * I2: every statement has a deadline. When it passes, the session is given up, so nothing waits behind a server that hangs.
 */

/** A Buffer goes as it is (binary format), everything else as text. */
export type SqlValue = string | number | Buffer | null;
export type SqlRow = readonly (string | null)[];

export interface SqlStatement {
  readonly text: string;
  /** With a name it is prepared once a session. One name, one text. */
  readonly name?: string;
}

/**
 * `refused`: the server said no; nothing of the statement remains (outside of a transaction). `lost`: the connection broke or the deadline passed:
 * the statement may have taken effect, or may yet.
 */
export type SqlFailure =
  | { readonly ok: false; readonly failure: 'refused'; readonly state: string; readonly message: string }
  | { readonly ok: false; readonly failure: 'lost'; readonly message: string };

export type SqlAnswer = { readonly ok: true; readonly rows: readonly SqlRow[] } | SqlFailure;

export interface SqlSession {
  /** False once the connection is lost or closed. */
  readonly open: boolean;
  /** Runs after what was asked before. `timeoutMs`: until its last row. */
  run(statement: SqlStatement, values: readonly SqlValue[], timeoutMs: number): Promise<SqlAnswer>;
  /** As `run`, but hands over each row as it comes and keeps none. `silenceMs`: between two rows. */
  each(statement: SqlStatement, values: readonly SqlValue[], silenceMs: number, onRow: (row: SqlRow) => void): Promise<SqlAnswer>;
  /** Messages of channels that this session listens to. */
  onNotification(listener: (channel: string, payload: string) => void): void;
  /** Ends the connection at once; what runs answers `lost`. */
  destroy(): void;
}

export interface SqlServer {
  /** Where it is, for messages; without secrets. */
  readonly address: string;
  /** Throws `Fault` StoreUnavailable when nobody answers or lets us in within `timeoutMs`. `purpose` is shown in pg_stat_activity. */
  connect(purpose: string, timeoutMs: number): Promise<SqlSession>;
}
