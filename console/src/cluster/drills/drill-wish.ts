/**
 * A drill that somebody wishes for: whether it would be refused and why, what should happen, and the object that asks for it. Pure; judged by the
 * same code as its executor judges (src/decide/drill.ts).
 *
 * I1: what would be refused now says why, in the words of who would refuse it.
 * I2: a drill goes with its cluster.
 * I3: what the truth table offers to rehearse is read back from the address as the same wish.
 */

import { balancedOf } from '../../../../src/decide/drill-services.ts';
import { clusterRefusal, controlDrillOf, decideSiteDrill, isSiteTarget, staleOrBusy } from '../../../../src/decide/drill.ts';
import type { FailureRow, Forecast } from '../../../../src/decide/readiness-forecast.ts';
import type { ClusterNode } from '../../../../src/model/cluster-node.ts';
import type { ClusterRelease } from '../../../../src/model/cluster-release.ts';
import type { Cluster } from '../../../../src/model/cluster.ts';
import { CONTROL_TARGETS, SITE_TARGETS } from '../../../../src/model/drill.ts';
import type { Drill, DrillPromise, DrillSpec, DrillTarget } from '../../../../src/model/drill.ts';
import { GROUP_VERSION } from '../../../../src/model/resource.ts';

export const TARGET_WORDS: Readonly<Record<DrillTarget, string>> = {
  Instance: 'An instance of a service',
  Agent: 'The agent of a node',
  Balancer: 'The balancer of a node',
  Node: 'A whole node',
  ExtensionServer: 'An extension server',
  Director: 'The director',
  Database: 'The database',
};

export interface DrillWish {
  readonly target: DrillTarget;
  /** '': whichever it chooses. */
  readonly node: string;
  readonly service: string;
  readonly seconds: number;
  readonly acceptOutage: boolean;
}

export interface DrillSeen {
  readonly cluster: Cluster;
  readonly nodes: readonly ClusterNode[];
  /** Of the cluster's namespace. */
  readonly drills: readonly Drill[];
  /** The one that runs. */
  readonly release: ClusterRelease | undefined;
  readonly extensionServers: number | undefined;
}

const FIRST_WISH: DrillWish = { target: 'Instance', node: '', service: '', seconds: 20, acceptOutage: false };

/** Which drill shows what a row of the truth table says; what has none here cannot be rehearsed. */
const REHEARSED: Readonly<Partial<Record<FailureRow, readonly [target: DrillTarget, subject?: 'node' | 'service']>>> = {
  instance: ['Instance', 'service'],
  'agent-crash': ['Agent', 'node'],
  balancer: ['Balancer', 'node'],
  worker: ['Node', 'node'],
  primary: ['Node', 'node'],
  'extension-servers': ['ExtensionServer'],
  director: ['Director'],
  database: ['Database'],
};

/** For the address of the tab of drills. */
export function rehearsalOf({ row, subject }: Pick<Forecast, 'row' | 'subject'>): URLSearchParams | undefined {
  const [target, about] = REHEARSED[row] ?? [];
  return target === undefined ? undefined : new URLSearchParams({ target, ...(about === undefined ? {} : { [about]: subject }) });
}

export function wishOf(search: string): DrillWish {
  const said = new URLSearchParams(search);
  const target = [...SITE_TARGETS, ...CONTROL_TARGETS].find((one) => one === said.get('target')) ?? FIRST_WISH.target;
  return { ...FIRST_WISH, target, node: said.get('node') ?? '', service: said.get('service') ?? '' };
}

export type Judged =
  | { readonly whyNot: string }
  | { readonly whyNot: undefined; readonly expected: string; readonly promise: DrillPromise };

export function specOf({ target, node, service, seconds, acceptOutage }: DrillWish, cluster: string): DrillSpec {
  const isAtSite = isSiteTarget(target);
  return {
    target,
    cluster,
    ...(service === '' ? {} : { service }),
    ...(node === '' || !isAtSite ? {} : { node }),
    seconds,
    acceptOutage: isAtSite && acceptOutage,
    connectionsPerSecond: 200,
    keepAliveClients: 8,
  };
}

export function judgeDrill(wish: DrillWish, { cluster, nodes, drills, release, extensionServers }: DrillSeen): Judged {
  const { name, uid } = cluster.metadata;
  const drill = drillObject('', wish, cluster);
  const own = drills.filter(({ spec }) => spec.cluster === name);
  if (isSiteTarget(wish.target)) {
    if (release === undefined)
      return { whyNot: 'The release that it runs cannot be seen here, so nobody can tell which services there are.' };
    const members = nodes.filter(({ spec }) => spec.clusterUid === uid);
    const services = balancedOf(cluster, release);
    const decision = decideSiteDrill({ drill, ageMs: 0, cluster, nodes: members, unheard: new Set(), drills: own, services });
    if (decision === undefined) return { whyNot: 'No node of the cluster is known here.' };
    return decision.do === 'refuse' ? { whyNot: decision.why } : { whyNot: undefined, ...decision };
  }
  const rivals = drills.filter((other) => own.includes(other) || !isSiteTarget(other.spec.target));
  const whyNot = staleOrBusy({ drill, ageMs: 0, drills: rivals }) ?? clusterRefusal(cluster, drill.spec);
  return whyNot === undefined ? { whyNot, ...controlDrillOf(wish.target, extensionServers ?? 1, name) } : { whyNot };
}

/** As it is asked for; `unique`: letters and digits. */
export function drillObject(unique: string, wish: DrillWish, { metadata: { name, namespace = '', uid } }: Cluster): Drill {
  const word = wish.target.replace(/(?<=[a-z])[A-Z]/g, (letter) => `-${letter}`).toLowerCase();
  return {
    apiVersion: GROUP_VERSION,
    kind: 'Drill',
    metadata: {
      name: `${name}-${word}-${unique}`,
      namespace,
      // Younger than every other, so that one that is under way goes first.
      creationTimestamp: '9999',
      uid: '',
      resourceVersion: '0',
      ownerReferences: [{ apiVersion: GROUP_VERSION, kind: 'Cluster', name, uid }],
    },
    spec: specOf(wish, name),
  };
}

/** What is promised, as a sentence; '' : nothing that has a number. */
export function promiseText({ detectedMs, recoveredMs, failedRequests, lostWrites }: DrillPromise): string {
  const parts = [
    detectedMs === undefined ? undefined : `the others know within ${secondsText(detectedMs)}`,
    recoveredMs === undefined ? undefined : `it is back within ${secondsText(recoveredMs)}`,
    failedRequests === undefined ? undefined : `at most ${failedRequests} failed requests`,
    lostWrites === undefined ? undefined : `at most ${lostWrites} acknowledged writes lost`,
  ].filter((part) => part !== undefined);
  return parts.length === 0 ? '' : `Promised: ${parts.join('; ')}.`;
}

export function secondsText(ms: number): string {
  return `${(ms / 1_000).toLocaleString('en', { maximumFractionDigits: 2 })} s`;
}
