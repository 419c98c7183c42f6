/**
 * `node tests/sim/soak.ts [A..B]`: all seeds of the simulator (or seeds A to B) on all cores, each at least an hour of virtual time; what each sample of the
 * tests would find too thin. Exit code 1 when a promise was broken or a sample is too thin.
 */

import { availableParallelism } from 'node:os';
import { ALL_SEEDS, SAMPLES, simulateRange } from './harness.ts';
import { judgeSeeds } from './verdict.ts';

async function main([range]: readonly string[]): Promise<number> {
  const asked = /^(\d+)\.\.(\d+)$/.exec(range ?? ALL_SEEDS.join('..'));
  if (asked === null) {
    console.error('usage: node tests/sim/soak.ts [A..B]');
    return 2;
  }
  const [from, to] = [Number(asked[1]), Number(asked[2])];
  const startedMs = performance.now();
  const results = await simulateRange(from, to, availableParallelism());
  const { coverage, hours, failed, short } = judgeSeeds(results);
  const within = SAMPLES.filter(([first, last]) => first >= from && last <= to);
  const thin = within.flatMap(([first, last]) =>
    judgeSeeds(results.filter(({ seed }) => seed >= first && seed <= last)).thin.map((what) => `sample ${first}..${last}: ${what}`),
  );
  console.log(coverage);
  for (const line of [...failed, ...short.map((seed) => `seed ${seed} took less than an hour`), ...thin]) console.log(line);
  const seconds = ((performance.now() - startedMs) / 1000).toFixed(1);
  console.log(`${results.length} seeds, ${failed.length} failed, ${hours.toFixed(0)} virtual hours, ${thin.length} too thin, ${seconds} s`);
  return failed.length + short.length + thin.length === 0 && results.length === to - from + 1 ? 0 : 1;
}

process.exitCode = await main(process.argv.slice(2));
