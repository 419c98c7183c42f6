/**
 * Who of a cluster's nodes is heard: by the Leases that their agents renew, judged by own observation.
 *
 * Silence proves nothing and starts nothing (repair.ts); it is said.
 *
 * I1: a node is silent when its Lease was seen unchanged for as long as it says that it holds, by this observer's own clock; time stamps are never
 *     read, and what a Lease says counts only within bounds.
 * I2: a node is heard when this observer itself saw its Lease change within that time; a fresh observer knows neither.
 * I3: a node without a Lease is neither.
 */

import type { ClusterNode } from '../model/cluster-node.ts';
import { LIMITS } from '../model/limits.ts';
import type { ClusterView } from './cluster-view.ts';
import { seenMs } from './observation.ts';

export interface Silence {
  /** Names of nodes. */
  readonly silent: ReadonlySet<string>;
  readonly heard: ReadonlySet<string>;
  readonly watching: readonly string[];
  /** When the next one may turn silent. */
  readonly requeueAfterMs: number | undefined;
}

/** Of `nodes`, as far as their Leases are in the view. */
export function silenceOf(view: ClusterView, nodes: readonly ClusterNode[]): Silence {
  const silent = new Set<string>();
  const heard = new Set<string>();
  const watching: string[] = [];
  let requeueAfterMs: number | undefined;
  for (const { metadata } of nodes) {
    const revision = view.leases?.get(metadata.uid);
    if (revision === undefined) continue;
    const [known, now] = leaseFacts(metadata.uid, revision);
    watching.push(known, now);
    const sinceMs = seenMs(view.seen, now, view.monotonicMs);
    const ttlMs = leaseTtlMs(view.leaseTtlsMs?.get(metadata.uid));
    if (sinceMs >= ttlMs) {
      silent.add(metadata.name);
      continue;
    }
    if (seenMs(view.seen, known, view.monotonicMs) > sinceMs) heard.add(metadata.name);
    // One that is renewed in time needs no closer look; it is noticed at most half a hold late.
    requeueAfterMs = Math.min(requeueAfterMs ?? Infinity, sinceMs < ttlMs / 2 ? ttlMs : ttlMs - sinceMs);
  }
  return { silent, heard, watching, requeueAfterMs };
}

/** What is timed of a node's Lease: that there is one, and its present revision. */
export function leaseFacts(uid: string, revision: string): readonly [known: string, now: string] {
  return [`lease/${uid}`, `lease/${uid}/${revision}`];
}

/** How long a Lease holds that says `saidMs`; undefined: it says nothing. */
export function leaseTtlMs(saidMs: number | undefined): number {
  return Math.min(Math.max(saidMs ?? LIMITS.nodeLeaseTtlMs, LIMITS.nodeLeaseTtlMinMs), LIMITS.nodeLeaseTtlMaxMs);
}
