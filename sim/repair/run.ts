/**
 * `node sim/repair/run.ts --seed N [--seeds A..B] [--verbose] [--json] [--eager]`: a line for each seed that broke a promise, what came about, exit code 1 then.
 */

import { addCoverage } from '../coverage.ts';
import type { CoverageTable } from '../coverage.ts';
import { seedsOf } from '../seeds.ts';
import { simulateRepair } from './simulate.ts';

async function main(args: readonly string[]): Promise<number> {
  const range = seedsOf(args);
  if (range === undefined) {
    console.error('usage: node sim/repair/run.ts [--seed N | --seeds A..B] [--verbose] [--json] [--eager]');
    return 2;
  }
  const isEager = args.includes('--eager');
  const coverage: CoverageTable = {};
  let failed = 0;
  for (let seed = range[0]; seed <= range[1]; seed++) {
    const run = await simulateRepair(seed, args.includes('--verbose') ? (line) => console.log(line) : undefined, isEager);
    addCoverage(coverage, run.coverage);
    const [first] = run.violations;
    if (first !== undefined) failed++;
    if (args.includes('--json')) console.log(JSON.stringify(run));
    else if (first !== undefined) console.log(`seed ${seed} FAILED ${first}\n  repeat: node sim/repair/run.ts --seed ${seed} --verbose`);
    if (failed > 0 && isEager) return 1;
  }
  const calls = Object.fromEntries(Object.entries(coverage).map(([what, counts]) => [what, counts['calls'] ?? 0]));
  if (!args.includes('--json')) console.log(`${range[1] - range[0] + 1} seeds, ${failed} failed; met: ${JSON.stringify(calls)}`);
  return failed === 0 ? 0 : 1;
}

process.exitCode = await main(process.argv.slice(2));
