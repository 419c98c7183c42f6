/**
 * What a host of the simulator is: its daemon's process, its disk (records) and its machine room.
 */

import type { HeldNode } from '../src/decide/host-claim.ts';
import type { Machine } from './machine-state.ts';
import type { Process } from './process.ts';
import type { World } from './world.ts';

export interface HostRecord extends HeldNode {
  readonly namespace: string;
  readonly node: string;
}

export interface SimHost {
  readonly name: string;
  readonly world: World;
  readonly process: Process;
  /** Which boot of its machine it is. */
  boot: number;
  /** Its disk. */
  readonly records: Map<string, HostRecord>;
  readonly machines: Map<string, Machine>;
  /** `<uid>.<incarnation>` of machines that it lost: the word is `Gone`, and they are never begun again. */
  readonly lost: Map<string, HostRecord>;
}

export function bootOf(host: SimHost): string {
  return `${host.name}-boot-${host.boot}`;
}
