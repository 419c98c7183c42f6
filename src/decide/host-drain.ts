/**
 * Emptying a host for the sake of its machine: which node is to be retired next, and what is waited for.
 *
 * A worker that is retired drains, goes, and is made anew by its manager, on a host that is not cordoned. A primary is replaced by an extension server, and
 * its singletons, portal and license sync stop meanwhile; so it goes only when a person says so.
 *
 * I1: of a cluster at most one node is under way at a time, and the next one goes only when the cluster is redundant again.
 * I2: nothing is retired that has no room on another host of its VirtualDataCenter.
 * I3: a primary goes last, and only when it was asked for.
 */

import type { ClusterNode } from '../model/cluster-node.ts';
import type { Cluster } from '../model/cluster.ts';
import { conditionOf } from '../model/condition.ts';
import type { Host } from '../model/host.ts';
import type { VirtualDataCenter } from '../model/virtual-data-center.ts';
import { confirmedBoot } from './host-death.ts';
import { isLeaving, isReady, standing } from './node-facts.ts';
import { roleOf } from './phase.ts';

export interface DrainView {
  /** Name of the host to empty. */
  readonly host: string;
  readonly hosts: readonly Host[];
  readonly virtualDataCenters: readonly VirtualDataCenter[];
  readonly clusters: readonly Cluster[];
  readonly nodes: readonly ClusterNode[];
  readonly includePrimaries: boolean;
  /** Of the nodes that this drain retired: namespace and name (a replacement bears the same), and the uid that went. */
  readonly retired: readonly RetiredNode[];
}

export interface RetiredNode {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
}

export interface DrainStep {
  readonly retire: readonly ClusterNode[];
  /** What is waited for, as sentences; it comes by itself. */
  readonly waits: readonly string[];
  /** What a person has to see to. */
  readonly stuck: readonly string[];
  /** Primaries that are left where they are. */
  readonly primaries: readonly ClusterNode[];
}

export function drainStep(view: DrainView): DrainStep {
  const keys = new Set([
    ...view.nodes.filter((node) => node.spec.host === view.host).map((node) => `${node.metadata.namespace}/${node.spec.cluster}`),
    ...view.retired.flatMap((gone) => clusterOfRetired(view, gone) ?? []),
  ]);
  const steps = [...keys].sort().map((key) => stepOfCluster(view, key));
  const missing = view.retired.filter((gone) => clusterOfRetired(view, gone) === undefined).map((gone) => `waits for a new ${gone.name}`);
  return {
    retire: steps.flatMap((step) => step.retire),
    waits: [...steps.flatMap((step) => step.waits), ...missing],
    stuck: steps.flatMap((step) => step.stuck),
    primaries: steps.flatMap((step) => step.primaries),
  };
}

const NOTHING: DrainStep = { retire: [], waits: [], stuck: [], primaries: [] };

function stepOfCluster(view: DrainView, key: string): DrainStep {
  const nodes = view.nodes.filter((node) => `${node.metadata.namespace}/${node.spec.cluster}` === key);
  const here = nodes.filter((node) => node.spec.host === view.host && !isLeaving(node));
  const primaries = here.filter((node) => roleOf(node) === 'Primary');
  const movable = [...here.filter((node) => roleOf(node) !== 'Primary'), ...(view.includePrimaries ? primaries : [])];
  const left = view.includePrimaries ? [] : primaries;
  const step = { ...NOTHING, primaries: left };
  const underWay = nodes.find((node) => isLeaving(node) || isUnfinished(view, node));
  if (underWay !== undefined) return { ...step, waits: [`${key}: waits for ${standing(underWay)}`] };
  const [next] = movable;
  if (next === undefined) return step;
  const cluster = view.clusters.find((one) => `${one.metadata.namespace}/${one.metadata.name}` === key);
  const redundant = conditionOf(cluster?.status?.conditions, 'Redundant');
  if ((cluster?.spec.workers ?? 0) > 0 && redundant?.status !== 'True')
    return {
      ...step,
      waits: [`${key} is not redundant now, so ${next.metadata.name} stays until it is (${redundant?.message ?? 'it does not say why'})`],
    };
  const room = roomFor(view, next);
  return room === undefined ? { ...step, retire: [next] } : { ...step, stuck: [`${key}: ${next.metadata.name} stays: ${room}`] };
}

/** A replacement of a node that was retired here, not ready yet. */
function isUnfinished(view: DrainView, node: ClusterNode): boolean {
  const { namespace = '', name, uid } = node.metadata;
  const replaced = view.retired.some((gone) => gone.namespace === namespace && gone.name === name);
  return replaced && (view.retired.some((gone) => gone.uid === uid) || !isReady(node));
}

function clusterOfRetired(view: DrainView, gone: RetiredNode): string | undefined {
  const node = view.nodes.find((one) => one.metadata.namespace === gone.namespace && one.metadata.name === gone.name);
  return node === undefined ? undefined : `${gone.namespace}/${node.spec.cluster}`;
}

/** Why no other host can take it; undefined: one can. */
function roomFor(view: DrainView, node: ClusterNode): string | undefined {
  const { namespace } = node.metadata;
  const home = view.virtualDataCenters.find(
    (vdc) => vdc.metadata.namespace === namespace && vdc.metadata.name === node.spec.virtualDataCenter,
  );
  const names = (home?.spec.hosts ?? []).filter((name) => name !== view.host);
  if (names.some((name) => hasRoom(view, name, node))) return undefined;
  const who = names.length === 0 ? 'no other host serves' : `none of ${names.join(', ')} has room (running, not cordoned) in`;
  return `${who} its VirtualDataCenter ${node.spec.virtualDataCenter}; add one to spec.hosts of that VirtualDataCenter, or uncordon or enlarge one`;
}

function hasRoom(view: DrainView, name: string, node: ClusterNode): boolean {
  const host = view.hosts.find((one) => one.metadata.name === name);
  if (host === undefined || host.spec.cordoned || host.metadata.deletionTimestamp !== undefined) return false;
  if (host.status?.bootId === undefined || confirmedBoot(host) === host.status.bootId) return false;
  const held = view.nodes.filter((one) => one.spec.host === name).map((one) => one.spec.resources);
  const { capacity } = host.spec;
  const cpuMillis = held.reduce((sum, one) => sum + one.cpuMillis, node.spec.resources.cpuMillis);
  const memoryMiB = held.reduce((sum, one) => sum + one.memoryMiB, node.spec.resources.memoryMiB);
  return held.length < capacity.nodes && cpuMillis <= capacity.cpuMillis && memoryMiB <= capacity.memoryMiB;
}
