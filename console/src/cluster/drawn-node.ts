/**
 * A node as it is drawn, from what its cluster and the node itself say. Pure.
 *
 * I1: what is said of an older incarnation is not said of this one.
 */

import type { ClusterNode } from '../../../src/model/cluster-node.ts';
import type { Cluster } from '../../../src/model/cluster.ts';

export interface DrawnService {
  readonly name: string;
  readonly isSingleton: boolean;
  readonly isReady: boolean;
  /** As the agent says it: Running, BackOff, … */
  readonly phase: string;
  readonly message: string | undefined;
}

export interface DrawnNode {
  readonly name: string;
  readonly role: 'Primary' | 'Worker';
  /** It is the primary that the cluster's status records. */
  readonly isPrimary: boolean;
  readonly isReady: boolean;
  readonly isLeaving: boolean;
  /** False: what is said of it below is from when its cluster heard it last. */
  readonly isHeard: boolean;
  /** It was not ready in this life yet: that is no failure. */
  readonly isComing: boolean;
  /** What it is, in a few words. */
  readonly state: string;
  readonly address: string | undefined;
  readonly host: string | undefined;
  readonly incarnation: number;
  /** Whose services it runs. */
  readonly release: string | undefined;
  /** Host name and port of the director that it has its tunnel to. */
  readonly tunnel: string | undefined;
  readonly message: string | undefined;
  readonly services: readonly DrawnService[];
}

/** Phases of a machine that does not come up by itself. */
const TROUBLED = new Set(['Exited', 'Gone', 'Failed']);

export function drawnNodes(cluster: Cluster, nodes: Iterable<ClusterNode>): readonly DrawnNode[] {
  const own = Array.from(nodes).filter(({ spec }) => spec.cluster === cluster.metadata.name);
  return own
    .map((node) => drawnNode(cluster, node))
    .sort((a, b) => Number(b.isPrimary) - Number(a.isPrimary) || (a.name < b.name ? -1 : 1));
}

function drawnNode(cluster: Cluster, node: ClusterNode): DrawnNode {
  const { name, deletionTimestamp } = node.metadata;
  const { incarnation, host } = node.spec;
  const inCluster = cluster.status?.nodes?.[name];
  const agent = node.status?.agent?.incarnation === incarnation ? node.status.agent : undefined;
  const machine = node.status?.infrastructure?.incarnation === incarnation ? node.status.infrastructure : undefined;
  const isPrimary = cluster.status?.primary === name;
  const isReady = inCluster === undefined ? agent?.phase === 'Ready' : inCluster.ready === true;
  // The cluster's word is newer: an agent that died said Ready to the last.
  const isHeard = !(inCluster?.ready === false && agent?.phase === 'Ready');
  const isLeaving = deletionTimestamp !== undefined || node.spec.retired === true;
  return {
    name,
    role: isPrimary ? 'Primary' : (inCluster?.role ?? node.status?.role ?? node.spec.role),
    isPrimary,
    isReady,
    isLeaving,
    isHeard,
    isComing: !isReady && !isLeaving && (agent === undefined || agent.phase === 'Joined') && !TROUBLED.has(machine?.phase ?? ''),
    state: isLeaving ? 'Is leaving' : isReady ? 'Ready' : !isHeard ? 'Not heard' : (agent?.phase ?? machine?.phase ?? 'Waits for a host'),
    address: inCluster?.address ?? agent?.address ?? machine?.address,
    host,
    incarnation,
    release: agent?.release,
    tunnel: hostOf(agent?.tunnel),
    message: inCluster?.message ?? agent?.message ?? machine?.message,
    services: Object.entries(agent?.services ?? {})
      .map(([service, said]) => ({
        name: service,
        isSingleton: cluster.status?.services?.[service]?.mode === 'Singleton',
        isReady: said.ready,
        phase: said.phase,
        message: said.message,
      }))
      .sort((a, b) => (a.name < b.name ? -1 : 1)),
  };
}

function hostOf(url: string | undefined): string | undefined {
  return url === undefined || !URL.canParse(url) ? undefined : new URL(url).host;
}
