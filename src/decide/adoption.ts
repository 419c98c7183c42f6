/**
 * Taking back a node that runs on a host and that this director does not know: its object is made anew, under the uid that its machine runs with.
 *
 * Only a person asks for it. Whoever could write objects under any uid could write other people's; so all of it must be as the host reports it.
 *
 * I1: a node is adopted only as its host reports it now: uid, name, place in its cluster, incarnation; by the Cluster of that uid, on that host.
 * I2: an adopted node is no surplus of the spec that it was adopted under.
 */

import type { Cluster } from '../model/cluster.ts';
import type { ClusterNode, ClusterNodeSpec } from '../model/cluster-node.ts';
import type { Host, UnclaimedNode } from '../model/host.ts';
import { ANNOTATION_ADOPTED, ANNOTATION_ADOPTED_GENERATION } from '../model/labels.ts';
import type { NewEntity } from '../model/resource.ts';
import { newNode } from './scale.ts';

/** The object of `entry` as it is made anew. */
export function adoptedNode(cluster: Cluster, entry: UnclaimedNode, host: string): NewEntity<ClusterNodeSpec> {
  const node = newNode(cluster, entry.attempt, entry.index);
  const { cpuMillis = 0, memoryMiB = 0 } = entry.resources ?? {};
  return {
    ...node,
    metadata: {
      ...node.metadata,
      name: entry.name,
      uid: entry.uid,
      annotations: { [ANNOTATION_ADOPTED]: host, [ANNOTATION_ADOPTED_GENERATION]: String(cluster.metadata.generation ?? 0) },
    },
    spec: { ...node.spec, role: entry.role, incarnation: entry.incarnation, resources: { cpuMillis, memoryMiB }, host },
  };
}

/** What a director sees when it is asked for an adoption. `node`: the object as asked for. */
export interface AdoptionView {
  readonly node: Pick<ClusterNode, 'metadata' | 'spec'>;
  readonly host: Host | undefined;
  /** Of the name that `node` gives. */
  readonly cluster: Cluster | undefined;
  /** Where an object of that uid lives already. */
  readonly living: string | undefined;
  readonly isBuried: boolean;
}

/** Why the node is not taken back, as a phrase; undefined: it is. */
export function adoptionRefusal({ node, host, cluster, living, isBuried }: AdoptionView): string | undefined {
  const { uid, namespace = '', name, annotations = {} } = node.metadata;
  const { spec } = node;
  const from = annotations[ANNOTATION_ADOPTED] ?? '';
  if (host === undefined) return `there is no Host ${from} (annotation ${ANNOTATION_ADOPTED})`;
  if (living !== undefined) return `the uid ${uid} is that of ${living}`;
  if (isBuried) return `the node with uid ${uid} was deleted here; its host stops it`;
  const entry = host.status?.unclaimedNodes?.find((one) => one.uid === uid);
  if (entry === undefined) return `host ${from} does not report an unclaimed node with uid ${uid} (kubectl get host ${from} -o yaml)`;
  const { cluster: owner, clusterUid, virtualDataCenter, attempt, index, role, incarnation } = entry;
  const reported = { cluster: owner, clusterUid, virtualDataCenter, attempt, index, role, incarnation, host: from };
  const field = Object.entries(reported).find(([key, value]) => spec[key as keyof ClusterNodeSpec] !== value)?.[0];
  if (field !== undefined) return `spec.${field} is not what host ${from} reports of it`;
  if (namespace !== entry.namespace || name !== entry.name) return `host ${from} reports it as ${entry.namespace}/${entry.name}`;
  if (cluster?.metadata.uid !== clusterUid) return `there is no Cluster ${owner} with uid ${clusterUid}; restore it first`;
  if (cluster.metadata.deletionTimestamp !== undefined) return `its Cluster ${owner} is being deleted`;
  const leaving = spec.retired === true ? 'a node is not taken back in order to go: leave spec.retired out' : undefined;
  return leaving;
}
