/**
 * `outrigger status`: which parts run on this machine, and how the clusters are.
 *
 * I1: what cannot be asked is said so; a director that does not answer never hides the parts.
 */

import { CLUSTERS, CLUSTER_NODES, HOSTS, SITES } from '../model/addresses.ts';
import type { Cluster } from '../model/cluster.ts';
import type { ClusterNode } from '../model/cluster-node.ts';
import { conditionOf } from '../model/condition.ts';
import { Fault, isFault } from '../model/fault.ts';
import type { ExitCode } from '../model/fault.ts';
import type { Host } from '../model/host.ts';
import { PORTS } from '../model/ports.ts';
import type { Site } from '../model/site.ts';
import type { ResourceAddress } from '../model/core-kinds.ts';
import type { EntityApi } from '../ports/api.ts';
import type { Files } from '../ports/files.ts';
import type { Processes } from '../ports/processes.ts';
import { clusterTitle, troubleOf } from './cluster-line.ts';
import { markedParts, readEndpoints, readRunMark, directorUrl, UP_PART } from './data-folder.ts';
import type { DataPaths } from './data-folder.ts';
import { renderAge, renderTable } from './table.ts';
import { shellWord } from './up/summary.ts';

/** The service through which users reach the connection servers. */
const FRONT_DOOR = 'connection-server-proxy';

export interface StatusDeps {
  readonly files: Files;
  readonly processes: Processes;
  readonly paths: DataPaths;
  /** Undefined: there are no credentials. */
  readonly api: EntityApi | undefined;
  /** The kubeconfig that leads to it, when it is not the one of the data folder. */
  readonly source?: string | undefined;
  readonly nowMs: number;
}

export interface PartStatus {
  readonly part: string;
  /** A director may live and answer nobody: stopped, or waiting for something. */
  readonly state: 'Running' | 'Running, does not answer' | 'Gone';
  readonly pid: number;
}

export interface ClusterSummary {
  readonly cluster: string;
  readonly phase: string;
  readonly release: string;
  readonly primary: string;
  readonly workers: string;
  readonly age: string;
  readonly message: string;
}

export interface Status {
  readonly data: string;
  readonly api: string | undefined;
  /** The kubeconfig that clusters, nodes and hosts come from, when it is not the one of the data folder. */
  readonly source?: string | undefined;
  readonly parts: readonly PartStatus[];
  /** Undefined when the API did not answer; `unreachable` then says why. */
  readonly clusters: readonly ClusterSummary[] | undefined;
  readonly nodes: readonly NodeSummary[] | undefined;
  /** What of each cluster at a site people go to, by `namespace/name`. */
  readonly ways?: readonly ClusterWays[];
  readonly hosts: readonly { readonly host: string; readonly ready: string; readonly nodes: number }[] | undefined;
  readonly unreachable: string | undefined;
}

export interface ClusterWays {
  readonly cluster: string;
  /** Name, and how pairing stands. */
  readonly site: string;
  readonly frontDoor: readonly string[];
  readonly portal: string | undefined;
  readonly license: string | undefined;
}

export interface NodeSummary {
  readonly node: string;
  readonly role: string;
  readonly host: string;
  readonly machine: string;
  readonly agent: string;
  readonly address: string;
}

export async function gatherStatus(deps: StatusDeps, signal: AbortSignal): Promise<Status> {
  const endpoints = readEndpoints(deps.files, deps.paths);
  const local = {
    data: deps.paths.root,
    api: endpoints === undefined ? undefined : directorUrl(endpoints.directorPort),
    source: deps.source,
    parts: partsOf(deps),
  };
  const nothing = { clusters: undefined, nodes: undefined, hosts: undefined };
  if (deps.api === undefined)
    return { ...local, ...nothing, unreachable: `There is no ${deps.paths.kubeconfig}; was anything ever started here?` };
  try {
    const clusters = await listOf<Cluster>(deps.api, CLUSTERS, signal);
    const nodes = await listOf<ClusterNode>(deps.api, CLUSTER_NODES, signal);
    const hosts = await listOf<Host>(deps.api, HOSTS, signal);
    const sites = clusters.some(({ spec }) => spec.site !== undefined) ? await listOf<Site>(deps.api, SITES, signal) : [];
    return {
      ...local,
      clusters: clusters.map((cluster) => summaryOf(cluster, deps.nowMs)),
      nodes: nodes.map(nodeOf),
      ways: clusters.filter(({ spec }) => spec.site !== undefined).map((cluster) => waysOf(cluster, sites)),
      hosts: hosts.map((host) => ({
        host: host.metadata.name,
        ready: conditionOf(host.status?.conditions, 'Ready')?.status ?? 'Unknown',
        nodes: host.status?.nodes ?? 0,
      })),
      unreachable: undefined,
    };
  } catch (cause) {
    if (!isFault(cause)) throw cause;
    const isAsked = deps.source === undefined && cause.code !== 'DirectorRefused';
    return { ...local, ...nothing, parts: isAsked ? local.parts.map(silentDirector) : local.parts, unreachable: cause.message };
  }
}

function silentDirector(part: PartStatus): PartStatus {
  return part.part === 'director' && part.state === 'Running' ? { ...part, state: 'Running, does not answer' } : part;
}

function partsOf({ files, paths, processes }: StatusDeps): readonly PartStatus[] {
  return markedParts(files, paths).flatMap((part) => {
    const id = readRunMark(files, paths, part);
    return id === undefined ? [] : [{ part, state: processes.isAlive(id) ? ('Running' as const) : ('Gone' as const), pid: id.pid }];
  });
}

async function listOf<T>(api: EntityApi, address: ResourceAddress<T>, signal: AbortSignal): Promise<readonly T[]> {
  const answer = await api.list<T>(address, {}, signal);
  if (answer.ok) return answer.value.items;
  throw new Fault('DirectorRefused', `${address.plural} are not shown: ${answer.message}`);
}

function summaryOf(cluster: Cluster, nowMs: number): ClusterSummary {
  const { spec, status, metadata } = cluster;
  return {
    cluster: clusterTitle(cluster),
    phase: metadata.deletionTimestamp === undefined ? (status?.phase ?? 'Pending') : 'Deleting',
    release: status?.release?.current ?? spec.release,
    primary: status?.primary ?? '',
    workers: `${status?.workers ?? 0}/${spec.workers}`,
    age: renderAge(nowMs - Date.parse(metadata.creationTimestamp)),
    message: troubleOf(cluster) ?? '',
  };
}

function waysOf(cluster: Cluster, sites: readonly Site[]): ClusterWays {
  const { spec, status, metadata } = cluster;
  const site = sites.find((one) => one.metadata.name === spec.site && one.metadata.namespace === metadata.namespace);
  const pairing = site?.status?.pairing;
  const nodes = status?.nodes ?? {};
  const hasDoor = status?.services?.[FRONT_DOOR] !== undefined;
  const addresses = Object.values(nodes).flatMap(({ address }) => address ?? []);
  const primary = nodes[status?.primary ?? '']?.address;
  return {
    cluster: clusterTitle(cluster),
    site: `${spec.site ?? ''}: ${pairing === undefined ? 'not paired' : pairing.state}`,
    frontDoor: hasDoor ? addresses.toSorted().map((address) => `https://${address}:${PORTS.connectionServerProxy}`) : [],
    portal: primary === undefined ? undefined : `https://${primary}:${PORTS.portal}`,
    license: status?.license === undefined ? undefined : `${status.license.state}: ${status.license.message}`,
  };
}

function renderWays({ cluster, site, frontDoor, portal, license }: ClusterWays): string {
  const lines = [
    cluster,
    `  Site        ${site}`,
    ...(frontDoor.length === 0 ? [] : [`  Front door  ${frontDoor.join(' ')}`]),
    ...(portal === undefined ? [] : [`  Portal      ${portal}`]),
    ...(license === undefined ? [] : [`  License     ${license}`]),
  ];
  return `${lines.join('\n')}\n`;
}

function nodeOf({ metadata, spec, status }: ClusterNode): NodeSummary {
  return {
    node: `${metadata.namespace ?? ''}/${metadata.name}`,
    role: status?.role ?? spec.role,
    host: spec.host ?? '',
    machine: status?.infrastructure?.phase ?? '',
    agent: status?.agent?.phase ?? '',
    address: status?.infrastructure?.address ?? '',
  };
}

/** For people. */
export function renderStatus(status: Status): string {
  const parts = status.parts.map(({ part, state, pid }) => [part, state, String(pid)]);
  const start = `outrigger up --data ${shellWord(status.data)}`;
  const running = status.parts.filter(({ state }) => state !== 'Gone').map(({ part }) => part);
  const isLeft = running.length > 0 && !running.includes(UP_PART);
  // A cluster somewhere else is shown: that nothing was ever started here is no news.
  const isElsewhere = status.clusters !== undefined && status.api === undefined && parts.length === 0;
  const sections = [
    ...(isElsewhere ? [] : [`Data  ${status.data}\nAPI   ${status.api ?? 'never started'}\n`]),
    ...(parts.length === 0 ? [] : [renderTable(['PART', 'STATE', 'PID'], parts)]),
    ...(running.length > 0 || isElsewhere ? [] : [`Nothing runs here; start it with "${start}".\n`]),
    ...(isLeft
      ? [
          `Nobody looks after ${running.join(', ')}: outrigger up is gone. Stop what is left with "outrigger down --data ${shellWord(status.data)}".\n`,
        ]
      : []),
    ...(status.source === undefined || status.clusters === undefined ? [] : [`Clusters, by ${status.source}:\n`]),
    ...(status.clusters === undefined ? [] : [renderRows('No clusters.', status.clusters)]),
    ...(status.nodes === undefined || status.nodes.length === 0 ? [] : [renderRows('', status.nodes)]),
    ...(status.ways ?? []).map(renderWays),
    ...(status.unreachable === undefined ? [] : [`${status.unreachable}\n`]),
  ];
  return sections.join('\n');
}

/** A table whose titles are the names of the fields. */
function renderRows(none: string, rows: readonly object[]): string {
  const [first] = rows;
  if (first === undefined) return `${none}\n`;
  return renderTable(
    Object.keys(first).map((name) => name.toUpperCase()),
    rows.map((row) => Object.values(row).map(String)),
  );
}

/** 0 when the API answered, 4 when it did not. */
export function exitCodeOf(status: Status): ExitCode {
  return status.unreachable === undefined ? 0 : 4;
}
