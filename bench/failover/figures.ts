/**
 * The figures of the failover bench: what one run measured, and the table over all runs of a row, beside what is promised.
 */

import type { Calibration } from '../calibration.ts';

/** One kill. Ms; undefined: this row has no such figure. */
export interface RunFigures {
  /** From the kill until the Cluster, as a watch shows it, says so. */
  readonly detectedMs?: number;
  /** From the kill until what died is back (for nodes: the Cluster whole again, counted from when it may be started again). */
  readonly recoveredMs: number;
  /** From the start of the first request that failed to the end of the last, through the living node's balancer; 0: none failed. */
  readonly errorWindowMs: number;
  readonly failed: number;
  readonly attempts: number;
}

export interface RowFigures {
  readonly name: string;
  /** What detection, recovery and failed requests are promised to be at most; NaN: no promise. */
  readonly promise: { readonly detectedMs: number; readonly recoveredMs: number; readonly failed: number };
  readonly what: string;
  readonly runs: readonly RunFigures[];
}

/** Of any numbers; NaN of none. */
export function quantileOf(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.max(0, Math.ceil(sorted.length * share) - 1))] ?? Number.NaN;
}

/** A promise is kept when 99 of 100 runs keep it; failed requests by every run. */
export function brokenPromises({ name, promise, runs }: RowFigures): readonly string[] {
  const late = (what: string, values: readonly number[], atMostMs: number): string[] => {
    const p99 = quantileOf(values, 0.99);
    return p99 > atMostMs ? [`${name}: ${what} has p99 ${whole(p99)} ms, promised are ${atMostMs} ms`] : [];
  };
  const failed = runs.reduce((sum, run) => sum + run.failed, 0);
  return [
    ...late('detection', detections(runs), promise.detectedMs),
    ...late(
      'recovery',
      runs.map((run) => run.recoveredMs),
      promise.recoveredMs,
    ),
    ...(failed > promise.failed ? [`${name}: ${failed} requests failed, promised are ${promise.failed}`] : []),
  ];
}

export function renderFigures(rows: readonly RowFigures[], machine: string, calibrations: readonly Calibration[]): string {
  const speed = calibrations.map((one) => `${Math.round(one.hashMBs)} MB/s SHA-256 on one core, ${one.syncMs.toFixed(2)} ms an fdatasync`);
  const head = [
    'row',
    'runs',
    'detected p50',
    'p99',
    'max',
    'recovered p50',
    'p99',
    'max',
    'errors for p50',
    'p99',
    'max',
    'failed',
    'of',
    'promised',
  ];
  const broken = rows.flatMap(brokenPromises);
  return [
    'Failover: demo/harbor on one machine, ms. Clients: 8 kept connections and 200 new connections a second at the living node.',
    `Machine: ${machine}. Calibration before and after: ${speed.join('; ')}.`,
    '',
    table(head, rows.map(lineOf)),
    '',
    ...rows.map(({ name, what }) => `${name}: ${what}`),
    '',
    broken.length === 0 ? 'Every promise was kept.' : `Broken:\n${broken.map((one) => `  ${one}`).join('\n')}`,
    '',
  ].join('\n');
}

function lineOf({ name, promise, runs }: RowFigures): string[] {
  const sum = (of: (run: RunFigures) => number): string => runs.reduce((total, run) => total + of(run), 0).toLocaleString('en-US');
  const promised = [
    Number.isNaN(promise.detectedMs) ? '' : `detected ${promise.detectedMs}`,
    Number.isNaN(promise.recoveredMs) ? '' : `recovered ${promise.recoveredMs}`,
    Number.isNaN(promise.failed) ? '' : `${promise.failed} failed`,
  ];
  return [
    name,
    String(runs.length),
    ...spread(detections(runs)),
    ...spread(runs.map((run) => run.recoveredMs)),
    ...spread(runs.map((run) => run.errorWindowMs)),
    sum((run) => run.failed),
    sum((run) => run.attempts),
    promised.filter((text) => text !== '').join(', '),
  ];
}

function detections(runs: readonly RunFigures[]): readonly number[] {
  return runs.flatMap((run) => (run.detectedMs === undefined ? [] : [run.detectedMs]));
}

function spread(values: readonly number[]): string[] {
  return values.length === 0 ? ['–', '–', '–'] : [0.5, 0.99, 1].map((share) => whole(quantileOf(values, share)));
}

function whole(value: number): string {
  return Math.round(value).toLocaleString('en-US');
}

/** Columns that line up: the first and the last to the left, the others to the right. */
function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const all = [head, ...rows];
  const widths = head.map((_, column) => Math.max(...all.map((row) => (row[column] ?? '').length)));
  const isLeft = (column: number): boolean => column === 0 || column === head.length - 1;
  const line = (row: readonly string[]): string =>
    row.map((cell, column) => (isLeft(column) ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0))).join('  ');
  return all.map((row) => line(row).trimEnd()).join('\n');
}
