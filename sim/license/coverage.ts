/**
 * Which event met which state, and how often each effect, mishap and trouble came about: a run proves nothing of what it never met.
 */

import { LICENSE_STATES } from '../../src/model/license-statement.ts';
import { LICENSE_TABLE } from '../../src/decide/license-table.ts';
import type { CoverageTable } from '../coverage.ts';

const EVENTS = Object.keys(LICENSE_TABLE.Active);

/** Events down, states across. */
export function renderLicenseCoverage(table: CoverageTable): string {
  const rows = EVENTS.map((event) => event.padEnd(22) + LICENSE_STATES.map((state) => cell(table, state, event).padStart(15)).join(''));
  return [''.padEnd(22) + LICENSE_STATES.map((state) => state.padStart(15)).join(''), ...rows].join('\n');
}

function cell(table: CoverageTable, state: string, event: string): string {
  return String(table[state]?.[event] ?? 0);
}

/** `name count` in columns. */
export function renderCounts(counts: Readonly<Record<string, number>>): string {
  const cells = Object.entries(counts)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([what, times]) => `${what} ${times}`.padEnd(36));
  return Array.from({ length: Math.ceil(cells.length / 4) }, (_, row) => cells.slice(row * 4, row * 4 + 4).join('')).join('\n');
}

/** State × event pairs that were met less than `floor` times, and `expected` counts below it. */
export function belowLicenseFloor(
  table: CoverageTable,
  counts: Readonly<Record<string, number>>,
  expected: readonly string[],
  floor: number,
): string[] {
  const pairs = LICENSE_STATES.flatMap((state) => EVENTS.map((event) => [`${event} in ${state}`, table[state]?.[event] ?? 0] as const));
  const others = expected.map((what) => [what, counts[what] ?? 0] as const);
  return [...pairs, ...others].filter(([, times]) => times < floor).map(([what, times]) => `${what}: ${times} times, floor ${floor}`);
}
