/**
 * What a manager vouches for, judged by what is true when it decides: never for the primary, and never for a worker that speaks, or of which a director
 * saw a sign of life lately.
 */

import type { Effect } from '../src/decide/effect.ts';
import type { ClusterNode } from '../src/model/cluster-node.ts';
import type { Cluster } from '../src/model/cluster.ts';
import { ANNOTATION_VOUCHED_DEAD, nodeLeaseName } from '../src/model/labels.ts';
import { LIMITS } from '../src/model/limits.ts';
import { isHeard } from './lan.ts';
import type { Machine } from './machine-state.ts';
import type { Commit } from './store.ts';
import { violate } from './world.ts';
import type { World } from './world.ts';

/** A Lease holds for LIMITS.nodeLeaseTtlMs. So much later than it was renewed a manager may know of it: an answer counts for 15 s, a read may stall. */
const KNOWN_LATE_MS = 90_000;

export function noteLease(world: World, commit: Commit): void {
  world.renewals.set(commit.object.metadata.name, world.scheduler.nowMs());
}

/** When the vouch is decided. */
export function judgeVouches(world: World, manager: Machine, effects: readonly Effect[]): void {
  for (const effect of effects) {
    if (effect.kind !== 'VouchNodeDead') continue;
    const { name, namespace, uid } = effect.on;
    const node = world.store.get('clusternodes', namespace, name) as ClusterNode | undefined;
    if (node?.status?.agent?.phase !== 'Ready' || node.status.agent.incarnation !== effect.incarnation) continue;
    const other = world.machines.find((one) => one.nodeUid === uid && one.incarnation === effect.incarnation);
    if (other !== undefined && isHeard(world, manager, other)) violate(world, `${manager.agent.name} vouches for ${name}, which it hears`);
    const sinceMs = world.scheduler.nowMs() - (world.renewals.get(nodeLeaseName(uid)) ?? -Infinity);
    if (sinceMs < LIMITS.nodeLeaseTtlMs - KNOWN_LATE_MS)
      violate(world, `${manager.agent.name} vouches for ${name}, which renewed its Lease ${sinceMs} ms ago`);
  }
}

/** When the vouch stands. */
export function judgeVouched(world: World, commit: Commit): void {
  const node = commit.object as ClusterNode;
  const before = (commit.previous as ClusterNode | undefined)?.metadata.annotations?.[ANNOTATION_VOUCHED_DEAD];
  const vouch = node.metadata.annotations?.[ANNOTATION_VOUCHED_DEAD];
  if (vouch === undefined || vouch === before) return;
  const { namespace = '', name, uid } = node.metadata;
  // What it vouched for may run on until its host hears of its successor.
  world.givenUp.add(uid);
  const cluster = world.store.get('clusters', namespace, node.spec.cluster) as Cluster | undefined;
  if (node.spec.index === 0 || cluster?.status?.primary === name) violate(world, `${commit.writer} vouches for the primary ${name}`);
}
