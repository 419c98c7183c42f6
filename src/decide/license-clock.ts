/**
 * The clocks of the universal license: running time, and the two times that are counted from a signed statement by it.
 *
 * Running time is CLOCK_BOOTTIME, summed over boots: no wall clock stands anywhere here, so setting one extends nothing and ends nothing.
 * The time that a machine is switched off is not counted; what a peer counted meanwhile comes by the exchange (license-exchange.ts).
 * Specification: docs/internals/universal-license.md.
 *
 * L1: running time never falls, whatever reading is handed in; a reboot adds what the new boot has run and forgets nothing.
 * L2: license time and trusted time follow from the statement and running time alone.
 */

import type { LicenseRecord, RunningTime } from '../model/license-statement.ts';

/** A look at the machine's clock. `bootMs`: ms of CLOCK_BOOTTIME; it tells times only together with the boot that it was read in. */
export interface BootReading {
  readonly bootId: string;
  readonly bootMs: number;
}

/** Running time that begins now. */
export function startedNow(now: BootReading): RunningTime {
  return { ranMs: 0, bootId: now.bootId, bootMs: now.bootMs };
}

/** `time` counted up to `now`. Another boot than it was last counted in has run for `now.bootMs`. Never falls. */
export function countRunning(time: RunningTime, now: BootReading): RunningTime {
  if (time.bootId !== now.bootId) return { ranMs: time.ranMs + Math.max(0, now.bootMs), bootId: now.bootId, bootMs: now.bootMs };
  if (now.bootMs <= time.bootMs) return time;
  return { ranMs: time.ranMs + (now.bootMs - time.bootMs), bootId: now.bootId, bootMs: now.bootMs };
}

/** How long it has run at `now`, in ms. */
export function ranMs(time: RunningTime, now: BootReading): number {
  return countRunning(time, now).ranMs;
}

/** License time in ms since 1970: contract, sync period and grace are judged by it. */
export function licenseNowMs(record: LicenseRecord, now: BootReading): number {
  return record.statement.licenseMs + ranMs(record.since, now) * record.statement.rate;
}

/** Trusted time in ms since 1970: certificates are judged by it. */
export function trustedNowMs(record: LicenseRecord, now: BootReading): number {
  return record.statement.trustedMs + ranMs(record.since, now);
}
