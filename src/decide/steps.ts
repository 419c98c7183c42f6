/**
 * The steps of creation, each as a predicate over the world: done, to be acted on, waited for, or failed for good.
 *
 * Level-triggered: a step looks at what is there, never at what an earlier pass did, so any server can go on at any point.
 *
 * I1: a step acts only by effects that are safe to repeat.
 * I2: what trying again cannot bring (a person's mistake in the input, a host with room, a person who joins a machine) is waited for with
 *     `waitingFor`, and is no failure.
 * I3: a machine that its host calls Gone or Failed, or whose death a person confirmed, fails the step at once.
 * I4: nodes are created only under reservations made for them.
 */

import type { Step } from '../model/attempt.ts';
import type { ClusterNode } from '../model/cluster-node.ts';
import type { ConditionReason } from '../model/condition.ts';
import { tokenCommand } from '../model/joined-machine.ts';
import type { ClusterView } from './cluster-view.ts';
import type { Effect } from './effect.ts';
import { faultOf, isAtFault } from './failure-cause.ts';
import type { WaitingFor } from './failure-cause.ts';
import { agentOf, hasJoined, isReady, isUnclaimed, standing } from './node-facts.ts';
import { conflictOf, servicesOf, trespassOf } from './plan.ts';
import { reserve, wantedEntries } from './reservation.ts';
import { indexesOf, missingNodes, noDataCenter } from './scale.ts';
import { siteStanding } from './site-standing.ts';

export type StepResult =
  | { readonly state: 'Done' }
  | { readonly state: 'Act'; readonly effects: readonly Effect[]; readonly reason: ConditionReason; readonly message: string }
  | { readonly state: 'Wait'; readonly waitingFor?: WaitingFor; readonly reason: ConditionReason; readonly message: string }
  /** The machine of `node` is at fault: waiting does not help. What does is decided by its cause (failure-cause.ts). */
  | { readonly state: 'Failed'; readonly reason: ConditionReason; readonly message: string; readonly node: ClusterNode };

const DONE: StepResult = { state: 'Done' };

/** Where `step` of attempt `attempt` stands. */
export function evaluateStep(view: ClusterView, attempt: number, step: Step): StepResult {
  switch (step) {
    case 'Validate':
      return validate(view, attempt);
    case 'CreatePrimary':
      return ensure(view, attempt, firstIndexes(view));
    case 'PrimaryReady':
      return after(ensure(view, attempt, firstIndexes(view)), () => nodesAre(view, attempt, [0], isReady, 'NodeNotReady'));
    case 'CreateWorkers':
      return ensure(view, attempt, allIndexes(view));
    case 'WorkersJoined':
      return after(ensure(view, attempt, allIndexes(view)), () => nodesAre(view, attempt, allIndexes(view), hasJoined, 'NodeNotReady'));
    case 'ServicesReady':
      return after(ensure(view, attempt, allIndexes(view)), () => servicesReady(view, attempt));
    case 'PairSite':
      return pairSite(view, attempt);
  }
}

function validate(view: ClusterView, attempt: number): StepResult {
  const wrong = wrongInput(view);
  if (wrong !== undefined) return wrong;
  const vdc = view.virtualDataCenter;
  if (vdc === undefined) return input('VirtualDataCenterNotFound', noDataCenter(view));
  const reserved = reserve(vdc, wantedEntries(view.cluster, attempt, allIndexes(view)));
  if (reserved.state === 'Exceeded') return input('QuotaExceeded', reserved.message);
  if (reserved.state === 'Needed')
    return { state: 'Act', effects: [reserved.effect], reason: 'Provisioning', message: `reserves capacity in ${vdc.metadata.name}` };
  return DONE;
}

function wrongInput(view: ClusterView): StepResult | undefined {
  const { spec } = view.cluster;
  if (view.release === undefined) {
    return input(
      'ReleaseNotFound',
      `ClusterRelease ${spec.release} does not exist; set spec.release to one that does (kubectl get clusterreleases), or publish it`,
    );
  }
  const { release } = view;
  const trespass = spec.services.map((service) => trespassOf(service, release)).find((one) => one !== undefined);
  const conflict = trespass ?? conflictOf(servicesOf(spec, release));
  if (conflict !== undefined) return input('ReleaseInvalid', `spec.services does not fit release ${spec.release}: ${conflict}`);
  const vdc = view.virtualDataCenter;
  if (vdc === undefined || vdc.metadata.deletionTimestamp !== undefined) return input('VirtualDataCenterNotFound', noDataCenter(view));
  if (spec.nodes !== 'Provisioned') return undefined;
  if (vdc.spec.hosts.length === 0) {
    return input(
      'NoHost',
      `VirtualDataCenter ${vdc.metadata.name} names no hosts, so nobody can run the nodes; add one to its spec.hosts (kubectl get hosts)`,
    );
  }
  if (vdc.spec.nodeDriver !== 'process') {
    return input(
      'NoHost',
      `VirtualDataCenter ${vdc.metadata.name} takes joined machines only (nodeDriver ${vdc.spec.nodeDriver}); create the cluster with spec.nodes: Joined, or in another one`,
    );
  }
  return undefined;
}

/** The nodes `indexes` are there. */
function ensure(view: ClusterView, attempt: number, indexes: readonly number[]): StepResult {
  const missing = missingNodes(view, attempt, indexes);
  switch (missing.state) {
    case 'Complete':
      return DONE;
    case 'Act':
      return { state: 'Act', effects: missing.effects, reason: 'Provisioning', message: missing.message };
    case 'Leaving':
      return { state: 'Wait', reason: 'Provisioning', message: missing.message };
    case 'NoDataCenter':
      return input('VirtualDataCenterNotFound', missing.message);
    case 'Exceeded':
      return input('QuotaExceeded', missing.message);
  }
}

/** The nodes `indexes`, which are there, all satisfy `holds`. */
function nodesAre(
  view: ClusterView,
  attempt: number,
  indexes: readonly number[],
  holds: (node: ClusterNode) => boolean,
  reason: ConditionReason,
): StepResult {
  const nodes = nodesOf(view, attempt).filter((node) => indexes.includes(node.spec.index));
  const lost = nodes.find(isAtFault);
  if (lost !== undefined) return { state: 'Failed', reason: 'NodeLost', message: faultOf(lost), node: lost };
  const waiting = nodes.filter((node) => !holds(node));
  if (waiting.length === 0) return DONE;
  return firstWait(view, waiting, reason);
}

function firstWait(view: ClusterView, waiting: readonly ClusterNode[], reason: ConditionReason): StepResult {
  if (view.cluster.spec.nodes === 'Joined') {
    const isOut = (node: ClusterNode): boolean => isUnclaimed(node) && agentOf(node) === undefined;
    if (waiting.some(isOut)) {
      const all = view.nodes.filter((node) => node.spec.attempt === waiting[0]?.spec.attempt && isOut(node));
      return { state: 'Wait', waitingFor: 'Join', reason: 'WaitingForJoin', message: joinText(view, all) };
    }
  } else if (waiting.some(isUnclaimed)) {
    const names = waiting.filter(isUnclaimed).map((node) => node.metadata.name);
    const hosts = view.virtualDataCenter?.spec.hosts.join(', ') ?? '';
    const message = `waits for a host with room to take ${names.join(', ')}: none of ${hosts} did; see that they run, are not cordoned and have capacity left`;
    return { state: 'Wait', waitingFor: 'Host', reason: 'NoCapacity', message };
  }
  return { state: 'Wait', reason, message: `waits for ${waiting.map(standing).join('; ')}` };
}

function joinText({ cluster }: ClusterView, nodes: readonly ClusterNode[]): string {
  const commands = nodes.map((node) => tokenCommand(cluster.metadata.namespace ?? '', node.metadata.name)).join('; ');
  return `waits, without a deadline, for a machine to join as ${nodes.map((node) => node.metadata.name).join(', ')}: for each run, where your credentials are, what prints the command for its machine: ${commands}`;
}

function servicesReady(view: ClusterView, attempt: number): StepResult {
  const nodes = nodesOf(view, attempt).filter((node) => allIndexes(view).includes(node.spec.index));
  const ready = nodesAre(view, attempt, allIndexes(view), isReady, 'NodeNotReady');
  if (ready.state !== 'Done') return ready;
  if (view.release === undefined) return wrongInput(view) ?? DONE;
  const missing: string[] = [];
  for (const service of servicesOf(view.cluster.spec, view.release)) {
    const where = service.mode === 'Replicated' ? nodes : nodes.filter((node) => node.spec.index === 0);
    for (const node of where.filter((one) => !runs(view, one, service.name)))
      missing.push(`${service.name} on ${whatOf(node, service.name)}`);
  }
  if (missing.length === 0) return DONE;
  const more = missing.length > 4 ? ` and ${missing.length - 4} more` : '';
  return { state: 'Wait', reason: 'ServiceNotReady', message: `waits for ${missing.slice(0, 4).join('; ')}${more}` };
}

/** Whether `node` runs `service` as the spec that this view shows asks for it. */
function runs(view: ClusterView, node: ClusterNode, service: string): boolean {
  const agent = agentOf(node);
  if (agent?.services?.[service]?.ready !== true) return false;
  const current = agent.observedGeneration === undefined || agent.observedGeneration >= (view.cluster.metadata.generation ?? 0);
  return current && (agent.release === undefined || agent.release === view.cluster.spec.release);
}

function whatOf(node: ClusterNode, service: string): string {
  const instance = agentOf(node)?.services?.[service];
  const note = instance?.message === undefined ? '' : `: ${instance.message}`;
  return `${node.metadata.name} (${instance?.phase ?? 'not started'}${note})`;
}

/**
 * The primary's agent makes the checks; this only waits for what it says. That may take a person days, so what was ready before is looked at once
 * more: a machine that was lost meanwhile fails the step, and nothing becomes available whose services do not run. Nodes are not made here: a worker
 * that is asked for meanwhile is the manager's.
 */
function pairSite(view: ClusterView, attempt: number): StepResult {
  const present = nodesAre(view, attempt, allIndexes(view), () => true, 'NodeNotReady');
  if (present.state !== 'Done') return present;
  const { done, input: isInput, reason, message } = siteStanding(view.cluster, view.site);
  if (done) return servicesReady(view, attempt);
  return isInput ? input(reason, message) : { state: 'Wait', reason, message };
}

function nodesOf(view: ClusterView, attempt: number): readonly ClusterNode[] {
  return view.nodes.filter((node) => node.spec.attempt === attempt);
}

/** People let all their machines in at one go, so where they do there is a node for each from the beginning. */
function firstIndexes(view: ClusterView): number[] {
  return view.cluster.spec.nodes === 'Joined' ? allIndexes(view) : [0];
}

function allIndexes(view: ClusterView): number[] {
  return [0, ...indexesOf(view.cluster.spec.workers)];
}

function after(first: StepResult, then: () => StepResult): StepResult {
  return first.state === 'Done' ? then() : first;
}

function input(reason: ConditionReason, message: string): StepResult {
  return { state: 'Wait', waitingFor: 'Input', reason, message };
}
