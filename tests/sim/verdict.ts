/**
 * What many seeds of the simulator together must show: no broken promise, every effect met by every fault, every state of a change.
 */

import { addCoverage, belowFloor, renderCoverage } from '../../sim/coverage.ts';
import type { CoverageTable } from '../../sim/coverage.ts';
import { lineOf } from '../../sim/simulate.ts';
import type { RunResult } from '../../sim/simulate.ts';
import { TRAPPED } from '../../sim/traps.ts';

const HOUR_MS = 3_600_000;
/** In so many seeds together each effect meets each fault at least FLOOR times; in fewer seeds as much less often. */
const FLOOR_SEEDS = 300;
const FLOOR = 5;
/** States of a change of what runs, and how nodes take what is new: each comes about so often in FLOOR_SEEDS. */
const CHANGES = [
  'Change Steady→Advancing',
  'Change Advancing→Steady',
  'Change Advancing→RollingBack',
  'Change RollingBack→RollingBack',
  'Change RollingBack→Steady',
  'Replace ready',
  'Replace unready',
] as const;
const CHANGE_FLOOR = 100;
/** Done in few worlds. */
const RARE: readonly string[] = ['ReleaseSite', 'RetireNode', 'UnplugSite'];
const RARE_FLOOR = 3;

/** Pairs that cannot meet: what bears no revision loses no compare-and-swap, what is not decided from a server's cache does not lag, a runtime is no network. */
const IMPOSSIBLE: ReadonlySet<string> = new Set([
  ...['CreateNode', 'ReportAgent', 'ReportMachine', 'StartPod', 'StopPod', 'RemovePod'].map((what) => `${what}/conflict`),
  ...['Claim', 'ReportAgent', 'ReportMachine', 'StartPod', 'StopPod', 'RemovePod', 'RetireNode', 'DropNodeFinalizer'].map(
    (what) => `${what}/lag`,
  ),
  ...['StartPod', 'StopPod', 'RemovePod'].flatMap((what) =>
    ['lostRequest', 'lostAnswer', 'late', 'stall'].map((fault) => `${what}/${fault}`),
  ),
]);

export interface VerdictOfSeeds {
  readonly coverage: string;
  readonly hours: number;
  /** A line for each seed that broke a promise. */
  readonly failed: readonly string[];
  /** Seeds of less than an hour. */
  readonly short: readonly number[];
  /** What came about too seldom, for a sample. */
  readonly thin: readonly string[];
}

export function judgeSeeds(results: readonly RunResult[]): VerdictOfSeeds {
  const coverage = results.reduce<CoverageTable>((table, result) => addCoverage(table, result.coverage), {});
  const floor = (inAll: number): number => Math.max(1, Math.floor((inAll * results.length) / FLOOR_SEEDS));
  const common = TRAPPED.filter((what) => !RARE.includes(what));
  const calls = (what: string): number => coverage[what]?.['calls'] ?? 0;
  const thinChanges = CHANGES.filter((what) => calls(what) < floor(CHANGE_FLOOR));
  return {
    coverage: renderCoverage(coverage),
    hours: results.reduce((sum, result) => sum + result.virtualMs, 0) / HOUR_MS,
    failed: results.filter((result) => result.violations.length > 0).map(lineOf),
    short: results.filter((result) => result.virtualMs < HOUR_MS).map(({ seed }) => seed),
    thin: [
      ...belowFloor(coverage, common, IMPOSSIBLE, floor(FLOOR)),
      ...belowFloor(coverage, RARE, IMPOSSIBLE, floor(RARE_FLOOR)),
      ...thinChanges.map((what) => `${what} came about ${calls(what)} times, floor ${floor(CHANGE_FLOOR)}`),
    ],
  };
}
