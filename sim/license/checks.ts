/**
 * What must hold at every step, at every effect and whenever somebody looks. L-numbers: docs/internals/universal-license.md.
 */

import { licenseNowMs } from '../../src/decide/license-clock.ts';
import type { LicenseEffect, LicenseKeeper } from '../../src/decide/license-keeper.ts';
import type { LicenseEvent } from '../../src/decide/license-table.ts';
import type { LicenseView } from '../../src/decide/universal-license.ts';
import { countSeats } from '../../src/decide/seat-use.ts';
import { viewLicense } from '../../src/decide/universal-license.ts';
import type { LicenseState } from '../../src/model/license-statement.ts';
import { LIMITS } from '../../src/model/limits.ts';
import { codeRanMs, doorView, ledgerRanMs, letsPass, missingServices, readingOf } from './machine.ts';
import { DAY_MS, deadlineByRules, stateByRules, thresholdOf } from './rules.ts';
import { count, isFaulty, trueMs, violate } from './world.ts';
import type { Agent, Kept, Ledger, SimNode, World } from './world.ts';

/** Clocks of machines run within 1 ± DRIFT of true time. */
export const DRIFT = 2e-4;
/** What rounding and the way of a message may cost, in true ms. */
const SLACK_MS = 1_000;

/** After a step: the clerk's page is brought up to date, and compared with what the machine holds. */
export function checkStep(world: World, node: SimNode, agent: Agent, before: LicenseKeeper, event: LicenseEvent, carried?: Ledger): void {
  const { keeper } = agent;
  const nowMs = world.scheduler.nowMs();
  const serial = keeper.record?.statement.serial;
  if (event.kind === 'SyncSucceeded' && serial !== before.record?.statement.serial) {
    checkAccepted(world, node, before, event);
    agent.ledger = { serial: event.statement.serial, ranMs: 0, atMs: nowMs, boot: node.boot };
    count(world, 'accepted');
  }
  if (event.kind === 'PeerRecord' && carried !== undefined) agent.ledger = mergeLedgers(world, node, agent.ledger, carried);
  if (serial !== agent.ledger?.serial)
    violate(world, `L3: ${node.name} holds serial ${serial} after ${event.kind}, and must hold ${agent.ledger?.serial}`);
  if (keeper.record !== undefined && agent.ledger !== undefined)
    checkClock(world, node, `${node.name}'s keeper`, { record: keeper.record, ledger: agent.ledger });
  checkLead(world, node, agent, before, event);
}

function mergeLedgers(world: World, node: SimNode, own: Ledger | undefined, carried: Ledger): Ledger {
  const theirs = { ...carried, atMs: world.scheduler.nowMs(), boot: node.boot };
  if (own === undefined || theirs.serial > own.serial) return theirs;
  return theirs.serial === own.serial && theirs.ranMs > ledgerRanMs(world, node, own) ? theirs : own;
}

function checkAccepted(world: World, node: SimNode, before: LicenseKeeper, event: Extract<LicenseEvent, { kind: 'SyncSucceeded' }>): void {
  const { statement } = event;
  const ageMs = world.scheduler.nowMs() - (world.director.signedAtMs.get(statement.serial) ?? -Infinity);
  if (statement.serial <= (before.record?.statement.serial ?? 0)) violate(world, `L9: ${node.name} accepted an old serial`);
  if (ageMs > LIMITS.licenseAnswerMs + SLACK_MS) violate(world, `L9: ${node.name} accepted what was signed ${Math.round(ageMs)} ms ago`);
  if (statement.site.uid !== world.siteUid) violate(world, `L9: ${node.name} accepted a license of another site`);
}

/** L1, L2: no clock but CLOCK_BOOTTIME counts, and it neither forgets nor invents. */
function checkClock(world: World, node: SimNode, who: string, { record, ledger }: Kept): void {
  const codeMs = codeRanMs(world, node, record);
  const leastMs = ledgerRanMs(world, node, ledger);
  const mostMs = world.scheduler.nowMs() - (world.director.signedAtMs.get(ledger.serial) ?? 0);
  if (codeMs < leastMs * (1 - 2 * DRIFT) - SLACK_MS)
    violate(world, `L1: ${who} counts ${Math.round(codeMs)} ms of running time, and ${Math.round(leastMs)} have passed`);
  if (codeMs > mostMs * (1 + 2 * DRIFT) + SLACK_MS)
    violate(world, `L1: ${who} counts ${Math.round(codeMs)} ms of running time since ${Math.round(mostMs)} ms ago`);
}

/** L10: who can ask all the time and is never let down is never overdue. */
function checkLead(world: World, node: SimNode, agent: Agent, before: LicenseKeeper, event: LicenseEvent): void {
  const { keeper } = agent;
  const nowMs = world.scheduler.nowMs();
  const isReady = keeper.hasAuthority && keeper.siteUid !== undefined && keeper.missing?.length === 0;
  const isSurprised = event.kind === 'TimePassed' && before.state === 'Active' && keeper.state === 'SyncGrace' && keeper.failures === 0;
  if (isSurprised && isReady && keeper.asking === undefined && nowMs - (agent.readySinceMs ?? nowMs) > trueMs(world, 1))
    violate(world, `L10: ${node.name} is overdue, though nothing kept it from asking`);
  if (!isReady) agent.readySinceMs = undefined;
  else agent.readySinceMs ??= nowMs;
}

export function checkEffect(world: World, node: SimNode, agent: Agent, effect: LicenseEffect): void {
  const nowMs = world.scheduler.nowMs();
  if (effect.kind === 'RequestSync') {
    if (world.authority !== node.index || world.siteUid === undefined || missingServices(world).length > 0)
      violate(world, `L10: ${node.name} asks for a sync, and must not`);
    if (nowMs - agent.askedAtMs < LIMITS.licenseAskEveryMs * (1 - DRIFT) - 2)
      violate(world, `L10: ${node.name} asks ${nowMs - agent.askedAtMs} ms after it asked`);
    agent.askedAtMs = nowMs;
  }
  if ((effect.kind === 'TellPeers' || effect.kind === 'Deliver') && !isFaulty(world, `disk ${node.name}`)) {
    if (effect.record.statement.serial !== node.disk?.record.statement.serial)
      violate(world, `L12: ${node.name} tells of serial ${effect.record.statement.serial}, which is not on its disk`);
  }
  if (effect.kind === 'Warn') checkWarning(world, node, agent, effect);
}

function checkWarning(world: World, node: SimNode, agent: Agent, effect: Extract<LicenseEffect, { kind: 'Warn' }>): void {
  const { record } = agent.keeper;
  if (record === undefined) return violate(world, `L11: ${node.name} warns without a license`);
  const atMs = licenseNowMs(record, readingOf(world, node));
  const deadlineMs = deadlineByRules(record.statement, atMs);
  if (deadlineMs === undefined || thresholdOf(deadlineMs - atMs) !== effect.days)
    violate(world, `L11: ${node.name} warns of ${effect.days} days, and ${((deadlineMs ?? NaN) - atMs) / DAY_MS} are left`);
  if (agent.warned.has(effect.key)) violate(world, `L11: ${node.name} warns twice: ${effect.key}`);
  agent.warned.add(effect.key);
  world.warned.add(`${deadlineMs}-${effect.days}`);
}

/** Before the power goes: what is on the disk, and what the door reads, must not be older than L1 allows. */
export function checkBoot(world: World, node: SimNode): void {
  const { agent } = node;
  if (agent?.ledger === undefined || isFaulty(world, `disk ${node.name}`)) return;
  for (const [where, kept] of Object.entries({ disk: node.disk, framework: node.framework }))
    checkLoss(world, node, agent.ledger, where, kept?.ledger);
}

function checkLoss(world: World, node: SimNode, live: Ledger, where: string, kept: Ledger | undefined): void {
  const nowMs = world.scheduler.nowMs();
  if (kept?.serial !== live.serial) {
    // A disk that was full a moment ago is tried again soon.
    if (nowMs - live.atMs > world.storeMs / 10 + SLACK_MS)
      violate(world, `L1: ${node.name} has serial ${kept?.serial} on its ${where} and ${live.serial} in memory`);
    return;
  }
  const lostMs = ledgerRanMs(world, node, live) - ledgerRanMs(world, node, kept);
  const unstoredMs = kept.boot === node.boot ? nowMs - kept.atMs : 0;
  if (Math.max(lostMs, unstoredMs) > world.storeMs * (1 + 2 * DRIFT) + SLACK_MS)
    violate(
      world,
      `L1: ${node.name} loses ${Math.round(Math.max(lostMs, unstoredMs))} ms of running time of its ${where} with a power cut`,
    );
}

/** Somebody comes and wants a session at each node. */
export function probe(world: World): void {
  for (const node of world.nodes) {
    if (!node.isOn) continue;
    const record = node.agent?.keeper.record;
    if (record !== undefined && node.agent?.ledger !== undefined) {
      const view = viewLicense(record, licenseNowMs(record, readingOf(world, node)));
      judge(world, node, `${node.name}'s keeper`, view, { record, ledger: node.agent.ledger });
    }
    const view = doorView(world, node);
    if (node.framework !== undefined) judge(world, node, `${node.name}'s door`, view, node.framework);
    else if (!view.refusesNewSessions) violate(world, `L7: ${node.name} lets new sessions in without a license`);
    if (!letsPass(view, 'Running')) violate(world, `L7: ${node.name} cuts a running session in ${view.state}`);
    if (letsPass(view, 'New')) node.sessions++;
    count(world, letsPass(view, 'New') ? 'let in' : 'refused');
    checkSeats(world, node);
  }
  checkJoined(world);
  checkWarned(world);
}

/** Peaks hold what is in use, fall at a reset only, and are as old as the newest reset that the node knows of. */
function checkSeats(world: World, node: SimNode): void {
  const { seats } = node;
  const peakReset = node.agent?.keeper.record?.statement.license.peakReset ?? 0;
  const concurrent = world.dice.between(0, 12);
  const users = Array.from({ length: world.dice.between(0, 3) }, () => world.dice.between(0, 40).toString(16).padStart(32, '0'));
  const next = countSeats(seats, { concurrent, users }, peakReset);
  const { use } = next;
  const isReset = use.peakReset !== (seats?.use.peakReset ?? use.peakReset);
  if (use.peakConcurrent < concurrent || use.peakNamed < use.named || use.peakReset < peakReset)
    violate(world, `S1: ${node.name} has ${use.concurrent} sessions at a peak of ${use.peakConcurrent}, reset ${use.peakReset}`);
  if (isReset ? use.peakConcurrent !== concurrent : use.peakConcurrent < (seats?.use.peakConcurrent ?? 0))
    violate(world, `S1: ${node.name}'s peak is ${use.peakConcurrent} after ${seats?.use.peakConcurrent}, reset ${use.peakReset}`);
  if (isReset) count(world, 'peaks reset');
  node.seats = next;
}

/** By the rules. */
function isGood(state: LicenseState): boolean {
  return state === 'Active' || state === 'SyncGrace' || state === 'ContractGrace';
}

/** L5 to L7: what is said, against the calendar at the earliest and the latest that it can be. */
function judge(world: World, node: SimNode, who: string, view: LicenseView, kept: Kept): void {
  checkClock(world, node, who, kept);
  const { statement } = kept.record;
  const leastMs = ledgerRanMs(world, node, kept.ledger);
  const mostMs = world.scheduler.nowMs() - (world.director.signedAtMs.get(statement.serial) ?? 0);
  const least = stateByRules(statement, statement.licenseMs + (leastMs * (1 - 2 * DRIFT) - SLACK_MS) * world.rate);
  const most = stateByRules(statement, statement.licenseMs + (mostMs * (1 + 2 * DRIFT) + SLACK_MS) * world.rate);
  if (view.refusesNewSessions && isGood(least) && isGood(most))
    violate(world, `L7: ${who} refuses new sessions, and the license is ${most} at most`);
  if (!view.refusesNewSessions && (least === 'Expired' || most === 'Inactive'))
    violate(world, `L7: ${who} lets new sessions in, and the license is ${least} at least`);
  if (least === most && view.state !== least) violate(world, `L6: ${who} says ${view.state}, and the rules say ${least}`);
}

/** L3: nodes that hear each other agree. */
function checkJoined(world: World): void {
  const [a, b] = world.nodes.map((node) => node.agent?.keeper);
  if (a === undefined || b === undefined || world.joinedSinceMs === undefined) return;
  if (world.scheduler.nowMs() - world.joinedSinceMs < 3 * world.storeMs + SLACK_MS) return;
  const [one, two] = world.nodes.map((node) => node.agent?.keeper.record);
  if (one === undefined || two === undefined) {
    if (one !== two) violate(world, 'L3: one node has a license and the other one has none');
    return;
  }
  // A statement that came a moment ago may be under way.
  const freshMs = Math.min(...world.nodes.map((node) => codeRanMs(world, node, node.agent?.keeper.record ?? one)));
  if (freshMs < world.storeMs + SLACK_MS) return;
  if (one.statement.serial !== two.statement.serial)
    violate(world, `L3: the nodes hold serials ${one.statement.serial} and ${two.statement.serial}`);
  const [left, right] = world.nodes.map((node) => codeRanMs(world, node, node.agent?.keeper.record ?? one));
  const apartMs = Math.abs((left ?? 0) - (right ?? 0));
  if (apartMs > SLACK_MS + world.storeMs * 4 * DRIFT) violate(world, `L3: the nodes' running times are ${Math.round(apartMs)} ms apart`);
}

/** L11: whoever looks finds that the warning was given. */
function checkWarned(world: World): void {
  const node = world.authority === undefined ? undefined : world.nodes[world.authority];
  const record = node?.agent?.keeper.record;
  if (node === undefined || record === undefined) return;
  const atMs = licenseNowMs(record, readingOf(world, node)) - SLACK_MS * world.rate;
  const deadlineMs = deadlineByRules(record.statement, atMs);
  const days = deadlineMs === undefined ? undefined : thresholdOf(deadlineMs - atMs);
  const isLastMoment = deadlineMs !== deadlineByRules(record.statement, atMs + SLACK_MS * world.rate) || atMs < record.statement.licenseMs;
  if (days === undefined || isLastMoment) return;
  const isWarned = [1, 3, 7, 14].some((at) => at <= days && world.warned.has(`${deadlineMs}-${at}`));
  if (!isWarned) violate(world, `L11: ${days} days before the deadline nobody has warned`);
}
