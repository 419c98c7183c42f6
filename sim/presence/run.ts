/**
 * `node sim/presence/run.ts --seed N | --seeds A..B [--json] [--eager]`: one line a seed, exit code 1 when a promise was broken.
 */

import { simulatePresence } from './simulate.ts';

function main(args: readonly string[]): number {
  const value = args[args.findIndex((one) => one === '--seed' || one === '--seeds') + 1] ?? '';
  const found = /^(\d+)(?:\.\.(\d+))?$/.exec(value);
  if (found === null) {
    console.error('usage: node sim/presence/run.ts --seed N | --seeds A..B [--json] [--eager]');
    return 2;
  }
  const [from, to] = [Number(found[1]), Number(found[2] ?? found[1])];
  let failed = 0;
  for (let seed = from; seed <= to; seed++) {
    const run = simulatePresence(seed);
    if (run.violations.length > 0) failed++;
    const verdict = run.violations.length === 0 ? 'ok' : `BROKEN: ${run.violations[0]}`;
    console.log(args.includes('--json') ? JSON.stringify(run) : `seed ${seed}: ${verdict}; again: node sim/presence/run.ts --seed ${seed}`);
    if (failed > 0 && args.includes('--eager')) return 1;
  }
  return failed === 0 ? 0 : 1;
}

process.exitCode = main(process.argv.slice(2));
