/**
 * The figures of the bench as people read them, and what was promised of them.
 */

import type { Calibration } from '../calibration.ts';
import type { CreationFigures } from './creation.ts';

/** docs/decisions/0018: at least so many two-node clusters a second, and the slowest of a hundred no slower than so many times one alone. */
const CLUSTERS_PER_SECOND = 10;
const P99_OVER_ALONE = 2;

export interface ProvisioningFigures {
  readonly machine: string;
  readonly calibration: Calibration;
  readonly servers: number;
  readonly homes: number;
  /** One alone, the steady rate, all at once. */
  readonly rows: readonly CreationFigures[];
}

/** A sentence for each. */
export function brokenPromises(rows: readonly CreationFigures[]): string[] {
  const [one, steady, burst] = rows;
  if (one === undefined || steady === undefined || burst === undefined) return ['nothing was measured'];
  const broken: string[] = [];
  if (burst.perSecond < CLUSTERS_PER_SECOND)
    broken.push(`${burst.perSecond.toFixed(1)} clusters/s at once, promised are ${CLUSTERS_PER_SECOND}`);
  const ratio = steady.p99Ms / one.p50Ms;
  if (ratio > P99_OVER_ALONE) broken.push(`p99 at ${steady.label} is ${ratio.toFixed(2)} × one alone, promised are ${P99_OVER_ALONE}`);
  return broken;
}

export function render({ machine, calibration, servers, homes, rows }: ProvisioningFigures): string {
  const lines = rows.map(
    (row) =>
      `${row.label.padEnd(14)} ${String(row.clusters).padStart(6)} clusters ${row.perSecond.toFixed(1).padStart(7)}/s   ` +
      `p50 ${ms(row.p50Ms)}   p99 ${ms(row.p99Ms)}   max ${ms(row.maxMs)}   load ${row.load.toFixed(1)}`,
  );
  const [one, steady] = rows;
  const ratio = one === undefined || steady === undefined ? Number.NaN : steady.p99Ms / one.p50Ms;
  const broken = brokenPromises(rows);
  return [
    `Creation of two-node clusters, ${servers} extension servers, ${homes} VirtualDataCenters, hollow hosts`,
    `${machine}; SHA-256 ${Math.round(calibration.hashMBs)} MB/s, fdatasync ${calibration.syncMs.toFixed(2)} ms`,
    ...lines,
    ...rows.filter(({ cores }) => Object.keys(cores).length > 0).map(costText),
    `p99 at the steady rate is ${ratio.toFixed(2)} × one alone`,
    ...(broken.length === 0 ? ['All promises were kept.'] : broken.map((one_) => `Broken: ${one_}.`)),
    '',
  ].join('\n');
}

function ms(value: number): string {
  return `${Math.round(value)} ms`.padStart(8);
}

/** What one cluster cost each process: that holds on a busy machine too. */
function costText({ label, cores, perSecond }: CreationFigures): string {
  const each = Object.entries(cores).map(([name, share]): [string, number] => [name, (share / perSecond) * 1000]);
  const sum = each.reduce((all, [, cost]) => all + cost, 0);
  return `${label.padEnd(14)} CPU a cluster: ${each.map(([name, cost]) => `${name} ${cost.toFixed(0)}`).join(', ')}; together ${sum.toFixed(0)} ms`;
}
