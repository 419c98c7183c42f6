/**
 * Promises of a change of what runs, judged when a plan is stored, by what is true in the world.
 *
 * C1: the (term, number) of a node's cluster plan never falls.
 * C2: what was rolled back is not begun again before the spec asked for another release.
 * C3: in a cluster that was available no two nodes replace the same replicated service at once.
 * C4: the last ready instance of a replicated service is not taken away while another node could serve.
 */

import { keyText } from '../src/decide/cluster-plan.ts';
import type { ClusterPlan } from '../src/decide/cluster-plan.ts';
import { isLeaving, isLost } from '../src/decide/node-facts.ts';
import type { NodePlan } from '../src/decide/plan.ts';
import type { ClusterNode } from '../src/model/cluster-node.ts';
import type { Cluster } from '../src/model/cluster.ts';
import { isHeard } from './lan.ts';
import { labelOf } from './machine.ts';
import type { Machine } from './machine-state.ts';
import { violate } from './world.ts';
import type { World } from './world.ts';

/** The service that is watched: the replicated one of all releases. */
const SERVICE = 'hello';
/** Words take seconds at most: who was not ready for so long is known not to be. */
const KNOWN_MS = 20_000;

export function judgeClusterPlan(world: World, machine: Machine, before: ClusterPlan | undefined, next: ClusterPlan): void {
  const isLower = before !== undefined && (next.term < before.term || (next.term === before.term && next.number <= before.number));
  if (isLower) violate(world, `${labelOf(machine)} falls from plan ${before && keyText(before)} to ${keyText(next)}`);
  const { tried, asked } = world.changes;
  const began = next.state === 'Advancing' && before?.state !== 'Advancing';
  const { hash, release } = next.target;
  const triedAt = tried.get(`${next.clusterUid} ${hash}`);
  const between = (asked.get(next.clusterUid) ?? []).filter(([generation]) => generation > (triedAt ?? 0) && generation < next.generation);
  if (began && machine.role === 'Primary' && triedAt !== undefined && between.every(([, other]) => other === release))
    violate(world, `${labelOf(machine)} tries again what was rolled back: ${release}, generation ${next.generation}`);
  if (next.rolledBack !== undefined && next.barred !== undefined)
    tried.set(`${next.clusterUid} ${next.barred}`, next.rolledBack.generation);
  world.coverage.note(`Change ${before?.state ?? 'None'}→${next.state}`, []);
}

/** A cluster was written: what its spec asks for from which generation on. */
export function noteAsked(world: World, { metadata, spec }: Cluster): void {
  const { asked } = world.changes;
  const history = asked.get(metadata.uid) ?? [];
  const generation = metadata.generation ?? 0;
  if (history.at(-1)?.[0] !== generation) asked.set(metadata.uid, [...history, [generation, spec.release]]);
}

/** A node takes another plan of its own. */
export function judgeTaking(world: World, machine: Machine, before: NodePlan | undefined, next: NodePlan): void {
  const hash = (plan: NodePlan | undefined): string | undefined => plan?.services.find((one) => one.name === SERVICE)?.desired.hash;
  const [old, now] = [hash(before), hash(next)];
  if (old === undefined || now === undefined || old === now) return;
  const { takings } = world.changes;
  const nowMs = world.scheduler.nowMs();
  const others = siblingsHeard(world, machine);
  const wasReady = isReady(machine, old);
  if (wasAvailable(world, machine)) {
    const busy = wasReady ? others.find((other) => isReplacing(world, other, nowMs)) : undefined;
    if (busy !== undefined) violate(world, `${labelOf(machine)} replaces ${SERVICE} while ${labelOf(busy)} does`);
    const able = others.filter((other) => hasRunFor(other, nowMs, KNOWN_MS));
    if (wasReady && able.length > 0 && able.length === others.length && others.every((other) => wasDownFor(other, nowMs, KNOWN_MS)))
      violate(world, `${labelOf(machine)} takes the last ready ${SERVICE} away`);
  }
  world.coverage.note(wasReady ? 'Replace ready' : 'Replace unready', []);
  const { life } = machine.agent;
  takings.set(machine, { atMs: nowMs, hash: now, life });
}

/** Members that stay: what is retired, deleted or an older life is none. */
function siblingsHeard(world: World, machine: Machine): readonly Machine[] {
  return world.machines.filter((other) => {
    if (other === machine || other.clusterUid !== machine.clusterUid || !isHeard(world, machine, other)) return false;
    const node = world.store.get('clusternodes', other.namespace, other.node) as ClusterNode | undefined;
    return node?.metadata.uid === other.nodeUid && node.spec.incarnation === other.incarnation && !isLeaving(node) && !isLost(node);
  });
}

function wasAvailable(world: World, machine: Machine): boolean {
  const cluster = world.store.get('clusters', machine.namespace, machine.cluster) as Cluster | undefined;
  return (
    cluster?.metadata.uid === machine.clusterUid &&
    cluster.status?.availableAt !== undefined &&
    cluster.metadata.deletionTimestamp === undefined
  );
}

/** It took other pods within its deadline, in this life of its agent, unpaused and uncut, and they were not ready since. */
function isReplacing(world: World, machine: Machine, nowMs: number): boolean {
  const taking = world.changes.takings.get(machine);
  if (taking === undefined || taking.life !== machine.agent.life) return false;
  const wasAway = machine.agent.pausedUntilMs > taking.atMs || (world.faults.lanCutUntilMs.get(machine.agent.name) ?? 0) > taking.atMs;
  const { upgrade } = (machine.disk.kept['clusterPlan'] ?? {}) as Partial<ClusterPlan>;
  return !wasAway && nowMs - taking.atMs < (upgrade?.readySeconds ?? 0) * 990;
}

/** The supervisor of a machine saw a service become ready, or cease to be. */
export function noteServing(world: World, machine: Machine, service: string, hash: string | undefined, ready: boolean): void {
  const before = machine.serving.get(service);
  if (before?.ready === ready && before.hash === hash) return;
  machine.serving.set(service, { hash, ready, sinceMs: world.scheduler.nowMs() });
  if (service === SERVICE && ready && world.changes.takings.get(machine)?.hash === hash) world.changes.takings.delete(machine);
}

function isReady(machine: Machine, hash: string): boolean {
  const known = machine.serving.get(SERVICE);
  return known?.hash === hash && known.ready;
}

function hasRunFor({ agent }: Machine, nowMs: number, ms: number): boolean {
  return agent.life !== undefined && nowMs - agent.life.startedMs > ms && nowMs - agent.pausedUntilMs > ms;
}

function wasDownFor(machine: Machine, nowMs: number, ms: number): boolean {
  const known = machine.serving.get(SERVICE);
  return known?.ready !== true && nowMs - (known?.sinceMs ?? 0) > ms;
}
