/**
 * The figures of the bench as people read them, and what was promised of them.
 */

import type { Calibration } from '../calibration.ts';
import type { StandingFigures } from './measure.ts';

/** docs/decisions/0019-standing-clusters.md: of each extension server while ten thousand clusters only stand. */
const IDLE_CORE = 0.05;
const IDLE_MB = 300;
const CAUGHT_UP_SECONDS = 10;
const SERVER = /^extension-/;

export interface StandingReport {
  readonly machine: string;
  readonly calibration: Calibration;
  readonly standing: StandingFigures;
}

/** A sentence for each. */
export function brokenPromises({ processes, caughtUpSeconds }: StandingFigures): string[] {
  const broken = processes
    .filter(({ name }) => SERVER.test(name))
    .flatMap(({ name, core, residentMB, proportionalMB }) => {
      const mostMB = Math.max(residentMB, proportionalMB);
      return [
        ...(core > IDLE_CORE ? [`${name} uses ${percent(core)} of a core, promised are ${percent(IDLE_CORE)}`] : []),
        ...(mostMB > IDLE_MB ? [`${name} holds ${Math.round(mostMB)} MB, promised are ${IDLE_MB}`] : []),
      ];
    });
  if (caughtUpSeconds <= CAUGHT_UP_SECONDS) return broken;
  return [...broken, `caught up after ${caughtUpSeconds.toFixed(1)} s, promised are ${CAUGHT_UP_SECONDS} s`];
}

export function render({ machine, calibration, standing }: StandingReport): string {
  const { clusters, bytesPerCluster, plantedPerSecond, renewalsPerSecond, seconds, readySeconds, caughtUpSeconds, processes } = standing;
  const broken = brokenPromises(standing);
  return [
    `${clusters} two-node clusters stand, ${(bytesPerCluster / 1000).toFixed(1)} kB each, planted by ${plantedPerSecond.toFixed(0)} writes/s`,
    `${machine}; SHA-256 ${Math.round(calibration.hashMBs)} MB/s, fdatasync ${calibration.syncMs.toFixed(2)} ms`,
    `started together: ready after ${readySeconds.toFixed(2)} s, caught up after ${caughtUpSeconds.toFixed(2)} s`,
    `${seconds.toFixed(0)} s with ${renewalsPerSecond.toFixed(0)} renewals of Leases a second:`,
    ...processes.map(
      ({ name, core, residentMB, proportionalMB, grownMB }) =>
        `  ${name.padEnd(12)} ${percent(core).padStart(7)} of a core   ${mb(residentMB)} RSS   ${mb(proportionalMB)} PSS   grown by ${grownMB.toFixed(1)} MB`,
    ),
    ...(broken.length === 0 ? ['All promises were kept.'] : broken.map((one) => `Broken: ${one}.`)),
    '',
  ].join('\n');
}

function percent(share: number): string {
  return `${(share * 100).toFixed(1)} %`;
}

function mb(value: number): string {
  return `${Math.round(value)} MB`.padStart(7);
}
