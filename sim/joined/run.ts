/**
 * `node sim/joined/run.ts [--seed N | --seeds A..B] [--verbose] [--json] [--eager]`: a line for each seed that broke a promise, what was
 * met, exit code 1 then.
 */

import { simulateJoined } from './simulate.ts';

async function main(args: readonly string[]): Promise<number> {
  const option = (flag: string): string | undefined => (args.includes(flag) ? args[args.indexOf(flag) + 1] : undefined);
  const range = /^(\d+)\.\.(\d+)$/.exec(option('--seeds') ?? `${option('--seed') ?? 1}..${option('--seed') ?? 8}`);
  if (range === null) {
    console.error('usage: node sim/joined/run.ts [--seed N | --seeds A..B] [--verbose] [--json] [--eager]');
    return 2;
  }
  const met: Record<string, number> = {};
  let failed = 0;
  for (let seed = Number(range[1]); seed <= Number(range[2]); seed++) {
    const run = await simulateJoined(seed, args.includes('--verbose') ? (line) => console.log(line) : undefined);
    for (const [what, times] of Object.entries(run.met)) met[what] = (met[what] ?? 0) + times;
    const [first] = run.violations;
    if (first !== undefined) failed++;
    if (args.includes('--json')) console.log(JSON.stringify(run));
    else if (first !== undefined) console.log(`seed ${seed} FAILED ${first}\n  repeat: node sim/joined/run.ts --seed ${seed} --verbose`);
    if (failed > 0 && args.includes('--eager')) return 1;
  }
  if (!args.includes('--json')) console.log(`${failed} failed; met: ${JSON.stringify(met)}`);
  return failed === 0 ? 0 : 1;
}

process.exitCode = await main(process.argv.slice(2));
