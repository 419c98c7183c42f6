/**
 * What a license keeper is: its state, what it asks its shell for, and what is read off it.
 *
 * Specification: docs/internals/universal-license.md; the steps: license-machine.ts.
 *
 * L9: a statement is accepted only for this cluster and this site, with a higher serial.
 * L10: a sync is asked for only with authority, a site and one live instance of each framework service; jitter makes it earlier, never later.
 */

import type { FrameworkService } from '../model/framework.ts';
import type { LicenseRecord, LicenseState, LicenseStatement } from '../model/license-statement.ts';
import { LIMITS } from '../model/limits.ts';
import { licenseNowMs } from './license-clock.ts';
import type { BootReading } from './license-clock.ts';
import { viewLicense } from './universal-license.ts';
import { momentsOf, stateAt } from './license-moments.ts';
import type { LicenseView } from './universal-license.ts';
import type { SyncTrouble } from './license-banner.ts';
import type { LicenseApproach } from './license-moments.ts';

export type LicenseEffect =
  /** Make it durable. Failed: send StoreFailed, and drop TellPeers and Deliver behind it. */
  | { readonly kind: 'StoreRecord'; readonly record: LicenseRecord }
  /** A newer statement: the other nodes need not wait for the next exchange. */
  | { readonly kind: 'TellPeers'; readonly record: LicenseRecord }
  /** Write it where this node's framework services read it; connection-server-proxy takes it on to the connection servers. */
  | { readonly kind: 'Deliver'; readonly record: LicenseRecord }
  /** Ask a director, through the framework services; answer with this number. */
  | { readonly kind: 'RequestSync'; readonly request: number }
  /** `key` names this change for good: who reports it a second time (after a restart, a failover) reports the same Event. */
  | { readonly kind: 'ReportState'; readonly key: string; readonly from: LicenseState; readonly view: LicenseView }
  /** `key`, likewise, names the approach and the threshold. */
  | { readonly kind: 'Warn'; readonly key: string; readonly days: number; readonly view: LicenseView }
  /** The first failure after a success; the further ones are only counted. */
  | { readonly kind: 'ReportFailure'; readonly message: string };

export interface LicenseTimers {
  /** Running time is stored this often. */
  readonly storeMs: number;
}

export interface LicenseKeeper {
  readonly clusterUid: string;
  readonly timers: LicenseTimers;
  readonly record: LicenseRecord | undefined;
  readonly state: LicenseState;
  readonly hasAuthority: boolean;
  readonly siteUid: string | undefined;
  /** Whether the cluster names a site at all, paired with it or not. */
  readonly isPlugged: boolean;
  /** Framework services without a live instance, as far as it was told. */
  readonly missing: readonly FrameworkService[] | undefined;
  /** In [0, 1): how much earlier than due the next sync is asked for. */
  readonly jitter: number;
  readonly asking: { readonly request: number; readonly sinceMs: number } | undefined;
  readonly requests: number;
  /** Failed syncs since the last success, those since somebody last had a reason to ask at once, and what the last one said. */
  readonly failures: number;
  readonly tries: number;
  readonly lastFailure: string | undefined;
  /** It was a director that said it. */
  readonly isRefused: boolean;
  readonly isRequested: boolean;
  /** No request before this; ms of CLOCK_BOOTTIME, as every time of the machine that is not license time. */
  readonly notBeforeMs: number;
  readonly askedMs: number;
  readonly storeAtMs: number;
  /** Serials that are on disk, and that the peers were told of; undefined: with the next store. */
  readonly storedSerial: number | undefined;
  readonly toldSerial: number | undefined;
  /** The deadline and the fewest days of each approach that was warned of. */
  readonly warned: Readonly<Partial<Record<LicenseApproach['to'], { readonly atMs: number; readonly days: number }>>>;
}

/** What a look at the keeper tells: for status, portal and support. */
export interface KeeperView extends LicenseView {
  /** License time at which the next sync is asked for; absent: as soon as it can be. */
  readonly syncAtMs?: number;
  /** Why no sync is possible now, or why the last one failed: a sentence. */
  readonly waitsFor?: string;
}

/** What holds at this node now. */
export function viewKeeper(keeper: LicenseKeeper, now: BootReading): KeeperView {
  const view = viewOf(keeper, now);
  const waitsFor = whySyncWaits(keeper);
  const syncAtMs = syncAt(keeper);
  return { ...view, ...(syncAtMs === undefined ? {} : { syncAtMs }), ...(waitsFor === undefined ? {} : { waitsFor }) };
}

/** Why a statement is not accepted here: a sentence; undefined: it is. `siteUid` undefined: of whatever site. */
export function refusalOf(
  statement: LicenseStatement,
  here: { readonly clusterUid: string; readonly siteUid: string | undefined; readonly heldSerial: number | undefined },
): string | undefined {
  const { site, clusterUid, serial } = statement;
  if (clusterUid !== here.clusterUid)
    return `The license was signed for another cluster (${clusterUid}, this is ${here.clusterUid}); it was not used.`;
  if (here.siteUid !== undefined && site.uid !== here.siteUid)
    return `The license was signed for the site ${site.namespace}/${site.name} (${site.uid}), and this cluster is paired with another one (${here.siteUid}); it was not used.`;
  if (here.heldSerial !== undefined && serial <= here.heldSerial)
    return `The license has the serial ${serial} and ${here.heldSerial} is held here already: an old answer was sent again; it was not used.`;
  return undefined;
}

export function canAsk(keeper: LicenseKeeper): boolean {
  return keeper.hasAuthority && keeper.siteUid !== undefined && keeper.missing?.length === 0;
}

/** License time of the next sync; undefined: at once. */
export function syncAt({ record, siteUid, jitter }: LicenseKeeper): number | undefined {
  if (record === undefined || (siteUid !== undefined && record.statement.site.uid !== siteUid)) return undefined;
  const { rate, license } = record.statement;
  const { syncPeriodMs } = license;
  const leadMs = Math.max(syncPeriodMs * LIMITS.licenseLeadShare, Math.min(syncPeriodMs / 4, LIMITS.licenseLeadMs * rate));
  return momentsOf(record.statement).dueMs - leadMs - jitter * LIMITS.licenseJitterShare * syncPeriodMs;
}

export function isWanted(keeper: LicenseKeeper, now: BootReading): boolean {
  const atMs = syncAt(keeper);
  return keeper.isRequested || keeper.record === undefined || atMs === undefined || licenseNowMs(keeper.record, now) >= atMs;
}

function whySyncWaits({ siteUid, isPlugged, missing, lastFailure, hasAuthority }: LicenseKeeper): string | undefined {
  if (!hasAuthority) return 'The node with authority over the cluster syncs; this one does not have it.';
  if (missing === undefined) return 'It is not known yet which framework services run.';
  if (!isPlugged) return 'This cluster is not plugged into a site; name one (spec.site) and pair it.';
  if (siteUid === undefined) return 'This cluster is not paired with its site; outrigger site status names the check that failed.';
  if (missing.length > 0) return `No live instance of ${missing.join(', ')} on any node; see outrigger status.`;
  return lastFailure;
}

/** The newest cause that this node knows of: what is missing goes before what an earlier try said. */
export function troubleOf({ siteUid, isPlugged, missing, lastFailure, isRefused, hasAuthority }: LicenseKeeper): SyncTrouble | undefined {
  // Nobody has looked yet.
  if (missing === undefined) return undefined;
  if (!isPlugged) return { kind: 'NoSite' };
  if (siteUid === undefined) return { kind: 'NotPaired' };
  if (!hasAuthority) return { kind: 'Elsewhere' };
  if (missing.length > 0) return { kind: 'ServicesMissing', services: missing };
  if (lastFailure === undefined) return undefined;
  return { kind: isRefused ? 'Refused' : 'Failed', said: lastFailure };
}

export function stateOf(record: LicenseRecord | undefined, now: BootReading): LicenseState {
  return record === undefined ? 'Inactive' : stateAt(momentsOf(record.statement), licenseNowMs(record, now));
}

export function viewOf(keeper: LicenseKeeper, now: BootReading): LicenseView {
  const { record } = keeper;
  return viewLicense(record, record === undefined ? 0 : licenseNowMs(record, now), troubleOf(keeper));
}
