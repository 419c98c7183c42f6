/**
 * 400 seeds of nodes that hear each other: no broken promise, everything came about; and each mutant is found.
 *
 * OUTRIGGER_SEED=17 runs that seed alone.
 */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { simulatePresence } from '../../sim/presence/simulate.ts';
import type { PresenceRun } from '../../sim/presence/simulate.ts';
import { hunt } from './harness.ts';
import { PRESENCE_MUTANTS, PRESENCE_PROGRAM, PRESENCE_SEEDS } from './presence-mutants.ts';

const EXPECTED = [
  'pause',
  'crash',
  'kill',
  'replace',
  'cut',
  'say',
  'late message',
  'asked, answered',
  'asked, mute',
  'Heard',
  'Silent',
  'Down',
];
const FLOOR = 100;

describe('the simulator of presence', () => {
  it(`P1 to P5: keeps every promise in seeds ${PRESENCE_SEEDS.join('..')}`, () => {
    const only = process.env['OUTRIGGER_SEED'];
    const [from, to] = only === undefined ? PRESENCE_SEEDS : [Number(only), Number(only)];
    const counts: Record<string, number> = {};
    for (let seed = from; seed <= to; seed++) {
      const run = simulatePresence(seed);
      assert.deepEqual(run.violations, [], `node sim/presence/run.ts --seed ${seed}`);
      for (const [what, times] of Object.entries(run.counts)) counts[what] = (counts[what] ?? 0) + times;
    }
    console.log(JSON.stringify(counts));
    if (only === undefined) for (const what of EXPECTED) assert.ok((counts[what] ?? 0) >= FLOOR, `${what}: ${counts[what] ?? 0} times`);
    assert.deepEqual(simulatePresence(from), simulatePresence(from));
  });

  for (const mutant of PRESENCE_MUTANTS)
    it(`finds that ${mutant.name}`, async (context) => {
      const found = await hunt<PresenceRun>(mutant, PRESENCE_SEEDS[0], PRESENCE_SEEDS[1], PRESENCE_PROGRAM);
      assert.ok(found !== undefined, `no seed of ${PRESENCE_SEEDS.join('..')} notices it`);
      context.diagnostic(`seed ${found.seed}: ${found.violations[0]}`);
    });
});
