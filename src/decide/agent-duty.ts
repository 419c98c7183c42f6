/**
 * What an agent concludes about its own node: whether this life of it is over, who is primary, and what to say of itself.
 *
 * I1: a life ends only by what a director shows of this very node (its uid): a higher incarnation, `retired`, a deletionTimestamp. Absence ends
 *     nothing, and what has ended never begins again.
 * I2: a node is born into its membership once, when it has seen its cluster; the term never falls.
 * I3: Ready speaks of the node: it has a plan that it can carry out, and its balancer runs. Each service speaks for itself: one instance that dies
 *     makes no node NotReady, nor does a balancer that is back within a few seconds.
 */

import type { Cluster } from '../model/cluster.ts';
import type { ClusterNode } from '../model/cluster-node.ts';
import type { FrameworkService } from '../model/framework.ts';
import { bornMembership, followHigher, mayRunSingletons, memberId } from './authority.ts';
import type { Membership } from './authority.ts';
import { keyText } from './cluster-plan.ts';
import type { PlanKey } from './cluster-plan.ts';
import type { NodePlan, PlannedService } from './plan.ts';
import type { ServiceReport } from './service-machine.ts';

/** This node, as its host made it. */
export interface Self {
  readonly name: string;
  readonly uid: string;
  readonly incarnation: number;
  readonly role: 'Primary' | 'Worker';
}

export type Fate = {
  readonly state: 'Superseded' | 'Retired' | 'Deleted';
  /** A sentence. */
  readonly why: string;
};

/** Why this life is over; undefined: it is not. `known`: what was concluded before. */
export function fateOf(known: Fate | undefined, self: Self, node: ClusterNode | undefined): Fate | undefined {
  if (known !== undefined || node === undefined || node.metadata.uid !== self.uid) return known;
  const { incarnation } = node.spec;
  if (incarnation > self.incarnation) {
    return {
      state: 'Superseded',
      why: `${self.name} lives on in its incarnation ${incarnation}; this one, ${self.incarnation}, stops its pods.`,
    };
  }
  if (incarnation < self.incarnation) return undefined;
  if (node.metadata.deletionTimestamp !== undefined) return { state: 'Deleted', why: `${self.name} was deleted; it stops its pods.` };
  return node.spec.retired === true ? { state: 'Retired', why: `${self.name} was retired; it drains and stops its pods.` } : undefined;
}

/** The membership after what is seen now; undefined: none yet. */
export function membershipAfter(
  known: Membership | undefined,
  self: Self,
  cluster: Cluster | undefined,
  nodes: readonly ClusterNode[] | undefined,
): Membership | undefined {
  const mine = known?.incarnation === self.incarnation ? known : undefined;
  if (cluster === undefined) return mine;
  const recordedTerm = cluster.status?.term ?? 0;
  const primary = recordedPrimary(cluster, nodes);
  if (mine === undefined) return self.role === 'Worker' && nodes === undefined ? undefined : bornMembership(self, recordedTerm, primary);
  if (primary === '') return mine;
  // A worker that was born before there was a primary learns of it within the same term.
  if (mine.primary === '' && recordedTerm >= mine.term) return { ...mine, term: recordedTerm, primary, voters: [primary] };
  return followHigher(mine, recordedTerm, primary);
}

/** The recorded primary as a member id; '' when there is none, or its node is not seen. */
function recordedPrimary(cluster: Cluster, nodes: readonly ClusterNode[] | undefined): string {
  const node = nodes?.find((one) => one.metadata.name === cluster.status?.primary);
  return node === undefined ? '' : memberId(node.metadata.uid, node.spec.incarnation);
}

/** The services of the plan that this node may run now. */
export function runnable(
  plan: NodePlan | undefined,
  membership: Membership | undefined,
  self: Self,
  fate: Fate | undefined,
): readonly PlannedService[] {
  if (plan === undefined || fate !== undefined) return [];
  const singletons = mayRunSingletons(membership, memberId(self.uid, self.incarnation));
  return plan.services.filter((service) => service.mode === 'Replicated' || singletons);
}

export type AgentStatus = NonNullable<NonNullable<ClusterNode['status']>['agent']>;
type ServiceStatus = NonNullable<AgentStatus['services']>[string];

export interface BalancerState {
  readonly running: boolean;
  /** How long it has not been running. */
  readonly downMs: number;
  readonly message?: string;
}

export interface ReportInput {
  readonly self: Self;
  readonly version: string;
  readonly address: string;
  readonly fate: Fate | undefined;
  /** True when nothing is wanted and nothing lives any more. */
  readonly idle: boolean;
  readonly plan: NodePlan | undefined;
  /** Of the cluster plan that this node has; undefined: none yet. */
  readonly clusterPlan: PlanKey | undefined;
  /** Those of the plan that this node must run. */
  readonly wanted: readonly PlannedService[];
  readonly instances: ReadonlyMap<string, { readonly report: ServiceReport; readonly address: string | undefined }>;
  /** What stands in the node's status: holds for services of which nothing is known yet in this life of the agent. */
  readonly lastSaid: AgentStatus | undefined;
  readonly balancer: BalancerState;
  /** The director that connector-client says to have a tunnel to; counts while that service runs. */
  readonly tunnel: string | undefined;
  /** When its cluster became available, as it remembers it. */
  readonly availableAt?: string;
  /** What else stands in the way, as sentences; the first is shown. */
  readonly problems: readonly string[];
}

const MESSAGE_MAX = 1024;
const TUNNEL_SERVICE = 'connector-client' satisfies FrameworkService;
/** A balancer that was well may be away this long before its node is not ready. */
const BALANCER_GRACE_MS = 5_000;

/** `status.agent` of this node. */
export function agentReport(input: ReportInput): AgentStatus {
  const { self, plan, balancer } = input;
  const services = servicesReport(input);
  const problems = [input.fate?.why, ...input.problems, ...(plan?.refused ?? []).map((one) => one.message), balancer.message];
  const message = problems.find((one) => one !== undefined)?.slice(0, MESSAGE_MAX);
  return {
    incarnation: self.incarnation,
    phase: phaseOfAgent(input),
    version: input.version,
    address: input.address,
    ...(plan === undefined ? {} : { release: plan.release, observedGeneration: plan.generation }),
    ...(input.clusterPlan === undefined ? {} : { plan: keyText(input.clusterPlan) }),
    ...(plan?.content === undefined ? {} : { content: plan.content }),
    ...(input.availableAt === undefined ? {} : { availableAt: input.availableAt }),
    balancer: balancer.running ? 'Running' : 'Stopped',
    ...(input.tunnel === undefined || services[TUNNEL_SERVICE]?.phase !== 'Running' ? {} : { tunnel: input.tunnel }),
    ...(message === undefined ? {} : { message }),
    services,
  };
}

function phaseOfAgent({ self, fate, idle, plan, balancer, lastSaid }: ReportInput): AgentStatus['phase'] {
  if (fate !== undefined) return idle ? 'Stopped' : 'Stopping';
  if (plan === undefined) return 'Joined';
  if (plan.refused.length > 0) return 'NotReady';
  if (balancer.running) return 'Ready';
  const last = lastSaid?.incarnation === self.incarnation ? lastSaid.phase : 'Joined';
  // Coming up for the first time is no failure: until it was ready once, it has joined.
  if (last === 'Joined') return 'Joined';
  return last === 'Ready' && balancer.downMs < BALANCER_GRACE_MS ? 'Ready' : 'NotReady';
}

function servicesReport(input: ReportInput): Record<string, ServiceStatus> {
  const services: Record<string, ServiceStatus> = {};
  const { lastSaid, plan } = input;
  // What was said of other pods than those of the plan must not pass for them: a change goes on by it.
  const isSame = lastSaid?.incarnation === input.self.incarnation && lastSaid.content === plan?.content;
  for (const { name } of input.wanted) {
    const last = isSame ? lastSaid?.services?.[name] : undefined;
    if (last !== undefined) services[name] = last;
  }
  for (const [name, { report, address }] of input.instances) {
    // One that this node need not run any more, and that is gone, is not spoken of.
    if (report.phase === 'Stopped' && !input.wanted.some((service) => service.name === name)) continue;
    const message = report.message?.slice(0, MESSAGE_MAX);
    services[name] = {
      phase: report.phase,
      ready: report.ready,
      ...(address === undefined ? {} : { address }),
      restarts: report.restarts,
      ...(message === undefined ? {} : { message }),
    };
  }
  for (const { name, message } of input.plan?.refused ?? [])
    services[name] = { phase: 'Failed', ready: false, message: message.slice(0, MESSAGE_MAX) };
  return services;
}
