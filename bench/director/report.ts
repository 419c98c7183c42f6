/**
 * The table of the director's bench: ours, the reference's recorded figures, the ratio.
 */

import type { Calibration } from '../calibration.ts';
import { REFERENCE_LISTS, REFERENCE_MEMORY, REFERENCE_PHASES, REFERENCE_READY_SECONDS, REFERENCE_WATCHES } from '../reference.ts';
import { median } from './client.ts';
import type { Sample } from './client.ts';
import type { ListSample } from './phases.ts';
import type { WatchSample } from './watches.ts';

export interface Figures {
  readonly phases: Readonly<Record<string, readonly Sample[]>>;
  readonly lists: Readonly<Record<string, readonly ListSample[]>>;
  readonly watches: Readonly<Record<string, readonly WatchSample[]>>;
  /** Undefined: server-side apply is not supported. */
  readonly apply: Sample | undefined;
  readonly memory: { readonly empty: number; readonly afterCreate: number; readonly afterAll: number };
  readonly readySeconds: number;
  readonly objects: number;
}

const REFERENCE_OBJECTS = 5000;

export function renderReport(figures: Figures, machine: string, calibrations: readonly Calibration[]): string {
  const speed = calibrations.map((one) => `${Math.round(one.hashMBs)} MB/s SHA-256 on one core, ${one.syncMs.toFixed(2)} ms an fdatasync`);
  return [
    `Director: ${figures.objects} objects, 32 in flight, TLS, fsync on. Medians of ${figures.phases['create']?.length ?? 0} rounds (least–most).`,
    `Machine: ${machine}. Calibration before and after: ${speed.join('; ')}.`,
    'Reference: kube-apiserver 1.36 + etcd 3.5, recorded earlier on a machine of this kind (bench/reference.ts), not run here.',
    '',
    table(['phase', 'requests/s', '(spread)', 'p50 ms', 'p99 ms', 'reference/s', 'ratio'], phaseRows(figures)),
    '',
    table(['list', 'median ms', 'MB', 'reference ms', 'MB', 'ratio per object', 'ratio per byte'], listRows(figures)),
    '',
    table(['watch', 'events/s', 'p50 ms', 'p99 ms', 'reference/s', 'ratio', 'reference p99'], watchRows(figures)),
    '',
    table(['memory (PSS, director and all of PostgreSQL)', 'MB', 'reference MB', 'share'], memoryRows(figures)),
    '',
    `Start to ready: ${figures.readySeconds.toFixed(1)} s (reference ${REFERENCE_READY_SECONDS.toFixed(1)} s).`,
    '',
  ].join('\n');
}

function phaseRows(figures: Figures): string[][] {
  return Object.entries(REFERENCE_PHASES).map(([name, reference]) => {
    const samples = figures.phases[name] ?? (name === 'apply' && figures.apply !== undefined ? [figures.apply] : []);
    if (samples.length === 0) return [name, 'not supported yet', '', '', '', String(reference.perSecond), ''];
    const rates = samples.map((one) => one.perSecond);
    const middle = median(rates);
    return [
      name,
      whole(middle),
      `${whole(Math.min(...rates))}–${whole(Math.max(...rates))}`,
      median(samples.map((one) => one.p50Ms)).toFixed(1),
      median(samples.map((one) => one.p99Ms)).toFixed(1),
      String(reference.perSecond),
      `${(middle / reference.perSecond).toFixed(1)} ×`,
    ];
  });
}

function listRows(figures: Figures): string[][] {
  return Object.entries(REFERENCE_LISTS).map(([name, reference]) => {
    const samples = figures.lists[name] ?? [];
    const ms = median(samples.map((one) => one.medianMs));
    const megabytes = samples[0]?.megabytes ?? Number.NaN;
    const perObject = reference.medianMs / REFERENCE_OBJECTS / (ms / figures.objects);
    const perByte = reference.medianMs / reference.megabytes / (ms / megabytes);
    const row = [name, ms.toFixed(1), megabytes.toFixed(2), String(reference.medianMs), String(reference.megabytes)];
    return [...row, `${perObject.toFixed(1)} ×`, `${perByte.toFixed(1)} ×`];
  });
}

function watchRows(figures: Figures): string[][] {
  return Object.entries(REFERENCE_WATCHES).map(([name, reference]) => {
    const samples = figures.watches[name] ?? [];
    const rate = median(samples.map((one) => one.eventsPerSecond));
    return [
      name,
      whole(rate),
      median(samples.map((one) => one.p50Ms)).toFixed(1),
      median(samples.map((one) => one.p99Ms)).toFixed(1),
      String(reference.eventsPerSecond),
      `${(rate / reference.eventsPerSecond).toFixed(1)} ×`,
      String(reference.p99Ms),
    ];
  });
}

function memoryRows(figures: Figures): string[][] {
  const { empty, afterCreate, afterAll } = figures.memory;
  const share = (ours: number, theirs: number): string => `${((ours / theirs) * 100).toFixed(0)} %`;
  return [
    ['empty', whole(empty), whole(REFERENCE_MEMORY.empty), share(empty, REFERENCE_MEMORY.empty)],
    ['after the first create', whole(afterCreate), whole(REFERENCE_MEMORY.afterCreate), share(afterCreate, REFERENCE_MEMORY.afterCreate)],
    [
      'after all phases',
      whole(afterAll),
      `${REFERENCE_MEMORY.afterAllLow}–${REFERENCE_MEMORY.afterAllHigh}`,
      share(afterAll, REFERENCE_MEMORY.afterAllLow),
    ],
  ];
}

function whole(value: number): string {
  return Math.round(value).toLocaleString('en-US');
}

/** Columns that line up: the first to the left, the others to the right. */
function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const all = [head, ...rows];
  const widths = head.map((_, column) => Math.max(...all.map((row) => (row[column] ?? '').length)));
  const line = (row: readonly string[]): string =>
    row.map((cell, column) => (column === 0 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0))).join('  ');
  return all.map(line).join('\n');
}
