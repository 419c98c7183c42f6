/**
 * `npm run bench -- standing`: what extension servers cost while nothing happens. Ten thousand two-node clusters stand, available, as a real creation
 * leaves them, and every node renews its Lease; the servers are started into that, and watched. Exits with 1 when a promise was broken.
 *
 *     --clusters N   clusters that stand (10,000)
 *     --servers N    extension servers (2)
 *     --seconds N    for how long they are watched (60)
 *     --short        200 clusters for 3 s
 *     --json         for programs
 *
 * With OUTRIGGER_BENCH_PROFILE=<folder> each process leaves a CPU profile there.
 */

import { parseArgs } from 'node:util';

import { calibrate, describeMachine } from '../calibration.ts';
import { startPlane } from '../provisioning/rig.ts';
import { measureStanding } from './measure.ts';
import { plant } from './plant.ts';
import { brokenPromises, render } from './report.ts';

const { values: options } = parseArgs({
  options: {
    clusters: { type: 'string', default: '10000' },
    servers: { type: 'string', default: '2' },
    seconds: { type: 'string', default: '60' },
    short: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
  },
});
const clusters = options.short ? 200 : Number(options.clusters);
const seconds = options.short ? 3 : Number(options.seconds);
const servers = Number(options.servers);
if (![clusters, servers, seconds].every((one) => Number.isInteger(one) && one > 0)) {
  console.error('Say --clusters, --servers and --seconds with a count each.');
  process.exit(2);
}

async function main(): Promise<number> {
  const machine = describeMachine();
  const calibration = calibrate();
  const plane = await startPlane({ homes: 1, hosts: true, machineMs: 20, servicesMs: 20 });
  try {
    const standing = await measureStanding(plane, await plant(plane, clusters), servers, seconds);
    const figures = { machine, calibration, standing };
    process.stdout.write(options.json ? `${JSON.stringify(figures)}\n` : render(figures));
    return options.short || brokenPromises(standing).length === 0 ? 0 : 1;
  } finally {
    await plane.stop();
  }
}

process.exitCode = await main();
