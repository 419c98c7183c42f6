/**
 * The log of agents and balancers: the same lines as src/platform/log.ts writes, without a library, because on every node memory counts.
 *
 * I1: an entry is written before the call returns.
 * I2: values of fields that name a secret are replaced.
 * I3: the file behind standard error stays within its bound.
 */

import { fstatSync, readlinkSync, writeSync } from 'node:fs';
import { isFault } from '../model/fault.ts';
import { LIMITS } from '../model/limits.ts';
import type { Log, LogFields } from '../ports/log.ts';
import { boundLog } from './pod-logs.ts';

const STANDARD_ERROR = 2;
const SECRET = /^(?:token|password|secret|authorization|privateKey|key)$/;
const SIZE_CHECK_EVERY_BYTES = 64 * 1024;
const LEVELS = ['debug', 'info', 'warn', 'error'] as const;
type Level = (typeof LEVELS)[number];

export function lineLog(role: string, level: Level = 'info'): Log {
  const write = boundedWriter();
  const threshold = LEVELS.indexOf(level);
  const logWith = (own: LogFields): Log => {
    const entry =
      (at: Level) =>
      (message: string, fields: LogFields = {}): void => {
        if (LEVELS.indexOf(at) < threshold) return;
        const line = { level: at, time: new Date().toISOString(), role, pid: process.pid, ...plain({ ...own, ...fields }), message };
        write(`${JSON.stringify(line)}\n`);
      };
    return {
      debug: entry('debug'),
      info: entry('info'),
      warn: entry('warn'),
      error: entry('error'),
      with: (more) => logWith({ ...own, ...more }),
    };
  };
  return logWith({});
}

function plain(fields: LogFields): Record<string, unknown> {
  return Object.fromEntries(Object.entries(fields).map(([name, value]) => [name, SECRET.test(name) ? '(not shown)' : describe(value)]));
}

/** What is worth keeping of anything thrown: its sentence, its code, where it came from, and what it followed from. */
function describe(value: unknown): unknown {
  if (!(value instanceof Error)) return value;
  const code = isFault(value) ? value.code : (value as NodeJS.ErrnoException).code;
  return {
    name: value.name,
    message: value.message,
    ...(code === undefined ? {} : { code }),
    ...(isFault(value) ? {} : { stack: value.stack }),
    ...(value.cause === undefined ? {} : { cause: describe(value.cause) }),
  };
}

function boundedWriter(): (line: string) => void {
  const file = fileBehind(STANDARD_ERROR);
  let unchecked = SIZE_CHECK_EVERY_BYTES;
  return (line) => {
    try {
      writeSync(STANDARD_ERROR, line);
    } catch {
      // A full disk or a closed terminal must not end an agent.
      return;
    }
    unchecked += line.length;
    if (file === undefined || unchecked < SIZE_CHECK_EVERY_BYTES) return;
    unchecked = 0;
    boundLog(file, LIMITS.logFileBytes);
  };
}

function fileBehind(descriptor: number): string | undefined {
  try {
    return fstatSync(descriptor).isFile() ? readlinkSync(`/proc/self/fd/${descriptor}`) : undefined;
  } catch {
    return undefined;
  }
}
