/**
 * Which releases a cluster could be told to run, and why not the others: by the same rule as the API's (src/decide/upgrade-path.ts). Pure.
 *
 * I1: the newest stands first; what cannot be chosen says why.
 */

import { upgradeRefusal } from '../../../../src/decide/upgrade-path.ts';
import type { ReleasePlace } from '../../../../src/decide/upgrade-path.ts';
import type { ClusterRelease } from '../../../../src/model/cluster-release.ts';
import type { Cluster } from '../../../../src/model/cluster.ts';

export interface ReleaseChoice {
  readonly name: string;
  readonly notes: string;
  /** A sentence; undefined: it can be chosen. */
  readonly whyNot: string | undefined;
  readonly isRunning: boolean;
}

export function releaseChoices(cluster: Cluster, releases: Iterable<ClusterRelease>): readonly ReleaseChoice[] {
  const all = [...releases];
  const runs = cluster.status?.release?.current ?? cluster.spec.release;
  const from = all.find(({ metadata }) => metadata.name === runs);
  return all
    .toSorted((a, b) => b.spec.version.localeCompare(a.spec.version, 'en', { numeric: true }))
    .map((release) => ({
      name: release.metadata.name,
      notes: release.spec.notes ?? '',
      whyNot: whyNot(cluster, from, release),
      isRunning: release.metadata.name === runs,
    }));
}

function whyNot({ spec, status }: Cluster, from: ClusterRelease | undefined, to: ClusterRelease): string | undefined {
  if (to.metadata.name === spec.release)
    return status?.release?.rolledBack?.release === spec.release && status.release.current !== spec.release
      ? 'It is asked for, and was taken back. To try it again, change to what runs first, and when that is done, to this one.'
      : 'It is asked for already.';
  if (status?.availableAt === undefined || from === undefined) return undefined;
  const refusal = upgradeRefusal(placeOf(from), placeOf(to));
  return refusal === undefined ? undefined : `${refusal.charAt(0).toUpperCase()}${refusal.slice(1)}.`;
}

function placeOf({ spec }: ClusterRelease): ReleasePlace {
  return { version: spec.version, upgradesFrom: spec.upgradesFrom ?? [] };
}

/** Of `1 of 2 nodes run 1.0.1`; undefined: it counts nothing. */
export function countOf(progress: string | undefined): { readonly done: number; readonly all: number } | undefined {
  const [, done, all] = /^(\d+) of (\d+) /.exec(progress ?? '') ?? [];
  return done === undefined || all === undefined ? undefined : { done: Number(done), all: Number(all) };
}
