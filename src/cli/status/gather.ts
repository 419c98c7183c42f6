/**
 * Gathers what `outrigger status` shows: the parts of this machine, and what a director says of clusters, nodes and hosts.
 *
 * I1: what cannot be asked is said so; a director that does not answer never hides the parts.
 * I2: what runs on this machine and what is asked of a director are told apart, and named: they may be two control planes.
 * I3: what this caller may not see is left out and named; clusters and nodes must be seen, or there is nothing to show.
 */

import { CLUSTERS, CLUSTER_NODES, DRILLS, HOSTS, SITES } from '../../model/addresses.ts';
import type { Cluster } from '../../model/cluster.ts';
import type { ClusterNode } from '../../model/cluster-node.ts';
import type { ResourceAddress } from '../../model/core-kinds.ts';
import type { Drill } from '../../model/drill.ts';
import { Fault, isFault } from '../../model/fault.ts';
import type { ExitCode } from '../../model/fault.ts';
import type { Host } from '../../model/host.ts';
import type { Site } from '../../model/site.ts';
import type { EntityApi, Selection } from '../../ports/api.ts';
import type { Files } from '../../ports/files.ts';
import type { Processes } from '../../ports/processes.ts';
import { clusterTitle } from '../cluster-line.ts';
import { directorUrl, markedParts, readEndpoints, readRunMark } from '../data-folder.ts';
import type { DataPaths } from '../data-folder.ts';
import type { PartStatus, Status } from './answer.ts';
import { clusterShown, hostShown, nodeShown } from './shown.ts';

export interface StatusDeps {
  readonly files: Files;
  readonly processes: Processes;
  readonly paths: DataPaths;
  /** Undefined: there are no credentials. */
  readonly api: EntityApi | undefined;
  /** The kubeconfig that leads to it, when it is not the one of the data folder. */
  readonly source?: string | undefined;
  /** The URL that is asked. */
  readonly asked?: string | undefined;
  readonly nowMs: number;
}

/** What is shown; undefined: all. */
export interface Wanted {
  readonly namespace?: string | undefined;
  readonly cluster?: string | undefined;
}

/** What a director showed, before it is narrowed to what is asked for. */
export interface Seen {
  readonly clusters: readonly Cluster[];
  readonly nodes: readonly ClusterNode[];
  readonly hosts: readonly Host[] | undefined;
  readonly sites: readonly Site[];
  readonly drills: readonly Drill[];
  readonly hidden: readonly string[];
}

/** Throws `Fault` UsageWrong when a cluster is asked for that is not there. */
export async function gatherStatus(deps: StatusDeps, wanted: Wanted, signal: AbortSignal): Promise<Status> {
  const endpoints = readEndpoints(deps.files, deps.paths);
  const parts = partsOf(deps);
  const local = {
    data: deps.paths.root,
    api: endpoints === undefined ? undefined : directorUrl(endpoints.directorPort),
    source: deps.source,
    asked: deps.asked,
    parts,
  };
  const nothing = { clusters: undefined, nodes: undefined, hosts: undefined };
  if (deps.api === undefined)
    return { ...local, ...nothing, unreachable: `There is no ${deps.paths.kubeconfig}; was anything ever started here?` };
  try {
    const seen = await seeAll(deps.api, wanted, signal);
    return { ...local, ...shown(seen, wanted, deps.nowMs), unreachable: undefined };
  } catch (cause) {
    if (!isFault(cause) || cause.code === 'UsageWrong') throw cause;
    const isAsked = deps.source === undefined && cause.code !== 'DirectorRefused';
    return { ...local, ...nothing, parts: isAsked ? parts.map(silentDirector) : parts, unreachable: cause.message };
  }
}

/** Throws `Fault` DirectorUnreachable, or DirectorRefused when clusters or nodes are not shown to this caller. */
export async function seeAll(api: EntityApi, { namespace }: Wanted, signal: AbortSignal): Promise<Seen> {
  const within: Selection = namespace === undefined ? {} : { namespace };
  const clusters = await mustList<Cluster>(api, CLUSTERS, within, signal);
  const nodes = await mustList<ClusterNode>(api, CLUSTER_NODES, within, signal);
  const hasSites = clusters.some(({ spec }) => spec.site !== undefined);
  const [hosts, sites, drills] = [
    await mayList<Host>(api, HOSTS, {}, signal),
    hasSites ? await mayList<Site>(api, SITES, within, signal) : [],
    await mayList<Drill>(api, DRILLS, within, signal),
  ];
  const hidden = [
    ['hosts', hosts],
    ['sites', sites],
    ['drills', drills],
  ].flatMap(([name, list]) => (typeof list === 'string' && typeof name === 'string' ? [`${name}: ${list}`] : []));
  return {
    clusters,
    nodes,
    hosts: typeof hosts === 'string' ? undefined : hosts,
    sites: typeof sites === 'string' ? [] : sites,
    drills: typeof drills === 'string' ? [] : drills,
    hidden,
  };
}

/** The clusters that are asked for. Throws `Fault` UsageWrong when one is named that is not there. */
export function wantedClusters(clusters: readonly Cluster[], { cluster, namespace }: Wanted): readonly Cluster[] {
  if (cluster === undefined) return clusters;
  const found = clusters.filter((one) => one.metadata.name === cluster || clusterTitle(one) === cluster);
  if (found.length > 0) return found;
  const there = clusters.length === 0 ? 'There is none at all' : `There are ${clusters.map(clusterTitle).slice(0, 10).join(', ')}`;
  throw new Fault(
    'UsageWrong',
    `There is no cluster ${cluster}${namespace === undefined ? '' : ` in the namespace ${namespace}`}. ${there}.`,
  );
}

function shown(seen: Seen, wanted: Wanted, nowMs: number): Pick<Status, 'clusters' | 'nodes' | 'hosts' | 'hidden'> {
  const clusters = wantedClusters(seen.clusters, wanted);
  const ofNode = ({ spec, metadata }: ClusterNode): Cluster | undefined =>
    seen.clusters.find((one) => one.metadata.uid === spec.clusterUid && one.metadata.namespace === metadata.namespace);
  const nodes = seen.nodes.filter((node) => {
    const owner = ofNode(node);
    return wanted.cluster === undefined || (owner !== undefined && clusters.includes(owner));
  });
  return {
    clusters: clusters
      .map((cluster) => clusterShown(cluster, { sites: seen.sites, drills: seen.drills, nowMs }))
      .toSorted((a, b) => Number(b.needsPerson) - Number(a.needsPerson)),
    nodes: nodes.map((node) => nodeShown(node, ofNode(node))),
    hosts: seen.hosts?.map(hostShown),
    ...(seen.hidden.length === 0 ? {} : { hidden: seen.hidden }),
  };
}

async function mustList<T>(api: EntityApi, address: ResourceAddress<T>, within: Selection, signal: AbortSignal): Promise<readonly T[]> {
  const answer = await api.list<T>(address, within, signal);
  if (answer.ok) return answer.value.items;
  throw new Fault('DirectorRefused', `${address.plural} are not shown: ${answer.message}`);
}

/** The refusal, where it is one: rights differ, and an older director knows fewer kinds. */
export async function mayList<T>(
  api: EntityApi,
  address: ResourceAddress<T>,
  within: Selection,
  signal: AbortSignal,
): Promise<readonly T[] | string> {
  const answer = await api.list<T>(address, within, signal);
  if (answer.ok) return answer.value.items;
  return answer.reason === 'NotFound' ? [] : answer.message;
}

function silentDirector(part: PartStatus): PartStatus {
  return part.part === 'director' && part.state === 'Running' ? { ...part, state: 'Running, does not answer' } : part;
}

export function partsOf({ files, paths, processes }: Pick<StatusDeps, 'files' | 'paths' | 'processes'>): readonly PartStatus[] {
  return markedParts(files, paths).flatMap((part) => {
    const id = readRunMark(files, paths, part);
    return id === undefined ? [] : [{ part, state: processes.isAlive(id) ? ('Running' as const) : ('Gone' as const), pid: id.pid }];
  });
}

/** 0 when the API answered, or the node that was asked for could be read; 4 when not. */
export function exitCodeOf(status: Status, wasNodeAsked: boolean): ExitCode {
  return status.unreachable === undefined || (wasNodeAsked && (status.local ?? []).length > 0) ? 0 : 4;
}
