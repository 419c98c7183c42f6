/**
 * The keeper of this node's license: the machine (src/decide/license-machine.ts), fed with what happens here, and its effects carried out.
 *
 * Every node has one: all count and exchange; the one with authority syncs, warns and reports.
 *
 * I1: no wall clock is read: all times come from the statement and from running time.
 * I2: what is told to other nodes and framework services was stored first; effects are carried out in their order.
 * I3: nothing from outside reaches the machine that was not verified here.
 */

import { countRunning } from '../decide/license-clock.ts';
import { initialLicense, stepLicense } from '../decide/license-machine.ts';
import type { LicenseEffect, LicenseKeeper } from '../decide/license-keeper.ts';
import type { LicenseEvent } from '../decide/license-table.ts';
import { readSeats } from '../decide/license-claims.ts';
import { countSeats, mergeSeats } from '../decide/seat-use.ts';
import type { SeatCount, SeatsSeen } from '../decide/seat-use.ts';
import { isFault } from '../model/fault.ts';
import type { FrameworkService } from '../model/framework.ts';
import type { LicenseRecord, SeatUse } from '../model/license-statement.ts';
import { LIMITS } from '../model/limits.ts';
import type { AgentDeps } from './deps.ts';
import { verifiedAnswer, verifiedRecord } from './license-book.ts';
import type { Memory } from './memory.ts';
import { bootReading } from './trusted-time.ts';

/** `isNew`: its serial is higher than that of what was held. */
export type Taken = { readonly ok: true; readonly isNew: boolean } | { readonly ok: false; readonly why: string };

/** What of the world the keeper acts by; told again at each look. */
export interface LicenseSurroundings {
  /** The term under which this node has authority; undefined: it has none. */
  readonly term: number | undefined;
  /** uid of the site that the cluster is paired with; undefined: none. */
  readonly siteUid: string | undefined;
  /** Whether the cluster names a site at all. */
  readonly isPlugged: boolean;
  /** Framework services without a live instance in the cluster. */
  readonly missing: readonly FrameworkService[];
  /** Value of the annotation license-sync. */
  readonly request: string | undefined;
  /** What the section `status.license` said last was answered, so that an old request is not acted on again. */
  readonly answered: string | undefined;
  /** What the connection servers say of their sessions; undefined: nothing now. */
  readonly seats: SeatsSeen | undefined;
}

export interface LicenseKeeping {
  look(surroundings: LicenseSurroundings): void;
  /** A person at the portal asks for a sync; the machine carries it out as soon as one is possible. */
  syncNow(): void;
  /** What another node holds, as it was sent. */
  takeRecord(body: unknown): Promise<Taken>;
  /** The record, counted up to now: what another node is told. */
  counted(): LicenseRecord | undefined;
  /** Seats as counted here, where another node can take them. */
  seats(): SeatCount | undefined;
  /** What another node has counted, as it was sent; nonsense is dropped. */
  takeSeats(body: unknown): Promise<void>;
  /** For the report: the machine's state, seats, and which request has its outcome. */
  state(): { readonly keeper: LicenseKeeper; readonly seats: SeatUse | undefined; readonly answered: string | undefined };
  /** Another statement is held: tell the other nodes. */
  onNew(listener: () => void): void;
  /** Resolves when it has ended; call it after the signal aborted. */
  settled(): Promise<void>;
}

/** `isRefused`: a director said it, or connector-client in its place; else nobody answered as he should. */
export type SyncSaid = { readonly token: string } | { readonly why: string; readonly isRefused?: boolean };

/** Body of a sync, as the director reads it. */
export interface SyncAsk {
  readonly term: number;
  readonly serial: number | undefined;
  readonly site: string | undefined;
  readonly use: SeatUse | undefined;
  /** The answer bears it, signed. */
  readonly nonce: string;
}

type KeeperDeps = Pick<AgentDeps, 'clock' | 'random' | 'bootId' | 'identity' | 'readLicenseToken' | 'node' | 'log'>;

export interface KeeperParts {
  readonly deps: KeeperDeps;
  readonly memory: Memory;
  /** A token, or a sentence that says why there is none. */
  readonly ask: (ask: SyncAsk, signal: AbortSignal) => Promise<SyncSaid>;
  /** State changes, warnings and failures: to be told to people. */
  readonly tell: (effect: Extract<LicenseEffect, { kind: 'ReportState' | 'Warn' | 'ReportFailure' }>) => void;
  /** Something that is shown or handed on has changed. */
  readonly onChange: () => void;
}

interface Keeping extends KeeperParts {
  readonly signal: AbortSignal;
  readonly listeners: (() => void)[];
  readonly underWay: Set<Promise<void>>;
  keeper: LicenseKeeper;
  around: LicenseSurroundings | undefined;
  /** Request of a person that the sync under way, or the next one, answers. */
  pending: string | undefined;
  answered: string | undefined;
  seats: SeatCount | undefined;
  alarm: AbortController | undefined;
  /** Effects of earlier steps that are being carried out. */
  line: Promise<void>;
}

/** Keeps until the signal aborts. */
export function keepLicense(parts: KeeperParts, signal: AbortSignal): LicenseKeeping {
  const { deps, memory } = parts;
  const all: Keeping = {
    ...parts,
    signal,
    listeners: [],
    underWay: new Set(),
    keeper: initialLicense(deps.node.clusterUid, memory.get('license'), bootReading(deps), deps.random.float()),
    around: undefined,
    pending: undefined,
    answered: undefined,
    seats: memory.get('seats'),
    alarm: undefined,
    line: Promise.resolve(),
  };
  step(all, { kind: 'TimePassed' });
  return {
    look: (around) => look(all, around),
    syncNow: () => step(all, { kind: 'SyncRequested' }),
    takeRecord: (body) => takeRecord(all, body),
    counted: () => counted(all),
    seats: () => ((all.seats?.users.length ?? Infinity) <= LIMITS.seatsExchanged ? all.seats : undefined),
    takeSeats: (body) => keepSeats(all, mergeSeats(all.seats, readSeats(body))),
    state: () => ({ keeper: all.keeper, seats: all.seats?.use, answered: all.answered }),
    onNew: (listener) => void all.listeners.push(listener),
    settled: async () => {
      await all.line;
      while (all.underWay.size > 0) await Promise.all(all.underWay);
    },
  };
}

function counted({ keeper, deps }: Keeping): LicenseRecord | undefined {
  const { record } = keeper;
  return record === undefined ? undefined : { ...record, since: countRunning(record.since, bootReading(deps)) };
}

// ---- what happens -----------------------------------------------------------------------------------------------------------------------

function look(all: Keeping, around: LicenseSurroundings): void {
  const before = all.around;
  all.around = around;
  all.answered ??= around.answered;
  if (around.seats !== undefined && around.seats !== before?.seats) countSeen(all, around.seats);
  if (before === undefined || isOther(before, around)) {
    const { siteUid, isPlugged, missing } = around;
    step(all, { kind: 'PrerequisitesChanged', siteUid, isPlugged, missing });
  }
  if ((around.term !== undefined) !== all.keeper.hasAuthority)
    step(all, { kind: around.term === undefined ? 'AuthorityLost' : 'AuthorityGained' });
  const isAsked = around.request !== undefined && around.request !== all.answered && around.request !== all.pending;
  if (!isAsked || around.term === undefined) return;
  all.pending = around.request;
  step(all, { kind: 'SyncRequested' });
  // Nothing can be asked now: that is the answer, and the request stays in the machine.
  if (around.siteUid === undefined || around.missing.length > 0) answerRequest(all);
}

function isOther(before: LicenseSurroundings, now: LicenseSurroundings): boolean {
  return before.siteUid !== now.siteUid || before.isPlugged !== now.isPlugged || before.missing.join() !== now.missing.join();
}

function countSeen(all: Keeping, seen: SeatsSeen): void {
  track(all, keepSeats(all, countBy(all, seen)));
}

function countBy({ seats, keeper }: Keeping, seen: SeatsSeen | undefined): SeatCount {
  const statement = keeper.record?.statement;
  if (statement === undefined) return countSeats(seats, seen, 0);
  const { license, serial } = statement;
  return countSeats(seats, seen, license.peakReset, { uid: license.uid, serial });
}

async function keepSeats(all: Keeping, seats: SeatCount | undefined): Promise<void> {
  if (seats === undefined || seats === all.seats) return;
  all.seats = seats;
  await stored(all, () => all.memory.keep('seats', seats));
  all.onChange();
}

async function takeRecord(all: Keeping, body: unknown): Promise<Taken> {
  const { deps } = all;
  const record = await verifiedRecord(deps, body, all.keeper.record);
  if (typeof record === 'string') return { ok: false, why: record };
  const before = all.keeper.record?.statement.serial;
  step(all, { kind: 'PeerRecord', record });
  return { ok: true, isNew: all.keeper.record?.statement.serial !== before };
}

function answerRequest(all: Keeping): void {
  if (all.pending === undefined) return;
  all.answered = all.pending;
  all.pending = undefined;
  all.onChange();
}

// ---- the machine ------------------------------------------------------------------------------------------------------------------------

function step(all: Keeping, event: LicenseEvent): void {
  const { deps, signal } = all;
  if (signal.aborted) return;
  const before = all.keeper;
  const { keeper, effects, wakeInMs } = stepLicense(before, event, bootReading(deps), deps.random.float());
  all.keeper = keeper;
  setAlarm(all, wakeInMs);
  if (effects.length > 0) {
    all.line = all.line.then(() => carryOut(all, effects));
    track(all, all.line);
  }
  if (isShownOtherwise(before, keeper)) all.onChange();
}

/** What is said of the license has changed: what is no longer so must not stand there until the next sync. */
function isShownOtherwise(before: LicenseKeeper, after: LicenseKeeper): boolean {
  const { state, record, lastFailure, siteUid, isPlugged, missing, hasAuthority } = before;
  if (state !== after.state || record?.token !== after.record?.token || lastFailure !== after.lastFailure) return true;
  if (siteUid !== after.siteUid || isPlugged !== after.isPlugged || hasAuthority !== after.hasAuthority) return true;
  return missing?.join() !== after.missing?.join();
}

function setAlarm(all: Keeping, wakeInMs: number): void {
  all.alarm?.abort();
  const alarm = new AbortController();
  all.alarm = alarm;
  void all.deps.clock.sleep(wakeInMs, AbortSignal.any([all.signal, alarm.signal])).then(
    () => step(all, { kind: 'TimePassed' }),
    () => undefined,
  );
}

async function carryOut(all: Keeping, effects: readonly LicenseEffect[]): Promise<void> {
  let isStored = true;
  for (const effect of effects) {
    switch (effect.kind) {
      case 'StoreRecord':
        isStored = await stored(all, () => all.memory.keep('license', effect.record));
        if (!isStored) step(all, { kind: 'StoreFailed' });
        break;
      case 'TellPeers':
        if (isStored) all.listeners.forEach((listener) => listener());
        break;
      case 'Deliver':
        if (isStored) all.onChange();
        break;
      case 'RequestSync':
        track(all, sync(all, effect.request));
        break;
      default:
        all.tell(effect);
    }
  }
}

/** False: the disk refused. */
async function stored({ deps }: Keeping, write: () => Promise<void>): Promise<boolean> {
  try {
    await write();
    return true;
  } catch (cause) {
    if (!isFault(cause)) throw cause;
    deps.log.warn('What is known of the license cannot be stored; it is tried again.', { error: cause });
    return false;
  }
}

function track(all: Keeping, work: Promise<unknown>): void {
  const done = work.then(() => undefined);
  all.underWay.add(done);
  void done.finally(() => all.underWay.delete(done)).catch(() => undefined);
}

const NONCE_BYTES = 18;

/** One sync, from asking to its outcome. */
async function sync(all: Keeping, request: number): Promise<void> {
  const { deps, signal, around, keeper } = all;
  const answers = all.pending;
  const end = AbortSignal.any([signal, AbortSignal.timeout(LIMITS.licenseCallMs)]);
  const nonce = Buffer.from(deps.random.bytes(NONCE_BYTES)).toString('base64url');
  const ask = { term: around?.term ?? 0, serial: keeper.record?.statement.serial, site: keeper.siteUid, use: all.seats?.use, nonce };
  const answer = await all.ask(ask, end);
  if (signal.aborted) return;
  const statement = 'why' in answer ? answer.why : await verifiedAnswer(deps, answer.token, nonce);
  if ('why' in answer || typeof statement === 'string') {
    const message = typeof statement === 'string' ? statement : '';
    const isRefused = 'why' in answer && answer.isRefused === true;
    deps.log.warn('The license was not synced.', { why: message });
    step(all, { kind: 'SyncFailed', request, message, isRefused });
  } else {
    step(all, { kind: 'SyncSucceeded', request, token: answer.token, statement });
    resetPeaks(all);
  }
  if (answers !== undefined && answers === all.pending) answerRequest(all);
}

/** The statement may ask to count the peaks anew, or be of another license. */
function resetPeaks(all: Keeping): void {
  const { seats } = all;
  if (seats !== undefined && countBy(all, undefined) !== seats)
    countSeen(all, all.around?.seats ?? { concurrent: seats.use.concurrent, users: [] });
}
