/**
 * Nodes of available clusters that fall silent and die, alone and many at once: no broken promise, all of it came about, and each mutant is found.
 */

import { describe } from 'node:test';
import type { RepairRun } from '../../sim/repair/simulate.ts';
import { REPAIR_MUTANTS } from './repair-mutants.ts';
import { checkWorlds, metAtLeast } from './worlds.ts';

/** What these worlds must have had to do with, and how often at least. */
const FLOORS = {
  'Replaced by a manager': 50,
  'Replaced by a server': 50,
  VouchNodeDead: 3,
  'Mass silence': 200,
  'Mass silence said': 50,
  'Attempt stands': 3,
};

describe('repair, in the simulator', () => {
  checkWorlds<RepairRun>('R1 to R4, M1 to M4, S1, S2: replaces on proof, by one owner, and nothing in a mass silence', {
    program: 'sim/repair/run.ts',
    seeds: [1, 20],
    mutants: REPAIR_MUTANTS,
    met: metAtLeast(FLOORS, ({ coverage }) =>
      Object.fromEntries(Object.entries(coverage).map(([what, faults]) => [what, faults['calls'] ?? 0])),
    ),
  });
});
