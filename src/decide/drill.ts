/**
 * Drills: who carries one out, why it is refused, what should happen and what is promised.
 *
 * I1: a drill is refused, with the reason, whenever what it kills would not come back, or would take something away that nobody agreed to.
 * I2: at most one drill of a cluster is under way: a younger one is refused, never queued, so that nothing dies when nobody looks any more.
 * I3: it is carried out by a node that survives it, wherever there is one; every agent that looks at the same facts names the same one.
 * I4: what is promised is said before anything is killed, and is what the contract promises, on every machine.
 */

import type { Cluster } from '../model/cluster.ts';
import type { ClusterNode } from '../model/cluster-node.ts';
import { conditionOf } from '../model/condition.ts';
import { ENDED_PHASES, SITE_TARGETS } from '../model/drill.ts';
import type { Drill, DrillPromise, DrillSpec, DrillTarget } from '../model/drill.ts';
import { LIMITS } from '../model/limits.ts';
import type { PodSpec } from '../model/pod.ts';
import { agentOf, isLeaving, isReady } from './node-facts.ts';
import { roleOf } from './phase.ts';
import type { FailureRow, Forecast } from './readiness-forecast.ts';
import { readinessOf } from './readiness.ts';

/** A service that every node's balancer listens for. */
export type DrillService = {
  readonly name: string;
  readonly port: number;
  readonly protocol: 'TCP' | 'HTTP';
  /** Outrigger's own: it speaks TLS, so only connections are counted. */
  readonly framework?: string;
  /** HTTP: what is asked for. */
  readonly path: string;
};

/** What whoever may carry out a site drill sees. */
export interface DrillView {
  readonly drill: Drill;
  /** How long ago it was asked for. */
  readonly ageMs: number;
  readonly cluster: Cluster;
  readonly nodes: readonly ClusterNode[];
  /** Names of nodes that the observer does not hear. */
  readonly unheard: ReadonlySet<string>;
  /** All drills of the cluster that are seen. */
  readonly drills: readonly Drill[];
  /** Those that are balanced. */
  readonly services: readonly DrillService[];
}

export type SiteDrill =
  | { readonly do: 'refuse'; readonly executor: string; readonly why: string }
  | {
      readonly do: 'run';
      readonly executor: string;
      /** The ClusterNode on which something is killed. */
      readonly node: ClusterNode;
      readonly service: DrillService;
      readonly expected: string;
      readonly promise: DrillPromise;
    };

export function isSiteTarget(target: DrillTarget): boolean {
  return SITE_TARGETS.some((one) => one === target);
}

export function isEnded({ status }: Drill): boolean {
  return ENDED_PHASES.some((one) => one === status?.phase);
}

/** What is to be done with a drill at a site that nobody carries out yet, and by whom; undefined: the observer knows no node that could. */
export function decideSiteDrill(view: DrillView): SiteDrill | undefined {
  const { spec } = view.drill;
  const members = membersOf(view);
  const target = targetNode(spec, members, view.unheard);
  const survivors = members.filter((node) => isReady(node) && !view.unheard.has(node.metadata.name) && node !== target);
  const executor = (survivors[0] ?? target ?? members[0])?.metadata.name;
  if (executor === undefined) return undefined;
  const service = serviceOf(view.services, spec.service);
  const forecast = target === undefined || service === undefined ? undefined : forecastOf(view, target, service.name);
  const refusal = refusalOf(view, target, survivors, service) ?? foreseenOutage(spec, forecast);
  if (refusal !== undefined || target === undefined || service === undefined)
    return { do: 'refuse', executor, why: refusal ?? 'There is nothing to kill.' };
  const isServed = survivors.length > 0 && readyOn(survivors, service.name) > 0;
  return {
    do: 'run',
    executor,
    node: target,
    service,
    expected: expectedOf(spec.target, target.metadata.name, service.name, forecast),
    promise: promiseOf(spec.target, isServed, survivors.length > 0),
  };
}

/** Of the attempt at work, the primary first, then by index. */
function membersOf({ cluster, nodes }: DrillView): readonly ClusterNode[] {
  const rank = (node: ClusterNode): number => (roleOf(node) === 'Primary' ? -1 : node.spec.index);
  return nodes
    .filter((node) => node.spec.attempt === (cluster.status?.attempt ?? node.spec.attempt) && !isLeaving(node))
    .toSorted((a, b) => rank(a) - rank(b));
}

function targetNode(spec: DrillSpec, members: readonly ClusterNode[], unheard: ReadonlySet<string>): ClusterNode | undefined {
  if (spec.node !== undefined) return members.find((node) => node.metadata.name === spec.node);
  const workers = members.filter((node) => roleOf(node) === 'Worker');
  return workers.find((node) => isReady(node) && !unheard.has(node.metadata.name)) ?? workers[0] ?? members[0];
}

/** The one that is named; else the first of HTTP that is not our own, else the first of TCP, else one of our own. */
export function serviceOf(services: readonly DrillService[], named: string | undefined): DrillService | undefined {
  if (named !== undefined) return services.find(({ name }) => name === named);
  const theirs = services.filter(({ framework }) => framework === undefined);
  return theirs.find(({ protocol }) => protocol === 'HTTP') ?? theirs[0] ?? services[0];
}

/** What a load asks for: the path by which the pod itself says that it is ready, which must be answered with 2xx. */
export function askedPath(pod: PodSpec | undefined): string {
  return pod?.containers.flatMap(({ readinessProbe }) => readinessProbe?.httpGet?.path ?? [])[0] ?? '/';
}

// ---- refusals ---------------------------------------------------------------------------------------------------------------------------

function refusalOf(
  view: DrillView,
  target: ClusterNode | undefined,
  survivors: readonly ClusterNode[],
  service: DrillService | undefined,
): string | undefined {
  const { drill, services, unheard } = view;
  const { spec } = drill;
  if (target === undefined) return `There is no node ${spec.node ?? ''} in cluster ${spec.cluster ?? ''}; name one of its ClusterNodes.`;
  const name = target.metadata.name;
  if (service === undefined) {
    const known = services.map((one) => one.name).join(', ');
    return spec.service === undefined
      ? 'No service of the cluster is balanced (replicated, with a port), so nothing would show what its clients notice.'
      : `No balanced service is called ${spec.service}; there ${services.length === 0 ? 'is none' : `are ${known}`}.`;
  }
  const notNow = staleOrBusy(view) ?? clusterRefusal(view.cluster, spec);
  if (notNow !== undefined) return notNow;
  if (!isReady(target) || unheard.has(name)) return `Node ${name} is not ready now; wait until it is, or name another one.`;
  return outageOf(view, target, survivors, service);
}

/** Of any drill: it came too late, or another one is under way. */
export function staleOrBusy({ drill, ageMs, drills }: Pick<DrillView, 'drill' | 'ageMs' | 'drills'>): string | undefined {
  if (ageMs > LIMITS.drillStaleMs)
    return `It was asked for ${Math.round(ageMs / 60_000)} min ago and nobody could carry it out then; make a new one if you still want it.`;
  const other = drills.find((one) => one.metadata.uid !== drill.metadata.uid && goesBefore(one, drill));
  return other === undefined ? undefined : `Drill ${other.metadata.name} is under way; wait until it has ended.`;
}

function goesBefore(other: Drill, drill: Drill): boolean {
  if (isEnded(other)) return false;
  if (other.status?.phase === 'Running') return true;
  const place = (one: Drill): string => `${one.metadata.creationTimestamp} ${one.metadata.uid}`;
  return place(other) < place(drill);
}

/** Also for a drill of the control plane that names a cluster. */
export function clusterRefusal({ metadata, status }: Cluster, spec: DrillSpec): string | undefined {
  const why = conditionOf(status?.conditions, 'Ready')?.message;
  if (metadata.deletionTimestamp !== undefined || status?.phase !== 'Available')
    return `Cluster ${metadata.name} is ${metadata.deletionTimestamp === undefined ? (status?.phase ?? 'Pending') : 'Deleting'}${why === undefined ? '' : `: ${why}`} A drill needs it Available.`;
  const progressing = conditionOf(status.conditions, 'Progressing');
  if (progressing?.status === 'True') return `Cluster ${metadata.name} is being changed: ${progressing.message} Wait until that is done.`;
  const redundant = conditionOf(status.conditions, 'Redundant');
  if (isSiteTarget(spec.target) && redundant?.status !== 'True' && spec.target !== 'Agent' && !spec.acceptOutage)
    return `Cluster ${metadata.name} is not redundant: ${redundant?.message ?? 'nobody says whether it is.'} ${ACCEPT}`;
  return undefined;
}

const ACCEPT = 'Say --accept-outage (spec.acceptOutage: true) to do it all the same.';

/** What would stop, or stay dead. */
function outageOf(
  { cluster, drill: { spec } }: DrillView,
  target: ClusterNode,
  survivors: readonly ClusterNode[],
  service: DrillService,
): string | undefined {
  const name = target.metadata.name;
  if ((spec.target === 'Agent' || spec.target === 'Node') && cluster.spec.availability.nodeRestart === 'Off')
    return `spec.availability.nodeRestart of cluster ${cluster.metadata.name} is Off: nobody would start ${name} again.`;
  if (spec.target === 'Instance' && agentOf(target)?.services?.[service.name]?.ready !== true)
    return `There is no ready instance of ${service.name} on ${name}.`;
  if (spec.acceptOutage || spec.target === 'Agent') return undefined;
  if (survivors.length === 0) return `No other node of the cluster is ready, so clients would notice. ${ACCEPT}`;
  if (readyOn(survivors, service.name) === 0) return `No other node has a ready instance of ${service.name}. ${ACCEPT}`;
  return undefined;
}

/** What readiness says of this very failure; undefined: it has no row for it. */
function forecastOf({ cluster, nodes, unheard, drill }: DrillView, target: ClusterNode, service: string): Forecast | undefined {
  const name = target.metadata.name;
  const wanted: Readonly<Partial<Record<DrillTarget, readonly [FailureRow, string]>>> = {
    Instance: ['instance', service],
    Agent: ['agent-crash', name],
    Balancer: ['balancer', name],
    Node: [roleOf(target) === 'Primary' ? 'primary' : 'worker', name],
  };
  const [row, subject] = wanted[drill.spec.target] ?? [];
  return readinessOf({ cluster, nodes, services: undefined, unheard }).find((one) => one.row === row && one.subject === subject);
}

function foreseenOutage({ acceptOutage }: DrillSpec, forecast: Forecast | undefined): string | undefined {
  if (acceptOutage || forecast === undefined || (forecast.verdict !== 'Outage' && forecast.verdict !== 'Unknown')) return undefined;
  return `It would be an outage: ${forecast.effect} ${ACCEPT}`;
}

function readyOn(nodes: readonly ClusterNode[], service: string): number {
  return nodes.filter((node) => agentOf(node)?.services?.[service]?.ready === true).length;
}

// ---- what should happen -----------------------------------------------------------------------------------------------------------------

/**
 * The contract's numbers: detection 1.5 s, an instance restarted in 1 s, no failed request through a living node's balancer. What has no number
 * there is measured, and judged only by whether it comes back at all.
 */
function promiseOf(target: DrillTarget, isServed: boolean, isWatched: boolean): DrillPromise {
  const requests = isServed || target === 'Agent' ? { failedRequests: 0 } : {};
  switch (target) {
    case 'Instance':
      return { detectedMs: LIMITS.drillDetectedMs, recoveredMs: LIMITS.drillInstanceMs, ...requests };
    case 'Node':
      return { ...(isWatched ? { detectedMs: LIMITS.drillDetectedMs } : {}), ...requests };
    default:
      return requests;
  }
}

function expectedOf(target: DrillTarget, node: string, service: string, forecast: Forecast | undefined): string {
  const effect = forecast === undefined ? '' : ` ${forecast.effect}`;
  switch (target) {
    case 'Instance':
      return `The instance of ${service} on ${node} is killed. The others know within 1.5 s, and it serves again within 1 s.${effect}`;
    case 'Agent':
      return `The agent of ${node} is killed, and its host starts it again at once.${effect}`;
    case 'Balancer':
      return `The balancer of ${node} is killed, and its agent starts it again at once.${effect}`;
    default:
      return `All of ${node} is killed: its services, its balancer, its agent. The others know within 1.5 s, and its host starts it again.${effect}`;
  }
}

export interface ControlDrill {
  readonly expected: string;
  readonly promise: DrillPromise;
}

/** Of the control plane. `servers`: extension servers that run; `cluster`: whose services are asked meanwhile. */
export function controlDrillOf(target: DrillTarget, servers: number, cluster: string | undefined): ControlDrill {
  const site = cluster === undefined ? '' : ` The services of cluster ${cluster} go on: no request fails.`;
  const requests = cluster === undefined ? {} : { failedRequests: 0 };
  if (target === 'ExtensionServer') {
    const others =
      servers > 1 ? 'The others take its work over within 5 s.' : 'It is the only one, so its work waits until it is started again.';
    const promise = servers > 1 ? { recoveredMs: LIMITS.drillTakenOverMs, ...requests } : requests;
    return { expected: `An extension server dies. ${others}${site}`, promise };
  }
  if (target === 'Director')
    return {
      expected: `The director dies and is started again at once; until then the API does not answer, and nothing that it had acknowledged is lost.${site}`,
      promise: { lostWrites: 0, ...requests },
    };
  return {
    expected: `PostgreSQL dies and is started again at once; until then no write is acknowledged, and none that was is lost.${site}`,
    promise: { lostWrites: 0, ...requests },
  };
}
