/**
 * A simulated node's agent: the shell of the product in small. It carries effects out and sends events in, and has no opinion.
 */

import { AssertionFailed } from '../../src/base/assert.ts';
import type { LicenseStep } from '../../src/decide/license-effects.ts';
import type { LicenseEffect, LicenseKeeper } from '../../src/decide/license-keeper.ts';
import { initialLicense, stepLicense } from '../../src/decide/license-machine.ts';
import type { LicenseEvent } from '../../src/decide/license-table.ts';
import { checkBoot, checkEffect, checkStep } from './checks.ts';
import { CLUSTER_UID } from './director.ts';
import { countLedger, missingServices, readingOf } from './machine.ts';
import { askDirector, tellPeer } from './network.ts';
import { count, isFaulty, MOST_EVENTS, violate } from './world.ts';
import type { Agent, Ledger, SimNode, World } from './world.ts';

export function powerOn(world: World, node: SimNode): void {
  if (node.isOn) return;
  node.isOn = true;
  node.boot++;
  node.bootAtMs = world.scheduler.nowMs();
  world.trace(`${node.name} boots`);
  // Sometimes the agent comes late, and the door stands alone meanwhile.
  const lateMs = world.dice.chance(0.2) ? (world.dice.float() * 86_400_000) / world.rate : 100;
  const { boot } = node;
  world.scheduler.after(lateMs, () => {
    if (node.isOn && node.boot === boot) startAgent(world, node);
  });
  prerequisitesChanged(world);
}

export function powerOff(world: World, node: SimNode): void {
  if (!node.isOn) return;
  world.trace(`${node.name} is off`);
  checkBoot(world, node);
  stopAgent(world, node);
  node.isOn = false;
  node.sessions = 0;
  prerequisitesChanged(world);
}

export function startAgent(world: World, node: SimNode): void {
  if (!node.isOn || node.agent !== undefined) return;
  const keeper = initialLicense(CLUSTER_UID, node.disk?.record, readingOf(world, node), world.dice.float(), { storeMs: world.storeMs });
  const ledger = node.disk === undefined ? undefined : countLedger(world, node, node.disk.ledger);
  node.agent = { keeper, ledger, warned: new Set(), readySinceMs: undefined, askedAtMs: -Infinity, cancelWake: () => undefined };
  send(world, node, prerequisitesOf(world));
  if (world.authority === node.index) send(world, node, { kind: 'AuthorityGained' });
}

export function stopAgent(world: World, node: SimNode): void {
  node.agent?.cancelWake();
  node.agent = undefined;
  world.joinedSinceMs = undefined;
}

/** One event into the node's machine; its effects are carried out. `carried`: the clerk's page for what the event brings. */
export function send(world: World, node: SimNode, event: LicenseEvent, carried?: Ledger): void {
  const { agent } = node;
  if (agent === undefined) return;
  if (world.scheduler.events() > MOST_EVENTS) return violate(world, 'L13: something spins');
  const before = agent.keeper;
  const row = (world.coverage[before.state] ??= {});
  row[event.kind] = (row[event.kind] ?? 0) + 1;
  const step = stepOf(world, node, before, event);
  if (step === undefined) return stopAgent(world, node);
  agent.keeper = step.keeper;
  if (step.keeper.state !== before.state) world.trace(`${node.name} ${event.kind}: ${before.state} -> ${step.keeper.state}`);
  checkStep(world, node, agent, before, event, carried);
  agent.cancelWake();
  agent.cancelWake = world.scheduler.after(step.wakeInMs / (1 + node.drift) + 1, () => send(world, node, { kind: 'TimePassed' }));
  let isStored = true;
  for (const effect of step.effects) {
    checkEffect(world, node, agent, effect);
    if (isStored || (effect.kind !== 'TellPeers' && effect.kind !== 'Deliver')) isStored = carryOut(world, node, agent, effect) && isStored;
  }
  if (!isStored) world.scheduler.after(1, () => node.agent === agent && send(world, node, { kind: 'StoreFailed' }));
}

/** An assertion ends the agent; what it says is what the run is for. */
function stepOf(world: World, node: SimNode, before: LicenseKeeper, event: LicenseEvent): LicenseStep | undefined {
  try {
    return stepLicense(before, event, readingOf(world, node), world.dice.float());
  } catch (cause) {
    if (!(cause instanceof AssertionFailed)) throw cause;
    violate(world, `L8: ${node.name}: ${cause.message}`);
    return undefined;
  }
}

/** False: a store that came to nothing. */
function carryOut(world: World, node: SimNode, agent: Agent, effect: LicenseEffect): boolean {
  count(world, effect.kind);
  switch (effect.kind) {
    case 'StoreRecord':
      if (agent.ledger === undefined) return true;
      if (isFaulty(world, `disk ${node.name}`)) return false;
      node.disk = { record: effect.record, ledger: countLedger(world, node, agent.ledger) };
      return true;
    case 'Deliver':
      if (agent.ledger !== undefined) node.framework = { record: effect.record, ledger: countLedger(world, node, agent.ledger) };
      return true;
    case 'TellPeers':
      tellPeer(world, node);
      return true;
    case 'RequestSync':
      askDirector(world, node, agent, effect.request);
      return true;
    case 'Warn':
    case 'ReportState':
    case 'ReportFailure':
      return true;
  }
}

function prerequisitesOf(world: World): LicenseEvent {
  return { kind: 'PrerequisitesChanged', siteUid: world.siteUid, missing: missingServices(world) };
}

export function prerequisitesChanged(world: World): void {
  const event = prerequisitesOf(world);
  for (const node of world.nodes) send(world, node, event);
}

/** Authority goes to the node `index`, or to nobody. */
export function giveAuthority(world: World, index: number | undefined): void {
  if (world.authority === index) return;
  const last = world.authority === undefined ? undefined : world.nodes[world.authority];
  world.authority = index;
  if (last !== undefined) send(world, last, { kind: 'AuthorityLost' });
  const next = index === undefined ? undefined : world.nodes[index];
  if (next !== undefined) send(world, next, { kind: 'AuthorityGained' });
}
