/**
 * `npm run bench -- failover`: how long outages of a site last, as its users see them.
 *
 * Starts a control plane of its own with demo/harbor, and for each row kills again and again, each time when all is well again, under a load that
 * goes on all the time. Prints p50, p99 and max of detection, recovery and errors beside what is promised; exits with 1 when a promise was broken.
 *
 *     --runs N     kills a row (50)
 *     --short      2 kills a row
 *     --rows a,b   only these
 *     --json       for programs
 */

import { parseArgs } from 'node:util';
import { settles } from '../../tests/support/census.ts';
import { startControlPlane } from '../../tests/support/control-plane.ts';
import { memberOf, watchCluster, wholeAgain } from '../../tests/support/outage-rig.ts';
import { calibrate, describeMachine } from '../calibration.ts';
import { brokenPromises, renderFigures } from './figures.ts';
import type { RowFigures } from './figures.ts';
import { measureRow } from './measure.ts';
import { ROWS } from './rows.ts';

const RUNS = 50;
const SHORT_RUNS = 2;

const { values: options } = parseArgs({
  options: { runs: { type: 'string' }, rows: { type: 'string' }, short: { type: 'boolean' }, json: { type: 'boolean' } },
});
const runs = options.short === true ? SHORT_RUNS : Number(options.runs ?? RUNS);
const wanted = options.rows?.split(',');
const unknown = wanted?.filter((name) => !ROWS.some((row) => row.name === name)) ?? [];
if (!Number.isInteger(runs) || runs < 1 || unknown.length > 0) {
  console.error(`Say --runs N with a count, and --rows of ${ROWS.map((row) => row.name).join(', ')}.`);
  process.exit(2);
}

// Figures go to standard output; what happens meanwhile does not.
console.log = (...args: unknown[]): void => console.error(...args);

async function main(): Promise<number> {
  const calibrations = [calibrate()];
  const machine = describeMachine();
  const plane = await startControlPlane('bench-failover');
  const watch = watchCluster(plane);
  try {
    await settles(plane, 'harbor at the start', ['harbor']);
    const site = { plane, watch, primary: await memberOf(plane, 0), worker: await memberOf(plane, 1) };
    await wholeAgain(watch, 0);
    const rows: RowFigures[] = [];
    for (const row of ROWS.filter(({ name }) => wanted?.includes(name) ?? true)) {
      rows.push(await measureRow(site, row, runs));
      // An hour of kills must not be lost to what happens in its last minute.
      console.error(renderFigures(rows.slice(-1), machine, calibrations));
    }
    calibrations.push(calibrate());
    process.stdout.write(
      options.json === true ? `${JSON.stringify({ machine, calibrations, rows })}\n` : renderFigures(rows, machine, calibrations),
    );
    return rows.flatMap(brokenPromises).length === 0 ? 0 : 1;
  } finally {
    watch.close();
    await plane.cleanup();
  }
}

process.exitCode = await main();
