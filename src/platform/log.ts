/**
 * The log: one line of JSON an entry, to standard error.
 *
 * Whoever starts a process decides where its standard error goes: a terminal, a journal, or a file opened for appending. When it is a file,
 * the process itself keeps it within bounds (copy to `<file>.1`, then truncate): that works although others hold the same file open, also
 * for what Node prints when it crashes, and it needs nobody else to be alive.
 *
 * I1: a log file is at most about twice `maxBytes`, its predecessor included, however long the process lives.
 * I2: values of fields that name a secret are replaced before they are written.
 * I3: an entry is written before the call returns, so that the last words before a crash are there.
 * I4: a log that cannot be written never ends the process, and holds little memory.
 */

import { copyFileSync, fstatSync, ftruncateSync, readlinkSync } from 'node:fs';
import { pino } from 'pino';
import type { DestinationStream, Logger } from 'pino';
import { isFault } from '../model/fault.ts';
import { LIMITS } from '../model/limits.ts';
import type { Log, LogFields } from '../ports/log.ts';

export type LogLevel = 'debug' | 'info' | 'warn' | 'error';

export interface LogOptions {
  /** What writes: `director`, `extension-1`, `host`, `agent`. */
  readonly role: string;
  readonly level?: LogLevel;
  /** Where to; 2 (standard error) unless told. */
  readonly descriptor?: number;
  /** Size at which a log file is turned over. */
  readonly maxBytes?: number;
}

const SECRET_FIELDS = ['token', 'password', 'secret', 'authorization', 'privateKey', 'key'];
/** Entries that could not be written and are still kept; newer ones are dropped beyond it. */
const UNWRITTEN_CHARS = 256 * 1024;
/** Entries between two looks at the size of the file. */
const SIZE_CHECK_EVERY_BYTES = 64 * 1024;

export function createLog(options: LogOptions): Log {
  const descriptor = options.descriptor ?? 2;
  const destination = pino.destination({ fd: descriptor, sync: true, maxLength: UNWRITTEN_CHARS });
  // A full disk or a closed terminal must not end the process; what was not written is tried again with the next entry.
  destination.on('error', () => undefined);
  const logger = pino(
    {
      level: options.level ?? 'info',
      base: { role: options.role, pid: process.pid },
      timestamp: pino.stdTimeFunctions.isoTime,
      messageKey: 'message',
      formatters: { level: (label) => ({ level: label }) },
      redact: { paths: SECRET_FIELDS.flatMap((name) => [name, `*.${name}`]), censor: '(not shown)' },
      serializers: { error: describeError, cause: describeError },
    },
    bounded(destination, descriptor, options.maxBytes ?? LIMITS.logFileBytes),
  );
  return wrap(logger);
}

/** What is worth keeping of anything thrown: its sentence, its code, where it came from, and what it followed from. */
function describeError(error: unknown): unknown {
  if (!(error instanceof Error)) return error;
  const code = isFault(error) ? error.code : (error as { code?: unknown }).code;
  return {
    name: error.name,
    message: error.message,
    ...(code === undefined ? {} : { code }),
    ...(isFault(error) ? {} : { stack: error.stack }),
    ...(error.cause === undefined ? {} : { cause: describeError(error.cause) }),
  };
}

function wrap(logger: Logger): Log {
  return {
    debug: (message, fields) => logger.debug(fields ?? {}, message),
    info: (message, fields) => logger.info(fields ?? {}, message),
    warn: (message, fields) => logger.warn(fields ?? {}, message),
    error: (message, fields) => logger.error(fields ?? {}, message),
    with: (fields: LogFields) => wrap(logger.child(fields)),
  };
}

function bounded(destination: DestinationStream, descriptor: number, maxBytes: number): DestinationStream {
  const file = regularFileOf(descriptor);
  if (file === undefined) return destination;
  let unchecked = SIZE_CHECK_EVERY_BYTES;
  return {
    write: (line) => {
      destination.write(line);
      unchecked += line.length;
      if (unchecked < Math.min(SIZE_CHECK_EVERY_BYTES, maxBytes)) return;
      unchecked = 0;
      turnOver(descriptor, file, maxBytes);
    },
  };
}

/** The path behind the descriptor when it is a plain file; undefined for a terminal, a pipe, a journal. */
function regularFileOf(descriptor: number): string | undefined {
  try {
    return fstatSync(descriptor).isFile() ? readlinkSync(`/proc/self/fd/${descriptor}`) : undefined;
  } catch {
    return undefined;
  }
}

function turnOver(descriptor: number, file: string, maxBytes: number): void {
  try {
    if (fstatSync(descriptor).size < maxBytes) return;
    copyFileSync(file, `${file}.1`);
    ftruncateSync(descriptor, 0);
  } catch {
    // A log that cannot be turned over (disk full, file moved away) must not stop the process that writes it.
  }
}
