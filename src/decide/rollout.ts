/**
 * When a node may replace pods: a simple rollout that every node decides for itself, from what the nodes of its cluster report.
 *
 * Workers first, by index, then the primary; one after the other, and only while somebody else serves. Nobody directs it, so it goes on whoever dies:
 * a node whose machine is lost or that is leaving is not waited for. A release that does not come up on the first node stays there.
 *
 * I1: a node without a plan, and a change that replaces no pod, never waits.
 * I2: a node replaces pods only when every node before it runs that release at that generation and is ready.
 * I3: a node does not replace the only ready instance of a replicated service while another node could have one.
 * I4: a release is taken only when it, or the one before it, says that there is a way between the two.
 */

import type { ClusterNode } from '../model/cluster-node.ts';
import type { ClusterRelease } from '../model/cluster-release.ts';
import { agentOf, isLeaving, isLost } from './node-facts.ts';
import { roleOf } from './phase.ts';
import type { NodePlan } from './plan.ts';

export interface RolloutInput {
  /** Name of this node. */
  readonly self: string;
  /** Names of services whose instance here is ready now. */
  readonly ready: ReadonlySet<string>;
  /** The cluster's nodes of the attempt at work, this one among them. */
  readonly nodes: readonly ClusterNode[];
  readonly current: NodePlan | undefined;
  readonly next: NodePlan;
}

/** Why this node must not turn from `current` to `next` yet, as a sentence; undefined: it may. */
export function rolloutWait(input: RolloutInput): string | undefined {
  const { current, next } = input;
  const replaced = current === undefined ? [] : replacedServices(current, next);
  if (replaced.length === 0) return undefined;
  const others = input.nodes.filter((node) => node.metadata.name !== input.self && !isLeaving(node) && !isLost(node));
  const self = input.nodes.find((node) => node.metadata.name === input.self);
  if (self === undefined) return `release ${next.release} waits here until this node sees itself among the nodes of its cluster`;
  const behind = others.filter((node) => comesBefore(node, self)).find((node) => !hasTaken(node, next, replaced));
  if (behind !== undefined) return `release ${next.release} waits here until ${behind.metadata.name} runs it and is ready`;
  if (others.length === 0) return undefined;
  const last = replaced.find(
    (service) => service.balanced && input.ready.has(service.name) && !others.some((node) => serves(node, service.name)),
  );
  if (last === undefined) return undefined;
  return `release ${next.release} waits here because no other node has a ready instance of ${last.name}`;
}

/** Why a cluster must not go from one release to another, as a sentence; undefined: it may. */
export function upgradeRefusal(from: ClusterRelease, to: ClusterRelease): string | undefined {
  if (from.spec.version === to.spec.version) return undefined;
  if (to.spec.upgradesFrom.includes(from.spec.version) || from.spec.upgradesFrom.includes(to.spec.version)) return undefined;
  return `there is no way from release ${from.spec.version} to ${to.spec.version}: neither names the other in spec.upgradesFrom; choose a release between them`;
}

function replacedServices(current: NodePlan, next: NodePlan): { readonly name: string; readonly balanced: boolean }[] {
  return current.services.flatMap((service) => {
    const successor = next.services.find((one) => one.name === service.name);
    if (successor === undefined || successor.desired.hash === service.desired.hash) return [];
    return [{ name: service.name, balanced: next.balanced.some((port) => port.name === service.name) }];
  });
}

/** Workers by index, the primary last. */
function comesBefore(node: ClusterNode, self: ClusterNode): boolean {
  const [a, b] = [node, self].map((one) => (roleOf(one) === 'Primary' ? Infinity : one.spec.index)) as [number, number];
  return a < b;
}

/** It runs `next`, and every service that is replaced and runs there serves again. */
function hasTaken(node: ClusterNode, next: NodePlan, replaced: readonly { readonly name: string }[]): boolean {
  const agent = agentOf(node);
  if (agent?.phase !== 'Ready' || agent.release !== next.release || (agent.observedGeneration ?? 0) < next.generation) return false;
  return replaced.every(({ name }) => agent.services?.[name] === undefined || agent.services[name].ready);
}

function serves(node: ClusterNode, service: string): boolean {
  return agentOf(node)?.services?.[service]?.ready === true;
}
