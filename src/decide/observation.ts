/**
 * Own observation: how long an observer has itself seen a fact, by its own monotonic clock.
 *
 * Clocks of machines differ and leases are renewed by clocks that nobody knows, so nothing that matters is judged by somebody else's time
 * stamp alone. A decision names the facts that it wants timed (`watching`); the shell keeps the memory and hands back the durations.
 *
 * I1: a fact's time starts when it is first named and is forgotten as soon as it is not named any more.
 * I2: a duration never falls while the fact is named without a break.
 * I3: the memory holds nothing but the facts named last.
 */

/** Key of a fact → monotonic ms at which this observer first saw it. */
export type Observations = ReadonlyMap<string, number>;

export const NO_OBSERVATIONS: Observations = new Map();

/** The memory after a decision that named the facts `watching`, at `monotonicMs`. */
export function observe(memory: Observations, watching: readonly string[], monotonicMs: number): Observations {
  const next = new Map<string, number>();
  for (const key of watching) next.set(key, Math.min(memory.get(key) ?? monotonicMs, monotonicMs));
  return next;
}

/** How long `key` has been seen, in ms; 0 when it is not known. */
export function seenMs(memory: Observations, key: string, monotonicMs: number): number {
  const since = memory.get(key);
  return since === undefined ? 0 : Math.max(0, monotonicMs - since);
}
