/**
 * Work that is done again whenever it was poked: one run at a time, pokes in between are one, failures of the world are tried again.
 *
 * I1: a poke during a run leads to another run after it; runs never overlap.
 * I2: a `Fault` is tried again after a back-off until the signal aborts; anything else is a bug and ends the agent.
 * I3: between the starts of two runs lie at least `everyMs`.
 */

import { backoffMs } from '../base/backoff.ts';
import { isFault } from '../model/fault.ts';
import type { Clock } from '../ports/clock.ts';
import type { Log } from '../ports/log.ts';
import type { Random } from '../ports/random.ts';

export interface PokeLoop {
  poke(): void;
  /** Resolves when the loop has ended; call it after the signal aborted. */
  settled(): Promise<void>;
}

export interface PokeLoopOptions {
  /** For the log: what fails. */
  readonly what: string;
  readonly everyMs?: number;
  /** A run takes place after this long also without a poke. */
  readonly resyncMs?: number;
}

export interface PokeLoopDeps {
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
}

/** Made once: an abort without a reason makes an error with a stack, each time. */
const POKED = new Error('poked');

const RETRY = { baseMs: 200, capMs: 10_000, jitter: 0.5 };

export function pokeLoop(
  deps: PokeLoopDeps,
  options: PokeLoopOptions,
  work: (signal: AbortSignal) => Promise<void>,
  signal: AbortSignal,
): PokeLoop {
  let poked = Promise.withResolvers<void>();
  let said = '';
  /** What went wrong; undefined: nothing. */
  const tryOnce = async (): Promise<string | undefined> => {
    try {
      await work(signal);
      return undefined;
    } catch (cause) {
      if (signal.aborted) return undefined;
      if (!isFault(cause)) throw cause;
      return cause.message;
    }
  };
  const run = async (): Promise<void> => {
    for (let failures = 0; !signal.aborted;) {
      const { promise } = poked;
      const idle = new AbortController();
      if (failures === 0) await Promise.race([promise, pause(deps, options.resyncMs ?? Infinity, AbortSignal.any([signal, idle.signal]))]);
      idle.abort(POKED);
      if (signal.aborted) return;
      poked = Promise.withResolvers<void>();
      const startedMs = deps.clock.monotonicMs();
      const failure = await tryOnce();
      failures = failure === undefined ? 0 : failures + 1;
      if (failure !== undefined && failure !== said) deps.log.warn(`${options.what} failed and is tried again: ${failure}`);
      said = failure ?? '';
      const tookMs = deps.clock.monotonicMs() - startedMs;
      const restMs = failures > 0 ? backoffMs(RETRY, failures, deps.random.float()) : (options.everyMs ?? 0) - tookMs;
      if (restMs > 0) await pause(deps, restMs, signal);
    }
  };
  const ended = run();
  return { poke: () => poked.resolve(), settled: () => ended };
}

/** Ends early when the signal aborts. */
async function pause(deps: PokeLoopDeps, ms: number, signal: AbortSignal): Promise<void> {
  if (ms === Infinity) return await aborted(signal);
  await deps.clock.sleep(ms, signal).catch(() => undefined);
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((done) => {
    if (signal.aborted) done();
    else signal.addEventListener('abort', () => done(), { once: true });
  });
}
