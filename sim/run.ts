/**
 * `node sim/run.ts --seed N [--seeds A..B] [--verbose] [--json] [--eager]`: one line a seed, the coverage table, exit code 1 when a promise was broken.
 */

import { addCoverage, renderCoverage } from './coverage.ts';
import type { CoverageTable } from './coverage.ts';
import { lineOf, simulate } from './simulate.ts';

interface Arguments {
  readonly from: number;
  readonly to: number;
  readonly isVerbose: boolean;
  /** One JSON line a result, for programs that run this one. */
  readonly isJson: boolean;
  /** Ends at the first seed that fails. */
  readonly isEager: boolean;
}

function parse(args: readonly string[]): Arguments | undefined {
  let range: readonly [number, number] = [1, 20];
  for (let at = 0; at < args.length; at++) {
    const value = args[at + 1] ?? '';
    if (args[at] === '--seed' && /^\d+$/.test(value)) range = [Number(value), Number(value)];
    else if (args[at] === '--seeds' && /^\d+\.\.\d+$/.test(value)) range = [Number(value.split('..')[0]), Number(value.split('..')[1])];
    else if (['--verbose', '--json', '--eager'].includes(args[at] ?? '')) continue;
    else return undefined;
    at++;
  }
  return {
    from: range[0],
    to: range[1],
    isVerbose: args.includes('--verbose'),
    isJson: args.includes('--json'),
    isEager: args.includes('--eager'),
  };
}

async function main(): Promise<number> {
  const args = parse(process.argv.slice(2));
  if (args === undefined) {
    console.error('usage: node sim/run.ts [--seed N | --seeds A..B] [--verbose] [--json] [--eager]');
    return 2;
  }
  const coverage: CoverageTable = {};
  let failed = 0;
  const startedMs = Date.now();
  for (let seed = args.from; seed <= args.to; seed++) {
    const result = await simulate(seed, args.isVerbose ? (line) => console.log(line) : undefined, args.isEager);
    addCoverage(coverage, result.coverage);
    if (result.violations.length > 0) failed++;
    console.log(args.isJson ? JSON.stringify(result) : lineOf(result));
    if (failed > 0 && args.isEager) return 1;
    if (args.isVerbose) for (const violation of result.violations) console.log(`  ${violation}`);
  }
  if (args.isJson) return failed === 0 ? 0 : 1;
  console.log(renderCoverage(coverage));
  console.log(`${args.to - args.from + 1} seeds, ${failed} failed, ${((Date.now() - startedMs) / 1000).toFixed(1)} s`);
  return failed === 0 ? 0 : 1;
}

process.exitCode = await main();
