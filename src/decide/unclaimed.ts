/**
 * Nodes that run on a host and are not one of the director's: what the host says of them, and what people can do.
 *
 * They go on running. Nothing happens to them by itself: a person has their objects made anew (adopt) or has them stopped (discard), or restores
 * a newer copy of the director's database.
 */

import type { UnclaimedNode, UnclaimedReason } from '../model/host.ts';
import type { HeldNode } from './host-claim.ts';

/** What a host's record tells of a node. */
export interface RecordedNode extends HeldNode {
  readonly namespace: string;
  readonly node: string;
  readonly cluster: string;
  readonly clusterUid: string;
  readonly virtualDataCenter: string;
  readonly role: 'Primary' | 'Worker';
}

/** `clusterKnown`: whether the director knows its Cluster, by uid. */
export function unclaimedNode(host: string, record: RecordedNode, why: UnclaimedReason, clusterKnown: boolean): UnclaimedNode {
  const { nodeUid, namespace, node, cluster, clusterUid, virtualDataCenter, role, incarnation, cpuMillis, memoryMiB } = record;
  const { attempt, index } = placeIn(node);
  const facts = { uid: nodeUid, namespace, name: node, cluster, clusterUid, virtualDataCenter, role, attempt, index, incarnation };
  return { ...facts, clusterKnown, resources: { cpuMillis, memoryMiB }, why, message: sentence(host, record, why, clusterKnown) };
}

/** The names of nodes end in `-a<attempt>-n<index>` (src/model/labels.ts). */
function placeIn(node: string): { readonly attempt: number; readonly index: number } {
  const found = /-a(\d+)-n(\d+)$/.exec(node);
  return { attempt: Number(found?.[1] ?? 1), index: Number(found?.[2] ?? 0) };
}

const WHY: Readonly<Record<UnclaimedReason, (record: RecordedNode) => string>> = {
  Unknown: () => 'this director does not know it',
  OlderIncarnation: ({ incarnation }) => `it runs here as incarnation ${incarnation}, and this director knows an earlier one`,
  HeldElsewhere: ({ incarnation }) => `this director has its incarnation ${incarnation} on another host`,
};

function sentence(host: string, record: RecordedNode, why: UnclaimedReason, clusterKnown: boolean): string {
  const what = `${record.namespace}/${record.node} runs on ${host} and ${WHY[why](record)}; it goes on`;
  const discard = `have it stopped: outrigger node discard ${record.nodeUid} --host ${host}`;
  if (!clusterKnown)
    return `${what}. Its Cluster ${record.cluster} (uid ${record.clusterUid}) is not known here either. Restore a newer copy of the database, or ${discard}`;
  if (why === 'HeldElsewhere') return `${what}. See which of the two shall live, then ${discard}`;
  return `${what}. Take it back: outrigger node adopt ${record.node} -n ${record.namespace} --host ${host}; or ${discard}`;
}

/** The message of a Host's Ready while such nodes run there. */
export function unclaimedSummary(nodes: readonly UnclaimedNode[]): string {
  const names = nodes.map((node) => `${node.namespace}/${node.name}`).join(', ');
  const what = nodes.length === 1 ? '1 node runs here that is not one of' : `${nodes.length} nodes run here that are not among`;
  return `The host daemon runs. ${what} this director's: ${names}. status.unclaimedNodes says why and what to do; until then they go on.`.slice(
    0,
    4096,
  );
}
