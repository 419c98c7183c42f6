/**
 * Crash after every single write of creation, replacement, a failed attempt, repair and deletion, in both directions; and code that breaks under it is found.
 */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { CrashRun } from '../../sim/crash/simulate.ts';
import { STORIES } from '../../sim/crash/simulate.ts';
import { hunt, ROOT, simulateIn } from './harness.ts';
import type { Mutant } from './mutants.ts';

const PROGRAM = 'sim/crash/run.ts';
/** Fewer deaths than that, and the stories are not what they were. */
const LEAST_DEATHS = 150;

/** `seed`: the story that finds it. */
const MUTANTS: readonly Mutant[] = [
  {
    name: 'a replacement that was written down is taken for done',
    seed: STORIES.indexOf('replace') + 1,
    file: 'src/decide/creation.ts',
    find: "      { kind: 'RaiseIncarnation', on: guardOf(node), incarnation: node.spec.incarnation + 1 },\n",
    replace:
      "      ...(isKnown ? [] : [{ kind: 'RaiseIncarnation' as const, on: guardOf(node), incarnation: node.spec.incarnation + 1 }]),\n",
  },
  {
    name: 'nodes are replaced without a bound',
    seed: STORIES.indexOf('fail') + 1,
    file: 'src/decide/failure-cause.ts',
    find: ' && budget.replacements < budget.maxReplacements) return',
    replace: ') return',
  },
];

describe('an extension server that dies at any single write', () => {
  it('leaves a world that another one finishes, in every story, before and after each write', async () => {
    const startedMs = performance.now();
    const parts = await Promise.all(['0/2', '1/2'].map((part) => simulateIn<CrashRun>(ROOT, ['--part', part], PROGRAM)));
    const runs = parts.flat();
    const deaths = runs.filter((run) => run.write > 0);
    const perStory = STORIES.map((story) => `${story} ${deaths.filter((run) => run.story === story).length}`);
    console.log(`${deaths.length} deaths (${perStory.join(', ')}), ${((performance.now() - startedMs) / 1000).toFixed(1)} s`);
    const failed = runs.filter((run) => run.violations.length > 0);
    const lineOf = ({ story, write, when, violations }: CrashRun): string =>
      `${violations[0]}; repeat: node ${PROGRAM} --story '${story}' --at ${write}:${when} --verbose`;
    assert.deepEqual(failed.map(lineOf), []);
    assert.ok(deaths.length >= LEAST_DEATHS, `only ${deaths.length} deaths`);
    const written = new Set(runs.flatMap((run) => run.writes));
    const expected = [
      'Reserve',
      'CreateNode',
      'BecomeAvailable',
      'RaiseIncarnation',
      'Abandon',
      'DeleteNode',
      'DropNodeFinalizer',
      'Unreserve',
    ];
    assert.deepEqual(
      [...expected, 'SetClusterFinalizer', 'DropClusterFinalizer'].filter((what) => !written.has(what)),
      [],
      'writes at which nobody died',
    );
  });

  for (const mutant of MUTANTS) {
    it(`finds that ${mutant.name}`, async (context) => {
      const found = await hunt<CrashRun>(mutant, mutant.seed, mutant.seed, PROGRAM);
      assert.ok(found !== undefined, 'no death notices it');
      context.diagnostic(`${found.story}, write ${found.write}: ${found.violations[0]}`);
    });
  }
});
