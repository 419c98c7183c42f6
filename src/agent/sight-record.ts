/**
 * What a node keeps of its cluster over a reboot, as `sight` in its node store (src/agent/sight.ts).
 */

import { isJsonObject } from '../model/json.ts';
import type { Json } from '../model/json.ts';
import type { Cluster } from '../model/cluster.ts';
import type { ClusterNode } from '../model/cluster-node.ts';

export interface SightRecord {
  /** Without its history. */
  readonly cluster?: Cluster;
  /** The members of the node's own attempt, with what they said last. */
  readonly nodes: readonly ClusterNode[];
}

/** What of a record can be gone by; whatever in it is no node is left out. `skipped`: how many. Undefined: there is no such record. */
export function soundSight(read: SightRecord | undefined): { readonly record: SightRecord; readonly skipped: number } | undefined {
  const value = read as Json | undefined;
  if (!isJsonObject(value)) return undefined;
  const { nodes, cluster } = value;
  const all = Array.isArray(nodes) ? nodes : [];
  const sound = all.filter(isNode) as unknown as ClusterNode[];
  const isCluster = isJsonObject(cluster) && isJsonObject(cluster['metadata']);
  const record = { ...(isCluster ? { cluster: cluster as unknown as Cluster } : {}), nodes: sound };
  return { record, skipped: all.length - sound.length };
}

function isNode(value: Json): boolean {
  if (!isJsonObject(value)) return false;
  const { metadata, spec, status = {} } = value;
  if (!isJsonObject(metadata) || !isJsonObject(spec) || !isJsonObject(status)) return false;
  const { agent = {}, infrastructure = {} } = status;
  const isNamed = typeof metadata['name'] === 'string' && typeof metadata['uid'] === 'string' && typeof spec['incarnation'] === 'number';
  return isNamed && isJsonObject(infrastructure) && isJsonObject(agent) && areServices(agent['services'] ?? {});
}

function areServices(value: Json): boolean {
  return isJsonObject(value) && Object.values(value).every(isJsonObject);
}
