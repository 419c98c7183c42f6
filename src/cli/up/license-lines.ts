/**
 * What of a license is worth a line to who watches: its state and each warning of its end; with short days (`--day 2s`) every day of it.
 *
 * I1: the same thing is never said twice in a row, and days are not told more often than once a second, however short they are.
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

const DAY_LINE_GAP_MS = 1_000;

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
      if (license === undefined || (now.standing === before.standing && !isNewDay)) return undefined;
      told.set(title, now);
      const synced = license.lastSync === undefined ? '' : `, synced on ${license.lastSync.slice(0, 10)}`;
      return `${title} has a license: ${license.state}${synced}. ${license.message}`;
    },
  };
}

function toldOf(license: License | undefined, atMs: number): Told {
  if (license === undefined) return { standing: '', day: '', atMs };
  const { daysLeft, state, lastSync, message } = license;
  const warning = daysLeft === undefined ? undefined : LICENSE_WARNING_DAYS.findLast((days) => daysLeft <= days);
  // Without a sync the sentence still counts the days.
  return { standing: `${state} ${warning ?? ''}`, day: `${lastSync?.slice(0, 10) ?? ''} ${message}`, atMs };
}
