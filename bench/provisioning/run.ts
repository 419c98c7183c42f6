/**
 * `npm run bench -- provisioning`: how fast extension servers make two-node clusters, on one machine with all that they need.
 *
 * A director, its database, the extension servers, and hollow hosts and agents (they claim, join and report with real credentials, and run nothing)
 * are processes of their own. Three looks: one cluster alone on an idle plane; clusters at a steady rate; all at once. With --standing instead: what
 * the servers cost while N clusters stand and every node renews its Lease. Exits with 1 when a promise was broken.
 *
 *     --clusters N   clusters created in each of the two last (200)
 *     --servers N    extension servers (2)
 *     --rate N       clusters a second of the steady rate (10)
 *     --homes N      VirtualDataCenters that they are spread over (1)
 *     --standing N   measure N clusters that stand (10,000 are promised)
 *     --seconds N    for how long the standing ones are watched (60)
 *     --short        20 clusters, or 500 that stand for 5 s
 *     --json         for programs
 */

import { parseArgs } from 'node:util';

import { calibrate, describeMachine } from '../calibration.ts';
import { alone, watchCreations } from './creation.ts';
import type { CreationFigures } from './creation.ts';
import { brokenPromises, brokenStanding, render, renderStanding } from './report.ts';
import { startPlane } from './rig.ts';
import { standing } from './standing.ts';
import type { StandingFigures } from './standing.ts';

const { values: options } = parseArgs({
  options: {
    clusters: { type: 'string', default: '200' },
    servers: { type: 'string', default: '2' },
    rate: { type: 'string', default: '10' },
    homes: { type: 'string', default: '1' },
    standing: { type: 'string' },
    seconds: { type: 'string', default: '60' },
    short: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
  },
});
const clusters = options.short ? 20 : Number(options.clusters);
const stand = options.standing === undefined ? undefined : options.short ? 500 : Number(options.standing);
const seconds = options.short ? 5 : Number(options.seconds);
const [servers, rate, homes] = [Number(options.servers), Number(options.rate), Number(options.homes)];
if (![clusters, servers, rate, homes, seconds, stand ?? 1].every((one) => Number.isInteger(one) && one > 0)) {
  console.error('Say --clusters, --servers, --rate, --homes, --standing and --seconds with a count each.');
  process.exit(2);
}

async function main(): Promise<number> {
  const machine = describeMachine();
  const calibration = calibrate();
  if (stand !== undefined) {
    const figures = { machine, calibration, servers, standing: await measureStanding(stand) };
    process.stdout.write(options.json ? `${JSON.stringify(figures)}\n` : renderStanding(figures));
    return options.short || brokenStanding(figures.standing).length === 0 ? 0 : 1;
  }
  const rows = await measureCreation();
  const figures = { machine, calibration, servers, homes, rows };
  process.stdout.write(options.json ? `${JSON.stringify(figures)}\n` : render(figures));
  return options.short || brokenPromises(rows).length === 0 ? 0 : 1;
}

async function measureCreation(): Promise<CreationFigures[]> {
  const plane = await startPlane({ homes, hosts: true, machineMs: 20, servicesMs: 20 });
  const creations = watchCreations(plane);
  try {
    for (let i = 1; i <= servers; i++) plane.startServer(`extension-${i}`);
    // The first few find everything cold.
    await creations.run('warm-up', 5, 5);
    return [
      await alone(creations, options.short ? 3 : 10),
      await creations.run(`${rate} a second`, clusters, rate),
      await creations.run('all at once', clusters, 0),
    ];
  } finally {
    creations.stop();
    await plane.stop();
  }
}

async function measureStanding(count: number): Promise<StandingFigures> {
  const plane = await startPlane({ homes: 0, hosts: false, machineMs: 0, servicesMs: 0 });
  try {
    return await standing(plane, count, servers, seconds);
  } finally {
    await plane.stop();
  }
}

process.exitCode = await main();
