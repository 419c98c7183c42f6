/**
 * Follows the clusters and tells a person what changes: a line for each change, and on a terminal a line in place that always holds.
 *
 * I1: the same thing is never said twice in a row.
 */

import { createInformer } from '../../client/informer.ts';
import type { InformerDeps } from '../../client/informer.ts';
import { CLUSTERS } from '../../model/addresses.ts';
import type { Cluster, ClusterStatus } from '../../model/cluster.ts';
import { LICENSE_WARNING_DAYS } from '../../model/license-statement.ts';
import { clusterTitle, describeCluster, describeFleet, troubleOf } from '../cluster-line.ts';
import { renderTime } from '../screen.ts';
import type { Screen } from '../screen.ts';

type ClusterLicense = NonNullable<ClusterStatus['license']>;

export interface ClusterFollower {
  clusters(): readonly Cluster[];
  cluster(namespace: string, name: string): Cluster | undefined;
  /** False until the first list has arrived. */
  synced(): boolean;
  /** Called after every change. */
  onChange(listener: () => void): void;
}

export function followClusters(deps: InformerDeps, signal: AbortSignal): ClusterFollower {
  const informer = createInformer<Cluster>(deps, CLUSTERS);
  void informer.run(signal);
  return {
    clusters: () => [...informer.list()].toSorted((a, b) => clusterTitle(a).localeCompare(clusterTitle(b))),
    cluster: (namespace, name) => informer.get(namespace, name),
    synced: () => informer.synced(),
    onChange: (listener) => informer.onChange(() => listener()),
  };
}

/** Tells of changes until the signal aborts. `nowMs`: wall clock, for the time of a line. */
export function tellChanges(follower: ClusterFollower, screen: Screen, nowMs: () => number, signal: AbortSignal): void {
  const told = new Map<string, string>();
  const licenses = new Map<string, string>();
  for (const cluster of follower.clusters()) {
    told.set(clusterTitle(cluster), sentenceOf(cluster));
    licenses.set(clusterTitle(cluster), standingOf(cluster.status?.license));
  }
  const tellLicense = ({ status }: Cluster, title: string): void => {
    const standing = standingOf(status?.license);
    if (standing === (licenses.get(title) ?? '')) return;
    licenses.set(title, standing);
    if (status?.license !== undefined)
      screen.line(`${renderTime(nowMs())} ${title} has a license: ${status.license.state}. ${status.license.message}`);
  };
  const tell = (): void => {
    if (signal.aborted) return;
    const there = new Set<string>();
    for (const cluster of follower.clusters()) {
      const title = clusterTitle(cluster);
      there.add(title);
      tellLicense(cluster, title);
      const sentence = sentenceOf(cluster);
      if (told.get(title) === sentence) continue;
      told.set(title, sentence);
      screen.line(`${renderTime(nowMs())} ${title} is ${sentence}`);
    }
    for (const title of told.keys()) {
      if (there.has(title)) continue;
      told.delete(title);
      screen.line(`${renderTime(nowMs())} ${title} is gone`);
    }
    screen.status(describeFleet(follower.clusters()));
  };
  follower.onChange(tell);
  tell();
}

/** What of a license is worth a line: its state, and each warning of its end. Its sentence changes every day. */
function standingOf(license: ClusterLicense | undefined): string {
  if (license === undefined) return '';
  const { daysLeft } = license;
  const warning = daysLeft === undefined ? undefined : LICENSE_WARNING_DAYS.findLast((days) => daysLeft <= days);
  return `${license.state} ${warning ?? ''}`;
}

function sentenceOf(cluster: Cluster): string {
  const trouble = troubleOf(cluster);
  return `${describeCluster(cluster)}${trouble === undefined ? '' : `. ${trouble}`}`;
}
