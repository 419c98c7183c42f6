/**
 * Machines: what a host runs for one life of a node. A machine holds its disk (what an agent remembers) and its pods, and both outlive the agent.
 */

import type { ListedPod } from '../src/decide/service-machine.ts';
import { reservationKey } from '../src/model/labels.ts';
import type { ClusterNode } from '../src/model/cluster-node.ts';
import type { VirtualDataCenter } from '../src/model/virtual-data-center.ts';
import type { Machine } from './machine-state.ts';
import { violate } from './world.ts';
import type { World } from './world.ts';

/** Called when a machine begins to run. Who else lives for the same place in the same cluster? */
export function checkStart(world: World, machine: Machine): void {
  for (const other of world.machines) {
    if (other === machine || !other.isAlive || other.clusterUid !== machine.clusterUid || other.index !== machine.index) continue;
    // A person vouched that it is off, or gave it up: what comes back then is outside of the promise until it has heard of its successor.
    const isSame = other.nodeUid === machine.nodeUid && other.incarnation === machine.incarnation;
    if (!isSame && (world.givenUp.has(other.nodeUid) || world.givenUp.has(machine.nodeUid))) continue;
    violate(world, `two machines for one node: ${labelOf(machine)} starts beside ${labelOf(other)}`);
  }
}

/** One life of a node begins once, on one machine, whatever its host has forgotten. */
export function checkFirstLife(world: World, machine: Machine): void {
  const before = world.machines.find((one) => one.nodeUid === machine.nodeUid && one.incarnation === machine.incarnation);
  if (before !== undefined) violate(world, `a second life of one incarnation: ${labelOf(machine)} begins after ${labelOf(before)}`);
}

/** A fresh machine starts only under a reservation. */
export function checkReserved(world: World, machine: Machine): void {
  const node = world.store.get('clusternodes', machine.namespace, machine.node) as ClusterNode | undefined;
  if (node === undefined || node.metadata.uid !== machine.nodeUid) return;
  const vdc = world.store.get('virtualdatacenters', machine.namespace, node.spec.virtualDataCenter) as VirtualDataCenter | undefined;
  if (vdc === undefined || vdc.status?.reservations?.[reservationKey(machine.clusterUid, machine.index)] !== undefined) return;
  if (!isLateCreate(world, node)) violate(world, `${labelOf(machine)} starts without a reservation`);
}

/** Its entry was taken back before the node was there: its creation was on its way for long, and nobody at the door refused it. It is swept. */
function isLateCreate(world: World, { metadata }: ClusterNode): boolean {
  const made = world.store.history('clusternodes').find((commit) => commit.object.metadata.uid === metadata.uid);
  const spec = (made?.object as ClusterNode | undefined)?.spec;
  if (made === undefined || spec === undefined) return false;
  const key = reservationKey(spec.clusterUid, spec.index);
  const homes = world.store.history('virtualdatacenters').filter((commit) => commit.object.metadata.name === spec.virtualDataCenter);
  const before = homes.filter((commit) => commit.revision < made.revision).at(-1)?.object as VirtualDataCenter | undefined;
  return before?.status?.reservations?.[key] === undefined;
}

/** Called when a pod begins to run: one of a service on a machine, one of a singleton in a cluster. */
export function checkPods(world: World, machine: Machine, service: string, isSingleton: boolean): void {
  const living = runningPods(machine, service);
  if (living.length > 1) violate(world, `two pods of ${service} on ${labelOf(machine)}: ${living.join()}`);
  if (!isSingleton) return;
  for (const other of world.machines) {
    if (other === machine || other.clusterUid !== machine.clusterUid || runningPods(other, service).length === 0) continue;
    if (!world.givenUp.has(other.nodeUid) && !world.givenUp.has(machine.nodeUid))
      violate(world, `singleton ${service} starts on ${labelOf(machine)} beside ${labelOf(other)}`);
  }
}

export function runningPods(machine: Machine, service: string): string[] {
  return [...(machine.pods.get(service)?.values() ?? [])].filter((pod) => pod.phase === 'Running').map((pod) => pod.hash);
}

export function podsOf(machine: Machine, service: string): Map<string, ListedPod> {
  let pods = machine.pods.get(service);
  if (pods === undefined) machine.pods.set(service, (pods = new Map()));
  return pods;
}

/** All that runs on it dies; the records of the dead pods stay. */
export function killPods(machine: Machine, nowMs: number): void {
  for (const pods of machine.pods.values()) for (const hash of pods.keys()) exitPod(pods, hash, null, nowMs);
}

export function exitPod(pods: Map<string, ListedPod>, hash: string, exitCode: number | null, nowMs: number): boolean {
  const pod = pods.get(hash);
  if (pod?.phase !== 'Running') return false;
  pods.set(hash, { hash, phase: 'Exited', exitCode, ranMs: Math.max(0, nowMs - pod.startedMs) });
  return true;
}

export function labelOf(machine: Machine): string {
  return `${machine.node} (incarnation ${machine.incarnation}, on ${machine.host}, uid ${machine.nodeUid.slice(0, 8)})`;
}
