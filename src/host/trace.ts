/**
 * What a host tells of itself in the trace of the attempt that made a node: that it claimed it, that it made room for it, and that its agent was
 * started.
 *
 * I1: a node whose attempt is not known is not traced.
 */

import { below } from '../client/traced.ts';
import { spanOf } from '../decide/trace.ts';
import type { TracedAttempt } from '../decide/trace.ts';
import type { ClusterNode } from '../model/cluster-node.ts';
import type { EntityApi } from '../ports/api.ts';
import type { HostDeps } from './deps.ts';
import type { NodeRecord } from './records.ts';

const NAMES = { claim: 'host: claim a node', prepare: 'host: prepare a machine', start: 'host: start a machine' } as const;
type Doing = keyof typeof NAMES;

/** What a span of a node is of: its record will do. */
export type TracedNode = Pick<NodeRecord, 'namespace' | 'cluster' | 'clusterUid' | 'attempt' | 'node' | 'nodeUid' | 'incarnation'>;

export function tracedNode({ metadata, spec }: ClusterNode): TracedNode {
  const { namespace = '', name, uid } = metadata;
  const { cluster, clusterUid, attempt, incarnation } = spec;
  return { namespace, cluster, clusterUid, attempt, node: name, nodeUid: uid, incarnation };
}

function tracedOf({ namespace, cluster, clusterUid, attempt }: TracedNode): TracedAttempt | undefined {
  return attempt === undefined ? undefined : { clusterUid, cluster: `${namespace}/${cluster}`, attempt };
}

function spanKey(what: Doing, { nodeUid, incarnation }: TracedNode): string {
  return `${what} ${nodeUid} ${incarnation}`;
}

/** The API by which it is done. */
export function apiFor({ api, tracer }: HostDeps, node: TracedNode, what: Doing): EntityApi {
  const traced = tracedOf(node);
  return traced === undefined ? api : below(api, tracer, traced, spanKey(what, node));
}

/** From `fromMs` (wall time) until now; `failure`: why it was not done. */
export function tellSpan({ tracer, clock, name }: HostDeps, node: TracedNode, what: Doing, fromMs: number, failure?: string): void {
  const traced = tracedOf(node);
  if (tracer === undefined || traced === undefined) return;
  const attributes = { 'outrigger.node': node.node, 'outrigger.incarnation': node.incarnation, 'outrigger.host': name };
  tracer.tell(spanOf(traced, spanKey(what, node), { name: NAMES[what], startMs: fromMs, endMs: clock.nowMs(), failure, attributes }));
}
