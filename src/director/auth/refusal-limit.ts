/**
 * Slows down whoever guesses tokens: refusals are counted by address, and past a bound the address waits out the minute.
 *
 * I1: memory is bounded: beyond the bound the address that was counted longest ago is forgotten.
 * I2: who is never refused is never slowed down.
 */

import { LIMITS } from '../../model/limits.ts';
import type { Clock } from '../../ports/clock.ts';

const WINDOW_MS = 60_000;

interface Window {
  readonly sinceMs: number;
  refusals: number;
}

export interface RefusalLimit {
  /** Seconds that the address must wait; 0: none. */
  waitSeconds(address: string): number;
  refused(address: string): void;
}

export function createRefusalLimit(clock: Clock): RefusalLimit {
  const windows = new Map<string, Window>();
  const current = (address: string): Window | undefined => {
    const window = windows.get(address);
    if (window === undefined || clock.monotonicMs() - window.sinceMs < WINDOW_MS) return window;
    windows.delete(address);
    return undefined;
  };
  return {
    waitSeconds: (address) => {
      const window = current(address);
      if (window === undefined || window.refusals < LIMITS.joinRefusalsPerMinute) return 0;
      return Math.max(1, Math.ceil((window.sinceMs + WINDOW_MS - clock.monotonicMs()) / 1000));
    },
    refused: (address) => {
      const window = current(address);
      if (window !== undefined) window.refusals++;
      else windows.set(address, { sinceMs: clock.monotonicMs(), refusals: 1 });
      if (windows.size <= LIMITS.joinAddressesCounted) return;
      const oldest = windows.keys().next();
      if (oldest.done !== true) windows.delete(oldest.value);
    },
  };
}
