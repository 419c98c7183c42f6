/**
 * What the suites of small worlds of their own (sim/joined, sim/older-copy, sim/repair, sim/sharing) have in common: all seeds keep every promise, all that
 * should have come about did, and each mutant is found within the same seeds.
 *
 * OUTRIGGER_SEED=17 runs that seed alone.
 */

import assert from 'node:assert/strict';
import { it } from 'node:test';
import { hunt, simulateRange } from './harness.ts';
import type { Mutant } from './mutants.ts';

interface Run {
  readonly seed: number;
  readonly violations: readonly string[];
}

export interface Worlds<R extends Run> {
  readonly program: string;
  readonly seeds: readonly [number, number];
  readonly mutants: readonly Mutant[];
  /** What came about in all of them together, for the log, and what of it too seldom. A seed that runs alone is held to nothing of that. */
  readonly met: (runs: readonly R[]) => { readonly said: unknown; readonly tooSeldom: readonly string[] };
}

/** One test for `promise`, and one for each mutant. */
export function checkWorlds<R extends Run>(promise: string, { program, seeds, mutants, met }: Worlds<R>): void {
  it(promise, async () => {
    const only = process.env['OUTRIGGER_SEED'];
    const [from, to] = only === undefined ? seeds : [Number(only), Number(only)];
    const startedMs = performance.now();
    const runs = await simulateRange<R>(from, to, 2, program);
    const { said, tooSeldom } = met(runs);
    console.log(`${runs.length} seeds, ${((performance.now() - startedMs) / 1000).toFixed(1)} s, ${JSON.stringify(said)}`);
    const failed = runs.filter(({ violations }) => violations.length > 0);
    assert.deepEqual(
      failed.map(({ seed, violations }) => `${violations[0]}; repeat: node ${program} --seed ${seed} --verbose`),
      [],
    );
    assert.equal(runs.length, to - from + 1);
    if (only === undefined) assert.deepEqual(tooSeldom, [], 'what came about too seldom');
  });
  for (const mutant of mutants) {
    it(`finds that ${mutant.name}`, async (context) => {
      const found = await hunt<R>(mutant, seeds[0], seeds[1], program);
      assert.ok(found !== undefined, `no seed of ${seeds.join('..')} notices it`);
      context.diagnostic(`seed ${found.seed}: ${found.violations[0]}`);
    });
  }
}

/** Sums what `counts` finds in each run, and compares it with how often each must come about at least. */
export function metAtLeast<R extends Run>(
  floors: Readonly<Record<string, number>>,
  counts: (run: R) => Readonly<Record<string, number>>,
): Worlds<R>['met'] {
  return (runs) => {
    const sum = (what: string): number => runs.reduce((total, run) => total + (counts(run)[what] ?? 0), 0);
    const said = Object.fromEntries(Object.keys(floors).map((what) => [what, sum(what)]));
    return { said, tooSeldom: Object.keys(floors).filter((what) => (said[what] ?? 0) < (floors[what] ?? 0)) };
  };
}
