/**
 * A simulated machine: its clocks, its disk, and what can be read off it.
 */

import { licenseNowMs, ranMs } from '../../src/decide/license-clock.ts';
import type { BootReading } from '../../src/decide/license-clock.ts';
import { viewLicense } from '../../src/decide/universal-license.ts';
import type { LicenseView } from '../../src/decide/universal-license.ts';
import { FRAMEWORK_SERVICES } from '../../src/model/framework.ts';
import type { FrameworkService } from '../../src/model/framework.ts';
import type { Kept, Ledger, SimNode, World } from './world.ts';

export function createNode(index: number, drift: number): SimNode {
  return {
    name: `node-${index + 1}`,
    index,
    isOn: false,
    boot: 0,
    bootAtMs: 0,
    drift,
    wallWrongMs: 0,
    agent: undefined,
    disk: undefined,
    framework: undefined,
    copies: [],
    dead: new Set(),
    sessions: 0,
    seats: undefined,
  };
}

export function readingOf(world: World, node: SimNode): BootReading {
  const sinceBootMs = (world.scheduler.nowMs() - node.bootAtMs) * (1 + node.drift);
  return { bootId: `${node.name}-${node.boot}`, bootMs: Math.round(sinceBootMs) };
}

/** The clerk's count at this moment: a boot that he did not see begin counts from its beginning. */
export function ledgerRanMs(world: World, node: SimNode, ledger: Ledger): number {
  const fromMs = ledger.boot === node.boot ? ledger.atMs : node.bootAtMs;
  return ledger.ranMs + (world.scheduler.nowMs() - fromMs);
}

export function countLedger(world: World, node: SimNode, ledger: Ledger): Ledger {
  return { serial: ledger.serial, ranMs: ledgerRanMs(world, node, ledger), atMs: world.scheduler.nowMs(), boot: node.boot };
}

/** What the door (connection-server-proxy) sees: the file and its own reading, no agent. */
export function doorView(world: World, node: SimNode): LicenseView {
  const record = node.framework?.record;
  return viewLicense(record, record === undefined ? 0 : licenseNowMs(record, readingOf(world, node)));
}

/** The one question that the door ever asks: a session that runs is never asked about. */
export function letsPass(view: LicenseView, session: 'New' | 'Running'): boolean {
  return session === 'Running' || !view.refusesNewSessions;
}

/** How long the code thinks that `record` has been running. */
export function codeRanMs(world: World, node: SimNode, record: Kept['record']): number {
  return ranMs(record.since, readingOf(world, node));
}

export function missingServices(world: World): FrameworkService[] {
  return FRAMEWORK_SERVICES.filter((service) => !world.nodes.some((node) => node.isOn && !node.dead.has(service)));
}
