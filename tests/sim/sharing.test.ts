/**
 * The same worlds with the work shared and with every server working on everything end alike, only dearer; and what breaks under it is found.
 *
 * OUTRIGGER_SEED=17 runs that seed alone.
 */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { SharingRun } from '../../sim/sharing/simulate.ts';
import { hunt, simulateRange } from './harness.ts';
import type { Mutant } from './mutants.ts';

const PROGRAM = 'sim/sharing/run.ts';
const SEEDS = [1, 16] as const;
/** Pauses that struck in the midst of a call, in all seeds together. */
const LEAST_PAUSES = 100;

const MUTANTS: readonly Mutant[] = [
  {
    name: "the servers' writes land whoever was first: a lost compare-and-swap",
    seed: 1,
    file: 'sim/api.ts',
    find: 'world.store.mergePatch(writer, address.plural, namespace, name, patch, subresource)',
    replace:
      "world.store.mergePatch(writer, address.plural, namespace, name, writer.startsWith('server') ? ({ ...patch, metadata: { ...(patch['metadata'] as JsonObject), resourceVersion: undefined } } as unknown as JsonObject) : patch, subresource)",
  },
];

function lineOf({ seed, violations }: SharingRun): string {
  return `${violations[0]}; repeat: node ${PROGRAM} --seed ${seed} --verbose`;
}

describe('sharing in the simulator', () => {
  it('W1, W2: shared or not, the same worlds end alike; without sharing they cost more writes', async () => {
    const only = process.env['OUTRIGGER_SEED'];
    const [from, to] = only === undefined ? SEEDS : [Number(only), Number(only)];
    const runs = await simulateRange<SharingRun>(from, to, 2, PROGRAM);
    assert.deepEqual(runs.filter((run) => run.violations.length > 0).map(lineOf), []);
    assert.equal(runs.length, to - from + 1);
    const sum = (of: (run: SharingRun) => number): number => runs.reduce((total, run) => total + of(run), 0);
    const [shared, off] = [sum((run) => run.writes.Rendezvous), sum((run) => run.writes.Off)];
    const pauses = sum((run) => run.pausedAtWork);
    console.log(`writes: ${shared} shared, ${off} with sharing off; ${pauses} pauses in the midst of a call`);
    assert.ok(off > shared, `${off} writes with sharing off, ${shared} shared`);
    if (only === undefined) assert.ok(pauses >= LEAST_PAUSES, `only ${pauses} pauses`);
  });

  for (const mutant of MUTANTS) {
    it(`finds that ${mutant.name}`, async (context) => {
      const found = await hunt<SharingRun>(mutant, SEEDS[0], SEEDS[1], PROGRAM);
      assert.ok(found !== undefined, `no seed of ${SEEDS.join('..')} notices it`);
      context.diagnostic(`seed ${found.seed}: ${found.violations[0]}`);
    });
  }
});
