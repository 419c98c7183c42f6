/**
 * Trusted time of this node (src/decide/certain-time.ts): from its license record and its own certificate, kept in the node store.
 *
 * I1: no wall clock is read.
 * I2: running time is stored every minute and goes on after a reboot; a renewed certificate is a new base.
 */

import { certainNowMs } from '../decide/certain-time.ts';
import { countRunning, startedNow } from '../decide/license-clock.ts';
import type { BootReading } from '../decide/license-clock.ts';
import { isFault } from '../model/fault.ts';
import { LIMITS } from '../model/limits.ts';
import type { AgentDeps } from './deps.ts';
import type { Memory } from './memory.ts';

/** Ms since 1970; 0 before this node has joined: then nothing can be said of any date. */
export type TrustedTime = () => number;

type TimeDeps = Pick<AgentDeps, 'clock' | 'bootId' | 'identity' | 'certificates' | 'log'>;

export interface TrustedClock {
  readonly now: TrustedTime;
  /** Looks at this node's certificate: call it after a join and after a renewal. */
  learn(): Promise<void>;
}

/** CLOCK_BOOTTIME now, in this boot. */
export function bootReading({ clock, bootId }: Pick<AgentDeps, 'clock' | 'bootId'>): BootReading {
  return { bootId, bootMs: clock.monotonicMs() };
}

/** Keeps counting until the signal aborts. */
export async function openTrustedTime(deps: TimeDeps, memory: Memory, signal: AbortSignal): Promise<TrustedClock> {
  const learn = async (): Promise<void> => {
    const identity = await deps.identity.load();
    const facts = identity === undefined ? undefined : deps.certificates.read(identity.certificate);
    if (facts === undefined) return;
    const known = memory.get('joined');
    const now = bootReading(deps);
    const isKnown = known?.notBeforeMs === facts.notBeforeMs;
    await memory.keep('joined', {
      notBeforeMs: facts.notBeforeMs,
      since: isKnown ? countRunning(known.since, now) : startedNow(now),
    });
  };
  await tried(deps, learn);
  void keepCounting(deps, learn, signal);
  return { now: () => trustedNow(deps, memory), learn };
}

function trustedNow(deps: TimeDeps, memory: Memory): number {
  return certainNowMs(memory.get('license'), memory.get('joined'), bootReading(deps)) ?? 0;
}

async function keepCounting(deps: TimeDeps, learn: () => Promise<void>, signal: AbortSignal): Promise<void> {
  for (;;) {
    await deps.clock.sleep(LIMITS.runningTimeStoreMs, signal).catch(() => undefined);
    if (signal.aborted) return;
    await tried(deps, learn);
  }
}

async function tried({ log }: TimeDeps, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (cause) {
    if (!isFault(cause)) throw cause;
    log.warn('Running time cannot be stored; it is tried again in a minute.', { error: cause });
  }
}
