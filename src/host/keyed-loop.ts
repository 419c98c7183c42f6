/**
 * Work by key: one at a time for each key, again when it was poked meanwhile, with back-off when the world failed.
 *
 * I1: two runs for one key never overlap, and a poke during a run leads to another run after it.
 * I2: a `Fault` is tried again until the signal aborts; anything else is a bug and is not caught.
 */

import { backoffMs } from '../base/backoff.ts';
import { isFault } from '../model/fault.ts';
import type { Clock } from '../ports/clock.ts';
import type { Log, LogFields } from '../ports/log.ts';
import type { Random } from '../ports/random.ts';

export interface KeyedLoop {
  poke(key: string): void;
  /** Resolves when no work is under way; call it after the signal aborted. */
  settled(): Promise<void>;
}

export interface KeyedLoopDeps {
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
}

const RETRY = { baseMs: 200, capMs: 10_000, jitter: 0.5 };

export function keyedLoop(
  deps: KeyedLoopDeps,
  what: string,
  work: (key: string, signal: AbortSignal) => Promise<void>,
  signal: AbortSignal,
  about: (key: string) => LogFields = (key) => ({ of: key }),
): KeyedLoop {
  const running = new Map<string, Promise<void>>();
  const again = new Set<string>();

  const runUntilQuiet = async (key: string): Promise<void> => {
    let failures = 0;
    do {
      again.delete(key);
      const failure = await tryOnce(work, key, signal);
      failures = failure === undefined ? 0 : failures + 1;
      if (failure === undefined) continue;
      if (!signal.aborted) deps.log.warn(`${what} failed and is tried again: ${failure}`, { ...about(key), failures });
      again.add(key);
      await deps.clock.sleep(backoffMs(RETRY, failures, deps.random.float()), signal).catch(() => undefined);
    } while (again.has(key) && !signal.aborted);
  };
  return {
    poke: (key) => {
      if (signal.aborted) return;
      again.add(key);
      if (running.has(key)) return;
      running.set(
        key,
        runUntilQuiet(key).finally(() => running.delete(key)),
      );
    },
    settled: async () => {
      await Promise.allSettled(running.values());
    },
  };
}

/** What failed, or undefined. */
async function tryOnce(
  work: (key: string, signal: AbortSignal) => Promise<void>,
  key: string,
  signal: AbortSignal,
): Promise<string | undefined> {
  try {
    await work(key, signal);
    return undefined;
  } catch (cause) {
    if (signal.aborted) return undefined;
    if (isFault(cause)) return cause.message;
    throw cause;
  }
}
