/**
 * What is wrong with the world right now. Scripts set it (script.ts), the network, the store and the caches ask.
 */

import type { Dice } from './dice.ts';

export interface Weather {
  /** Share of messages that are lost, each way. */
  lossShare: number;
  /** Share of messages that take up to `slowMs`. */
  slowShare: number;
  slowMs: number;
}

export interface Faults {
  /** The store answers nobody until then. */
  stallUntilMs: number;
  /** Per process: the network until then. */
  readonly weather: Map<string, { untilMs: number; weather: Weather }>;
  /** Per process: cut off from the store until then. */
  readonly cutUntilMs: Map<string, number>;
  /** Per process: caches lag by up to `lagMs`; only that of `plural`, when given. */
  readonly lag: Map<string, { untilMs: number; lagMs: number; plural: string | undefined }>;
  /** Per agent: cut off from the other nodes of its site until then. */
  readonly lanCutUntilMs: Map<string, number>;
  /** Per agent: no replicated service on its machine passes a probe until then. */
  readonly ailingUntilMs: Map<string, number>;
  /** Share of operations on pods that fail, until then. */
  podTroubleUntilMs: number;
}

const FAIR: Weather = { lossShare: 0, slowShare: 0, slowMs: 0 };

export function createFaults(): Faults {
  return {
    stallUntilMs: 0,
    weather: new Map(),
    cutUntilMs: new Map(),
    lag: new Map(),
    lanCutUntilMs: new Map(),
    ailingUntilMs: new Map(),
    podTroubleUntilMs: 0,
  };
}

export function weatherOf(faults: Faults, process: string, nowMs: number): Weather {
  const found = faults.weather.get(process);
  return found !== undefined && found.untilMs > nowMs ? found.weather : FAIR;
}

export function cutLeftMs(faults: Faults, process: string, nowMs: number): number {
  return Math.max(0, (faults.cutUntilMs.get(process) ?? 0) - nowMs);
}

/** How late the next event of a resource reaches a cache. */
export function lagMs(faults: Faults, process: string, plural: string, nowMs: number, dice: Dice): number {
  const found = faults.lag.get(process);
  const lags = found !== undefined && found.untilMs > nowMs && (found.plural ?? plural) === plural;
  return lags ? dice.between(found.plural === undefined ? 1 : found.lagMs >> 1, found.lagMs) : dice.between(1, 40);
}

export function isLagging(faults: Faults, process: string, nowMs: number): boolean {
  return (faults.lag.get(process)?.untilMs ?? 0) > nowMs;
}

/** Everything is well from now on. */
export function clearFaults(faults: Faults): void {
  faults.stallUntilMs = 0;
  faults.podTroubleUntilMs = 0;
  faults.weather.clear();
  faults.cutUntilMs.clear();
  faults.lag.clear();
  faults.lanCutUntilMs.clear();
  faults.ailingUntilMs.clear();
}
