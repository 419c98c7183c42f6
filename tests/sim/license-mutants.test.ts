/**
 * Each mutant of the universal license is found within the seeds that the unbroken code passes.
 */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { LicenseRun } from '../../sim/license/simulate.ts';
import { hunt } from './harness.ts';
import { LICENSE_MUTANTS, LICENSE_PROGRAM, LICENSE_SEEDS } from './license-mutants.ts';

describe('the simulator of the license finds that', () => {
  for (const mutant of LICENSE_MUTANTS) {
    it(mutant.name, async (context) => {
      const found = await hunt<LicenseRun>(mutant, LICENSE_SEEDS[0], LICENSE_SEEDS[1], LICENSE_PROGRAM);
      assert.ok(found !== undefined, `no seed of ${LICENSE_SEEDS.join('..')} notices it`);
      context.diagnostic(`seed ${found.seed}: ${found.violations[0]}`);
    });
  }
});
