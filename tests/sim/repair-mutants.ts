/**
 * Mutants of the code that repairs: each must be found in the worlds of sim/repair within the seeds that the unbroken code passes.
 */

import type { Mutant } from './mutants.ts';

export const REPAIR_MUTANTS: readonly Mutant[] = [
  {
    name: 'a silent node is replaced without proof',
    seed: 1,
    file: 'src/decide/remediation.ts',
    find: 'const due = mine.filter((node) => proofOf(view, node) !== undefined);',
    replace: 'const due = mine.filter((node) => anySilent || proofOf(view, node) !== undefined);',
  },
  {
    name: 'manager and extension server both own every node',
    seed: 3,
    file: 'src/decide/repair-owner.ts',
    find: 'repairOwner(entities, node) === owner)',
    replace: 'repairOwner(entities, node) !== undefined || owner === undefined)',
  },
  {
    name: 'repair does not look at a mass silence',
    seed: 3,
    file: 'src/decide/remediation.ts',
    find: 'const allowed = obeyed.active ? due.filter(isConfirmedDead) : due;',
    replace: 'const allowed = due;',
  },
  {
    name: 'a mass silence is not said',
    seed: 4,
    file: 'src/decide/remediation.ts',
    find: 'if (active && affected) return',
    replace: "if (active && affected && said === 'TooManyUnhealthy') return",
  },
  {
    name: 'an attempt at creation is given up in a mass silence',
    seed: 1,
    file: 'src/decide/failure-cause.ts',
    find: 'if (trouble.massSilence === true && ',
    replace: 'if (trouble.massSilence === true && trouble.isLate && trouble.refusal !== undefined && ',
  },
  {
    name: 'lost machines count as silent for ever',
    seed: 5,
    file: 'src/extension/mass-silence.ts',
    find: ' && deathOf(node) === undefined;',
    replace: ';',
  },
  {
    name: 'maxUnhealthyPercent is not looked at',
    seed: 2,
    file: 'src/decide/node-health.ts',
    find: 'if (unhealthy.length * 100 <= percent * members.length) return undefined;',
    replace: 'if (unhealthy.length * 100 <= 100 * members.length || percent > 100) return undefined;',
  },
  {
    name: 'a server that was paused goes by what it knew before',
    seed: 1,
    file: 'src/decide/sharding.ts',
    find: 'return monotonicMs - standing.lookedMs >= leaseMs;',
    replace: 'return monotonicMs - standing.lookedMs >= leaseMs * 1_000;',
  },
  {
    name: 'a Lease that changed during a pause counts as a life after it',
    seed: 2,
    file: 'src/decide/sharding.ts',
    find: 'observeLeases(away ? NO_LEASES : standing.leases,',
    replace: 'observeLeases(standing.leases,',
  },
  {
    name: 'a replacement skips an incarnation',
    seed: 1,
    file: 'src/decide/remediation.ts',
    find: 'const incarnation = node.spec.incarnation + 1;',
    replace: 'const incarnation = node.spec.incarnation + 2;',
  },
];
