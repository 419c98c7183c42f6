/**
 * Liveness: left alone, the world is as it was asked for; or it waits, says so, and what it says is true.
 */

import { droppableKeys } from '../src/decide/reservation.ts';
import type { ClusterNode } from '../src/model/cluster-node.ts';
import type { Cluster } from '../src/model/cluster.ts';
import { conditionOf } from '../src/model/condition.ts';
import type { ConditionType } from '../src/model/condition.ts';
import type { VirtualDataCenter } from '../src/model/virtual-data-center.ts';
import { changesUnsettled } from './change-settled.ts';
import type { Machine } from './machine-state.ts';
import { labelOf } from './machine.ts';
import { SITE_REASONS, sitesUnsettled } from './site-settled.ts';
import type { World } from './world.ts';

/** What is not as asked; empty: all is. */
export function unsettled(world: World): string[] {
  const clusters = world.store.list('clusters') as readonly Cluster[];
  const nodes = world.store.list('clusternodes') as readonly ClusterNode[];
  return [
    ...clusters.flatMap((cluster) => clusterIs(world, cluster, nodes)),
    ...nodes
      .filter((node) => !clusters.some((one) => one.metadata.uid === node.spec.clusterUid))
      .map((node) => `${node.metadata.name} has no cluster`),
    ...(world.store.list('virtualdatacenters') as readonly VirtualDataCenter[]).flatMap((vdc) => entriesAre(vdc, clusters, nodes)),
    ...sitesUnsettled(world),
    ...world.machines.filter((machine) => machine.isAlive).flatMap((machine) => machineIs(world, machine, nodes)),
  ];
}

function clusterIs(world: World, cluster: Cluster, nodes: readonly ClusterNode[]): string[] {
  const { name, uid } = cluster.metadata;
  if (cluster.metadata.deletionTimestamp !== undefined) return [`${name} is still being deleted: ${readyMessage(cluster)}`];
  const status = cluster.status ?? {};
  const mine = nodes.filter((node) => node.spec.clusterUid === uid);
  const strays = mine
    .filter((node) => node.spec.attempt !== status.attempt)
    .map((node) => `${node.metadata.name} is of attempt ${node.spec.attempt}, not ${status.attempt}`);
  if (status.availableAt === undefined) return [...strays, ...waitsRightly(world, cluster)];
  const wanted = cluster.spec.workers + 1;
  const exact = mine.length === wanted && mine.every((node) => node.spec.index <= cluster.spec.workers && node.spec.retired !== true);
  const alive = world.machines.filter((machine) => machine.isAlive && machine.clusterUid === uid && !world.givenUp.has(machine.nodeUid));
  const short = shortage(world, cluster, mine);
  if (short !== undefined) return [...strays, ...short];
  return [
    ...strays,
    ...(exact ? [] : [`${name} has ${mine.length} nodes, asked for ${wanted}`]),
    ...(status.phase === 'Available' ? [] : [`${name} was available and is ${status.phase}: ${readyMessage(cluster)}`]),
    ...(status.workers === cluster.spec.workers ? [] : [`${name} says it has ${status.workers} workers of ${cluster.spec.workers}`]),
    ...(isTrue(cluster, 'Reachable') ? [] : [`${name} is not Reachable`]),
    ...(alive.length >= mine.filter((node) => !world.givenUp.has(node.metadata.uid)).length
      ? []
      : [`${name} has ${alive.length} machines for ${mine.length} nodes`]),
    ...podsAre(world, cluster, nodes),
    ...changesUnsettled(world, cluster),
  ];
}

/** A cluster that was scaled up beyond the quota, or beyond what the hosts have room for, waits and says so; undefined: it is not short. */
function shortage(world: World, cluster: Cluster, mine: readonly ClusterNode[]): string[] | undefined {
  const vdc = dataCenterOf(world, cluster);
  const missing = cluster.spec.workers + 1 - mine.length;
  const reserved = Object.keys(vdc?.status?.reservations ?? {}).length;
  if (missing > 0 && reserved + missing > (vdc?.spec.quota.nodes ?? 0)) {
    return isTrue(cluster, 'QuotaReserved') ? [`${cluster.metadata.name} is beyond the quota and does not say so`] : [];
  }
  if (!mine.some((node) => node.spec.host === undefined && isFull(world))) return undefined;
  return isTrue(cluster, 'Progressing') ? [] : [`${cluster.metadata.name} waits for a host and does not say so`];
}

function isTrue(cluster: Cluster, type: ConditionType): boolean {
  return conditionOf(cluster.status?.conditions, type)?.status === 'True';
}

/** Hosts have no room for another node. */
function isFull(world: World): boolean {
  const used = new Map<string, number>();
  for (const machine of world.machines) if (machine.isAlive) used.set(machine.host, (used.get(machine.host) ?? 0) + 1);
  const hosts = world.store.list('hosts') as readonly { metadata: { name: string }; spec: unknown }[];
  return hosts.every((host) => {
    const spec = host.spec as { cordoned: boolean; capacity: { nodes: number } };
    return spec.cordoned || (used.get(host.metadata.name) ?? 0) >= spec.capacity.nodes;
  });
}

const TRUE_REASONS: Readonly<Record<string, (world: World, cluster: Cluster) => boolean>> = {
  ReleaseNotFound: (world, cluster) => world.store.get('clusterreleases', '', cluster.spec.release) === undefined,
  VirtualDataCenterNotFound: (world, cluster) => dataCenterOf(world, cluster) === undefined,
  NoHost: (world, cluster) => dataCenterOf(world, cluster)?.spec.hosts.length === 0,
  QuotaExceeded: (world, cluster) => {
    const vdc = dataCenterOf(world, cluster);
    const keys = Object.keys(vdc?.status?.reservations ?? {});
    const others = keys.filter((key) => !key.startsWith(cluster.metadata.uid)).length;
    return others + cluster.spec.workers + 1 > (vdc?.spec.quota.nodes ?? 0);
  },
  NoCapacity: (world) => isFull(world),
  ...SITE_REASONS,
  AttemptsExhausted: (_, cluster) => cluster.spec.autoRepairOnErrors,
  RepairDisabled: (_, cluster) => !cluster.spec.autoRepairOnErrors,
};

function waitsRightly(world: World, cluster: Cluster): string[] {
  const { name } = cluster.metadata;
  const ready = conditionOf(cluster.status?.conditions, 'Ready');
  const holds = TRUE_REASONS[ready?.reason ?? ''];
  if (holds === undefined) return [`${name} is neither available nor waiting: ${cluster.status?.phase} ${readyMessage(cluster)}`];
  if (!holds(world, cluster)) return [`${name} says ${ready?.reason}, which is not so: ${readyMessage(cluster)}`];
  return (ready?.message ?? '').length > 20 ? [] : [`${name} says ${ready?.reason} without a sentence`];
}

function readyMessage(cluster: Cluster): string {
  const ready = conditionOf(cluster.status?.conditions, 'Ready');
  return `${ready?.reason}: ${ready?.message}`;
}

function dataCenterOf(world: World, cluster: Cluster): VirtualDataCenter | undefined {
  return world.store.get('virtualdatacenters', cluster.metadata.namespace ?? '', cluster.spec.virtualDataCenter) as
    | VirtualDataCenter
    | undefined;
}

/** Each node of an available cluster runs one pod of each service that belongs there. */
function podsAre(world: World, cluster: Cluster, nodes: readonly ClusterNode[]): string[] {
  return world.machines
    .filter((machine) => machine.isAlive && machine.clusterUid === cluster.metadata.uid && !world.givenUp.has(machine.nodeUid))
    .filter((machine) => !isLeftOver(machine, nodes))
    .flatMap((machine) => {
      const running = runningPods(machine);
      const wanted = machine.role === 'Primary' ? ['hello', 'ticker'] : ['hello'];
      return running.join() === wanted.join()
        ? []
        : [`${labelOf(machine)} runs ${running.join() || 'nothing'} instead of ${wanted.join()}`];
    });
}

function entriesAre(vdc: VirtualDataCenter, clusters: readonly Cluster[], nodes: readonly ClusterNode[]): string[] {
  const entries = Object.keys(vdc.status?.reservations ?? {});
  const orphans = entries.filter((key) => !clusters.some((cluster) => key.startsWith(`${cluster.metadata.uid}.`)));
  const surplus = clusters
    .filter((cluster) => cluster.status?.availableAt !== undefined)
    .flatMap((cluster) =>
      droppableKeys(
        vdc,
        cluster,
        nodes,
        new Set(Array.from({ length: cluster.spec.workers + 1 }, (_, index) => `${cluster.metadata.uid}.${index}`)),
      ),
    );
  return [...orphans.map((key) => `reservation ${key} belongs to nobody`), ...surplus.map((key) => `reservation ${key} is surplus`)];
}

/** Services of its pods that run. */
function runningPods({ pods }: Machine): string[] {
  return [...pods].flatMap(([service, ofIt]) => [...ofIt.values()].filter((pod) => pod.phase === 'Running').map(() => service)).sort();
}

/**
 * A replaced life whose host has forgotten it: its agent, while it lives, stops its pods. That the rest goes is for the person to see to who vouched
 * that it was off (Host.status.recordLost names it).
 */
function isLeftOver(machine: Machine, nodes: readonly ClusterNode[]): boolean {
  const node = nodes.find((one) => one.metadata.uid === machine.nodeUid);
  return (
    machine.isForgotten === true &&
    (node?.spec.incarnation ?? 0) > machine.incarnation &&
    (machine.agent.life === undefined || runningPods(machine).length === 0)
  );
}

function machineIs(world: World, machine: World['machines'][number], nodes: readonly ClusterNode[]): string[] {
  const node = nodes.find((one) => one.metadata.uid === machine.nodeUid);
  if (node === undefined) return world.givenUp.has(machine.nodeUid) ? [] : [`${labelOf(machine)} runs and has no node`];
  return node.spec.incarnation === machine.incarnation || isLeftOver(machine, nodes)
    ? []
    : [`${labelOf(machine)} runs, the node is incarnation ${node.spec.incarnation}`];
}
