/**
 * What a UniversalLicense's status says of its sites after one of them has synced: its row, the sums, and whether more seats are in use than there are.
 *
 * I1: only sites that name this license now are counted; a row of a site that went, or that names another one, is dropped.
 * I2: seats are counted and shown; nothing here refuses.
 */

import type { JsonObject } from '../model/json.ts';
import { setCondition } from '../model/condition.ts';
import type { SeatUse } from '../model/license-statement.ts';
import type { UniversalLicenseSpec, UniversalLicenseStatus } from '../model/universal-license.ts';

export type LedgerRow = NonNullable<UniversalLicenseStatus['sites']>[string];

export interface LedgerEntry {
  readonly site: string;
  readonly siteUid: string;
  readonly clusterUid: string;
  /** RFC 3339, license time. */
  readonly syncedAt: string;
  /** Undefined: the site did not say; what it said last stays. */
  readonly use: SeatUse | undefined;
}

export interface LedgerState {
  readonly spec: Pick<UniversalLicenseSpec, 'seats' | 'model'>;
  readonly generation: number;
  readonly status: UniversalLicenseStatus | undefined;
  /** Names and uids of the sites that name this license now. */
  readonly sites: ReadonlyMap<string, string>;
}

/** `now`: RFC 3339 text, for conditions. */
export function ledgerAfter({ spec, generation, status, sites }: LedgerState, entry: LedgerEntry, now: string): UniversalLicenseStatus {
  const kept = Object.entries(status?.sites ?? {}).filter(([name, row]) => name !== entry.site && sites.get(name) === row.siteUid);
  const rows: Record<string, LedgerRow> = Object.fromEntries([...kept, [entry.site, rowOf(entry, status?.sites?.[entry.site])]]);
  const use = usedSeats(spec, Object.values(rows));
  const condition = {
    type: 'Overused' as const,
    status: use.overused ? ('True' as const) : ('False' as const),
    reason: use.overused ? ('LicenseOverused' as const) : ('NotOverused' as const),
    message: overuseSentence(spec, use),
    observedGeneration: generation,
  };
  return { ...status, conditions: [...setCondition(status?.conditions ?? [], condition, now)], sites: rows, use };
}

function rowOf({ siteUid, clusterUid, syncedAt, use }: LedgerEntry, before: LedgerRow | undefined): LedgerRow {
  const said = use ?? (before?.siteUid === siteUid ? before : undefined);
  const { concurrent, named, peakConcurrent, peakNamed, peakReset } = said ?? {};
  const counts = { concurrent, named, peakConcurrent, peakNamed, peakReset };
  const known = Object.entries(counts).filter(([, count]) => count !== undefined);
  return { siteUid, clusterUid, syncedAt, ...(Object.fromEntries(known) as Partial<SeatUse>) };
}

interface Used {
  readonly current: number;
  readonly peak: number;
  readonly overused: boolean;
}

function usedSeats({ seats, model }: LedgerState['spec'], rows: readonly LedgerRow[]): Used {
  const sum = (count: (row: LedgerRow) => number | undefined): number => rows.reduce((total, row) => total + (count(row) ?? 0), 0);
  const current = sum((row) => (model === 'Named' ? row.named : row.concurrent));
  const peak = sum((row) => (model === 'Named' ? row.peakNamed : row.peakConcurrent));
  return { current, peak, overused: current > seats };
}

function overuseSentence({ seats, model }: LedgerState['spec'], { current, overused }: Used): string {
  const kind = model === 'Named' ? 'named' : 'concurrent';
  if (!overused) return `${current} of ${seats} ${kind} seats are in use.`;
  return `${current} ${kind} seats are in use and the license has ${seats}: ${current - seats} too many. Nothing is refused for it; enlarge the license.`;
}

/** Seat use as a site sent it; undefined when it is not that. */
export function readSeatUse(body: JsonObject): SeatUse | undefined {
  const count = (name: string): number => {
    const value = body[name];
    return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 ? value : -1;
  };
  const use = {
    concurrent: count('concurrent'),
    named: count('named'),
    peakConcurrent: count('peakConcurrent'),
    peakNamed: count('peakNamed'),
    peakReset: count('peakReset'),
  };
  return Object.values(use).includes(-1) ? undefined : use;
}
