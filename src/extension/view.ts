/**
 * Assembles what a decision about one cluster is made from: out of the informers' copies, or read live from the director.
 *
 * I1: a live view is read for one decision, in the order VirtualDataCenter, Cluster, nodes, which is part of the proof in src/decide/cluster-view.ts.
 * I2: a part that could not be read is never taken for absent: the view then fails as a whole.
 */

import type { ClusterView } from '../decide/cluster-view.ts';
import { confirmedBoot } from '../decide/host-death.ts';
import type { MassSilence } from '../decide/mass-silence.ts';
import type { Observations } from '../decide/observation.ts';
import { activeConfig } from '../decide/server-config.ts';
import { leaseFacts } from '../decide/silence.ts';
import { CLUSTERS, CLUSTER_NODES, CLUSTER_RELEASES, HOSTS, SERVER_CONFIGS, SITES, VIRTUAL_DATA_CENTERS } from '../model/addresses.ts';
import type { ClusterNode } from '../model/cluster-node.ts';
import type { ClusterRelease } from '../model/cluster-release.ts';
import type { Cluster } from '../model/cluster.ts';
import { LEASES } from '../model/core-kinds.ts';
import type { Lease, ResourceAddress } from '../model/core-kinds.ts';
import { Fault } from '../model/fault.ts';
import type { Host } from '../model/host.ts';
import { LABEL_CLUSTER_UID, nodeLeaseName } from '../model/labels.ts';
import type { ServerConfig } from '../model/server-config.ts';
import type { Site } from '../model/site.ts';
import type { VirtualDataCenter } from '../model/virtual-data-center.ts';
import type { EntityApi } from '../ports/api.ts';
import type { Clock } from '../ports/clock.ts';
import type { Random } from '../ports/random.ts';
import { indexBy } from '../client/index-by.ts';
import type { IndexBy } from '../client/index-by.ts';
import { createInformer } from '../client/informer.ts';
import type { Informer, InformerDeps } from '../client/informer.ts';

export interface Copies {
  readonly clusters: Informer<Cluster>;
  readonly nodes: Informer<ClusterNode>;
  readonly virtualDataCenters: Informer<VirtualDataCenter>;
  readonly releases: Informer<ClusterRelease>;
  readonly configs: Informer<ServerConfig>;
  readonly sites: Informer<Site>;
  /** Which of them people confirmed dead. Nothing waits for it either. */
  readonly hosts: Informer<Host>;
  /** By which agents show that they live. Nothing waits for it: without it silence is not noticed, and that is all. */
  readonly leases: Informer<Lease>;
}

/** Of the copies: what belongs together, without looking through all of it. */
export interface Indexes {
  /** By the uid of the cluster. */
  readonly nodes: IndexBy<ClusterNode>;
  /** By `<namespace>/<name>` of the VirtualDataCenter. */
  readonly clusters: IndexBy<Cluster>;
  /** By the uid of the cluster that is plugged in there. */
  readonly sites: IndexBy<Site>;
}

/** The copies, and the indexes over them. */
export interface Informers extends Copies {
  readonly indexes: Indexes;
}

export function createInformers(deps: InformerDeps): Informers {
  return withIndexes({
    clusters: createInformer(deps, CLUSTERS, {}, withoutStory),
    nodes: createInformer(deps, CLUSTER_NODES, {}, withoutKin),
    virtualDataCenters: createInformer(deps, VIRTUAL_DATA_CENTERS),
    releases: createInformer(deps, CLUSTER_RELEASES),
    configs: createInformer(deps, SERVER_CONFIGS),
    sites: createInformer(deps, SITES),
    hosts: createInformer(deps, HOSTS),
    leases: createInformer(deps, LEASES, {}, heartbeatOf),
  });
}

/**
 * How the attempts at a cluster went, step by step, is half of it, and nothing is decided by that once it was available: its attempts are written no
 * more (src/decide/creation.ts, I4).
 */
function withoutStory(cluster: Cluster): Cluster {
  const { status } = cluster;
  if (status?.availableAt === undefined || status.attempts === undefined) return cluster;
  const attempts = status.attempts.map((attempt) => {
    if (attempt.outcome === undefined) return attempt;
    const { log: _log, ...rest } = attempt;
    return { ...rest, steps: [] };
  });
  return { ...cluster, status: { ...status, attempts } };
}

/** Labels and owners repeat what the spec of a node says, and are for those who select by them and for the garbage collector. */
function withoutKin(node: ClusterNode): ClusterNode {
  const { labels: _labels, ownerReferences: _owners, ...metadata } = node.metadata;
  return { ...node, metadata };
}

/** There is a Lease for each node, and of each only that it changed, and how long it holds, is ever looked at: the rest would be half of the memory. */
function heartbeatOf({ apiVersion, kind, metadata, spec }: Lease): Lease {
  const { name, namespace, uid, resourceVersion, creationTimestamp } = metadata;
  const { leaseDurationSeconds } = spec;
  return {
    apiVersion,
    kind,
    metadata: { name, uid, resourceVersion, creationTimestamp, ...(namespace === undefined ? {} : { namespace }) },
    spec: leaseDurationSeconds === undefined ? {} : { leaseDurationSeconds },
  };
}

/** Before anybody else listens to the copies: who is told of a change then finds it in the indexes. */
export function withIndexes(copies: Copies): Informers {
  return {
    ...copies,
    indexes: {
      nodes: indexBy(copies.nodes, (node) => node.spec.clusterUid),
      clusters: indexBy(copies.clusters, ({ metadata, spec }) => `${metadata.namespace ?? ''}/${spec.virtualDataCenter}`),
      sites: indexBy(copies.sites, (site) => site.status?.cluster?.uid),
    },
  };
}

/** Follows the director with every copy until the signal aborts. */
export async function runInformers(informers: Informers, signal: AbortSignal): Promise<void> {
  const { clusters, nodes, virtualDataCenters, releases, configs, sites, hosts, leases } = informers;
  const copies = [clusters, nodes, virtualDataCenters, releases, configs, sites, hosts, leases];
  await Promise.all(copies.map((copy) => copy.run(signal)));
}

/** True when every copy that decisions need has been filled. */
export function isSynced(informers: Copies): boolean {
  return unsyncedOf(informers).length === 0;
}

/** Names of the copies that decisions need and that have not been filled. */
export function unsyncedOf({ clusters, nodes, virtualDataCenters, releases, configs, sites }: Copies): readonly string[] {
  const needed = { clusters, nodes, virtualDataCenters, releases, configs, sites };
  return Object.entries(needed).flatMap(([name, informer]) => (informer.synced() ? [] : [name]));
}

/** The Lease of a node, as a server saw it last. */
export interface LeaseSeen {
  readonly revision: string;
  /** Monotonic ms at which this server saw any Lease of the node first, and this revision of it. */
  readonly knownMs: number;
  readonly changedMs: number;
}

/** What the observer adds to a view: its clocks, its memory, its dice, and why the last effect was refused. */
export interface Observer {
  readonly clock: Clock;
  readonly random: Random;
  /** Whether many sites fell silent at once, by this server's own observation. Absent: nobody looks. */
  readonly massSilence?: () => MassSilence;
  /** When this server saw a node's Lease change. Absent: that is known of what was looked at alone. */
  readonly leaseSeen?: (nodeUid: string) => LeaseSeen | undefined;
}

export interface Memory {
  readonly seen: Observations;
  readonly refusal?: string;
}

/** The cluster as the informers know it; undefined: they know none of that name. */
export function cachedView(
  informers: Informers,
  namespace: string,
  name: string,
  memory: Memory,
  observer: Observer,
): ClusterView | undefined {
  const cluster = informers.clusters.get(namespace, name);
  if (cluster === undefined) return undefined;
  const nodes = informers.indexes.nodes.of(cluster.metadata.uid);
  const virtualDataCenter = informers.virtualDataCenters.get(namespace, cluster.spec.virtualDataCenter);
  const release = informers.releases.get('', cluster.spec.release);
  return {
    live: false,
    ...common(informers, memory, observer, nodes),
    cluster,
    nodes,
    hosts: hostsOf(informers, nodes),
    ...leasesOf(informers, nodes),
    plugged: pluggedIn(informers, cluster),
    ...present({ virtualDataCenter, release, site: namedSite(informers, cluster) }),
  };
}

/** The cluster as it is in the director now; undefined: there is none of that name. Throws `Fault` when any part cannot be read. */
export async function liveView(
  api: EntityApi,
  informers: Informers,
  known: Cluster,
  memory: Memory,
  observer: Observer,
  signal: AbortSignal,
): Promise<ClusterView | undefined> {
  const { name, namespace = '' } = known.metadata;
  const release = await readOne(api, CLUSTER_RELEASES, '', known.spec.release, signal);
  const sites = await readSites(api, informers, known, signal);
  const virtualDataCenter = await readOne(api, VIRTUAL_DATA_CENTERS, namespace, known.spec.virtualDataCenter, signal);
  const cluster = await readOne(api, CLUSTERS, namespace, name, signal);
  if (cluster === undefined || cluster.metadata.uid !== known.metadata.uid) return undefined;
  const labelSelector = `${LABEL_CLUSTER_UID}=${cluster.metadata.uid}`;
  const nodes = await api.list(CLUSTER_NODES, { namespace, labelSelector }, signal);
  if (!nodes.ok) throw new Fault('DirectorRefused', `The nodes of cluster ${namespace}/${name} cannot be listed: ${nodes.message}`);
  const sameRelease = cluster.spec.release === known.spec.release;
  return {
    live: true,
    ...common(informers, memory, observer, nodes.value.items),
    cluster,
    nodes: nodes.value.items,
    hosts: await confirmedDead(api, hostsOf(informers, nodes.value.items), signal),
    ...leasesOf(informers, nodes.value.items),
    plugged: sites.filter((site) => site.status?.cluster?.uid === cluster.metadata.uid),
    ...present({
      site:
        cluster.spec.site === known.spec.site
          ? sites.find((site) => site.metadata.name === cluster.spec.site)
          : namedSite(informers, cluster),
      virtualDataCenter,
      release: sameRelease ? release : informers.releases.get('', cluster.spec.release),
    }),
  };
}

/** The Site that spec.site names, as cached. */
function namedSite(informers: Informers, { metadata, spec }: Cluster): Site | undefined {
  return spec.site === undefined ? undefined : informers.sites.get(metadata.namespace ?? '', spec.site);
}

function pluggedIn({ indexes }: Informers, { metadata }: Cluster): readonly Site[] {
  return indexes.sites.of(metadata.uid).filter((site) => site.metadata.namespace === metadata.namespace);
}

/** The named one, and those that a copy shows as plugged, each as it is now. */
async function readSites(api: EntityApi, informers: Informers, known: Cluster, signal: AbortSignal): Promise<readonly Site[]> {
  const named = known.spec.site === undefined ? [] : [known.spec.site];
  const names = new Set([...named, ...pluggedIn(informers, known).map((site) => site.metadata.name)]);
  const found: Site[] = [];
  for (const name of names) {
    const site = await readOne(api, SITES, known.metadata.namespace ?? '', name, signal);
    if (site !== undefined) found.push(site);
  }
  return found;
}

/** The Hosts that hold `nodes`, as cached. */
function hostsOf(informers: Informers, nodes: readonly ClusterNode[]): readonly Host[] {
  const names = new Set(nodes.flatMap((node) => node.spec.host ?? []));
  return [...names].flatMap((name) => informers.hosts.get('', name) ?? []);
}

/** Of those that a copy shows as confirmed dead, how they are now. */
async function confirmedDead(api: EntityApi, hosts: readonly Host[], signal: AbortSignal): Promise<readonly Host[]> {
  const found: Host[] = [];
  for (const host of hosts.filter((one) => confirmedBoot(one) !== undefined)) {
    const now = await readOne(api, HOSTS, '', host.metadata.name, signal);
    if (now !== undefined) found.push(now);
  }
  return found;
}

/** Of those that have a Lease: its revision, and how long it says that it holds. */
function leasesOf(informers: Informers, nodes: readonly ClusterNode[]): Required<Pick<ClusterView, 'leases' | 'leaseTtlsMs'>> {
  const leases = new Map<string, string>();
  const leaseTtlsMs = new Map<string, number>();
  for (const { metadata } of nodes) {
    const lease = informers.leases.get(metadata.namespace ?? '', nodeLeaseName(metadata.uid));
    if (lease === undefined) continue;
    leases.set(metadata.uid, lease.metadata.resourceVersion);
    const { leaseDurationSeconds } = lease.spec;
    if (leaseDurationSeconds !== undefined) leaseTtlsMs.set(metadata.uid, leaseDurationSeconds * 1000);
  }
  return { leases, leaseTtlsMs };
}

/** What is remembered of the cluster, with what is known of its nodes' Leases besides. */
function withLeases({ seen }: Memory, { leaseSeen }: Observer, nodes: readonly ClusterNode[]): Observations {
  if (leaseSeen === undefined) return seen;
  const all = new Map(seen);
  for (const { metadata } of nodes) {
    const lease = leaseSeen(metadata.uid);
    if (lease === undefined) continue;
    const [known, now] = leaseFacts(metadata.uid, lease.revision);
    all.set(known, lease.knownMs).set(now, lease.changedMs);
  }
  return all;
}

function common(
  informers: Informers,
  memory: Memory,
  observer: Observer,
  nodes: readonly ClusterNode[],
): Pick<ClusterView, 'config' | 'nowMs' | 'monotonicMs' | 'seen' | 'dice' | 'massSilence'> {
  return {
    config: activeConfig([...informers.configs.list()]),
    nowMs: observer.clock.nowMs(),
    monotonicMs: observer.clock.monotonicMs(),
    seen: withLeases(memory, observer, nodes),
    dice: observer.random.float(),
    ...(observer.massSilence === undefined ? {} : { massSilence: observer.massSilence() }),
    ...(memory.refusal === undefined ? {} : { refusal: memory.refusal }),
  };
}

async function readOne<T>(
  api: EntityApi,
  address: ResourceAddress<T>,
  namespace: string,
  name: string,
  signal: AbortSignal,
): Promise<T | undefined> {
  const answer = await api.get(address, namespace, name, signal);
  if (answer.ok) return answer.value;
  if (answer.reason === 'NotFound') return undefined;
  throw new Fault('DirectorRefused', `${address.kind} ${namespace === '' ? '' : `${namespace}/`}${name} cannot be read: ${answer.message}`);
}

type Present<T> = { [K in keyof T]?: NonNullable<T[K]> };

/** The same object without the properties that are undefined. */
function present<T extends object>(object: T): Present<T> {
  return Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined)) as Present<T>;
}
