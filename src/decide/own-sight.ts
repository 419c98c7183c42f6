/**
 * What is known of a cluster from the folders of its nodes on this machine alone: for whoever asks while no director answers.
 *
 * I1: of its own node a folder knows best: what lives here and now goes before every record.
 * I2: a member that has no folder here is what was seen of it last, and unheard exactly where its peer port was asked and did not answer.
 * I3: nothing is made up: what no record tells is left out, and forecasts of it say so.
 */

import type { Cluster, ClusterSpec } from '../model/cluster.ts';
import type { ClusterNode } from '../model/cluster-node.ts';
import type { FrameworkConfig } from '../model/framework.ts';
import type { LicenseRecord } from '../model/license-statement.ts';
import type { Service } from '../model/pod.ts';
import { GROUP_VERSION } from '../model/resource.ts';
import type { Fate } from './agent-duty.ts';
import { mayRunSingletons, memberId } from './authority.ts';
import type { Membership } from './authority.ts';
import type { ClusterPlan } from './cluster-plan.ts';
import type { EndpointTable } from './endpoints.ts';
import type { BootReading } from './license-clock.ts';
import { licenseNowMs } from './license-clock.ts';
import type { LicenseSection } from './license-report.ts';
import type { NodePlan } from './plan.ts';
import type { ReadinessFacts } from './readiness-facts.ts';
import { viewLicense } from './universal-license.ts';

type AgentSection = NonNullable<NonNullable<ClusterNode['status']>['agent']>;

/** One node's folder, as read. Undefined: there is no such record, or it is damaged. */
export interface NodeFolderFacts {
  readonly folder: string;
  readonly node: {
    readonly namespace: string;
    readonly name: string;
    readonly uid: string;
    readonly incarnation: number;
    readonly cluster: string;
    readonly clusterUid: string;
    /** What it was born as. */
    readonly role: 'Primary' | 'Worker';
    readonly address: string;
    readonly directors: readonly string[];
  };
  readonly membership: Membership | undefined;
  readonly clusterPlan: ClusterPlan | undefined;
  readonly plan: NodePlan | undefined;
  readonly endpoints: EndpointTable | undefined;
  readonly services: Readonly<Record<string, { readonly ready: boolean }>> | undefined;
  readonly sight: { readonly cluster?: Cluster; readonly nodes?: readonly ClusterNode[] } | undefined;
  readonly framework: Pick<FrameworkConfig, 'members' | 'site'> | undefined;
  readonly license: LicenseRecord | undefined;
  readonly fate: Fate | undefined;
  /** What lives now. `pods`: names of services with a living process. */
  readonly agentAlive: boolean;
  readonly balancerAlive: boolean;
  readonly pods: readonly string[];
  /** Services for which the balancer listens, as it says itself. */
  readonly listening: readonly string[];
  /** What its connector-client says; undefined: that does not run, or has said nothing. `sinceMs`: for how long. */
  readonly tunnel: { readonly director: string | undefined; readonly sinceMs: number | undefined } | undefined;
  /** Whether the peer port of each other member answered just now, by name. */
  readonly answers: Readonly<Record<string, boolean>>;
  /** Sentences about records that are there and cannot be used. */
  readonly damaged: readonly string[];
}

export interface Member {
  readonly name: string;
  readonly uid: string;
  readonly incarnation: number;
  readonly role: 'Primary' | 'Worker';
  readonly address: string | undefined;
}

/** The members of a node's cluster as its folder has them, the node itself among them; sorted by name. */
export function membersSeen(facts: Pick<NodeFolderFacts, 'node' | 'sight' | 'framework'>): readonly Member[] {
  const { node, sight, framework } = facts;
  const self: Member = { name: node.name, uid: node.uid, incarnation: node.incarnation, role: node.role, address: node.address };
  const seen: readonly Member[] =
    sight?.nodes?.map(({ metadata, spec, status }) => ({
      name: metadata.name,
      uid: metadata.uid,
      incarnation: spec.incarnation,
      role: status?.role ?? spec.role,
      address: status?.infrastructure?.address ?? status?.agent?.address,
    })) ??
    framework?.members ??
    [];
  return [self, ...seen.filter(({ uid }) => uid !== node.uid)].toSorted((a, b) => (a.name < b.name ? -1 : 1));
}

/** Whether the node's own membership says that it is the primary. */
export function isPrimaryHere({ membership, node }: Pick<NodeFolderFacts, 'membership' | 'node'>): boolean {
  return mayRunSingletons(membership, memberId(node.uid, node.incarnation));
}

/** `folders`: at least one, all of one cluster. Neither hosts nor what stands above are known here. */
export function sightOf(folders: readonly NodeFolderFacts[], now: BootReading): ReadinessFacts {
  const here = folders.filter(({ fate }) => fate === undefined);
  const informed = (here.length > 0 ? here : folders).toSorted((a, b) => rankOf(b) - rankOf(a));
  const [best = folders[0]] = informed;
  const members = uniqueMembers(informed);
  const nodes = members.map((member) => {
    const own = informed.find(({ node }) => node.uid === member.uid);
    return own === undefined ? seenNode(informed, member, best) : ownNode(own);
  });
  const license = licenseOf(informed, now);
  return {
    cluster: clusterOf(informed, nodes, license),
    nodes,
    services: servicesSeen(informed, members),
    unheard: unheardOf(informed, members),
    syncGraceDays: graceDays(informed),
  };
}

/** The primary knows most, then who has the newest plan. */
function rankOf(facts: NodeFolderFacts): number {
  return (facts.membership?.term ?? 0) * 4 + (isPrimaryHere(facts) ? 2 : 0) + (facts.agentAlive ? 1 : 0);
}

function uniqueMembers(informed: readonly NodeFolderFacts[]): readonly Member[] {
  const byUid = new Map<string, Member>();
  // Of itself a folder speaks last, and of others the best informed one.
  for (const facts of informed.toReversed()) for (const member of membersSeen(facts)) byUid.set(member.uid, member);
  for (const { node } of informed) {
    const { name, uid, incarnation, role, address } = node;
    byUid.set(uid, { name, uid, incarnation, role, address });
  }
  return [...byUid.values()].toSorted((a, b) => (a.name < b.name ? -1 : 1));
}

function ownNode(facts: NodeFolderFacts): ClusterNode {
  const { node, plan, balancerAlive, agentAlive, fate, pods, services = {} } = facts;
  const planned = plan?.services ?? [];
  const wanted = planned.filter(({ mode }) => mode === 'Replicated' || isPrimaryHere(facts));
  const reports = wanted.map(({ name, address }) => {
    const lives = pods.includes(name);
    const ready = lives && services[name]?.ready === true;
    return [name, { phase: lives ? 'Running' : 'BackOff', ready, ...(address === undefined ? {} : { address }) }] as const;
  });
  const agent: AgentSection = {
    incarnation: node.incarnation,
    phase: fate === undefined ? (plan !== undefined && balancerAlive ? 'Ready' : 'NotReady') : 'Stopped',
    address: node.address,
    ...(plan === undefined ? {} : { release: plan.release, observedGeneration: plan.generation }),
    balancer: balancerAlive ? 'Running' : 'Stopped',
    ...(facts.tunnel?.director === undefined ? {} : { tunnel: facts.tunnel.director }),
    ...(fate === undefined ? {} : { message: fate.why }),
    services: Object.fromEntries(reports),
  };
  const known = facts.sight?.nodes?.find(({ metadata }) => metadata.uid === node.uid);
  return {
    ...nodeObject(facts, node, known),
    status: {
      role: isPrimaryHere(facts) ? 'Primary' : 'Worker',
      infrastructure: { incarnation: node.incarnation, phase: agentAlive ? 'Running' : 'Exited', address: node.address },
      agent,
    },
  };
}

/** A member elsewhere: its object as seen last, else what the endpoints tell of it. */
function seenNode(informed: readonly NodeFolderFacts[], member: Member, best: NodeFolderFacts | undefined): ClusterNode {
  for (const { sight } of informed) {
    const known = sight?.nodes?.find(({ metadata }) => metadata.uid === member.uid);
    if (known !== undefined) return known;
  }
  const table = informed.find(({ endpoints }) => endpoints !== undefined)?.endpoints?.services ?? [];
  const services = table.flatMap(({ name, endpoints }) => {
    const there = endpoints.find(({ node, draining }) => node === member.name && !draining);
    return there === undefined ? [] : [[name, { phase: 'Running', ready: true, address: there.address }] as const];
  });
  const release = best?.plan?.release;
  return {
    ...nodeObject(best, member, undefined),
    status: {
      role: member.role,
      agent: {
        incarnation: member.incarnation,
        phase: 'Ready',
        ...(release === undefined ? {} : { release }),
        services: Object.fromEntries(services),
      },
    },
  };
}

function nodeObject(
  facts: NodeFolderFacts | undefined,
  member: Pick<Member, 'name' | 'uid' | 'incarnation' | 'role'>,
  known: ClusterNode | undefined,
): Omit<ClusterNode, 'status'> {
  if (known !== undefined) return { ...known, spec: { ...known.spec, incarnation: member.incarnation } };
  const namespace = facts?.node.namespace ?? '';
  // <cluster>-a<attempt>-n<index> (src/model/labels.ts).
  const [, attempt, index] = /-a(\d+)-n(\d+)$/.exec(member.name) ?? [];
  return {
    apiVersion: GROUP_VERSION,
    kind: 'ClusterNode',
    metadata: { name: member.name, namespace, uid: member.uid, resourceVersion: '', creationTimestamp: '' },
    spec: {
      cluster: facts?.node.cluster ?? '',
      clusterUid: facts?.node.clusterUid ?? '',
      virtualDataCenter: '',
      attempt: Number(attempt ?? 1),
      index: Number(index ?? 0),
      role: member.role,
      incarnation: member.incarnation,
      resources: { cpuMillis: 1, memoryMiB: 1 },
    },
  };
}

function clusterOf(informed: readonly NodeFolderFacts[], nodes: readonly ClusterNode[], license: LicenseSection | undefined): Cluster {
  const seen = informed.find(({ sight }) => sight?.cluster !== undefined)?.sight?.cluster;
  const [best] = informed;
  const attempt = nodes[0]?.spec.attempt;
  const primary = primaryName(informed, nodes) ?? seen?.status?.primary;
  const term = Math.max(0, ...informed.map(({ membership }) => membership?.term ?? 0));
  const site = informed.find(({ framework }) => framework?.site !== undefined)?.framework?.site?.name;
  const upgrade = best?.clusterPlan?.upgrade;
  const spec = {
    release: best?.clusterPlan?.target.release ?? best?.plan?.release ?? '',
    workers: Math.max(0, nodes.length - 1),
    ...(site === undefined ? {} : { site }),
    ...(upgrade === undefined ? {} : { upgrade }),
    ...seen?.spec,
    // What a record does not hold (availability, resources) stays unknown; readers of stored objects are tolerant of that.
  } as ClusterSpec;
  return {
    apiVersion: GROUP_VERSION,
    kind: 'Cluster',
    metadata: seen?.metadata ?? {
      name: best?.node.cluster ?? '',
      namespace: best?.node.namespace ?? '',
      uid: best?.node.clusterUid ?? '',
      resourceVersion: '',
      creationTimestamp: '',
    },
    spec,
    status: {
      ...seen?.status,
      // A node has a plan only of a cluster that was made; whether it was ever available, only the sight tells.
      availableAt: seen?.status?.availableAt ?? new Date(0).toISOString(),
      ...(attempt === undefined ? {} : { attempt }),
      ...(primary === undefined ? {} : { primary }),
      term,
      ...(license === undefined ? {} : { license }),
      release: changeOf(best?.clusterPlan, nodes.length),
    },
  };
}

/** By the plan that the nodes carry out; what a director was told of it last may be long over. */
function changeOf(plan: ClusterPlan | undefined, members: number): NonNullable<NonNullable<Cluster['status']>['release']> {
  if (plan === undefined || plan.state === 'Steady') return {};
  const way = plan.state === 'Advancing' ? `to ${plan.target.release}` : `back to ${plan.target.release}`;
  return { target: plan.target.release, progress: `${plan.moved.length} of ${members} nodes were given their turn ${way}` };
}

function primaryName(informed: readonly NodeFolderFacts[], nodes: readonly ClusterNode[]): string | undefined {
  const newest = informed.map(({ membership }) => membership).find((one) => one !== undefined);
  return nodes.find(({ metadata, spec }) => newest?.primary === memberId(metadata.uid, spec.incarnation))?.metadata.name;
}

/** Those of which something is known on every node: of a member that was never seen, the endpoints tell only what is balanced. */
function servicesSeen(informed: readonly NodeFolderFacts[], members: readonly Member[]): readonly Service[] | undefined {
  const all = servicesPlanned(informed);
  const isWhole = members.every(({ uid }) =>
    informed.some(({ node, sight }) => node.uid === uid || sight?.nodes?.some(({ metadata }) => metadata.uid === uid) === true),
  );
  return isWhole ? all : all?.filter(({ mode, port }) => mode === 'Replicated' && port !== undefined);
}

function servicesPlanned(informed: readonly NodeFolderFacts[]): readonly Service[] | undefined {
  const planned = informed.find(({ clusterPlan }) => clusterPlan !== undefined)?.clusterPlan?.target.services;
  if (planned !== undefined) return planned;
  const byName = new Map<string, Service>();
  for (const { plan } of informed)
    for (const { name, mode, protocol, pod, framework } of plan?.services ?? []) {
      const port = plan?.balanced.find((one) => one.name === name)?.port;
      if (byName.has(name)) continue;
      byName.set(name, {
        name,
        mode,
        protocol,
        pod,
        ...(port === undefined ? {} : { port }),
        ...(framework === undefined ? {} : { framework }),
      });
    }
  return byName.size === 0 ? undefined : [...byName.values()].toSorted((a, b) => (a.name < b.name ? -1 : 1));
}

function unheardOf(informed: readonly NodeFolderFacts[], members: readonly Member[]): ReadonlySet<string> {
  const here = new Map(informed.map((facts) => [facts.node.uid, facts]));
  const unheard = members.filter(({ uid, name }) => {
    const own = here.get(uid);
    if (own !== undefined) return !own.agentAlive && !own.balancerAlive && own.pods.length === 0;
    return informed.some(({ answers }) => answers[name] === false) && !informed.some(({ answers }) => answers[name] === true);
  });
  return new Set(unheard.map(({ name }) => name));
}

function newestLicense(informed: readonly NodeFolderFacts[]): LicenseRecord | undefined {
  return informed
    .flatMap(({ license }) => license ?? [])
    .toSorted((a, b) => b.statement.serial - a.statement.serial)
    .at(0);
}

function licenseOf(informed: readonly NodeFolderFacts[], now: BootReading): LicenseSection | undefined {
  const record = newestLicense(informed);
  if (record === undefined) return undefined;
  const view = viewLicense(record, licenseNowMs(record, now));
  const { state, severity, message, refusesNewSessions, daysLeft } = view;
  return {
    state,
    severity,
    message,
    refusesNewSessions,
    name: record.statement.license.name,
    serial: record.statement.serial,
    ...(daysLeft === undefined ? {} : { daysLeft }),
  };
}

const DAY_MS = 86_400_000;

function graceDays(informed: readonly NodeFolderFacts[]): number | undefined {
  const record = newestLicense(informed);
  return record === undefined ? undefined : Math.floor(record.statement.license.syncGraceMs / DAY_MS);
}
