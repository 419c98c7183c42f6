/**
 * What is left without an owner: nodes, reservations and plugs of sites whose Cluster, by uid, is gone.
 *
 * A server that was paused may create a node, or reserve, for a cluster that went meanwhile; nobody would look at that cluster again.
 *
 * I1: an owner counts as gone only on a live view in which the clusters were listed after what they own: a uid that is missing then never
 *     comes back.
 * I2: a node without an owner is let go under the license OwnerGone; its reservation is dropped when it is gone.
 * I3: what only seems so in a cache is looked at live after `orphanMs` of own observation, so that lagging caches cost nothing.
 * I4: a Site that a cluster is plugged into that is gone becomes free, and says what stays at its connection servers.
 */

import type { ClusterNode } from '../model/cluster-node.ts';
import type { Cluster } from '../model/cluster.ts';
import type { Site } from '../model/site.ts';
import type { VirtualDataCenter } from '../model/virtual-data-center.ts';
import type { Decision } from './cluster-view.ts';
import type { Effect } from './effect.ts';
import { letNodeGo, together } from './let-go.ts';
import { licensed } from './license.ts';
import { seenMs } from './observation.ts';
import type { Observations } from './observation.ts';
import { NO_EFFECTS, soonest } from './outcome.ts';
import { clusterUidOfKey, unreserve } from './reservation.ts';
import { releasedByAbsence } from './site-release.ts';

/**
 * All of one namespace. `live: true`: read one after the other, **first the VirtualDataCenters, then the nodes, then the sites, then the clusters**.
 */
export interface SweepView {
  readonly live: boolean;
  readonly virtualDataCenters: readonly VirtualDataCenter[];
  readonly nodes: readonly ClusterNode[];
  readonly sites: readonly Site[];
  readonly clusters: readonly Cluster[];
  readonly monotonicMs: number;
  readonly seen: Observations;
  /** For how long what seems to have no owner is only seen before it is read live. */
  readonly orphanMs: number;
}

/** The next effects about what has no owner in this namespace. */
export function decideSweep(view: SweepView): Decision {
  const owners = new Set(view.clusters.map((cluster) => cluster.metadata.uid));
  const nodes = view.nodes.filter((node) => !owners.has(node.spec.clusterUid));
  const held = new Set(view.nodes.map((node) => node.spec.clusterUid));
  const entries = view.virtualDataCenters
    .map((vdc) => ({ vdc, keys: ownerlessKeys(vdc, owners, held) }))
    .filter(({ keys }) => keys.length > 0);
  const plugs = view.sites.filter(({ status }) => status?.cluster !== undefined && !owners.has(status.cluster.uid));
  if (nodes.length === 0 && entries.length === 0 && plugs.length === 0) return NO_EFFECTS;
  const watching = [
    ...nodes.map((node) => `orphan/${node.metadata.uid}`),
    ...plugs.map((site) => `orphan/${site.metadata.uid}/${site.status?.cluster?.uid ?? ''}`),
    ...entries.flatMap(({ vdc, keys }) => keys.map((key) => `orphan/${vdc.metadata.uid}/${key}`)),
  ];
  const longest = Math.max(...watching.map((key) => seenMs(view.seen, key, view.monotonicMs)));
  if (longest < view.orphanMs) return { ...NO_EFFECTS, watching, ...soonest([view.orphanMs - longest]) };
  const gone = together(nodes.map((node) => letNodeGo(view, node, 'OwnerGone')));
  const dropped = entries.map(({ vdc, keys }) => unreserve(vdc, keys)).filter((effect): effect is Effect => effect !== undefined);
  return licensed(view, {
    effects: [...gone.effects, ...plugs.flatMap(releasedByAbsence), ...dropped],
    needsLive: false,
    watching: [...watching, ...gone.watching],
    ...soonest([gone.requeueAfterMs]),
  });
}

function ownerlessKeys(vdc: VirtualDataCenter, owners: ReadonlySet<string>, held: ReadonlySet<string>): string[] {
  const uidOf = (key: string): string => clusterUidOfKey(key);
  return Object.keys(vdc.status?.reservations ?? {}).filter((key) => !owners.has(uidOf(key)) && !held.has(uidOf(key)));
}
