/**
 * Reservations: quota as the arithmetic of one object, the VirtualDataCenter's status.
 *
 * An entry names the node and the generation of the Cluster that it was made for. A node is created only under an entry made for this very
 * creation; so whoever still wants to drop an older entry under the same key loses the compare-and-swap.
 *
 * I1: an entry is added only while the sums stay within the quota.
 * I2: `reserved` is always the sum over all entries, computed anew by the write that changes them.
 * I3: an entry is dropped only when no node of its cluster and index is there.
 * I4: an entry made under a younger generation than the view's is never dropped on that view.
 */

import type { Cluster } from '../model/cluster.ts';
import type { ClusterNode } from '../model/cluster-node.ts';
import { nodeName, reservationKey } from '../model/labels.ts';
import type { VirtualDataCenter } from '../model/virtual-data-center.ts';
import { guardOf } from './effect.ts';
import type { Effect, Reservation, ReservedSums } from './effect.ts';

type Entry = NonNullable<NonNullable<VirtualDataCenter['status']>['reservations']>[string];
type Entries = Readonly<Record<string, Entry>>;

export type ReserveResult =
  | { readonly state: 'Reserved' }
  | { readonly state: 'Needed'; readonly effect: Effect }
  | { readonly state: 'Exceeded'; readonly message: string };

/** The entries for nodes `indexes` of the cluster's attempt `attempt`. */
export function wantedEntries(cluster: Cluster, attempt: number, indexes: readonly number[]): Record<string, Reservation> {
  const entry = (index: number): Reservation => ({
    cluster: cluster.metadata.name,
    node: nodeName(cluster.metadata.name, attempt, index),
    generation: cluster.metadata.generation ?? 0,
    cpuMillis: cluster.spec.resources.cpuMillis,
    memoryMiB: cluster.spec.resources.memoryMiB,
  });
  return Object.fromEntries(indexes.map((index) => [reservationKey(cluster.metadata.uid, index), entry(index)]));
}

/** Whether `wanted` stand in the data center; if not, the write that puts all of them there, or why the quota does not allow it. */
export function reserve(vdc: VirtualDataCenter, wanted: Readonly<Record<string, Reservation>>): ReserveResult {
  const old: Entries = vdc.status?.reservations ?? {};
  const missing = Object.entries(wanted).filter(([key, entry]) => !isFor(old[key], entry));
  if (missing.length === 0) return { state: 'Reserved' };
  const added = Object.fromEntries(missing);
  const before = sumsOf(old);
  const after = sumsOf({ ...old, ...added });
  const short = shortage(vdc, before, after);
  if (short !== undefined) return { state: 'Exceeded', message: short };
  return { state: 'Needed', effect: { kind: 'Reserve', on: guardOf(vdc), reservations: added, reserved: after } };
}

/** Keys of the cluster's entries that `keep` does not name and for which no node is there. */
export function droppableKeys(
  vdc: VirtualDataCenter,
  cluster: Cluster,
  nodes: readonly ClusterNode[],
  keep: ReadonlySet<string>,
): string[] {
  const entries: Entries = vdc.status?.reservations ?? NO_ENTRIES;
  const mine = keysByCluster(entries).get(cluster.metadata.uid) ?? [];
  if (mine.length === 0) return [];
  const held = new Set(nodes.map((node) => reservationKey(node.spec.clusterUid, node.spec.index)));
  return mine
    .filter((key) => !keep.has(key) && !held.has(key) && (entries[key]?.generation ?? 0) <= (cluster.metadata.generation ?? 0))
    .sort();
}

/** The write that drops `keys`; undefined when none of them is there. */
export function unreserve(vdc: VirtualDataCenter, keys: readonly string[]): Effect | undefined {
  const old: Entries = vdc.status?.reservations ?? {};
  const there = keys.filter((key) => old[key] !== undefined);
  if (there.length === 0) return undefined;
  const left = Object.fromEntries(Object.entries(old).filter(([key]) => !there.includes(key)));
  return { kind: 'Unreserve', on: guardOf(vdc), keys: there, reserved: sumsOf(left) };
}

const NO_ENTRIES: Entries = {};
const known = new WeakMap<Entries, ReadonlyMap<string, readonly string[]>>();

/** Keys by the cluster's uid, worked out once for each state of a data center: every look at one of its hundreds of clusters asks. */
function keysByCluster(entries: Entries): ReadonlyMap<string, readonly string[]> {
  const found = known.get(entries);
  if (found !== undefined) return found;
  const keys = new Map<string, string[]>();
  for (const key of Object.keys(entries)) {
    const uid = clusterUidOfKey(key);
    const mine = keys.get(uid);
    if (mine === undefined) keys.set(uid, [key]);
    else mine.push(key);
  }
  known.set(entries, keys);
  return keys;
}

/** The uid in a reservation's key. */
export function clusterUidOfKey(key: string): string {
  return key.slice(0, key.lastIndexOf('.'));
}

export function sumsOf(entries: Entries): ReservedSums {
  const sums = { nodes: 0, cpuMillis: 0, memoryMiB: 0 };
  for (const { cpuMillis, memoryMiB } of Object.values(entries)) {
    sums.nodes += 1;
    sums.cpuMillis += cpuMillis;
    sums.memoryMiB += memoryMiB;
  }
  return sums;
}

function isFor(entry: Entry | undefined, wanted: Reservation): boolean {
  return (
    entry !== undefined &&
    entry.node === wanted.node &&
    entry.generation === wanted.generation &&
    entry.cpuMillis === wanted.cpuMillis &&
    entry.memoryMiB === wanted.memoryMiB
  );
}

function shortage(vdc: VirtualDataCenter, before: ReservedSums, after: ReservedSums): string | undefined {
  const { quota } = vdc.spec;
  const rows: readonly (readonly [keyof ReservedSums, string])[] = [
    ['nodes', 'nodes'],
    ['cpuMillis', 'cpu (millis)'],
    ['memoryMiB', 'memory (MiB)'],
  ];
  const row = rows.find(([field]) => after[field] > quota[field] && after[field] > before[field]);
  if (row === undefined) return undefined;
  const [field, unit] = row;
  return (
    `VirtualDataCenter ${vdc.metadata.name} has ${before[field]} of ${quota[field]} ${unit} reserved and ${after[field] - before[field]} more are needed; ` +
    `raise spec.quota.${field}, delete a cluster there, or ask for less`
  );
}
