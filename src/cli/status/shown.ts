/**
 * What of clusters, nodes and hosts is shown: entities in, answers out.
 */

import { concernsOf } from '../../decide/attention.ts';
import { agentOf, isReady, machineOf } from '../../decide/node-facts.ts';
import type { Cluster } from '../../model/cluster.ts';
import type { ClusterNode } from '../../model/cluster-node.ts';
import { conditionOf } from '../../model/condition.ts';
import { ENDED_PHASES } from '../../model/drill.ts';
import type { Drill } from '../../model/drill.ts';
import type { Host } from '../../model/host.ts';
import { PORTS } from '../../model/ports.ts';
import type { Site } from '../../model/site.ts';
import { clusterTitle } from '../cluster-line.ts';
import { renderAge } from '../table.ts';
import type { ClusterShown, HostShown, NodeShown, ServiceShown } from './answer.ts';

/** The service through which users reach the connection servers. */
const FRONT_DOOR = 'connection-server-proxy';

export interface ShownFrom {
  readonly sites: readonly Site[];
  readonly drills: readonly Drill[];
  readonly nowMs: number;
}

export function clusterShown(cluster: Cluster, { sites, drills, nowMs }: ShownFrom): ClusterShown {
  const { spec, status, metadata } = cluster;
  const open = drills.filter(
    (one) => one.metadata.namespace === metadata.namespace && one.spec.cluster === metadata.name && !hasEnded(one),
  );
  const isRehearsed = open.some((one) => one.status?.phase === 'Running');
  const concerns = concernsOf(cluster, isRehearsed);
  const { release, license, nodes = {} } = status ?? {};
  const portal = nodes[status?.primary ?? '']?.address;
  return {
    cluster: clusterTitle(cluster),
    phase: metadata.deletionTimestamp === undefined ? (status?.phase ?? 'Pending') : 'Deleting',
    needsPerson: concerns.length > 0,
    release: release?.current ?? spec.release,
    primary: status?.primary ?? '',
    term: status?.term ?? 0,
    workers: `${status?.workers ?? 0}/${spec.workers}`,
    age: renderAge(nowMs - Date.parse(metadata.creationTimestamp)),
    message: concerns.map(({ message }) => message).join(' '),
    services: servicesShown(cluster),
    ...(release?.progress === undefined ? {} : { change: `to ${release.target ?? spec.release}: ${release.progress}` }),
    ...(release?.rolledBack === undefined ? {} : { rolledBack: `${release.rolledBack.release}: ${release.rolledBack.message}` }),
    ...(spec.site === undefined ? {} : { site: siteShown(cluster, sites) }),
    frontDoor: doorsOf(cluster),
    ...(portal === undefined ? {} : { portal: `https://${portal}:${PORTS.portal}` }),
    ...(license === undefined ? {} : { license: `${license.state}: ${license.message}` }),
    ...(license?.daysLeft === undefined ? {} : { licenseDaysLeft: license.daysLeft }),
    drills: open.map(({ metadata: { name }, spec: { target }, status: state }) => `${name}: ${target}, ${state?.phase ?? 'Pending'}`),
  };
}

function hasEnded({ status }: Drill): boolean {
  return ENDED_PHASES.some((phase) => phase === status?.phase);
}

function servicesShown({ status }: Cluster): readonly ServiceShown[] {
  return Object.entries(status?.services ?? {})
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([service, { mode = 'Replicated', ready = 0, desired = 0, where = [] }]) => ({ service, mode, ready, desired, where }));
}

function siteShown({ spec, metadata }: Cluster, sites: readonly Site[]): string {
  const site = sites.find((one) => one.metadata.name === spec.site && one.metadata.namespace === metadata.namespace);
  return `${spec.site ?? ''}: ${site?.status?.pairing?.state ?? 'not paired'}`;
}

function doorsOf({ spec, status }: Cluster): readonly string[] {
  if (spec.site === undefined || status?.services?.[FRONT_DOOR] === undefined) return [];
  const addresses = Object.values(status.nodes ?? {}).flatMap(({ address }) => address ?? []);
  return addresses.toSorted().map((address) => `https://${address}:${PORTS.connectionServerProxy}`);
}

/** `cluster`: the one that it belongs to; undefined: nobody knows of it. */
export function nodeShown(node: ClusterNode, cluster: Cluster | undefined): NodeShown {
  const { metadata, spec, status } = node;
  const namespace = metadata.namespace ?? '';
  const notes = [
    cluster === undefined ? 'belongs to no cluster' : undefined,
    metadata.deletionTimestamp === undefined ? undefined : 'is deleted',
    spec.retired === true ? 'is retired' : undefined,
    machineOf(node)?.message,
    agentOf(node)?.message,
  ];
  return {
    node: `${namespace}/${metadata.name}`,
    cluster: `${namespace}/${spec.cluster}`,
    role: (status?.role ?? spec.role).toLowerCase(),
    host: spec.host ?? '(nobody)',
    machine: machineOf(node)?.phase ?? '',
    agent: agentOf(node)?.phase ?? '',
    heard: isHeardAtSite(node, cluster) ? 'yes' : 'no',
    incarnation: spec.incarnation,
    address: status?.infrastructure?.address ?? '',
    message: notes.filter((note) => note !== undefined && note !== '').join('; '),
  };
}

/** A node that says Ready of itself and is not ready in the eyes of its cluster is not heard there. */
function isHeardAtSite(node: ClusterNode, cluster: Cluster | undefined): boolean {
  if (agentOf(node) === undefined || conditionOf(cluster?.status?.conditions, 'Reachable')?.status === 'False') return false;
  return !(isReady(node) && cluster?.status?.nodes?.[node.metadata.name]?.ready === false);
}

export function hostShown({ metadata, spec, status }: Host): HostShown {
  const ready = conditionOf(status?.conditions, 'Ready');
  return {
    host: metadata.name,
    ready: ready?.status ?? 'Unknown',
    nodes: status?.nodes ?? 0,
    capacity: spec.capacity.nodes,
    cordoned: spec.cordoned ?? false,
    unclaimed: status?.unclaimed ?? [],
    message: ready === undefined || (ready.status === 'True' && (status?.unclaimed ?? []).length === 0) ? '' : ready.message,
  };
}
