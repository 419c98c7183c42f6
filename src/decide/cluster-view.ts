/**
 * What a decision about a cluster is made from, and what comes out of it.
 */

import type { ClusterNode } from '../model/cluster-node.ts';
import type { ClusterRelease } from '../model/cluster-release.ts';
import type { Cluster } from '../model/cluster.ts';
import type { Host } from '../model/host.ts';
import type { ServerConfigSpec } from '../model/server-config.ts';
import type { Site } from '../model/site.ts';
import type { VirtualDataCenter } from '../model/virtual-data-center.ts';
import type { Effect } from './effect.ts';
import type { MassSilence } from './mass-silence.ts';
import type { Observations } from './observation.ts';

/**
 * One cluster and what belongs to it.
 *
 * `live: false`: from a cache; it may lag, and its parts may lag differently. `live: true`: read from the director for this very decision,
 * one after the other, **first the VirtualDataCenter, then the Cluster, then the list of its nodes** (the order is part of the proof: what
 * is taken away by the revision of the first is judged by what was read after it).
 */
export interface ClusterView {
  readonly live: boolean;
  readonly cluster: Cluster;
  /** All ClusterNodes with the cluster's uid, of every attempt. */
  readonly nodes: readonly ClusterNode[];
  /** The one that spec.virtualDataCenter names; absent when there is none. */
  readonly virtualDataCenter?: VirtualDataCenter;
  /** The one that spec.release names; absent when there is none. */
  readonly release?: ClusterRelease;
  /** The one that spec.site names; absent when there is none. */
  readonly site?: Site;
  /** Sites that say that this very cluster (by uid) is plugged in, the one above among them. Absent: nobody looks at them here. */
  readonly plugged?: readonly Site[];
  /** The Hosts that hold its nodes. Absent: nobody looks at Hosts here. */
  readonly hosts?: readonly Host[];
  /** Of its nodes: uid → revision of the Lease by which the agent shows that it lives, as cached. Absent: nobody looks at Leases here. */
  readonly leases?: ReadonlyMap<string, string>;
  /** Of its nodes: uid → how long a Lease says that it holds, in ms. */
  readonly leaseTtlsMs?: ReadonlyMap<string, number>;
  /** Whether many sites of the director fell silent at once, by this server's own observation. Absent: nobody looks at other sites here. */
  readonly massSilence?: MassSilence;
  readonly config: ServerConfigSpec;
  /** Wall clock in ms since 1970: for time stamps, and for deadlines together with own observation. */
  readonly nowMs: number;
  /** The observer's monotonic clock, and what it has seen by it. */
  readonly monotonicMs: number;
  readonly seen: Observations;
  /** Uniform in [0, 1): shortens the back-off. */
  readonly dice: number;
  /** Why the director refused this cluster's last effect for good (admission, rules), as it said it. Shown in a condition. */
  readonly refusal?: string;
}

export interface Decision {
  /** To be carried out in this order; the first one that is not answered `ok` ends it, and all is decided anew from a live view. */
  readonly effects: readonly Effect[];
  /**
   * True: nothing may be done on this (cached) view; read live and decide again. Effects is empty then.
   */
  readonly needsLive: boolean;
  /** Decide again after this many ms, though nothing changed. Absent: only when something changes, or at the next resync. */
  readonly requeueAfterMs?: number;
  /** Facts to be timed (see observation.ts). */
  readonly watching: readonly string[];
}
