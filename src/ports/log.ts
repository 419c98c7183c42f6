/**
 * The door to the log: structured, one line an entry, no secrets.
 */

export type LogFields = Readonly<Record<string, unknown>>;

export interface Log {
  debug(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
  /** A log whose every entry carries `fields` besides its own. */
  with(fields: LogFields): Log;
}
