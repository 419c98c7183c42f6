/**
 * What a drill measured, held against what was promised.
 *
 * I1: a drill is Passed exactly when everything that was promised was kept and everything came back; a number that is missing is not kept.
 * I2: what came back before anybody could have noticed was noticed soon enough.
 */

import type { LoadReport } from './load-tally.ts';
import type { DrillKilled, DrillPromise, DrillStatus, DrillVerdict } from '../model/drill.ts';

/** Times are from the kill. What is absent did not happen, or was not looked for. */
export type DrillMeasured = {
  readonly killed: readonly DrillKilled[];
  readonly detectedMs?: number;
  readonly recoveredMs?: number;
  /** How long recovery was waited for. */
  readonly waitedMs: number;
  /** Of what was lost when the kill was survived by acknowledged writes only. */
  readonly lostWrites?: number;
  readonly load?: {
    readonly total: number;
    readonly failed: number;
    readonly errorWindowMs: number;
    /** Why, in a few words: `3 × connection refused`. */
    readonly reasons: string;
  };
};

const REASONS_SHOWN = 3;

/** What of a load's report a drill keeps. */
export function loadMeasured({ attempts, failed, errors, reasons }: LoadReport): NonNullable<DrillMeasured['load']> {
  const most = Object.entries(reasons).toSorted(([, a], [, b]) => b - a);
  const shown = most.slice(0, REASONS_SHOWN).map(([why, count]) => `${count} × ${why}`);
  return { total: attempts, failed, errorWindowMs: errors?.ms ?? 0, reasons: shown.length === 0 ? 'no answer yet' : shown.join(', ') };
}

type Ended = Pick<DrillStatus, 'phase' | 'message' | 'killed' | 'detectedMs' | 'recoveredMs' | 'errorWindowMs' | 'requests' | 'verdict'>;

export function drillVerdict(promise: DrillPromise, measured: DrillMeasured): Ended {
  const verdict = [
    ...detected(promise, measured),
    recovered(promise, measured),
    ...requests(promise, measured),
    ...writes(promise, measured),
  ];
  const broken = verdict.filter(({ kept }) => !kept);
  const { load } = measured;
  return {
    phase: broken.length === 0 ? 'Passed' : 'Broken',
    message: broken.length === 0 ? 'Everything that is promised was kept.' : `${broken.map(brokenSentence).join('; ')}.`,
    killed: measured.killed.map((one) => ({ what: one.what, pids: [...one.pids] })),
    ...whole('detectedMs', measured.detectedMs),
    ...whole('recoveredMs', measured.recoveredMs),
    ...(load === undefined ? {} : { errorWindowMs: Math.round(load.errorWindowMs), requests: { total: load.total, failed: load.failed } }),
    verdict,
  };
}

function brokenSentence({ what, promised, measured }: DrillVerdict): string {
  return `${what} ${measured}${promised === undefined ? '' : ` instead of ${promised}`}`;
}

function whole<N extends string>(name: N, value: number | undefined): Partial<Record<N, number>> {
  return value === undefined ? {} : ({ [name]: Math.round(value) } as Record<N, number>);
}

function detected({ detectedMs: promised }: DrillPromise, measured: DrillMeasured): DrillVerdict[] {
  const what = 'Detected after';
  const { detectedMs: ms, recoveredMs } = measured;
  if (promised === undefined) return ms === undefined ? [] : [{ what, measured: seconds(ms), kept: true }];
  if (ms !== undefined) return [{ what, promised: atMost(promised), measured: seconds(ms), kept: ms <= promised }];
  // Gone and back between two looks.
  const isBack = recoveredMs !== undefined && recoveredMs <= promised;
  return [{ what, promised: atMost(promised), measured: isBack ? 'back before anybody noticed' : 'never', kept: isBack }];
}

function recovered({ recoveredMs: promised }: DrillPromise, { recoveredMs: ms, waitedMs }: DrillMeasured): DrillVerdict {
  return {
    what: 'Recovered after',
    ...(promised === undefined ? {} : { promised: atMost(promised) }),
    measured: ms === undefined ? `not within ${seconds(waitedMs)}` : seconds(ms),
    kept: ms !== undefined && (promised === undefined || ms <= promised),
  };
}

function requests({ failedRequests: promised }: DrillPromise, { load }: DrillMeasured): DrillVerdict[] {
  const what = 'Failed requests';
  if (load === undefined) return promised === undefined ? [] : [{ what, promised: String(promised), measured: 'not counted', kept: false }];
  const many = `${load.failed} of ${load.total}`;
  const measured = load.failed === 0 ? many : `${many}, for ${seconds(load.errorWindowMs)}: ${load.reasons}`.slice(0, 256);
  return [
    {
      what,
      ...(promised === undefined ? {} : { promised: String(promised) }),
      measured,
      kept: load.total > 0 && load.failed <= (promised ?? Infinity),
    },
  ];
}

function writes({ lostWrites: promised }: DrillPromise, { lostWrites }: DrillMeasured): DrillVerdict[] {
  if (promised === undefined) return [];
  const measured = lostWrites === undefined ? 'not known' : String(lostWrites);
  return [
    { what: 'Acknowledged writes lost', promised: String(promised), measured, kept: lostWrites !== undefined && lostWrites <= promised },
  ];
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(ms < 10_000 ? 2 : 1)} s`;
}

function atMost(ms: number): string {
  return `at most ${Number((ms / 1000).toFixed(1))} s`;
}
