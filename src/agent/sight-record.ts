/**
 * What a node keeps of its cluster over a reboot, as `sight` in its node store (src/agent/sight.ts).
 */

import type { Cluster } from '../model/cluster.ts';
import type { ClusterNode } from '../model/cluster-node.ts';

export interface SightRecord {
  /** Without its history. */
  readonly cluster?: Cluster;
  /** The members of the node's own attempt, with what they said last. */
  readonly nodes: readonly ClusterNode[];
}
