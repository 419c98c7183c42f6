/**
 * Follows the clusters and tells a person what changes: a line for each change, and on a terminal a line in place that always holds.
 *
 * I1: the same thing is never said twice in a row.
 */

import { createInformer } from '../../client/informer.ts';
import type { InformerDeps } from '../../client/informer.ts';
import { CLUSTERS } from '../../model/addresses.ts';
import type { Cluster } from '../../model/cluster.ts';
import { LABEL_DRILL } from '../../model/labels.ts';
import { clusterTitle, describeCluster, describeFleet, troubleOf } from '../cluster-line.ts';
import { renderTime } from '../screen.ts';
import type { Screen } from '../screen.ts';
import { licenseTeller } from './license-lines.ts';

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
    clusters: () => [...informer.list()].filter(isOrdered).toSorted((a, b) => clusterTitle(a).localeCompare(clusterTitle(b))),
    cluster: (namespace, name) => informer.get(namespace, name),
    synced: () => informer.synced(),
    onChange: (listener) => informer.onChange(() => listener()),
  };
}

/** What a drill makes for a moment nobody has ordered. */
function isOrdered({ metadata }: Cluster): boolean {
  return metadata.labels?.[LABEL_DRILL] === undefined;
}

/** Tells of changes until the signal aborts. `nowMs`: wall clock, for the time of a line. `everyDay`: also of each day of a license. */
export function tellChanges(follower: ClusterFollower, screen: Screen, nowMs: () => number, everyDay: boolean, signal: AbortSignal): void {
  const told = new Map<string, string>();
  const licenses = licenseTeller(everyDay);
  for (const cluster of follower.clusters()) {
    told.set(clusterTitle(cluster), sentenceOf(cluster));
    licenses.know(cluster);
  }
  const tell = (): void => {
    if (signal.aborted) return;
    const there = new Set<string>();
    for (const cluster of follower.clusters()) {
      const title = clusterTitle(cluster);
      there.add(title);
      const license = licenses.tell(cluster, nowMs());
      if (license !== undefined) screen.line(`${renderTime(nowMs())} ${license}`);
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

function sentenceOf(cluster: Cluster): string {
  const trouble = troubleOf(cluster);
  return `${describeCluster(cluster)}${trouble === undefined ? '' : `. ${trouble}`}`;
}
