/**
 * 300 seeds of three years of a site's license: no broken promise, every event met in every state, and the same seed gives the same run.
 *
 * OUTRIGGER_SEED=17 runs that seed alone.
 */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { addCoverage } from '../../sim/coverage.ts';
import type { CoverageTable } from '../../sim/coverage.ts';
import { belowLicenseFloor, renderCounts, renderLicenseCoverage } from '../../sim/license/coverage.ts';
import { lineOfLicense, simulateLicense } from '../../sim/license/simulate.ts';
import type { LicenseRun } from '../../sim/license/simulate.ts';
import { TROUBLE_NAMES } from '../../sim/license/script.ts';
import { LICENSE_PROGRAM, LICENSE_SEEDS } from './license-mutants.ts';
import { simulateRange } from './harness.ts';

/** Each event meets each state, and each trouble, mishap and effect comes about, at least this often in all seeds together. */
const FLOOR = 25;
const EXPECTED = [
  ...TROUBLE_NAMES.map((name) => `trouble ${name}`),
  ...['Well', 'LostRequest', 'LostAnswer', 'Late', 'Twice', 'Replayed', 'Tampered', 'Forged', 'Foreign'].map((fate) => `sync ${fate}`),
  'StoreRecord',
  'TellPeers',
  'Deliver',
  'RequestSync',
  'ReportState',
  'Warn',
  'ReportFailure',
  'accepted',
  'refused',
  'let in',
  'peaks reset',
];

describe('the simulator of the license', () => {
  it('L1 to L13: keeps every promise in 300 seeds of three years each, in which every event meets every state', async () => {
    const only = process.env['OUTRIGGER_SEED'];
    const [from, to] = only === undefined ? LICENSE_SEEDS : [Number(only), Number(only)];
    const startedMs = performance.now();
    const runs = await simulateRange<LicenseRun>(from, to, 2, LICENSE_PROGRAM);
    const coverage = runs.reduce<CoverageTable>((table, run) => addCoverage(table, run.coverage), {});
    const counts = runs.reduce<CoverageTable>((table, run) => addCoverage(table, { all: run.counts }), {})['all'] ?? {};
    const years = runs.reduce((sum, run) => sum + run.licenseDays, 0) / 365;
    console.log(`${renderLicenseCoverage(coverage)}\n${renderCounts(counts)}`);
    console.log(
      `${runs.length} seeds, ${years.toFixed(0)} years of license time, ${((performance.now() - startedMs) / 1000).toFixed(1)} s`,
    );
    assert.deepEqual(runs.filter((run) => run.violations.length > 0).map(lineOfLicense), []);
    assert.equal(runs.length, to - from + 1);
    assert.ok(runs.every((run) => run.licenseDays >= 3 * 365));
    if (only === undefined) assert.deepEqual(belowLicenseFloor(coverage, counts, EXPECTED, FLOOR), []);
  });

  it('runs a seed twice alike, and another seed otherwise', async () => {
    for (const seed of [3, 6]) {
      const [once, again, other] = [await simulateLicense(seed), await simulateLicense(seed), await simulateLicense(seed + 100)];
      assert.deepEqual(again, once);
      assert.notEqual(other.digest, once.digest);
    }
  });
});
