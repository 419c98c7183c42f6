/**
 * The last gate before effects leave the thinking: a cached view never licenses destruction.
 *
 * I1: a decision on a view that is not live holds no destructive effect: it asks for a live view instead, and holds no effect at all.
 */

import type { ClusterView, Decision } from './cluster-view.ts';
import { isDestructive } from './effect.ts';

/** `decision`, or the wish for a live view when it is more than `view` can license. */
export function licensed(view: Pick<ClusterView, 'live'>, decision: Decision): Decision {
  if (view.live) return { ...decision, needsLive: false };
  if (!decision.needsLive && !decision.effects.some(isDestructive)) return decision;
  return {
    effects: [],
    needsLive: true,
    watching: decision.watching,
    ...(decision.requeueAfterMs === undefined ? {} : { requeueAfterMs: decision.requeueAfterMs }),
  };
}
