/**
 * `node sim/sharing/run.ts [--seed N | --seeds A..B] [--verbose] [--json] [--eager]`: a line for each seed whose two ways differ or break a promise, what
 * each way cost, exit code 1 when there is such a seed.
 */

import { simulateSharing } from './simulate.ts';

async function main(args: readonly string[]): Promise<number> {
  const option = (flag: string): string | undefined => (args.includes(flag) ? args[args.indexOf(flag) + 1] : undefined);
  const range = /^(\d+)\.\.(\d+)$/.exec(option('--seeds') ?? `${option('--seed') ?? 1}..${option('--seed') ?? 8}`);
  if (range === null) {
    console.error('usage: node sim/sharing/run.ts [--seed N | --seeds A..B] [--verbose] [--json] [--eager]');
    return 2;
  }
  const writes = { Rendezvous: 0, Off: 0 };
  let failed = 0;
  for (let seed = Number(range[1]); seed <= Number(range[2]); seed++) {
    const run = await simulateSharing(seed, args.includes('--verbose') ? (line) => console.log(line) : undefined);
    writes.Rendezvous += run.writes.Rendezvous;
    writes.Off += run.writes.Off;
    const [first] = run.violations;
    if (first !== undefined) failed++;
    if (args.includes('--json')) console.log(JSON.stringify(run));
    else if (first !== undefined) console.log(`seed ${seed} FAILED ${first}\n  repeat: node sim/sharing/run.ts --seed ${seed} --verbose`);
    if (failed > 0 && args.includes('--eager')) return 1;
  }
  if (!args.includes('--json')) console.log(`${failed} failed; writes shared ${writes.Rendezvous}, off ${writes.Off}`);
  return failed === 0 ? 0 : 1;
}

process.exitCode = await main(process.argv.slice(2));
