/**
 * One run: years of a site's license from one seed, judged all the while, and left alone at the end.
 */

import { hash32 } from '../../src/base/ring.ts';
import type { LicenseStatement } from '../../src/model/license-statement.ts';
import { LIMITS } from '../../src/model/limits.ts';
import { createDice } from '../dice.ts';
import type { Dice } from '../dice.ts';
import { createScheduler } from '../scheduler.ts';
import { DRIFT, probe } from './checks.ts';
import { BIRTH_MS, createDirector } from './director.ts';
import { createNode, doorView } from './machine.ts';
import { startExchange } from './network.ts';
import { giveAuthority, powerOn, send } from './node.ts';
import { DAY_MS } from './rules.ts';
import { planCopies, planRenewals, planTroubles } from './script.ts';
import { MOST_EVENTS, trueMs, violate } from './world.ts';
import type { World } from './world.ts';

const YEARS = 3;
const TROUBLED_DAYS = YEARS * 365 + 1;

/** `--day`: how fast license time runs, and how often running time is stored and exchanged at that pace. */
const PACES = [
  { rate: 1, storeMs: DAY_MS },
  { rate: 24, storeMs: DAY_MS / 24 },
  { rate: 1440, storeMs: LIMITS.licenseStoreMs },
  { rate: 43_200, storeMs: 2_000 },
] as const;

export interface LicenseRun {
  readonly seed: number;
  readonly violations: readonly string[];
  /** Tells runs apart: it follows from all that was counted, and when. */
  readonly digest: string;
  readonly rate: number;
  readonly licenseDays: number;
  readonly events: number;
  readonly coverage: Record<string, Record<string, number>>;
  readonly counts: Record<string, number>;
}

/** Runs `seed`. `onLine` gets the trace. `isEager`: ends at the first broken promise. */
export async function simulateLicense(seed: number, onLine?: (line: string) => void, isEager = false): Promise<LicenseRun> {
  const world = createWorld(seed, onLine);
  const { scheduler } = world;
  const calmMs = trueMs(world, TROUBLED_DAYS);
  furnish(world, calmMs);
  const isOver = (): boolean => (isEager && world.violations.length > 0) || scheduler.events() > MOST_EVENTS;
  while (scheduler.nowMs() < calmMs && !isOver()) await scheduler.run(Math.min(calmMs, scheduler.nowMs() + trueMs(world, 30)));
  if (!isOver()) await leaveAlone(world);
  return {
    seed,
    violations: world.violations,
    digest: hash32(`${scheduler.events()} ${JSON.stringify(world.counts)} ${world.director.serial}`)
      .toString(16)
      .padStart(8, '0'),
    rate: world.rate,
    licenseDays: Math.round((scheduler.nowMs() * world.rate) / DAY_MS),
    events: scheduler.events(),
    coverage: world.coverage,
    counts: world.counts,
  };
}

/** `seed 17 ok …`, or what was broken first and how to repeat it. */
export function lineOfLicense(run: LicenseRun): string {
  const what = `${run.licenseDays} days at rate ${run.rate}, ${run.events} events, digest ${run.digest}`;
  const [first] = run.violations;
  if (first === undefined) return `seed ${run.seed} ok ${what}`;
  return `seed ${run.seed} FAILED ${what}: ${first}\n  repeat: node sim/license/run.ts --seed ${run.seed} --verbose`;
}

/** Everything is well: within one sync period the license is active everywhere, and stays so without a word. */
async function leaveAlone(world: World): Promise<void> {
  const { scheduler } = world;
  const periodMs = (world.director.license?.syncPeriodMs ?? DAY_MS) / world.rate;
  await scheduler.run(scheduler.nowMs() + periodMs + LIMITS.licenseAnswerMs + 2 * world.storeMs);
  for (const node of world.nodes) {
    const { state } = doorView(world, node);
    if (node.agent?.keeper.state !== 'Active' || state !== 'Active')
      violate(world, `L13: left alone for a sync period, ${node.name} says ${node.agent?.keeper.state}, and its door ${state}`);
  }
  const before = { ...world.counts };
  await scheduler.run(scheduler.nowMs() + 3 * periodMs);
  for (const what of ['Warn', 'ReportState', 'ReportFailure', 'refused'])
    if (world.counts[what] !== before[what]) violate(world, `L13: left alone, somebody still has to ${what}`);
  if (world.counts['accepted'] === before['accepted']) violate(world, 'L13: left alone, nobody syncs');
}

function createWorld(seed: number, onLine: ((line: string) => void) | undefined): World {
  const dice = createDice(`license ${seed}`);
  const scheduler = createScheduler();
  const { rate, storeMs } = PACES[seed % PACES.length] ?? PACES[0];
  const trace =
    onLine === undefined
      ? (): void => undefined
      : (line: string): void => onLine(`day ${((scheduler.nowMs() * rate) / DAY_MS).toFixed(3).padStart(9)} ${line}`);
  const world: World = {
    seed,
    dice,
    scheduler,
    rate,
    storeMs,
    director: createDirector(rate, firstLicense(dice, rate)),
    nodes: [0, 1].map((index) => createNode(index, (dice.float() - 0.5) * 2 * DRIFT)),
    siteUid: undefined,
    authority: undefined,
    faults: new Map(),
    joinedSinceMs: undefined,
    warned: new Set(),
    coverage: {},
    counts: {},
    violations: [],
    send: (node, event, carried) => send(world, node, event, carried),
    trace,
  };
  return world;
}

function firstLicense(dice: Dice, rate: number): LicenseStatement['license'] {
  const startMs = BIRTH_MS + (dice.chance(0.3) ? dice.float() * 60 * DAY_MS : -DAY_MS);
  return {
    name: 'standard',
    uid: 'license-1',
    edition: 'Standard',
    seats: 10,
    model: dice.pick(['Named', 'Concurrent']),
    startMs,
    endMs: startMs + 90 * DAY_MS,
    // At the fastest pace a period below a day would be over before two requests may follow each other.
    syncPeriodMs: dice.pick(rate > 10_000 ? [24, 48] : [6, 24, 24, 24, 48]) * (DAY_MS / 24),
    syncGraceMs: dice.pick([25, 25, 25, 5]) * DAY_MS,
    contractGraceMs: dice.pick([30, 30, 10, 0]) * DAY_MS,
    onExpiry: 'RefuseNewSessions',
    peakReset: 0,
  };
}

function furnish(world: World, calmMs: number): void {
  const { scheduler, dice } = world;
  for (const node of world.nodes) powerOn(world, node);
  scheduler.after(trueMs(world, dice.float() * 3), () => {
    world.siteUid = 'site-1';
    for (const node of world.nodes) world.send(node, { kind: 'PrerequisitesChanged', siteUid: world.siteUid, missing: [] });
  });
  scheduler.after(1_000, () => giveAuthority(world, 0));
  startExchange(world);
  planTroubles(world, calmMs);
  planRenewals(world, calmMs);
  planCopies(world, calmMs);
  const visit = (): void => {
    probe(world);
    scheduler.after(trueMs(world, 0.2 + 1.2 * dice.float()), visit);
  };
  visit();
}
