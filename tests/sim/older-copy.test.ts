/**
 * A director that is restored from an older copy in mid-run, in virtual time: nothing is destroyed, and a person is told; and code that breaks a promise of
 * that is found.
 */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { OlderCopyRun } from '../../sim/older-copy/simulate.ts';
import { hunt, simulateRange } from './harness.ts';
import type { Mutant } from './mutants.ts';

const PROGRAM = 'sim/older-copy/run.ts';
const SEEDS = [1, 16] as const;
/** What these worlds must have had to do with. */
const EXPECTED = ['scale c1', 'release of c1', 'another cluster', 'c2 is deleted', 'unclaimed Unknown', 'older spec'];

const MUTANTS: readonly Mutant[] = [
  {
    name: 'an older spec is obeyed',
    seed: 2,
    file: 'src/decide/spec-age.ts',
    find: 'if (isYounger || isAccepted(cluster)) return current;',
    replace: 'if (isYounger || shown.generation > 0) return current;',
  },
  {
    name: 'what the director does not know is stopped',
    seed: 2,
    file: 'src/decide/host-claim.ts',
    find: "if (view.node === undefined && view.buried === true) return { do: 'stop', why: 'Deleted' };",
    replace: "if (view.node === undefined) return { do: 'stop', why: 'Deleted' };",
  },
];

function lineOf({ seed, violations }: OlderCopyRun): string {
  return `${violations[0]}; repeat: node ${PROGRAM} --seed ${seed} --verbose`;
}

describe('a director restored from an older copy, in the simulator', () => {
  it('O1 to O3: destroys nothing of what was available, restarts nothing, and a person is told', async () => {
    const only = process.env['OUTRIGGER_SEED'];
    const [from, to] = only === undefined ? SEEDS : [Number(only), Number(only)];
    const runs = await simulateRange<OlderCopyRun>(from, to, 2, PROGRAM);
    assert.deepEqual(runs.filter((run) => run.violations.length > 0).map(lineOf), []);
    assert.equal(runs.length, to - from + 1);
    const met = new Set(runs.flatMap((run) => Object.keys(run.met)));
    if (only === undefined)
      assert.deepEqual(
        EXPECTED.filter((what) => !met.has(what)),
        [],
        'some of it never came about',
      );
  });

  for (const mutant of MUTANTS) {
    it(`finds that ${mutant.name}`, async (context) => {
      const found = await hunt<OlderCopyRun>(mutant, SEEDS[0], SEEDS[1], PROGRAM);
      assert.ok(found !== undefined, `no seed of ${SEEDS.join('..')} notices it`);
      context.diagnostic(`seed ${found.seed}: ${found.violations[0]}`);
    });
  }
});
