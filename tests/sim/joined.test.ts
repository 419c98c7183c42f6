/**
 * Clusters of machines that people let in, in virtual time; and code that breaks a promise of theirs is found.
 */

import { describe } from 'node:test';
import type { JoinedRun } from '../../sim/joined/simulate.ts';
import type { Mutant } from './mutants.ts';
import { checkWorlds, metAtLeast } from './worlds.ts';

/** What these worlds must have had to do with. */
const FLOORS = { joined: 1, 'joined late': 1, scaled: 1, deleted: 1, 'deleted early': 1, 'agent crash': 1 };

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

describe('joined machines in the simulator', () => {
  checkWorlds<JoinedRun>('J1 to J4: waited for without a deadline, taken once, never replaced, never wiped', {
    program: 'sim/joined/run.ts',
    seeds: [1, 12],
    mutants: MUTANTS,
    met: metAtLeast(FLOORS, ({ met }) => met),
  });
});
