/**
 * Clusters of machines that people let in, in virtual time; and code that breaks a promise of theirs is found.
 *
 * OUTRIGGER_SEED=17 runs that seed alone.
 */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { JoinedRun } from '../../sim/joined/simulate.ts';
import { hunt, simulateRange } from './harness.ts';
import type { Mutant } from './mutants.ts';

const PROGRAM = 'sim/joined/run.ts';
const SEEDS = [1, 12] as const;
/** What these worlds must have had to do with. */
const EXPECTED = ['joined', 'joined late', 'scaled', 'deleted', 'deleted early', 'agent crash'];

const MUTANTS: readonly Mutant[] = [
  {
    name: 'people who come late make an attempt fail',
    seed: 1,
    file: 'src/decide/steps.ts',
    find: "waitingFor: 'Join', reason",
    replace: 'reason',
  },
  {
    name: 'a host takes a node that waits for a machine',
    seed: 1,
    file: 'src/decide/host-claim.ts',
    find: "  if (spec.machine === 'Joined') return false;\n",
    replace: '',
  },
  {
    name: 'a node is let go while its machine holds it',
    seed: 1,
    file: 'src/decide/let-go.ts',
    find: '  if (isUnclaimed(node)) return',
    replace: '  if (!isUnclaimed(node)) return',
  },
];

function lineOf({ seed, violations }: JoinedRun): string {
  return `${violations[0]}; repeat: node ${PROGRAM} --seed ${seed} --verbose`;
}

describe('joined machines in the simulator', () => {
  it('J1 to J4: waited for without a deadline, taken once, never replaced, never wiped', async () => {
    const only = process.env['OUTRIGGER_SEED'];
    const [from, to] = only === undefined ? SEEDS : [Number(only), Number(only)];
    const runs = await simulateRange<JoinedRun>(from, to, 2, PROGRAM);
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
      const found = await hunt<JoinedRun>(mutant, SEEDS[0], SEEDS[1], PROGRAM);
      assert.ok(found !== undefined, `no seed of ${SEEDS.join('..')} notices it`);
      context.diagnostic(`seed ${found.seed}: ${found.violations[0]}`);
    });
  }
});
