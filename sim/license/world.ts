/**
 * One simulated site with its director: what every part of the license simulator shares.
 *
 * Virtual time is true time: what passes on a perfect clock. Nobody in the product sees it.
 */

import type { LicenseKeeper } from '../../src/decide/license-keeper.ts';
import type { LicenseEvent } from '../../src/decide/license-table.ts';
import type { SeatCount } from '../../src/decide/seat-use.ts';
import type { FrameworkService } from '../../src/model/framework.ts';
import type { LicenseRecord } from '../../src/model/license-statement.ts';
import type { Dice } from '../dice.ts';
import type { Scheduler } from '../scheduler.ts';
import type { SimDirector } from './director.ts';

/** Five times what three years of trouble take: beyond it something spins, and nobody is woken any more. */
export const MOST_EVENTS = 200_000;

/**
 * What a perfect clerk would have written down beside a record: how long the statement has certainly been running.
 * `boot` and `atMs` say when he last counted, in true time.
 */
export interface Ledger {
  readonly serial: number;
  readonly ranMs: number;
  readonly atMs: number;
  readonly boot: number;
}

/** A record on a disk or in a message, with the clerk's page. */
export interface Kept {
  readonly record: LicenseRecord;
  readonly ledger: Ledger;
}

export interface Agent {
  keeper: LicenseKeeper;
  /** The clerk's page for what the keeper holds. */
  ledger: Ledger | undefined;
  /** Keys of the warnings that this life of the agent gave. */
  readonly warned: Set<string>;
  /** Since when it could ask a director without interruption; undefined: it cannot. */
  readySinceMs: number | undefined;
  askedAtMs: number;
  cancelWake: () => void;
}

export interface SimNode {
  readonly name: string;
  readonly index: number;
  isOn: boolean;
  boot: number;
  bootAtMs: number;
  /** Its CLOCK_BOOTTIME runs so much too fast (negative: too slow). */
  drift: number;
  /** How wrong its wall clock is: nobody may notice. */
  wallWrongMs: number;
  agent: Agent | undefined;
  /** The node store, and the file that framework services read: both survive. */
  disk: Kept | undefined;
  framework: Kept | undefined;
  /** Copies of the whole disk, taken now and then by somebody. */
  readonly copies: { readonly disk: Kept | undefined; readonly framework: Kept | undefined }[];
  readonly dead: Set<FrameworkService>;
  sessions: number;
  seats: SeatCount | undefined;
}

export interface World {
  readonly seed: number;
  readonly dice: Dice;
  readonly scheduler: Scheduler;
  /** License milliseconds for each true millisecond. */
  readonly rate: number;
  /** Running time is stored and exchanged this often. */
  readonly storeMs: number;
  readonly director: SimDirector;
  readonly nodes: readonly SimNode[];
  /** Site that the cluster is paired with. */
  siteUid: string | undefined;
  /** Index of the node with authority. */
  authority: number | undefined;
  /** Faults that hold now, by name: how many times over. */
  readonly faults: Map<string, number>;
  /** Since when both nodes and what joins them have been well; undefined: they are not. */
  joinedSinceMs: number | undefined;
  /** `deadline-days` of every warning given, by anybody. */
  readonly warned: Set<string>;
  readonly coverage: Record<string, Record<string, number>>;
  readonly counts: Record<string, number>;
  readonly violations: string[];
  /** One event into a node's machine (node.ts); `carried`: the clerk's page for what the event brings. */
  send: (node: SimNode, event: LicenseEvent, carried?: Ledger) => void;
  readonly trace: (line: string) => void;
}

export function isFaulty(world: World, fault: string): boolean {
  return (world.faults.get(fault) ?? 0) > 0;
}

export function count(world: World, what: string): void {
  world.counts[what] = (world.counts[what] ?? 0) + 1;
}

/** `days` of license time in true ms. */
export function trueMs(world: Pick<World, 'rate'>, days: number): number {
  return (days * 86_400_000) / world.rate;
}

export function violate(world: World, what: string): void {
  const day = ((world.scheduler.nowMs() * world.rate) / 86_400_000).toFixed(2);
  world.trace(`VIOLATION ${what}`);
  if (world.violations.length < 20) world.violations.push(`day ${day}: ${what}`);
}
