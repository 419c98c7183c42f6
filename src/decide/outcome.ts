/**
 * Small pieces that every decision about a cluster is put together from.
 */

import type { Cluster } from '../model/cluster.ts';
import type { EventReason } from '../model/event-reason.ts';
import type { Decision } from './cluster-view.ts';
import type { EventEffect } from './effect.ts';

export const NO_EFFECTS: Decision = { effects: [], needsLive: false, watching: [] };

/** An Event about `cluster`. */
export function clusterEvent(cluster: Cluster, type: EventEffect['type'], reason: EventReason, message: string): EventEffect {
  const { namespace, name, uid } = cluster.metadata;
  return {
    kind: 'RecordEvent',
    about: { kind: 'Cluster', namespace: namespace ?? '', name, uid },
    type,
    reason,
    message: message.slice(0, 1024),
  };
}

/** The earliest of the times that are known. */
export function soonest(times: readonly (number | undefined)[]): { requeueAfterMs?: number } {
  const known = times.filter((time) => time !== undefined);
  return known.length === 0 ? {} : { requeueAfterMs: Math.max(0, Math.min(...known)) };
}
