/**
 * Node-level HA: whether a host starts an agent again that ended or fell silent, by the preset of its cluster (`availability.nodeRestart`).
 *
 * Only the agent is spoken of: pods and balancer are not its lifeline and go on whatever is decided here. Time is running time of the machine
 * (CLOCK_BOOTTIME, carried on over reboots as far as it was written down), so a wall clock neither fills nor empties a window.
 *
 * I1: an agent counts as failed when it ended unasked, or when its sign of life and its I/O both stood still for the preset's silence, counted only
 *     while the host itself looked.
 * I2: at most LIMITS.nodeRestartsMax failures within the preset's window are answered by a restart; the next one gives up, for good: only a new request
 *     starts the node again, with a fresh budget. A restart of the host daemon or a reboot clears nothing.
 * I3: an end that was asked for, that nobody watched, or that a reboot brought is answered by a start and counts for nothing.
 * I4: Off answers no failure; when Off is taken back, what lies there is started.
 */

import type { ClusterSpec } from '../model/cluster.ts';
import { LIMITS } from '../model/limits.ts';

export type RestartPreset = NonNullable<NonNullable<ClusterSpec['availability']>['nodeRestart']>;

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

/** How long an agent must be silent and idle to count as failed, and in which window restarts are counted. */
const PRESETS: Readonly<
  Record<Exclude<RestartPreset, 'Off'>, { readonly silenceMs: number; readonly windowMs: number; readonly said: string }>
> = {
  High: { silenceMs: 30_000, windowMs: HOUR_MS, said: '1 hour' },
  Medium: { silenceMs: MINUTE_MS, windowMs: DAY_MS, said: '24 hours' },
  Low: { silenceMs: 2 * MINUTE_MS, windowMs: 7 * DAY_MS, said: '7 days' },
};

/** What a cluster has whose spec does not say (objects stored before the field had a default). */
export const DEFAULT_PRESET: RestartPreset = 'Medium';

/** A moment of this machine: which boot, and ms since it (suspend included). */
export interface BootMoment {
  readonly bootId: string;
  readonly bootMs: number;
}

/** What the host keeps of a node's restarts, on its disk. Plain JSON. */
export interface RestartRecord {
  /** Running time counted so far, and the moment up to which it is counted. */
  readonly runMs: number;
  readonly countedAt: BootMoment;
  /** Running time at each restart that counts, oldest first. */
  readonly restartsAtMs: readonly number[];
  /** Set while the agent is left as it is. */
  readonly left?: Left;
  /** The request that was obeyed last (annotation). */
  readonly request?: string;
}

export interface Left {
  readonly why: 'GivenUp' | 'Off';
  /** A sentence for people: how often, in which window, how it ended, what to do. */
  readonly message: string;
}

/** Why an agent does not run. */
export type EndCause =
  /** It ended, and nobody had asked it to. */
  | 'Ended'
  /** It was silent and idle for too long, and was ended for it. */
  | 'Silent'
  /** It was told to end: new addresses, a new identity, a request of a person, an upgrade of the program. */
  | 'Asked'
  /** It ended, or the whole machine did, while no host daemon looked. */
  | 'Unseen';

export interface EndView {
  /** `<namespace>/<name>` of the node. */
  readonly node: string;
  readonly preset: RestartPreset;
  readonly cause: EndCause;
  /** How it ended, as a part of a sentence. */
  readonly how: string;
  readonly now: BootMoment;
}

export type RestartDecision =
  | { readonly do: 'Start'; readonly record: RestartRecord }
  /** Nothing is started; `left` of the record says why. */
  | { readonly do: 'Leave'; readonly record: RestartRecord & { readonly left: Left } };

/** A node that was never restarted. `request`: what its annotation says already. */
export function freshRecord(now: BootMoment, request?: string): RestartRecord {
  return { runMs: 0, countedAt: now, restartsAtMs: [], ...(request === undefined ? {} : { request }) };
}

/** `record` with its running time counted up to `now`: what ran before another boot and was not written down is lost, and the window only lasts longer. */
export function counted(record: RestartRecord, now: BootMoment): RestartRecord {
  const { runMs, countedAt } = record;
  const ranMs = Math.max(0, countedAt.bootId === now.bootId ? now.bootMs - countedAt.bootMs : now.bootMs);
  return { ...record, runMs: runMs + ranMs, countedAt: now };
}

/** What follows from an agent that does not run. */
export function afterEnd(before: RestartRecord, view: EndView): RestartDecision {
  const record = counted(before, view.now);
  if (record.left !== undefined) return { do: 'Leave', record: { ...record, left: record.left } };
  if (view.cause === 'Asked' || view.cause === 'Unseen') return { do: 'Start', record };
  if (view.preset === 'Off') return { do: 'Leave', record: { ...record, left: { why: 'Off', message: offMessage(view) } } };
  const { windowMs, said } = PRESETS[view.preset];
  const recent = record.restartsAtMs.filter((atMs) => record.runMs - atMs < windowMs);
  if (recent.length >= LIMITS.nodeRestartsMax) {
    const message = givenUpMessage(view, recent.length, said);
    return { do: 'Leave', record: { ...record, restartsAtMs: recent, left: { why: 'GivenUp', message } } };
  }
  return { do: 'Start', record: { ...record, restartsAtMs: [...recent, record.runMs] } };
}

export interface Word {
  readonly preset: RestartPreset;
  /** Value of the node's annotation; undefined: there is none. */
  readonly request: string | undefined;
}

/** What follows from what people say; undefined: nothing. `restart`: the agent is to end if it runs, and to start in any case. */
export function afterWord(
  record: RestartRecord,
  word: Word,
  now: BootMoment,
): { readonly record: RestartRecord; readonly restart: boolean } | undefined {
  if (word.request !== undefined && word.request !== record.request) return { record: freshRecord(now, word.request), restart: true };
  if (record.left?.why !== 'Off' || word.preset === 'Off') return undefined;
  const { left: _, ...rest } = record;
  return { record: rest, restart: false };
}

/** What was seen of a running agent, and for how long neither its sign nor its I/O has changed. */
export interface Life {
  readonly sign: string | undefined;
  readonly io: string | undefined;
  readonly quietMs: number;
}

export interface LifeLook {
  /** Content of its sign of life; undefined: there is none. */
  readonly sign: string | undefined;
  /** What it has read and written so far; undefined: that cannot be seen, and then nobody can call it idle. */
  readonly io: string | undefined;
  /** Ms since the look before. */
  readonly sinceMs: number;
}

/** The life as it is after another look. A host that stood still itself saw nothing meanwhile, so a long gap counts as one look (I1). */
export function lifeAfter(life: Life | undefined, { sign, io, sinceMs }: LifeLook): Life {
  const isQuiet = life !== undefined && io !== undefined && life.sign === sign && life.io === io;
  return { sign, io, quietMs: isQuiet ? life.quietMs + Math.min(sinceMs, LIMITS.nodeLookGapMs) : 0 };
}

/** How long an agent may be silent and idle; undefined: for ever. `toldMs` stands for the preset's silence where somebody tries things out. */
export function silenceOfPreset(preset: RestartPreset, toldMs: number | undefined): number | undefined {
  return preset === 'Off' ? undefined : (toldMs ?? PRESETS[preset].silenceMs);
}

function offMessage({ node, how }: EndView): string {
  return `${capital(how)}. The cluster's availability.nodeRestart is Off, so it is not started again; its services and its balancer go on. ${todo(node)}`;
}

function givenUpMessage({ node, how, preset }: EndView, times: number, window: string): string {
  return `The agent was restarted ${times} times within ${window} (availability.nodeRestart ${preset}) and failed again: ${how}. This host gives it up; its services and its balancer go on. Look at its log (agent.log), then: ${todo(node)}`;
}

function todo(node: string): string {
  const [namespace = '', name = ''] = node.split('/');
  return `outrigger node restart ${name} -n ${namespace}`;
}

function capital(text: string): string {
  return `${text.slice(0, 1).toUpperCase()}${text.slice(1)}`;
}
