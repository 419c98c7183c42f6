/**
 * Standard output and standard error of this process, and the signals by which a person or a supervisor asks it to stop.
 *
 * I1: the first signal asks to stop in order, the second one to stop at once; whoever does not obey the second within 5 s is ended, after it
 *     did what it wants done last, and with a word about it. One Ctrl-C can arrive several times, from the terminal and from npm and our own
 *     starter, which pass it on: what follows within a second is the same one.
 * I2: a reader that went away (a closed pipe) is no failure of the command.
 */

import { createInterface } from 'node:readline/promises';
import type { Terminal } from '../ports/terminal.ts';
import { Fault } from '../model/fault.ts';

const STOP_SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
const FORCED_STOP_MS = 5_000;
const SAME_SIGNAL_MS = 1_000;

export function processTerminal(): Terminal {
  const { stdout, stderr, env } = process;
  for (const stream of [stdout, stderr]) stream.on('error', () => undefined);
  const interactive = stdout.isTTY && env['TERM'] !== 'dumb';
  return {
    interactive,
    color: interactive && (env['NO_COLOR'] ?? '') === '',
    columns: () => (stdout.isTTY && stdout.columns > 0 ? stdout.columns : 80),
    write: (text) => void stdout.write(text),
    writeError: (text) => void stderr.write(text),
  };
}

/** Asks the person at the terminal; undefined: there is nobody to ask, because standard input or output is none. */
export function personAtTerminal(): ((question: string, signal: AbortSignal) => Promise<string>) | undefined {
  const { stdin, stdout } = process;
  if (!stdin.isTTY || !stdout.isTTY) return undefined;
  return async (question, signal) => {
    const lines = createInterface({ input: stdin, output: stdout });
    try {
      return await lines.question(question, { signal });
    } finally {
      lines.close();
    }
  };
}

export interface StopSignals {
  /** Aborts with a `Fault` Aborted at the first signal. */
  readonly signal: AbortSignal;
  /** Aborts at the second. */
  readonly forced: AbortSignal;
  /** What is done, without waiting for anything, before the process is ended because it did not obey the second. */
  readonly atForcedEnd: (act: () => void) => void;
}

export function stopSignals(): StopSignals {
  const stop = new AbortController();
  const force = new AbortController();
  const last: (() => void)[] = [];
  let askedAtMs = 0;
  for (const name of STOP_SIGNALS) {
    process.on(name, () => {
      if (!stop.signal.aborted) {
        askedAtMs = performance.now();
        return stop.abort(new Fault('Aborted', `Stopped by ${name}.`));
      }
      if (force.signal.aborted || performance.now() - askedAtMs < SAME_SIGNAL_MS) return;
      force.abort(new Fault('Aborted', `Stopped at once by ${name}.`));
      setTimeout(() => endAtOnce(last), FORCED_STOP_MS).unref();
    });
  }
  return { signal: stop.signal, forced: force.signal, atForcedEnd: (act) => void last.push(act) };
}

function endAtOnce(last: readonly (() => void)[]): never {
  try {
    for (const act of last) act();
  } finally {
    process.stderr.write(`Ended: it had not stopped ${FORCED_STOP_MS / 1000} s after it was told to stop at once.\n`);
    process.exit(1);
  }
}
