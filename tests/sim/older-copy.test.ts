/**
 * A director that is restored from an older copy in mid-run, in virtual time: nothing is destroyed, and a person is told; and code that breaks a promise of
 * that is found.
 */

import { describe } from 'node:test';
import type { OlderCopyRun } from '../../sim/older-copy/simulate.ts';
import type { Mutant } from './mutants.ts';
import { checkWorlds, metAtLeast } from './worlds.ts';

/** What these worlds must have had to do with. */
const FLOORS = { 'scale c1': 1, 'release of c1': 1, 'another cluster': 1, 'c2 is deleted': 1, 'unclaimed Unknown': 1, 'older spec': 1 };

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

describe('a director restored from an older copy, in the simulator', () => {
  checkWorlds<OlderCopyRun>('O1 to O3: destroys nothing of what was available, restarts nothing, and a person is told', {
    program: 'sim/older-copy/run.ts',
    seeds: [1, 16],
    mutants: MUTANTS,
    met: metAtLeast(FLOORS, ({ met }) => met),
  });
});
