/**
 * What two nodes that hold a license make of each other's record.
 *
 * A record travels counted up to its sending. Its reading of CLOCK_BOOTTIME means nothing on another machine, so it is anchored anew where
 * it arrives; what it was under way is lost, and no more.
 *
 * L3: the higher serial holds, whatever times it names; at the same serial the larger running time holds. So neither ever falls.
 * L4: a peer can hand over what was signed, and make time pass faster; it cannot give time back.
 */

import type { LicenseRecord } from '../model/license-statement.ts';
import { countRunning } from './license-clock.ts';
import type { BootReading } from './license-clock.ts';

/** `own` counted up to `now`, with what `other` (as it was just received) knows better. Both must be verified and of this cluster. */
export function mergeRecords(
  own: LicenseRecord | undefined,
  other: LicenseRecord | undefined,
  now: BootReading,
): LicenseRecord | undefined {
  const mine = own === undefined ? undefined : { ...own, since: countRunning(own.since, now) };
  if (other === undefined) return mine;
  const theirs = anchoredHere(other, now);
  if (mine === undefined || theirs.statement.serial > mine.statement.serial) return theirs;
  if (theirs.statement.serial < mine.statement.serial || theirs.since.ranMs <= mine.since.ranMs) return mine;
  return { ...mine, since: theirs.since };
}

/** Nodes on one machine share a boot: then its clock tells exactly what the record has run meanwhile. */
function anchoredHere(record: LicenseRecord, now: BootReading): LicenseRecord {
  const { since } = record;
  if (since.bootId === now.bootId) return { ...record, since: countRunning(since, now) };
  return { ...record, since: { ranMs: since.ranMs, bootId: now.bootId, bootMs: now.bootMs } };
}
