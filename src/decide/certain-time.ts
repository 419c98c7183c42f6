/**
 * Trusted time: what a node knows of the date without a wall clock. Certificates are judged by it.
 *
 * Two words of directors are known here, each with the running time since: the newest license statement, and the `notBefore` of this node's own certificate
 * (plus what certificates are backdated by). The lesser holds: a director whose clock ran ahead when it signed one of them must not make every certificate
 * look ended, for then nobody would be left to bring the next statement, which corrects it.
 *
 * I1: trusted time never runs ahead of either word. It may lag, by the time that the machine was off: that a certificate has ended is known by it, that
 *     one has not begun yet is not.
 */

import type { LicenseRecord, RunningTime } from '../model/license-statement.ts';
import { LIMITS } from '../model/limits.ts';
import { ranMs, trustedNowMs } from './license-clock.ts';
import type { BootReading } from './license-clock.ts';

/** The certificate that a node knows itself by, and how long it has been running since it has it. */
export interface Joined {
  readonly notBeforeMs: number;
  readonly since: RunningTime;
}

/** Ms since 1970; undefined: nothing is known of the date. */
export function certainNowMs(license: LicenseRecord | undefined, joined: Joined | undefined, now: BootReading): number | undefined {
  const byLicense = license === undefined ? undefined : trustedNowMs(license, now);
  const byCertificate = joined === undefined ? undefined : joined.notBeforeMs + LIMITS.certificateBackdateMs + ranMs(joined.since, now);
  if (byLicense === undefined || byCertificate === undefined) return byLicense ?? byCertificate;
  return Math.min(byLicense, byCertificate);
}
