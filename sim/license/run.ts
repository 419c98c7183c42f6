/**
 * `node sim/license/run.ts --seed N [--seeds A..B] [--verbose] [--json] [--eager]`: one line a seed, what met what, exit code 1 when a
 * promise was broken.
 */

import { addCoverage } from '../coverage.ts';
import type { CoverageTable } from '../coverage.ts';
import { renderCounts, renderLicenseCoverage } from './coverage.ts';
import { lineOfLicense, simulateLicense } from './simulate.ts';

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
  const has = (flag: string): boolean => args.includes(flag);
  return { from: range[0], to: range[1], isVerbose: has('--verbose'), isJson: has('--json'), isEager: has('--eager') };
}

async function main(): Promise<number> {
  const args = parse(process.argv.slice(2));
  if (args === undefined) {
    console.error('usage: node sim/license/run.ts [--seed N | --seeds A..B] [--verbose] [--json] [--eager]');
    return 2;
  }
  const coverage: CoverageTable = {};
  const counts: CoverageTable = {};
  let [failed, days] = [0, 0];
  const startedMs = Date.now();
  for (let seed = args.from; seed <= args.to; seed++) {
    const run = await simulateLicense(seed, args.isVerbose ? (line) => console.log(line) : undefined, args.isEager);
    addCoverage(coverage, run.coverage);
    addCoverage(counts, { all: run.counts });
    days += run.licenseDays;
    if (run.violations.length > 0) failed++;
    console.log(args.isJson ? JSON.stringify(run) : lineOfLicense(run));
    if (failed > 0 && args.isEager) return 1;
    if (args.isVerbose) for (const violation of run.violations) console.log(`  ${violation}`);
  }
  if (args.isJson) return failed === 0 ? 0 : 1;
  console.log(`${renderLicenseCoverage(coverage)}\n${renderCounts(counts['all'] ?? {})}`);
  const seconds = ((Date.now() - startedMs) / 1000).toFixed(1);
  console.log(`${args.to - args.from + 1} seeds, ${(days / 365).toFixed(0)} years of license time, ${failed} failed, ${seconds} s`);
  return failed === 0 ? 0 : 1;
}

process.exitCode = await main();
