/**
 * So many calls of one caller in a minute, then a wait.
 *
 * I1: memory is bounded: beyond the bound the caller that was counted longest ago is forgotten.
 */

import { LIMITS } from '../../model/limits.ts';
import type { Clock } from '../../ports/clock.ts';

const WINDOW_MS = 60_000;

/** Counts a call; returns the seconds that its caller must wait, 0: none. */
export type RateLimit = (caller: string) => number;

export function createRateLimit(clock: Pick<Clock, 'monotonicMs'>, perMinute: number): RateLimit {
  const windows = new Map<string, { readonly sinceMs: number; calls: number }>();
  return (caller) => {
    const nowMs = clock.monotonicMs();
    const window = windows.get(caller);
    if (window !== undefined && nowMs - window.sinceMs < WINDOW_MS) {
      if (window.calls >= perMinute) return Math.max(1, Math.ceil((window.sinceMs + WINDOW_MS - nowMs) / 1000));
      window.calls++;
      return 0;
    }
    windows.delete(caller);
    windows.set(caller, { sinceMs: nowMs, calls: 1 });
    if (windows.size > LIMITS.licenseNodesCounted) {
      const oldest = windows.keys().next();
      if (oldest.done !== true) windows.delete(oldest.value);
    }
    return 0;
  };
}
