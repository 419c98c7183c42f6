/**
 * What of a license is worth a line to who watches: its state and each warning of its end, in full and at once; with short days (`--day 2s`) how time
 * passes, too.
 *
 * I1: the same thing is never said twice in a row, and that days pass is told in a few words, at most every ten seconds: it must not bury the rest.
 */

import type { Cluster, ClusterStatus } from '../../model/cluster.ts';
import { LICENSE_WARNING_DAYS } from '../../model/license-statement.ts';
import { clusterTitle } from '../cluster-line.ts';

type License = NonNullable<ClusterStatus['license']>;

export interface LicenseTeller {
  /** Takes a cluster as known, without a word. */
  know(cluster: Cluster): void;
  /** A line, when there is something to say. `nowMs`: any clock. */
  tell(cluster: Cluster, nowMs: number): string | undefined;
}

interface Told {
  readonly standing: string;
  readonly day: string;
  readonly atMs: number;
}

const DAY_LINE_GAP_MS = 10_000;

export function licenseTeller(everyDay: boolean): LicenseTeller {
  const told = new Map<string, Told>();
  return {
    know: (cluster) => void told.set(clusterTitle(cluster), toldOf(cluster.status?.license, 0)),
    tell: (cluster, nowMs) => {
      const title = clusterTitle(cluster);
      const { license } = cluster.status ?? {};
      const before = told.get(title) ?? toldOf(undefined, 0);
      const now = toldOf(license, nowMs);
      const isNewDay = everyDay && now.day !== before.day && nowMs - before.atMs >= DAY_LINE_GAP_MS;
      const isChanged = now.standing !== before.standing;
      if (license === undefined || (!isChanged && !isNewDay)) return undefined;
      told.set(title, now);
      if (!isChanged) return `${title} license: ${daysOf(license)}`;
      const synced = license.lastSync === undefined ? '' : `, synced on ${dateOf(license.lastSync)}`;
      return `${title} has a license: ${license.state}${synced}. ${license.message}`;
    },
  };
}

/** `Active, 2026-12-14`; in grace `SyncGrace, last synced on 2026-12-01, 12 days left`. */
function daysOf({ state, lastSync, daysLeft }: License): string {
  if (lastSync === undefined) return state;
  // An active license is synced every day: that is the date.
  if (state === 'Active') return `${state}, ${dateOf(lastSync)}`;
  return `${state}, last synced on ${dateOf(lastSync)}${daysLeft === undefined ? '' : `, ${daysLeft} days left`}`;
}

function dateOf(time: string): string {
  return time.slice(0, 10);
}

function toldOf(license: License | undefined, atMs: number): Told {
  if (license === undefined) return { standing: '', day: '', atMs };
  const { daysLeft, state, lastSync } = license;
  const warning = daysLeft === undefined ? undefined : LICENSE_WARNING_DAYS.findLast((days) => daysLeft <= days);
  return { standing: `${state} ${warning ?? ''}`, day: `${lastSync?.slice(0, 10) ?? ''} ${daysLeft ?? ''}`, atMs };
}
