/**
 * The clock of this machine.
 *
 * Node's own monotonic clock is CLOCK_MONOTONIC, which stands still while the machine is suspended; a promise that was given before a
 * suspend must not outlive it. /proc/uptime shows CLOCK_BOOTTIME, which counts the suspend, but in steps of 10 ms. Both run at the same
 * rate, so their difference is the time spent suspended, and the largest difference ever seen is the closest to it.
 *
 * I1: monotonicMs never falls within a process.
 * I2: time spent suspended is counted by the first call after waking.
 * I3: two processes of one machine differ by at most 10 ms (the step of /proc/uptime).
 * I4: a clock that is read once a turn (`turnClock`) counts a suspend in the first turn of the event loop after it.
 */

import { openSync, readSync } from 'node:fs';
import type { Clock } from '../ports/clock.ts';

/** Step of /proc/uptime. A difference below it is rounding, not suspend. */
const UPTIME_STEP_MS = 10;
/** setTimeout cannot wait longer (2^31 - 1 ms, about 25 days). */
const TIMER_MAX_MS = 2_147_483_647;

export function systemClock(): Clock {
  const uptimeMs = openUptime();
  let suspendedMs = 0;
  let first = true;
  const monotonicMs = (): number => {
    const runningMs = performanceMs();
    const seenMs = uptimeMs();
    if (seenMs !== undefined) {
      const difference = seenMs - runningMs;
      if (first) suspendedMs = Math.abs(difference) <= UPTIME_STEP_MS ? 0 : difference;
      else if (difference > suspendedMs) suspendedMs = difference;
      first = false;
    }
    return runningMs + suspendedMs;
  };
  return { nowMs: () => Date.now(), monotonicMs, sleep };
}

/**
 * The same clock, asked once in each turn of the event loop; within the turn Node's own clock goes on. A suspend in the midst of a turn is as one right
 * after it. For those who ask often and whose safety rests on no clock; who holds an authority by the clock asks the clock itself.
 */
export function turnClock(clock: Clock): Clock {
  let aheadMs: number | undefined;
  // Not unreferenced: only an immediate that counts keeps the loop from waiting with a reading that grows old.
  const forget = (): void => {
    aheadMs = undefined;
  };
  const monotonicMs = (): number => {
    const runningMs = performanceMs();
    if (aheadMs === undefined) {
      aheadMs = clock.monotonicMs() - runningMs;
      setImmediate(forget);
    }
    return runningMs + aheadMs;
  };
  return { ...clock, monotonicMs };
}

function performanceMs(): number {
  const [seconds, nanoseconds] = process.hrtime();
  return seconds * 1000 + nanoseconds / 1e6;
}

/** Reads /proc/uptime through one descriptor (2 to 15 µs a call). Where there is none, Node's clock counts suspend by itself (macOS). */
function openUptime(): () => number | undefined {
  let descriptor: number;
  try {
    descriptor = openSync('/proc/uptime', 'r');
  } catch {
    return () => undefined;
  }
  const buffer = Buffer.alloc(64);
  return () => {
    const length = readSync(descriptor, buffer, 0, buffer.length, 0);
    const seconds = Number.parseFloat(buffer.toString('latin1', 0, length));
    return Number.isFinite(seconds) ? seconds * 1000 : undefined;
  };
}

/** Waits `ms`, or rejects with the signal's reason. */
async function sleep(ms: number, signal: AbortSignal): Promise<void> {
  for (let leftMs = ms; ; leftMs -= TIMER_MAX_MS) {
    await sleepOnce(Math.min(Math.max(leftMs, 0), TIMER_MAX_MS), signal);
    if (leftMs <= TIMER_MAX_MS) return;
  }
}

function sleepOnce(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) return reject(signal.reason as Error);
    const onAbort = (): void => {
      clearTimeout(timer);
      reject(signal.reason as Error);
    };
    const timer = setTimeout(() => {
      signal.removeEventListener('abort', onAbort);
      resolve();
    }, ms);
    signal.addEventListener('abort', onAbort, { once: true });
  });
}
