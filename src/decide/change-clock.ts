/**
 * How long something has been waited for in a change, by own observation.
 *
 * Kept in the node store, so that an agent that dies again and again does not put a deadline off for ever.
 *
 * I1: only time counts in which this agent ran: after a pause, a suspension or a reboot at most COUNTED_MAX_MS of the gap do.
 * I2: what is not named any more is forgotten; what is named to be held stands still.
 */

export type ChangeClock = {
  /** Monotonic ms of the last count; absent: not in this life of the agent. */
  readonly atMs?: number;
  /** Fact → ms that it was seen. */
  readonly ran: Readonly<Record<string, number>>;
};

export const NO_CHANGE_CLOCK: ChangeClock = { ran: {} };

/** Between two looks of a healthy agent lies a second at most. */
const COUNTED_MAX_MS = 5_000;

/** The clock after `counting` went on and `holding` stood still up to now. A fact that is new has been seen for 0 ms. */
export function counted(clock: ChangeClock, counting: readonly string[], holding: readonly string[], monotonicMs: number): ChangeClock {
  const passedMs = clock.atMs === undefined ? 0 : Math.min(COUNTED_MAX_MS, Math.max(0, monotonicMs - clock.atMs));
  const ran: Record<string, number> = {};
  for (const fact of counting) ran[fact] = clock.ran[fact] === undefined ? 0 : clock.ran[fact] + passedMs;
  for (const fact of holding) ran[fact] = clock.ran[fact] ?? 0;
  return { atMs: monotonicMs, ran };
}

/** As it is kept on disk: the next life has another monotonic clock. */
export function storedClock(clock: ChangeClock): ChangeClock {
  return { ran: clock.ran };
}
