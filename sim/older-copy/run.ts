/**
 * `node sim/older-copy/run.ts --seed N [--seeds A..B] [--verbose] [--json]`: one line a seed, what was met, exit code 1 when a promise was broken.
 */

import { simulateOlderCopy } from './simulate.ts';

const USAGE = 'usage: node sim/older-copy/run.ts [--seed N | --seeds A..B] [--verbose] [--json] [--eager]';

function rangeOf(args: readonly string[]): readonly [number, number] | undefined {
  const [seed, seeds] = ['--seed', '--seeds'].map((flag) => (args.includes(flag) ? (args[args.indexOf(flag) + 1] ?? '') : undefined));
  if (seed !== undefined) return /^\d+$/.test(seed) ? [Number(seed), Number(seed)] : undefined;
  if (seeds === undefined) return [1, 20];
  const found = /^(\d+)\.\.(\d+)$/.exec(seeds);
  return found === null ? undefined : [Number(found[1]), Number(found[2])];
}

async function main(args: readonly string[]): Promise<number> {
  const range = rangeOf(args);
  if (range === undefined) {
    console.error(USAGE);
    return 2;
  }
  const met: Record<string, number> = {};
  let failed = 0;
  for (let seed = range[0]; seed <= range[1]; seed++) {
    const run = await simulateOlderCopy(seed, args.includes('--verbose') ? (line) => console.log(line) : undefined);
    for (const [what, times] of Object.entries(run.met)) met[what] = (met[what] ?? 0) + times;
    if (run.violations.length > 0) failed++;
    const [first] = run.violations;
    const repeat = `  repeat: node sim/older-copy/run.ts --seed ${seed} --verbose`;
    if (args.includes('--json')) console.log(JSON.stringify(run));
    else if (first !== undefined) console.log(`seed ${seed} FAILED ${first}\n${repeat}`);
    if (failed > 0 && args.includes('--eager')) return 1;
  }
  if (!args.includes('--json')) console.log(`${range[1] - range[0] + 1} seeds, ${failed} failed; met: ${JSON.stringify(met)}`);
  return failed === 0 ? 0 : 1;
}

process.exitCode = await main(process.argv.slice(2));
