/**
 * Standard output and standard error of this process, and the signals by which a person or a supervisor asks it to stop.
 *
 * I1: the first signal asks to stop in order, the second one to stop at once; whoever does not obey the second within 5 s is ended.
 *     One Ctrl-C can arrive twice, from the terminal and from npm, which passes it on: what follows within half a second is the same one.
 * I2: a reader that went away (a closed pipe) is no failure of the command.
 */

import { createInterface } from 'node:readline/promises';
import type { Terminal } from '../ports/terminal.ts';
import { Fault } from '../model/fault.ts';

const STOP_SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
const FORCED_STOP_MS = 5_000;
const SAME_SIGNAL_MS = 500;

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
}

export function stopSignals(): StopSignals {
  const stop = new AbortController();
  const force = new AbortController();
  let askedAtMs = 0;
  for (const name of STOP_SIGNALS) {
    process.on(name, () => {
      if (!stop.signal.aborted) {
        askedAtMs = performance.now();
        return stop.abort(new Fault('Aborted', `Stopped by ${name}.`));
      }
      if (force.signal.aborted || performance.now() - askedAtMs < SAME_SIGNAL_MS) return;
      force.abort(new Fault('Aborted', `Stopped at once by ${name}.`));
      setTimeout(() => process.exit(1), FORCED_STOP_MS).unref();
    });
  }
  return { signal: stop.signal, forced: force.signal };
}
