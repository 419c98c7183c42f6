/**
 * What the nodes say about a change: who takes part, who has what is new, and whose instance is the last.
 *
 * I1: a node has taken the target when its word is of the newest turn or later, it runs the target, and everything that changed and belongs there is
 *     ready. An older word proves nothing.
 * I2: an instance is the last when it is ready, no other node has a ready one, and another node that takes part could have one. What a node runs that is
 *     neither what was before nor the target may differ from the target in every service.
 */

import type { ClusterNode } from '../model/cluster-node.ts';
import type { Service } from '../model/pod.ts';
import { keyOf, replacedServices } from './cluster-plan.ts';
import type { ClusterPlan } from './cluster-plan.ts';
import { agentOf, isLeaving, isLost } from './node-facts.ts';
import { roleOf } from './phase.ts';

/** Nodes that take part: those that have joined, stay and are not proven dead. `order` first (uids), then workers by index, then the primary. */
export function membersOf(nodes: readonly ClusterNode[], order: readonly string[] = []): readonly ClusterNode[] {
  const placeOf = (node: ClusterNode): number => {
    const at = order.indexOf(node.metadata.uid);
    if (at >= 0) return at - order.length;
    return roleOf(node) === 'Primary' ? Infinity : node.spec.index;
  };
  return nodes.filter(takesPart).sort((a, b) => (placeOf(a) < placeOf(b) ? -1 : 1));
}

function takesPart(node: ClusterNode): boolean {
  const phase = agentOf(node)?.phase;
  return phase !== undefined && phase !== 'Stopping' && phase !== 'Stopped' && !isLeaving(node) && !isLost(node);
}

/** It runs the target and is well. */
export function hasTaken(node: ClusterNode, plan: ClusterPlan): boolean {
  return whatIsMissing(node, plan) === undefined;
}

/** What stands between the node and the end of its turn, for a sentence; undefined: nothing. */
export function whatIsMissing(node: ClusterNode, plan: ClusterPlan): string | undefined {
  const agent = agentOf(node);
  if (agent === undefined) return 'it has not joined';
  const note = agent.message === undefined || agent.message === '' ? '' : `: ${agent.message}`;
  if (agent.content !== plan.target.hash || (keyOf(agent.plan)?.number ?? 0) < plan.turn)
    return `it has not taken ${plan.target.release}${note}`;
  const late = changedServices(plan).find((service) => !isUp(node, service));
  if (late !== undefined) {
    const said = agent.services?.[late.name];
    return `${late.name} is ${said?.phase ?? 'not started'}${said?.message === undefined ? '' : `: ${said.message}`}`;
  }
  return agent.phase === 'Ready' ? undefined : `it is ${agent.phase}${note}`;
}

/** Services that the change brings or replaces. */
function changedServices({ previous, target }: ClusterPlan): readonly Service[] {
  if (previous === undefined) return [];
  const replaced = replacedServices(previous, target);
  return target.services.filter((service) => replaced.includes(service) || !previous.services.some(({ name }) => name === service.name));
}

function isUp(node: ClusterNode, service: Service): boolean {
  const said = agentOf(node)?.services?.[service.name];
  if (said === undefined) return service.mode === 'Singleton' && roleOf(node) !== 'Primary';
  // One that has done its work (restartPolicy) is stopped and will not be ready again.
  return said.ready || (said.phase === 'Stopped' && service.pod.restartPolicy !== 'Always');
}

interface Guarded {
  readonly nodes: readonly ClusterNode[];
  readonly unheard: ReadonlySet<string>;
}

/** Why `node` must not replace its pods now, as a sentence; undefined: it may. */
export function isLast(node: ClusterNode, plan: ClusterPlan, { nodes, unheard }: Guarded): string | undefined {
  const agent = agentOf(node);
  if (plan.previous === undefined || agent?.content === plan.target.hash) return undefined;
  const isKnown = agent?.content === undefined || agent.content === plan.previous.hash;
  const replaced = (isKnown ? replacedServices(plan.previous, plan.target) : plan.target.services).filter(
    ({ mode, name }) => mode === 'Replicated' && agent?.services?.[name]?.ready === true,
  );
  return lastOf({
    self: node.metadata.name,
    plan,
    lost: replaced.map(({ name }) => name),
    others: membersOf(nodes).filter(({ metadata }) => metadata.uid !== node.metadata.uid),
    unheard,
  });
}

export interface LastInput {
  readonly self: string;
  /** Undefined: none is known yet. */
  readonly plan: ClusterPlan | undefined;
  /** Replicated services whose ready instance on this node goes away. */
  readonly lost: readonly string[];
  /** Other nodes that take part. */
  readonly others: readonly ClusterNode[];
  readonly unheard: ReadonlySet<string>;
}

/** The same, for a node that knows its own instances better than any word. */
export function lastOf({ self, plan, lost, others, unheard }: LastInput): string | undefined {
  const isUnheard = (node: ClusterNode): boolean => unheard.has(node.metadata.name);
  // Who is passed over could not have an instance.
  const able = plan !== undefined && passesOver(plan) ? others.filter((node) => !isUnheard(node)) : others;
  if (able.length === 0) return undefined;
  const serves = (node: ClusterNode, name: string): boolean => !isUnheard(node) && agentOf(node)?.services?.[name]?.ready === true;
  const last = lost.find((name) => !able.some((node) => serves(node, name)));
  if (last === undefined) return undefined;
  const what = plan === undefined ? 'what is new' : plan.target.release;
  return `${what} waits on ${self} because no other node has a ready instance of ${last}; see to ${last} there first`;
}

/** Whether the change goes on without nodes that are not heard. */
export function passesOver({ state, upgrade }: ClusterPlan): boolean {
  return state === 'RollingBack' || upgrade.whenNodeDown === 'Proceed';
}
