/**
 * The last word on clusters that were ever available: whatever was decided, nothing of them is destroyed that nobody asked to go.
 *
 * It decides nothing. It stands behind all decisions about a Cluster, and what gets here against it is a bug: the process stops instead of destroying.
 *
 * I1: of a cluster that was available, and that nobody deletes, no attempt is abandoned or begun, `availableAt` is not written, auto-repair is not armed,
 *     and its finalizer stays.
 * I2: a node of the attempt that became available is deleted only when it is retired.
 */

import { assert } from '../base/assert.ts';
import type { ClusterView, Decision } from './cluster-view.ts';
import type { Effect } from './effect.ts';

/** `decision`, unless it would break a promise to a cluster that was available; then it throws. */
export function spared(view: Pick<ClusterView, 'cluster' | 'nodes'>, decision: Decision): Decision {
  const { metadata, status } = view.cluster;
  if (status?.availableAt === undefined || metadata.deletionTimestamp !== undefined) return decision;
  for (const effect of decision.effects)
    assert(!destroys(view, effect), `${effect.kind} would destroy of ${metadata.name}, which was available and which nobody asked to go`);
  return decision;
}

function destroys({ cluster, nodes }: Pick<ClusterView, 'cluster' | 'nodes'>, effect: Effect): boolean {
  switch (effect.kind) {
    case 'DropClusterFinalizer':
      return true;
    case 'PatchClusterStatus':
      return (
        ['abandonedAttempt', 'attempt', 'availableAt'].some((name) => name in effect.status) || effect.status['autoRepair'] === 'Armed'
      );
    case 'DeleteNode': {
      const node = nodes.find((one) => one.metadata.uid === effect.on.uid);
      return node === undefined || (node.spec.retired !== true && node.spec.attempt >= (cluster.status?.attempt ?? 0));
    }
    default:
      return false;
  }
}
