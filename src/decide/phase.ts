/**
 * Phase, summary and conditions of a Cluster: one pure function each, used by every writer, so that they never disagree about the same facts.
 *
 * I1: a cluster that is being deleted is Deleting, whatever else is true.
 * I2: a cluster that was ever available is never Pending or Provisioning again.
 * I3: after Available: Error when the primary is not ready; Degraded when a worker that had joined is not ready or a service has no instance
 *     left that serves or is being restarted; one instance less is still Available, with Redundant=False.
 * I4: a node that is coming up for the first time (a cluster being scaled up) degrades nothing.
 * I5: a node whose host lost its record of it is ready while its agent is heard and says so: Degraded, because nobody starts it again, never Error. Of
 *     one that was given up only what its pods said last is known: it is not ready, and nothing is said to be down for that.
 * I6: of a primary that is not heard it is said what a person can do, because nothing else will: confirm that it is dead.
 */

import type { Cluster, ClusterSpec, ClusterStatus, Phase } from '../model/cluster.ts';
import type { ClusterNode } from '../model/cluster-node.ts';
import { setCondition } from '../model/condition.ts';
import type { Condition, ConditionReason, ConditionType } from '../model/condition.ts';
import type { Service } from '../model/pod.ts';
import { licenseConditions } from './license-conditions.ts';
import { agentOf, isLeaving, isLost, isReady, machineOf, standing } from './node-facts.ts';
import { desiredInstances } from './plan.ts';
import { singletonConditions } from './singleton-conditions.ts';

type NodeSummary = NonNullable<ClusterStatus['nodes']>[string];
type ServiceSummary = NonNullable<ClusterStatus['services']>[string];

/** What of a Cluster the phase is made from. */
export interface PhaseInput {
  readonly deleting: boolean;
  readonly spec: Pick<ClusterSpec, 'workers'>;
  readonly status: ClusterStatus;
}

export function phaseInput(cluster: Cluster, status: ClusterStatus = cluster.status ?? {}): PhaseInput {
  return { deleting: cluster.metadata.deletionTimestamp !== undefined, spec: cluster.spec, status };
}

export function phaseOf(input: PhaseInput): Phase {
  const { status } = input;
  if (input.deleting) return 'Deleting';
  if (status.availableAt !== undefined) return phaseAfterAvailable(status);
  const attempt = status.attempt ?? 0;
  const record = status.attempts?.find((one) => one.number === attempt);
  if (record?.outcome === 'Failed' && (status.abandonedAttempt ?? 0) < attempt) return 'Error';
  if (attempt === 0 || record === undefined) return 'Pending';
  return attempt === 1 && record.step === 'Validate' ? 'Pending' : 'Provisioning';
}

const NOBODY: ReadonlySet<string> = new Set();

/**
 * Nodes, services and workers as their own reports tell them. `unheard`: names of nodes of which the observer itself hears nothing any more;
 * `silent`: of those whose agents are silent while what they run still answers.
 */
export function summaryOf(
  nodes: readonly ClusterNode[],
  services: readonly Service[],
  workers: number,
  unheard: ReadonlySet<string> = NOBODY,
  silent: ReadonlySet<string> = NOBODY,
): Required<Pick<ClusterStatus, 'nodes' | 'services' | 'workers'>> {
  const staying = nodes.filter((node) => !isLeaving(node));
  // What was said last by a machine that is gone, or that nobody hears, is no instance that serves.
  const reporting = staying.filter((node) => !unheard.has(node.metadata.name) && !isLost(node));
  return {
    nodes: Object.fromEntries(staying.map((node) => [node.metadata.name, nodeSummary(node, unheard, silent)])),
    services: Object.fromEntries(services.map((service) => [service.name, serviceSummary(service, reporting, workers)])),
    workers: reporting.filter((node) => roleOf(node) === 'Worker' && serves(node)).length,
  };
}

/** What the node is now; what it was born as until it says so. */
export function roleOf(node: ClusterNode): 'Primary' | 'Worker' {
  return node.status?.role ?? node.spec.role;
}

export type ConditionChange = readonly [ConditionType, Condition['status'], ConditionReason, string];

/** `conditions` with all `changes` in it. `now` is RFC 3339. */
export function withConditions(
  conditions: readonly Condition[] | undefined,
  changes: readonly ConditionChange[],
  generation: number,
  now: string,
): Condition[] {
  let next: readonly Condition[] = conditions ?? [];
  for (const [type, status, reason, message] of changes) {
    next = setCondition(next, { type, status, reason, message: message.slice(0, 4096), observedGeneration: generation }, now);
  }
  return [...next];
}

/**
 * Ready, Redundant, Progressing, those of the singletons and of the license, of a cluster that was available. `status` must hold the summary. `services`: those of
 * spec and release; undefined when the release is not known.
 */
export function conditionsAfterAvailable(input: PhaseInput, services: readonly Service[] | undefined): readonly ConditionChange[] {
  return [
    readiness(input),
    redundancy(input.status),
    progress(input),
    ...singletonConditions(input.status, services),
    ...licenseConditions(input.status),
  ];
}

function phaseAfterAvailable(status: ClusterStatus): Phase {
  const nodes = status.nodes ?? {};
  const primary = status.primary === undefined ? undefined : nodes[status.primary];
  if (status.primary !== undefined && status.nodes !== undefined && primary?.ready !== true) return 'Error';
  if (Object.values(nodes).some((node) => node.ready === false || node.unattended === true)) return 'Degraded';
  return downServices(status).length > 0 ? 'Degraded' : 'Available';
}

function readiness({ status }: PhaseInput): ConditionChange {
  const phase = phaseAfterAvailable(status);
  if (phase === 'Error') {
    const why = status.nodes?.[status.primary ?? '']?.message ?? 'it is not there';
    return [
      'Ready',
      'False',
      'NodeNotReady',
      `The primary ${status.primary} is not ready: ${why}. ${singletonsOf(status)} Replicated services go on elsewhere.`,
    ];
  }
  const down = downServices(status);
  if (down.length > 0)
    return ['Ready', 'False', 'ServiceNotReady', `No instance of ${down.join(', ')} stays up; look at the logs of its pods.`];
  const missing = Object.entries(status.nodes ?? {}).filter(([, node]) => node.ready === false);
  const unattended = Object.entries(status.nodes ?? {}).filter(([, node]) => node.unattended === true);
  if (missing.length === 0 && unattended.length > 0) {
    const which = unattended.map(([name, node]) => node.message ?? name).join('; ');
    return [
      'Ready',
      'True',
      'NotRedundant',
      `All nodes are ready and all services run, but nobody starts again what fails there: ${which}.`,
    ];
  }
  if (missing.length === 0) return ['Ready', 'True', 'Available', 'All nodes are ready and all services run.'];
  const who = missing.map(([name, node]) => node.message ?? name).join('; ');
  return ['Ready', 'True', 'NotRedundant', `All services run, but not on every node: ${who}.`];
}

function singletonsOf({ services = {} }: ClusterStatus): string {
  const singletons = Object.entries(services).filter(([, service]) => service.mode === 'Singleton');
  const named = (isUp: boolean): string =>
    singletons
      .filter(([, service]) => (service.ready ?? 0) > 0 === isUp)
      .map(([name]) => name)
      .join(', ');
  const [up, down] = [named(true), named(false)];
  const goesOn = up === '' ? '' : `By its last word there ran: ${up}; nobody manages that now.`;
  return `${goesOn}${down === '' ? '' : `${up === '' ? '' : ' '}No instance is ready of its singletons: ${down}.`}`;
}

function redundancy(status: ClusterStatus): ConditionChange {
  const replicated = Object.entries(status.services ?? {}).filter(([, service]) => service.mode === 'Replicated');
  if (Object.keys(status.nodes ?? {}).length < 2)
    return ['Redundant', 'False', 'NotRedundant', 'There is one node; with spec.workers of at least 1 a second one stands in.'];
  const thin = replicated.filter(([, service]) => (service.ready ?? 0) < Math.max(2, service.desired ?? 0));
  if (thin.length === 0) return ['Redundant', 'True', 'AllRedundant', 'Every replicated service runs on every node.'];
  const which = thin.map(([name, service]) => `${name} ${service.ready ?? 0}/${service.desired ?? 0}`).join(', ');
  return ['Redundant', 'False', 'NotRedundant', `Not every instance is ready: ${which}.`];
}

function progress({ spec, status }: PhaseInput): ConditionChange {
  const coming = Object.entries(status.nodes ?? {}).filter(([, node]) => node.ready === undefined);
  const workers = status.workers ?? 0;
  if (coming.length > 0)
    return ['Progressing', 'True', 'NodeNotReady', `Coming up: ${coming.map(([name, node]) => node.message ?? name).join('; ')}.`];
  if (workers !== spec.workers) return ['Progressing', 'True', 'NodeNotReady', `${workers} of ${spec.workers} workers are ready.`];
  return ['Progressing', 'False', 'Available', 'Everything is as the spec asks.'];
}

function downServices(status: ClusterStatus): string[] {
  const down = Object.entries(status.services ?? {}).filter(
    ([, service]) => (service.desired ?? 0) > 0 && (service.ready ?? 0) === 0 && (service.failing ?? 0) > 0,
  );
  return down.map(([name]) => name).sort();
}

function nodeSummary(node: ClusterNode, unheard: ReadonlySet<string>, silent: ReadonlySet<string>): NodeSummary {
  const ready = serves(node) && !unheard.has(node.metadata.name);
  const phase = agentOf(node)?.phase;
  const isNew = node.spec.incarnation === 1 && (phase === undefined || phase === 'Joined') && !unheard.has(node.metadata.name);
  const address = node.status?.infrastructure?.address;
  return {
    role: roleOf(node),
    incarnation: node.spec.incarnation,
    ...(isNew ? {} : { ready }),
    ...(ready && !isReady(node) ? { unattended: true } : {}),
    ...(address === undefined ? {} : { address }),
    ...messageOf(node, ready, unheard, silent),
  };
}

/** Ready by its own word, which holds also while its host has lost its record of it. */
function serves(node: ClusterNode): boolean {
  return isReady(node) || (machineOf(node)?.reason === 'RecordLost' && agentOf(node)?.phase === 'Ready');
}

function messageOf(
  node: ClusterNode,
  ready: boolean,
  unheard: ReadonlySet<string>,
  silent: ReadonlySet<string>,
): Pick<NodeSummary, 'message'> {
  const { name } = node.metadata;
  if (unheard.has(name)) return { message: `${standing(node).slice(0, 700)} is not heard any more${remedyOf(node)}` };
  if (!ready) return { message: standing(node).slice(0, 1024) };
  if (!isReady(node)) return { message: `${standing(node).slice(0, 900)} serves` };
  return silent.has(name) ? { message: `the agent of ${name} is not heard; what it runs goes on and answers` } : {};
}

/** Nobody replaces a primary for silence, so its cluster stays down until it is back, or a person knows better. */
function remedyOf(node: ClusterNode): string {
  const { name, namespace = '' } = node.metadata;
  if (roleOf(node) !== 'Primary') return '';
  return `; see to its machine: a primary is never replaced for silence, so if you know that it is off: outrigger node confirm-dead ${name} -n ${namespace}`;
}

function serviceSummary(service: Service, nodes: readonly ClusterNode[], workers: number): ServiceSummary {
  const instances = nodes.flatMap((node) => {
    const instance = agentOf(node)?.services?.[service.name];
    return instance === undefined ? [] : [{ node: node.metadata.name, ...instance }];
  });
  const ready = instances.filter((instance) => instance.ready);
  return {
    mode: service.mode,
    desired: desiredInstances(service, workers),
    ready: ready.length,
    failing: instances.filter((instance) => instance.phase === 'BackOff' || instance.phase === 'Failed').length,
    where: ready.map((instance) => instance.node).sort(),
  };
}
