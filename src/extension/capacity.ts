/**
 * Which clusters a change of a VirtualDataCenter concerns.
 *
 * Its status changes with every reservation that any of its clusters makes. To have all of them looked at for that would cost the square of their
 * number; whoever made the reservation goes on by itself, and the others do not care, unless capacity came free that they wait for.
 *
 * I1: a change of what a person wrote (spec, deletion, a new object of that name) concerns all clusters in it.
 * I2: capacity that came free concerns those that are not available: they may wait for it.
 * I3: a reservation that was added concerns nobody.
 */

import type { Cluster } from '../model/cluster.ts';
import type { VirtualDataCenter } from '../model/virtual-data-center.ts';
import type { IndexBy } from '../client/index-by.ts';

type Reserved = NonNullable<NonNullable<VirtualDataCenter['status']>['reserved']>;

interface Seen {
  readonly uid: string;
  readonly generation: number | undefined;
  readonly isGoing: boolean;
  readonly reserved: Reserved;
}

/** Told of each change of a VirtualDataCenter (`gone`: it was deleted), it gives the clusters to look at. */
export function capacityWatch(clusters: IndexBy<Cluster>): (vdc: VirtualDataCenter, gone: boolean) => readonly Cluster[] {
  const seen = new Map<string, Seen>();
  return (vdc, gone) => {
    const key = `${vdc.metadata.namespace ?? ''}/${vdc.metadata.name}`;
    const before = seen.get(key);
    const now = seenOf(vdc);
    if (gone) seen.delete(key);
    else seen.set(key, now);
    const isOrdered =
      gone || before === undefined || before.uid !== now.uid || before.generation !== now.generation || before.isGoing !== now.isGoing;
    if (isOrdered) return clusters.of(key);
    return isFreed(before.reserved, now.reserved) ? clusters.of(key).filter(({ status }) => status?.phase !== 'Available') : [];
  };
}

function seenOf({ metadata, status }: VirtualDataCenter): Seen {
  return {
    uid: metadata.uid,
    generation: metadata.generation,
    isGoing: metadata.deletionTimestamp !== undefined,
    reserved: status?.reserved ?? {},
  };
}

function isFreed(before: Reserved, now: Reserved): boolean {
  const fields = ['nodes', 'cpuMillis', 'memoryMiB'] as const;
  return fields.some((field) => (now[field] ?? 0) < (before[field] ?? 0));
}
