/**
 * Each mutant of the decision code is found within the seeds that the unbroken code passes.
 */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { hunt, SEEDS } from './harness.ts';
import { MUTANTS } from './mutants.ts';

describe('the simulator finds that', () => {
  for (const mutant of MUTANTS) {
    it(mutant.name, async (context) => {
      const found = await hunt(mutant, SEEDS[0], SEEDS[1]);
      assert.ok(found !== undefined, `no seed of ${SEEDS.join('..')} notices it`);
      context.diagnostic(`seed ${found.seed}: ${found.violations[0]?.split('\n')[0]}`);
    });
  }
});
