/**
 * Nodes of available clusters that fall silent and die, alone and many at once: no broken promise, all of it came about, and each mutant is found.
 *
 * OUTRIGGER_SEED=17 runs that seed alone.
 */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { addCoverage } from '../../sim/coverage.ts';
import type { CoverageTable } from '../../sim/coverage.ts';
import type { RepairRun } from '../../sim/repair/simulate.ts';
import { hunt, simulateRange } from './harness.ts';
import { REPAIR_MUTANTS, REPAIR_PROGRAM, REPAIR_SEEDS } from './repair-mutants.ts';

/** What these worlds must have had to do with, and how often at least. */
const FLOORS: Readonly<Record<string, number>> = {
  'Replaced by a manager': 50,
  'Replaced by a server': 50,
  VouchNodeDead: 3,
  'Mass silence': 200,
  'Mass silence said': 50,
  'Attempt stands': 3,
};

describe('repair, in the simulator', () => {
  it('R1 to R4, M1 to M4, S1, S2: replaces on proof, by one owner, and nothing in a mass silence', async () => {
    const only = process.env['OUTRIGGER_SEED'];
    const [from, to] = only === undefined ? REPAIR_SEEDS : [Number(only), Number(only)];
    const startedMs = performance.now();
    const runs = await simulateRange<RepairRun>(from, to, 2, REPAIR_PROGRAM);
    const coverage = runs.reduce<CoverageTable>((table, run) => addCoverage(table, run.coverage), {});
    const met = Object.fromEntries(Object.keys(FLOORS).map((what) => [what, coverage[what]?.['calls'] ?? 0]));
    console.log(`${runs.length} seeds, ${((performance.now() - startedMs) / 1000).toFixed(1)} s, ${JSON.stringify(met)}`);
    const failed = runs.filter((run) => run.violations.length > 0);
    assert.deepEqual(
      failed.map(({ seed, violations }) => `${violations[0]}; repeat: node ${REPAIR_PROGRAM} --seed ${seed} --verbose`),
      [],
    );
    assert.equal(runs.length, to - from + 1);
    if (only === undefined)
      assert.deepEqual(
        Object.entries(FLOORS).filter(([what, floor]) => (met[what] ?? 0) < floor),
        [],
        'what came about too seldom',
      );
  });

  for (const mutant of REPAIR_MUTANTS) {
    it(`finds that ${mutant.name}`, async (context) => {
      const found = await hunt<RepairRun>(mutant, REPAIR_SEEDS[0], REPAIR_SEEDS[1], REPAIR_PROGRAM);
      assert.ok(found !== undefined, `no seed of ${REPAIR_SEEDS.join('..')} notices it`);
      context.diagnostic(`seed ${found.seed}: ${found.violations[0]}`);
    });
  }
});
