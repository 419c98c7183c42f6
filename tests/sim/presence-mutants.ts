/**
 * Mutants of presence: one promise broken each. The simulator must find every one within the seeds that the unbroken code passes.
 */

import type { Mutant } from './mutants.ts';

/** First and last seed of every run of the tests. */
export const PRESENCE_SEEDS = [1, 400] as const;

export const PRESENCE_PROGRAM = 'sim/presence/run.ts';

export const PRESENCE_MUTANTS: readonly Mutant[] = [
  {
    name: 'what the observer itself stood still counts as silence of others',
    seed: 1,
    file: 'src/decide/presence.ts',
    find: 'hasStalled ? spared(peer, countedMs) : silenced(peer, countedMs)',
    replace: 'silenced(peer, passedMs)',
  },
  {
    name: 'somebody falls silent by the first tick after the observer stood still',
    seed: 52,
    file: 'src/decide/presence.ts',
    find: '  const hasStalled = passedMs > LIMITS.heartbeatCountedMs;',
    replace: '  const hasStalled = false;',
  },
  {
    name: 'an older word of the same life is taken for news',
    seed: 1,
    file: 'src/decide/presence.ts',
    find: 'known.life !== word.life || word.sequence > known.sequence',
    replace: 'known.life !== word.life || word.sequence !== known.sequence',
  },
  {
    name: 'a late message of a dead life hides the living one',
    seed: 1,
    file: 'src/decide/presence.ts',
    find: '  if (peer.word !== undefined && beat.life < peer.word.life && peer.silentMs < LIMITS.heartbeatSilenceMs) return presence;\n',
    replace: '',
  },
  {
    name: 'an agent that is silent takes its node down',
    seed: 1,
    file: 'src/decide/presence.ts',
    find: '  if (rounds.some(({ answered }) => answered.length > 0)) return false;\n',
    replace: '',
  },
];
