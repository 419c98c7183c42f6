/**
 * Asks a director, and what it shows, how it is.
 *
 * I1: what this caller may not see is a finding (not asked), never a failure of the whole.
 * I2: owners are listed after what they own, so that nothing young is called an orphan.
 */

import {
  judgeClusters,
  judgeDrills,
  judgeHosts,
  judgeLicenses,
  judgeNodes,
  judgeRenewals,
  judgeReservations,
  judgeServers,
} from '../../decide/doctor-entities.ts';
import { judgeConfigs } from '../../decide/doctor-config.ts';
import { judgeDirector, judgeKubectl, unasked } from '../../decide/doctor.ts';
import type { Area, Finding, ProgramFacts } from '../../decide/doctor.ts';
import { findOrphans, judgeOrphans } from '../../decide/orphans.ts';
import type { Orphan, TokenSight } from '../../decide/orphans.ts';
import {
  CLUSTERS,
  CLUSTER_NODES,
  DRILLS,
  HOSTS,
  SERVER_CONFIGS,
  SITES,
  UNIVERSAL_LICENSES,
  VIRTUAL_DATA_CENTERS,
} from '../../model/addresses.ts';
import { readTokenFields } from '../../model/bootstrap-token.ts';
import type { Cluster } from '../../model/cluster.ts';
import type { ClusterNode } from '../../model/cluster-node.ts';
import { LEASES, SECRETS } from '../../model/core-kinds.ts';
import type { AnyEntity, Lease, ResourceAddress, Secret } from '../../model/core-kinds.ts';
import { ANNOTATION_BUNDLE } from '../../model/crd.ts';
import { isFault } from '../../model/fault.ts';
import type { Drill } from '../../model/drill.ts';
import type { Host } from '../../model/host.ts';
import { isJsonObject } from '../../model/json.ts';
import type { Json } from '../../model/json.ts';
import { nodeLeaseName } from '../../model/labels.ts';
import { API_GROUP } from '../../model/resource.ts';
import type { ServerConfig } from '../../model/server-config.ts';
import type { Site } from '../../model/site.ts';
import type { UniversalLicense } from '../../model/universal-license.ts';
import type { VirtualDataCenter } from '../../model/virtual-data-center.ts';
import type { EntityApi } from '../../ports/api.ts';
import type { Clock } from '../../ports/clock.ts';
import { mayList } from '../status/gather.ts';
import { watchServers } from '../status/servers.ts';

export interface DirectorDeps {
  readonly api: EntityApi;
  readonly url: string;
  /** The log of the director of this data folder; undefined: it runs elsewhere. */
  readonly log: string | undefined;
  readonly clock: Clock;
  readonly program: ProgramFacts;
  /** Extension servers among the parts of this machine that live, by their parts' names. */
  readonly serversHere: readonly string[];
  /** The director's clock less ours, in ms; undefined: its answer has no Date. Throws `Fault` DirectorUnreachable. */
  readonly clockAheadMs: (signal: AbortSignal) => Promise<number | undefined>;
}

export interface DirectorAnswer {
  readonly findings: readonly Finding[];
  /** Uids of the nodes that it knows; undefined: it was not reached, or does not show them. */
  readonly nodeUids: ReadonlySet<string> | undefined;
}

const CRDS: ResourceAddress<AnyEntity> = {
  group: 'apiextensions.k8s.io',
  version: 'v1',
  plural: 'customresourcedefinitions',
  kind: 'CustomResourceDefinition',
  scope: 'Cluster',
};

export async function askDirector(deps: DirectorDeps, signal: AbortSignal): Promise<DirectorAnswer> {
  try {
    return await ask(deps, signal);
  } catch (cause) {
    if (!isFault(cause)) throw cause;
    const log = deps.log === undefined ? '' : `; its log is ${deps.log}`;
    const remedy = `See that a director and its database run${log}. What follows is what this machine tells by itself.`;
    return { findings: [{ area: 'Director', health: 'Wrong', message: cause.message, remedy }], nodeUids: undefined };
  }
}

async function ask(deps: DirectorDeps, signal: AbortSignal): Promise<DirectorAnswer> {
  const { api, clock, program } = deps;
  const clockAheadMs = await deps.clockAheadMs(signal);
  const hello = await api.post('/outrigger/v1/hello', {}, signal);
  const said: Json = hello.ok ? hello.value : {};
  const crds = await mayList(api, CRDS, {}, signal);
  const leases = await mayList<Lease>(api, LEASES, {}, signal);
  const secrets = await mayList<Secret>(api, SECRETS, {}, signal);
  const licenses = await mayList<UniversalLicense>(api, UNIVERSAL_LICENSES, {}, signal);
  const sites = await mayList<Site>(api, SITES, {}, signal);
  const hosts = await mayList<Host>(api, HOSTS, {}, signal);
  const dataCenters = await mayList<VirtualDataCenter>(api, VIRTUAL_DATA_CENTERS, {}, signal);
  const nodes = await mayList<ClusterNode>(api, CLUSTER_NODES, {}, signal);
  const clusters = await mayList<Cluster>(api, CLUSTERS, {}, signal);
  const drills = await mayList<Drill>(api, DRILLS, {}, signal);
  const configs = await mayList<ServerConfig>(api, SERVER_CONFIGS, {}, signal);
  const servers = await watchServers(deps, signal);
  const nowMs = clock.nowMs() + (clockAheadMs ?? 0);
  const findings = [
    ...judgeDirector({ url: deps.url, clockAheadMs, bundle: bundleOf(crds), ...lifeOf(said) }, program),
    ...judgeKubectl(program.kubectl),
    ...(servers === undefined ? [hidden('Extension servers', 'Their Leases')] : judgeServers(servers, deps.serversHere)),
    ...(typeof configs === 'string' ? [] : judgeConfigs(configs, servers?.obeys ?? new Map())),
    ...of('Hosts', hosts, (all) => judgeHosts(all, program.version)),
    ...of('Nodes', nodes, (all) => (typeof clusters === 'string' ? [] : judgeNodes(all, clusters, program.version))),
    ...of('Clusters', clusters, judgeClusters),
    ...of('Clusters', dataCenters, (all) =>
      typeof clusters === 'string' || typeof nodes === 'string' ? [] : judgeReservations(all, nodes, clusters),
    ),
    ...of('Clusters', drills, (all) => judgeDrills(all, nowMs)),
    ...of('Nodes', leases, (all) => judgeRenewals(all, holders(nodes, hosts), nowMs)),
    ...of('Licenses', licenses, (all) => judgeLicenses(all, nowMs)),
    ...judgeOrphans(orphansAmong({ leases, secrets, licenses, sites, hosts, dataCenters, nodes, clusters })),
  ];
  return { findings, nodeUids: typeof nodes === 'string' ? undefined : new Set(nodes.map(({ metadata }) => metadata.uid)) };
}

interface Lists {
  readonly leases: readonly Lease[] | string;
  readonly secrets: readonly Secret[] | string;
  readonly licenses: readonly UniversalLicense[] | string;
  readonly sites: readonly Site[] | string;
  readonly hosts: readonly Host[] | string;
  readonly dataCenters: readonly VirtualDataCenter[] | string;
  readonly nodes: readonly ClusterNode[] | string;
  readonly clusters: readonly Cluster[] | string;
}

function orphansAmong({ secrets, ...lists }: Lists): readonly Orphan[] {
  const shown = <T>(list: readonly T[] | string): readonly T[] | undefined => (typeof list === 'string' ? undefined : list);
  return findOrphans({
    leases: shown(lists.leases),
    tokens: shown(secrets)?.flatMap(tokenIn),
    licenses: shown(lists.licenses),
    dataCenters: shown(lists.dataCenters),
    sites: shown(lists.sites),
    hosts: shown(lists.hosts),
    nodes: shown(lists.nodes),
    clusters: shown(lists.clusters),
  });
}

function tokenIn({ metadata, type, data = {} }: Secret): readonly TokenSight[] {
  const values = Object.entries(data).map(([key, value]) => [key, Buffer.from(value, 'base64').toString()] as const);
  const fields = readTokenFields(type, new Map(values));
  return fields === undefined ? [] : [{ metadata, fields }];
}

/** By the names of Leases: who renews them. */
function holders(nodes: readonly ClusterNode[] | string, hosts: readonly Host[] | string): ReadonlyMap<string, string> {
  return new Map([
    ...(typeof nodes === 'string' ? [] : nodes.map(({ metadata }) => [nodeLeaseName(metadata.uid), metadata.name] as const)),
    ...(typeof hosts === 'string' ? [] : hosts.map(({ metadata }) => [`host-${metadata.name}`, `host ${metadata.name}`] as const)),
  ]);
}

function of<T>(area: Area, list: readonly T[] | string, judge: (all: readonly T[]) => readonly Finding[]): readonly Finding[] {
  return typeof list === 'string' ? [unasked(area, `They are not shown: ${list}`, 'Ask as somebody who may see them.')] : judge(list);
}

function hidden(area: Area, what: string): Finding {
  return unasked(area, `${what} are not shown to this caller.`, 'Ask as an administrator.');
}

function lifeOf(said: Json): {
  readonly version: string | undefined;
  readonly era: { readonly number: number; readonly id: string } | undefined;
  readonly revision: number | undefined;
} {
  if (!isJsonObject(said)) return { version: undefined, era: undefined, revision: undefined };
  const { version, era, revision } = said;
  const number = isJsonObject(era ?? null) ? (era as { number?: unknown }).number : undefined;
  return {
    version: typeof version === 'string' ? version : undefined,
    era: typeof number === 'number' ? { number, id: '' } : undefined,
    revision: typeof revision === 'number' ? revision : undefined,
  };
}

function bundleOf(crds: readonly AnyEntity[] | string): number | undefined {
  if (typeof crds === 'string') return undefined;
  const numbers = crds
    .filter(({ metadata }) => metadata.name.endsWith(`.${API_GROUP}`))
    .map(({ metadata }) => Number(metadata.annotations?.[ANNOTATION_BUNDLE] ?? 0));
  return numbers.length === 0 ? undefined : Math.min(...numbers);
}
