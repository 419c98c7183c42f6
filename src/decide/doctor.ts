/**
 * The doctor's findings, and what is judged of the control plane and of versions, clocks, certificates and disks. Entities: doctor-entities.ts; this
 * machine: doctor-machine.ts.
 *
 * I1: each part that was asked has a line, well or not; what could not be asked has one too.
 * I2: whatever is not well says what to do.
 * I3: the exit code is 1 exactly when something is wrong, 4 when nothing could be asked, else 0.
 */

import type { ExitCode } from '../model/fault.ts';

/**
 * Well: as it should be. Notice: somebody should know, nothing is broken. Wrong: somebody must act. Unasked: it could not be asked.
 */
export type Health = 'Well' | 'Notice' | 'Wrong' | 'Unasked';

export const AREAS = [
  'Director',
  'Database',
  'Extension servers',
  'Hosts',
  'Nodes',
  'Clusters',
  'Licenses',
  'This machine',
  'Certificates',
  'Clocks',
  'Versions',
] as const;
export type Area = (typeof AREAS)[number];

export interface Finding {
  readonly area: Area;
  readonly health: Health;
  /** A sentence: what, and why. */
  readonly message: string;
  /** What to do; absent where nothing is to be done. */
  readonly remedy?: string;
}

export function well(area: Area, message: string): Finding {
  return { area, health: 'Well', message };
}

export function notice(area: Area, message: string, remedy: string): Finding {
  return { area, health: 'Notice', message, remedy };
}

export function wrong(area: Area, message: string, remedy: string): Finding {
  return { area, health: 'Wrong', message, remedy };
}

export function unasked(area: Area, message: string, remedy: string): Finding {
  return { area, health: 'Unasked', message, remedy };
}

export function doctorExit(findings: readonly Finding[]): ExitCode {
  if (findings.every(({ health }) => health === 'Unasked')) return 4;
  return findings.some(({ health }) => health === 'Wrong') ? 1 : 0;
}

/** In the order of the areas; within one the gravest first. */
export function sorted(findings: readonly Finding[]): readonly Finding[] {
  const rank: Readonly<Record<Health, number>> = { Wrong: 0, Unasked: 1, Notice: 2, Well: 3 };
  return findings.toSorted((a, b) => AREAS.indexOf(a.area) - AREAS.indexOf(b.area) || rank[a.health] - rank[b.health]);
}

/** What a director said of itself. */
export interface DirectorFacts {
  readonly url: string;
  readonly version: string | undefined;
  readonly era: { readonly number: number; readonly id: string } | undefined;
  readonly revision: number | undefined;
  /** Its clock less ours, in ms, as its answer's Date says; a Date has whole seconds. */
  readonly clockAheadMs: number | undefined;
  /** Lowest bundle number of the kinds that it serves; undefined: not shown. */
  readonly bundle: number | undefined;
}

/** What this program is. */
export interface ProgramFacts {
  readonly version: string;
  readonly bundle: number;
  /** Of the kubectl in the PATH, as `v1.32.0`; undefined: there is none. */
  readonly kubectl: string | undefined;
}

/** The minor version of Kubernetes whose API the directors speak. */
const API_MINOR = 32;
/** kubectl is supported within one minor version of the API server (https://kubernetes.io/releases/version-skew-policy/). */
const KUBECTL_SKEW = 1;
/** A Date counts whole seconds, and an answer takes its time. */
const CLOCK_NOTICE_MS = 5_000;
/** From here on time stamps of different machines cannot be compared by people any more. */
const CLOCK_WRONG_MS = 60_000;

export function judgeDirector(director: DirectorFacts, program: ProgramFacts): readonly Finding[] {
  const { url, version, era, revision, bundle } = director;
  const life = era === undefined ? '' : `, era ${era.number}${revision === undefined ? '' : `, revision ${revision}`}`;
  return [
    well('Director', `${url} answers${life}.`),
    ...(version === undefined ? [] : [judgeVersion(`The director`, version, program.version)]),
    ...(bundle === undefined ? [] : [judgeBundle(bundle, program.bundle)]),
    ...(director.clockAheadMs === undefined ? [] : [judgeClock('the director', director.clockAheadMs)]),
  ];
}

export function judgeVersion(who: string, version: string, mine: string): Finding {
  if (version === mine) return well('Versions', `${who} runs ${version}, as this program does.`);
  return notice(
    'Versions',
    `${who} runs ${version}, this program is ${mine}.`,
    'Bring both to one version: directors first, then all others.',
  );
}

function judgeBundle(stored: number, mine: number): Finding {
  if (stored === mine) return well('Versions', `The kinds are those of this program (bundle ${stored}).`);
  if (stored > mine)
    return notice('Versions', `The kinds are newer (bundle ${stored}) than this program (${mine}).`, 'Use the program of the directors.');
  const why = `A kind is served as bundle ${stored} has it, this program brings ${mine}`;
  return wrong(
    'Versions',
    `${why}.`,
    'Start a director of this version; where it refuses a kind for fields that would be lost, its log names them.',
  );
}

export function judgeKubectl(kubectl: string | undefined): readonly Finding[] {
  const minor = /^v?1\.(\d+)/.exec(kubectl ?? '')?.[1];
  if (minor === undefined) return [];
  const skew = Math.abs(Number(minor) - API_MINOR);
  if (skew <= KUBECTL_SKEW) return [well('Versions', `kubectl ${kubectl} fits the API (1.${API_MINOR}).`)];
  return [
    notice(
      'Versions',
      `kubectl ${kubectl} is ${skew} minor versions from the API (1.${API_MINOR}).`,
      `Use kubectl 1.${API_MINOR}, give or take one.`,
    ),
  ];
}

/** `aheadMs`: the other's clock less ours. */
export function judgeClock(who: string, aheadMs: number): Finding {
  const off = Math.abs(aheadMs);
  if (off <= CLOCK_NOTICE_MS) return well('Clocks', `The clock of ${who} is that of this machine, within seconds.`);
  const said = `The clock of ${who} is ${spanOf(off)} ${aheadMs > 0 ? 'ahead of' : 'behind'} this machine's`;
  const remedy = 'Let both machines take their time from one source (NTP); nothing is decided by it, but time stamps mislead people.';
  return off < CLOCK_WRONG_MS ? notice('Clocks', `${said}.`, remedy) : wrong('Clocks', `${said}.`, remedy);
}

export interface CertificateLife {
  /** Whose, as a phrase. */
  readonly who: string;
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
  /** What to do when it ends. */
  readonly remedy: string;
}

/** Nodes and hosts renew at two thirds of the life (src/decide/renewal.ts): what is beyond that for a while was not renewed. */
const OVERDUE_AT = 0.75;
const LAST_DAYS_MS = 14 * 86_400_000;

/** By the wall clock of this machine: for people. */
export function judgeCertificate({ who, notBeforeMs, notAfterMs, remedy }: CertificateLife, nowMs: number): Finding {
  const leftMs = notAfterMs - nowMs;
  const ends = `ends on ${dayOf(notAfterMs)}`;
  if (leftMs <= 0) return wrong('Certificates', `The certificate of ${who} ended on ${dayOf(notAfterMs)}.`, remedy);
  if (nowMs < notBeforeMs)
    return wrong('Certificates', `The certificate of ${who} begins only on ${dayOf(notBeforeMs)}.`, "Set this machine's clock right.");
  const isOverdue = nowMs > notBeforeMs + (notAfterMs - notBeforeMs) * OVERDUE_AT || leftMs < LAST_DAYS_MS;
  const left = `in ${spanOf(leftMs)}`;
  return isOverdue
    ? notice('Certificates', `The certificate of ${who} ${ends}, ${left}, and was not renewed yet.`, remedy)
    : well('Certificates', `The certificate of ${who} ${ends}.`);
}

export interface DiskFacts {
  readonly folder: string;
  readonly bytes: number;
  readonly freeBytes: number;
  /** What lies in the folder; undefined: not counted. */
  readonly usedBytes: number | undefined;
}

const GIB = 1024 ** 3;
/** PostgreSQL and node stores stop writing on a full disk; a log file or a checkpoint takes tens of MB. */
const DISK_WRONG_BYTES = GIB / 4;
const DISK_NOTICE_BYTES = 2 * GIB;
const DISK_NOTICE_SHARE = 0.05;

export function judgeDisk({ folder, bytes, freeBytes, usedBytes }: DiskFacts): Finding {
  const holds = usedBytes === undefined ? '' : `${folder} holds ${sizeOf(usedBytes)}; `;
  const said = `${holds}${sizeOf(freeBytes)} of ${sizeOf(bytes)} are free where it lies`;
  const remedy = `Make room on the disk of ${folder}, or move it; a full disk stops writes, never services.`;
  if (freeBytes < DISK_WRONG_BYTES) return wrong('This machine', `${said}.`, remedy);
  return freeBytes < DISK_NOTICE_BYTES && freeBytes < bytes * DISK_NOTICE_SHARE
    ? notice('This machine', `${said}.`, remedy)
    : well('This machine', `${said}.`);
}

/** `40 s`, `12 min`, `3 h`, `8 days`. */
export function spanOf(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1000));
  if (seconds < 120) return `${seconds} s`;
  if (seconds < 7200) return `${Math.floor(seconds / 60)} min`;
  return seconds < 2 * 86_400 ? `${Math.floor(seconds / 3600)} h` : `${Math.floor(seconds / 86_400)} days`;
}

function sizeOf(bytes: number): string {
  const mib = bytes / 1024 ** 2;
  return mib < 1024 ? `${Math.round(mib)} MiB` : `${(mib / 1024).toFixed(1)} GiB`;
}

function dayOf(ms: number): string {
  return new Date(ms).toISOString().slice(0, 10);
}
