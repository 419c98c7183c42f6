/**
 * `npm run bench -- provisioning`: how fast extension servers make two-node clusters, on one machine with all that they need.
 *
 * A director, its database, the extension servers, and hollow hosts and agents (they claim, join and report with real credentials, and run nothing)
 * are processes of their own. Three looks: one cluster alone on an idle plane; clusters at a steady rate; all at once. Exits with 1 when a promise was
 * broken.
 *
 *     --clusters N   clusters created all at once (200)
 *     --servers N    extension servers (2)
 *     --rate N       clusters a second of the steady rate (10)
 *     --seconds N    for how long they are created at that rate (60)
 *     --homes N      VirtualDataCenters that they are spread over (4)
 *     --short        20 clusters, and 2 s
 *     --json         for programs
 */

import { parseArgs } from 'node:util';

import { calibrate, describeMachine } from '../calibration.ts';
import { alone, watchCreations } from './creation.ts';
import type { CreationFigures } from './creation.ts';
import { brokenPromises, render } from './report.ts';
import { startPlane } from './rig.ts';

const { values: options } = parseArgs({
  options: {
    clusters: { type: 'string', default: '200' },
    servers: { type: 'string', default: '2' },
    rate: { type: 'string', default: '10' },
    seconds: { type: 'string', default: '60' },
    homes: { type: 'string', default: '4' },
    short: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
  },
});
const clusters = options.short ? 20 : Number(options.clusters);
const seconds = options.short ? 2 : Number(options.seconds);
const [servers, rate, homes] = [Number(options.servers), Number(options.rate), Number(options.homes)];
if (![clusters, servers, rate, seconds, homes].every((one) => Number.isInteger(one) && one > 0)) {
  console.error('Say --clusters, --servers, --rate, --seconds and --homes with a count each.');
  process.exit(2);
}

async function main(): Promise<number> {
  const machine = describeMachine();
  const calibration = calibrate();
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
      await creations.run(`${rate} a second`, rate * seconds, rate),
      await creations.run('all at once', clusters, 0),
    ];
  } finally {
    creations.stop();
    await plane.stop();
  }
}

process.exitCode = await main();
