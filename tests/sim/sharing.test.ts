/**
 * The same worlds with the work shared and with every server working on everything end alike, only dearer; and what breaks under it is found.
 */

import { describe } from 'node:test';
import type { SharingRun } from '../../sim/sharing/simulate.ts';
import type { Mutant } from './mutants.ts';
import { checkWorlds } from './worlds.ts';
import type { Worlds } from './worlds.ts';

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

const met: Worlds<SharingRun>['met'] = (runs) => {
  const sum = (of: (run: SharingRun) => number): number => runs.reduce((total, run) => total + of(run), 0);
  const [shared, off] = [sum((run) => run.writes.Rendezvous), sum((run) => run.writes.Off)];
  const pauses = sum((run) => run.pausedAtWork);
  const isDearer = off > shared ? [] : ['writes with sharing off'];
  return { said: { shared, off, pauses }, tooSeldom: pauses < LEAST_PAUSES ? [...isDearer, 'pauses'] : isDearer };
};

describe('sharing in the simulator', () => {
  checkWorlds<SharingRun>('W1, W2: shared or not, the same worlds end alike; without sharing they cost more writes', {
    program: 'sim/sharing/run.ts',
    seeds: [1, 16],
    mutants: MUTANTS,
    met,
  });
});
