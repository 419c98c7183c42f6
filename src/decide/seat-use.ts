/**
 * Counting seats at a site: sessions at a time (concurrent), persons who used one (named), and the peaks of both since the last reset.
 *
 * Seats are counted and shown, never enforced (src/model/universal-license.ts). A person is known by the beginning of a hash of the
 * name, never by the name. A named seat, once used, stays used until somebody raises the license's `peakReset`.
 *
 * S1: peaks never fall and are never below the use, until a higher peakReset, or another license; a lower one (an old statement, another node) changes nothing.
 * S2: counting the same sessions twice, or in another order, or on two nodes and together, gives the same.
 * S3: at most LIMITS.namedUsers persons are kept apart; with more of them `named` means "at least".
 */

import type { LicenseStatement, SeatUse } from '../model/license-statement.ts';
import { LIMITS } from '../model/limits.ts';

/** What a site remembers between two counts. */
export interface SeatCount {
  readonly use: SeatUse;
  /** Beginnings of hashes of the persons since the last reset; sorted. */
  readonly users: readonly string[];
  /** By whose `peakReset` it is counted; absent: no statement was known. */
  readonly license?: SeatLicense;
}

export interface SeatLicense {
  /** uid of the UniversalLicense: each has a `peakReset` of its own, and those of two say nothing of each other. */
  readonly uid: string;
  /** Of a statement of it: of two licenses the one with the higher serial was assigned later. */
  readonly serial: number;
}

/** What the connection servers say at a moment. `users`: SHA-256 in hex digits of each person with a session. */
export interface SeatsSeen {
  readonly concurrent: number;
  readonly users: readonly string[];
}

/** 64 bits: among 100,000 persons the chance that two of them look alike is below 1 in a billion. */
const HASH_DIGITS = 16;

const NONE: SeatCount = { use: { concurrent: 0, named: 0, peakConcurrent: 0, peakNamed: 0, peakReset: 0 }, users: [] };

/** `before` with what was seen now. `seen` undefined: no server answered, so the last use stands. `peakReset`, `license`: of the newest statement. */
export function countSeats(
  before: SeatCount | undefined,
  seen: SeatsSeen | undefined,
  peakReset: number,
  license?: SeatLicense,
): SeatCount {
  const from = before ?? { ...NONE, use: { ...NONE.use, peakReset } };
  const isOther = isLater(license, from.license);
  const isOlder = isLater(from.license, license);
  const isReset = isOther || (!isOlder && peakReset > from.use.peakReset);
  if (seen === undefined && !isReset) return from;
  const by = isOlder ? from.license : (license ?? from.license);
  const concurrent = seen?.concurrent ?? from.use.concurrent;
  const users = union(isReset ? [] : from.users, (seen?.users ?? []).map(short));
  return {
    users,
    use: {
      concurrent,
      named: users.length,
      peakConcurrent: Math.max(concurrent, isReset ? 0 : from.use.peakConcurrent),
      peakNamed: Math.max(users.length, isReset ? 0 : from.use.peakNamed),
      peakReset: isReset ? peakReset : from.use.peakReset,
    },
    ...(by === undefined ? {} : { license: by }),
  };
}

/** Whether `license` is another one than `than`, and was assigned after it. */
function isLater(license: SeatLicense | undefined, than: SeatLicense | undefined): boolean {
  return license !== undefined && than !== undefined && license.uid !== than.uid && license.serial > than.serial;
}

/** What two nodes counted, together: the later license holds, then the higher reset; at the same one the persons of both and the higher peaks. */
export function mergeSeats(own: SeatCount | undefined, other: SeatCount | undefined): SeatCount | undefined {
  if (own === undefined || other === undefined) return own ?? other;
  if (isLater(own.license, other.license)) return own;
  if (isLater(other.license, own.license)) return other;
  if (own.use.peakReset !== other.use.peakReset) return own.use.peakReset > other.use.peakReset ? own : other;
  const users = union(own.users, other.users);
  const license = (own.license?.serial ?? 0) >= (other.license?.serial ?? 0) ? own.license : other.license;
  return {
    users,
    ...(license === undefined ? {} : { license }),
    use: {
      concurrent: own.use.concurrent,
      named: users.length,
      peakConcurrent: Math.max(own.use.peakConcurrent, other.use.peakConcurrent),
      peakNamed: Math.max(users.length, own.use.peakNamed, other.use.peakNamed),
      peakReset: own.use.peakReset,
    },
  };
}

/** Seats in use and their peak, of the kind that the license counts. */
export function seatsOf(
  use: SeatUse,
  { model, seats }: Pick<LicenseStatement['license'], 'model' | 'seats'>,
): { readonly current: number; readonly peak: number; readonly isOverused: boolean } {
  const [current, peak] = model === 'Named' ? [use.named, use.peakNamed] : [use.concurrent, use.peakConcurrent];
  return { current, peak, isOverused: current > seats };
}

function short(hash: string): string {
  return hash.slice(0, HASH_DIGITS);
}

/** Sorted; those who are known already keep their place when there are too many. */
function union(known: readonly string[], more: readonly string[]): readonly string[] {
  const all = new Set(known);
  for (const user of more) if (all.size < LIMITS.namedUsers) all.add(user);
  return all.size === known.length ? known : [...all].sort();
}
