/**
 * What happens to hosts beyond crashes: one loses all that it knew, with or without what ran there; a person confirms one dead; and people see to the
 * nodes of which a host has lost its record.
 */

import type { ClusterNode } from '../src/model/cluster-node.ts';
import { ANNOTATION_HOST_DEAD } from '../src/model/labels.ts';
import type { Dice } from './dice.ts';
import { wipeHost } from './host.ts';
import type { SimHost } from './host-state.ts';
import type { World } from './world.ts';

const LOOK_MS = 45_000;

/** The disk of a host is lost: its records, and mostly its machines too. It comes back knowing nothing. */
export function wipe(host: SimHost, dice: Dice): void {
  if (host.process.life === undefined) return;
  wipeHost(host, dice.chance(0.6));
}

/** A person vouches that a host is off for good, by the boot that it was in when it went dark. */
export function confirmHostDead({ world, name, machines }: SimHost, boot: string): void {
  for (const machine of machines.values()) world.givenUp.add(machine.nodeUid);
  world.trace(`PERSON confirms ${name} dead in ${boot}`);
  world.store.mergePatch('person', 'hosts', '', name, { metadata: { annotations: { [ANNOTATION_HOST_DEAD]: boot } } });
}

/** Whoever reads that a host has lost its record of a node has it replaced. */
export function planSeeingTo(world: World, replace: (node: ClusterNode) => void): void {
  const look = (): void => {
    for (const node of world.store.list('clusternodes') as readonly ClusterNode[]) {
      const machine = node.status?.infrastructure;
      if (machine?.reason === 'RecordLost' && machine.incarnation === node.spec.incarnation) replace(node);
    }
    world.scheduler.after(LOOK_MS, look);
  };
  world.scheduler.after(LOOK_MS, look);
}
