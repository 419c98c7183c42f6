/**
 * `node sim/crash/run.ts [--story NAME | --seed N (the N-th story)] [--at N:before|N:after] [--part K/N] [--json] [--verbose]`: every story, with a death at every write; a line for each
 * that broke a promise. Exit code 1 then.
 */

import { simulateCrash, STORIES } from './simulate.ts';
import type { CrashRun, Story, When } from './simulate.ts';

interface Result extends CrashRun {
  readonly seed: number;
}

async function everyDeath(story: Story, part: readonly [number, number], onRun: (run: CrashRun) => void): Promise<void> {
  const whole = await simulateCrash(story, 0, 'after');
  onRun(whole);
  for (let write = 1; write <= whole.writes.length; write++) {
    if (write % part[1] !== part[0] % part[1]) continue;
    for (const when of ['before', 'after'] as const) onRun(await simulateCrash(story, write, when));
  }
}

async function main(args: readonly string[]): Promise<number> {
  const option = (name: string): string | undefined => (args.includes(name) ? args[args.indexOf(name) + 1] : undefined);
  const [k = 0, n = 1] = (option('--part') ?? '0/1').split('/').map(Number);
  const seed = option('--seed');
  const wanted = seed === undefined ? option('--story') : STORIES[Number(seed) - 1];
  const stories = STORIES.filter((story) => (wanted ?? story) === story);
  let failed = 0;
  let runs = 0;
  const report = (run: CrashRun): void => {
    runs++;
    if (run.violations.length > 0) failed++;
    const result: Result = { ...run, seed: run.write };
    if (args.includes('--json')) console.log(JSON.stringify(result));
    else if (run.violations.length > 0)
      console.log(
        `${run.story}, dead ${run.when} write ${run.write} (${run.writes[run.write - 1] ?? 'nobody'}): ${run.violations.join('; ')}\n  repeat: node sim/crash/run.ts --story '${run.story}' --at ${run.write}:${run.when} --verbose`,
      );
    else if (run.write === 0) console.log(`${run.story}: ${run.writes.length} writes: ${run.writes.join(' ')}`);
  };
  const [at, when] = (option('--at') ?? '').split(':');
  for (const story of stories) {
    if (at === undefined || at === '') await everyDeath(story, [k, n], report);
    else report(await simulateCrash(story, Number(at), when as When, args.includes('--verbose') ? (line) => console.log(line) : undefined));
    if (failed > 0 && args.includes('--eager')) break;
  }
  if (!args.includes('--json')) console.log(`${runs} runs, ${failed} failed`);
  return failed === 0 ? 0 : 1;
}

process.exitCode = await main(process.argv.slice(2));
