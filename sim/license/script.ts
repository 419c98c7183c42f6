/**
 * What happens to a site in the years of a run: each trouble begins and ends by the dice, several may hold at once.
 */

import { FRAMEWORK_SERVICES } from '../../src/model/framework.ts';
import type { FrameworkService } from '../../src/model/framework.ts';
import { directorNowMs } from './director.ts';
import { giveAuthority, powerOff, powerOn, prerequisitesChanged, startAgent, stopAgent } from './node.ts';
import { DAY_MS } from './rules.ts';
import { count, trueMs } from './world.ts';
import type { SimNode, World } from './world.ts';

type Undo = () => void;
/** Begins a trouble that lasts `days` of license time; what it returns ends it. */
type Trouble = (world: World) => { readonly days: number; readonly undo: Undo };

const NOTHING: Undo = () => undefined;

/** Mean days of license time between two troubles. */
const MEAN_GAP_DAYS = 12;

/** Troubles until `untilMs`, then everything is mended. */
export function planTroubles(world: World, untilMs: number): void {
  const open = new Set<Undo>();
  const next = (): void => {
    const gapMs = trueMs(world, 2 * MEAN_GAP_DAYS * world.dice.float());
    if (world.scheduler.nowMs() + gapMs >= untilMs) return;
    world.scheduler.after(gapMs, () => {
      begin(world, world.dice.pick(TROUBLE_NAMES), open);
      next();
    });
  };
  next();
  world.scheduler.after(untilMs - world.scheduler.nowMs(), () => {
    for (const undo of open) undo();
    mend(world);
  });
}

function begin(world: World, name: keyof typeof TROUBLES, open: Set<Undo>): void {
  count(world, `trouble ${name}`);
  world.trace(`trouble ${name}`);
  const { days, undo } = TROUBLES[name](world);
  if (undo === NOTHING) return;
  const end = (): void => {
    if (!open.delete(end)) return;
    world.trace(`over: ${name}`);
    undo();
  };
  open.add(end);
  world.scheduler.after(trueMs(world, days), end);
}

/** Short mostly, sometimes long enough for a grace to be over. */
function span(world: World, mostDays: number): number {
  const { dice } = world;
  return dice.chance(0.5) ? dice.float() * 2 : dice.float() * mostDays;
}

function faulty(fault: string, mostDays: number): Trouble {
  return (world) => {
    world.faults.set(fault, (world.faults.get(fault) ?? 0) + 1);
    return {
      days: span(world, mostDays),
      undo: () => void world.faults.set(fault, (world.faults.get(fault) ?? 1) - 1),
    };
  };
}

function someNode(world: World): SimNode {
  return world.dice.pick(world.nodes);
}

function off(world: World, nodes: readonly SimNode[], mostDays: number): { days: number; undo: Undo } {
  for (const node of nodes) switchOff(world, node);
  return { days: span(world, mostDays), undo: () => nodes.forEach((node) => switchOn(world, node)) };
}

function switchOff(world: World, node: SimNode): void {
  powerOff(world, node);
  if (world.authority !== node.index) return;
  giveAuthority(world, undefined);
  const other = world.nodes[1 - node.index];
  if (other?.isOn === true && world.dice.chance(0.7)) giveAuthority(world, other.index);
}

function switchOn(world: World, node: SimNode): void {
  powerOn(world, node);
  if (world.authority === undefined) giveAuthority(world, node.index);
}

function setDead(world: World, nodes: readonly SimNode[], services: readonly FrameworkService[]): { days: number; undo: Undo } {
  for (const node of nodes) for (const service of services) node.dead.add(service);
  prerequisitesChanged(world);
  return {
    days: span(world, 45),
    undo: () => {
      for (const node of nodes) for (const service of services) node.dead.delete(service);
      prerequisitesChanged(world);
    },
  };
}

/** Somebody puts the whole disk of some nodes back to what it was some time ago. */
function restore(world: World, nodes: readonly SimNode[]): { days: number; undo: Undo } {
  for (const node of nodes) {
    switchOff(world, node);
    const copy = node.copies.length === 0 ? undefined : world.dice.pick(node.copies);
    node.disk = copy?.disk;
    node.framework = copy?.framework;
  }
  return { days: world.dice.float() * 0.5, undo: () => nodes.forEach((node) => switchOn(world, node)) };
}

const TROUBLES = {
  directorDown: faulty('director', 90),
  internetDown: faulty('internet', 60),
  linkDown: faulty('link', 60),
  hostile: faulty('hostile', 30),
  diskFull: (world) => faulty(`disk ${someNode(world).name}`, 10)(world),
  directorClockWrong: (world) => {
    const wrongMs = (world.dice.float() - 0.5) * 2 * world.dice.pick([DAY_MS / 24, 2 * DAY_MS, 60 * DAY_MS, 200 * DAY_MS]);
    world.director.wrongMs += wrongMs;
    return { days: span(world, 30), undo: () => void (world.director.wrongMs -= wrongMs) };
  },
  nodeClockWrong: (world) => {
    const node = someNode(world);
    const wrongMs = (world.dice.float() - 0.5) * 2 * trueMs(world, 400);
    node.wallWrongMs += wrongMs;
    return { days: span(world, 200), undo: () => void (node.wallWrongMs -= wrongMs) };
  },
  reboot: (world) => off(world, [someNode(world)], 0.02),
  nodeOff: (world) => off(world, [someNode(world)], 40),
  workerOff: (world) => off(world, [world.nodes[world.authority === 0 ? 1 : 0] ?? someNode(world)], 40),
  siteOff: (world) => off(world, world.nodes, 40),
  agentCrash: (world) => {
    const node = someNode(world);
    const wasInAuthority = world.authority === node.index && node.agent !== undefined;
    stopAgent(world, node);
    if (wasInAuthority && world.dice.chance(0.5)) giveAuthority(world, 1 - node.index);
    return { days: span(world, 3), undo: () => startAgent(world, node) };
  },
  failover: (world) => {
    const candidates = world.nodes.filter((node) => node.isOn && node.index !== world.authority);
    if (candidates.length > 0) giveAuthority(world, world.dice.pick(candidates).index);
    return { days: 0, undo: NOTHING };
  },
  noAuthority: (world) => {
    giveAuthority(world, undefined);
    return {
      days: span(world, 50),
      undo: () => world.authority ?? giveAuthority(world, (world.nodes.find((node) => node.isOn) ?? world.nodes[0])?.index),
    };
  },
  serviceDown: (world) => setDead(world, world.nodes, [world.dice.pick(FRAMEWORK_SERVICES)]),
  serviceDownAtOne: (world) => setDead(world, [someNode(world)], FRAMEWORK_SERVICES),
  storeRestored: (world) => restore(world, [someNode(world)]),
  storesRestored: (world) => (world.dice.chance(0.3) ? restore(world, world.nodes) : { days: 0, undo: NOTHING }),
  nodeReplaced: (world) => {
    const node = someNode(world);
    switchOff(world, node);
    node.disk = undefined;
    node.framework = undefined;
    node.copies.length = 0;
    node.seats = undefined;
    return { days: world.dice.float(), undo: () => switchOn(world, node) };
  },
  keyRotated: (world) => {
    world.director.key = `key-${world.director.keys.size + 1}`;
    world.director.keys.add(world.director.key);
    return { days: 0, undo: NOTHING };
  },
  directorRestored: (world) => {
    world.director.serial += 1_000_000;
    return { days: 0, undo: NOTHING };
  },
  unassigned: (world) => {
    const { license } = world.director;
    world.director.license = undefined;
    return { days: span(world, 60), undo: () => void (world.director.license ??= license) };
  },
  begunLater: (world) => {
    const { license } = world.director;
    const startMs = directorNowMs(world.director, world.scheduler.nowMs()) + world.dice.float() * 30 * DAY_MS;
    if (license !== undefined && license.endMs > startMs) world.director.license = { ...license, startMs };
    return { days: 0, undo: NOTHING };
  },
  peaksReset: (world) => {
    const { license } = world.director;
    if (license !== undefined) world.director.license = { ...license, peakReset: license.peakReset + 1 };
    return { days: 0, undo: NOTHING };
  },
  syncByPerson: (world) => {
    for (const node of world.nodes) world.send(node, { kind: 'SyncRequested' });
    return { days: 0, undo: NOTHING };
  },
  siteMoved: (world) => {
    world.siteUid = undefined;
    prerequisitesChanged(world);
    return {
      days: span(world, 5),
      undo: () => {
        world.siteUid ??= world.dice.pick(['site-1', 'site-2']);
        prerequisitesChanged(world);
      },
    };
  },
} as const satisfies Record<string, Trouble>;

export const TROUBLE_NAMES = Object.keys(TROUBLES) as (keyof typeof TROUBLES)[];

/** The provider renews the contract: in time, late, or much too late. */
export function planRenewals(world: World, untilMs: number): void {
  const { director, scheduler, dice } = world;
  const renew = (): void => {
    const nowMs = directorNowMs({ ...director, wrongMs: 0 }, scheduler.nowMs());
    if (director.license !== undefined) director.license = { ...director.license, endMs: nowMs + dice.between(60, 300) * DAY_MS };
    const leftMs = (director.license?.endMs ?? nowMs) - nowMs;
    const lateMs = dice.pick([-20, -5, -0.5, 10, 28, 50]) * DAY_MS;
    if (scheduler.nowMs() < untilMs) scheduler.after((leftMs + lateMs) / world.rate, renew);
  };
  renew();
}

/** Copies of disks are taken now and then, of each node for itself. */
export function planCopies(world: World, untilMs: number): void {
  world.scheduler.after(trueMs(world, 5 + 40 * world.dice.float()), () => {
    for (const node of world.nodes) {
      node.copies.push({ disk: node.disk, framework: node.framework });
      if (node.copies.length > 4) node.copies.shift();
    }
    if (world.scheduler.nowMs() < untilMs) planCopies(world, untilMs);
  });
}

/** From here on nothing is wrong any more. */
function mend(world: World): void {
  world.trace('calm');
  world.faults.clear();
  world.faults.set('calm', 1);
  world.director.wrongMs = 0;
  const nowMs = directorNowMs(world.director, world.scheduler.nowMs());
  if (world.director.license !== undefined)
    world.director.license = {
      ...world.director.license,
      startMs: Math.min(world.director.license.startMs, nowMs),
      endMs: nowMs + 400 * DAY_MS,
    };
  for (const node of world.nodes) {
    node.dead.clear();
    powerOn(world, node);
    startAgent(world, node);
  }
  if (world.authority === undefined) giveAuthority(world, 0);
  prerequisitesChanged(world);
}
