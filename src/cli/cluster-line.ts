/**
 * A cluster in one line, for people: its phase, who is primary, what is ready, and what is wrong.
 */

import type { Cluster } from '../model/cluster.ts';
import { conditionOf } from '../model/condition.ts';

/** `demo/harbor` */
export function clusterTitle(cluster: Cluster): string {
  return `${cluster.metadata.namespace ?? ''}/${cluster.metadata.name}`;
}

/** `Available, primary harbor-a1-n0, workers 1/1, hello 2/2, ticker 1/1` */
export function describeCluster(cluster: Cluster): string {
  const { spec, status } = cluster;
  const phase = cluster.metadata.deletionTimestamp === undefined ? (status?.phase ?? 'Pending') : 'Deleting';
  const services = Object.entries(status?.services ?? {}).map(([name, service]) => `${name} ${service.ready ?? 0}/${service.desired ?? 0}`);
  const nodes = [
    ...(status?.primary === undefined ? [] : [`primary ${status.primary}`]),
    ...(spec.workers === undefined ? [] : [`workers ${status?.workers ?? 0}/${spec.workers}`]),
  ];
  return [phase, ...nodes, ...services.toSorted()].join(', ');
}

/** Why it is not as asked; undefined when there is nothing to say. */
export function troubleOf(cluster: Cluster): string | undefined {
  const errors = cluster.status?.errorSet ?? [];
  const newest = errors.at(-1)?.message;
  if (newest !== undefined) return newest;
  const ready = conditionOf(cluster.status?.conditions, 'Ready');
  return ready !== undefined && ready.status !== 'True' ? ready.message : undefined;
}

/** All clusters in one line: the only one in full, of many how many are in which phase. */
export function describeFleet(clusters: readonly Cluster[]): string {
  const [first] = clusters;
  if (first === undefined) return 'no clusters';
  if (clusters.length === 1) return `${clusterTitle(first)} ${describeCluster(first)}`;
  const counts = new Map<string, number>();
  for (const cluster of clusters) {
    const phase = cluster.status?.phase ?? 'Pending';
    counts.set(phase, (counts.get(phase) ?? 0) + 1);
  }
  const parts = [...counts].toSorted(([a], [b]) => a.localeCompare(b)).map(([phase, count]) => `${count} ${phase}`);
  return `${clusters.length} clusters: ${parts.join(', ')}`;
}
