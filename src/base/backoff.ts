/**
 * Exponential back-off as arithmetic: no clock, no randomness; the caller brings the dice.
 *
 * I1: the delay never falls with the attempt and never exceeds `capMs`.
 * I2: jitter only shortens the delay, by at most `jitter` of it.
 */

export interface BackoffPolicy {
  /** Delay before the second try, in ms. */
  readonly baseMs: number;
  /** Upper bound of any delay, in ms. */
  readonly capMs: number;
  /** Share of the delay that dice may take away, 0 (none) to 1. */
  readonly jitter: number;
}

/**
 * Delay in ms before try number `attempt + 1`, when `attempt` tries (1, 2, …) have failed.
 * `dice` is uniform in [0, 1).
 */
export function backoffMs(policy: BackoffPolicy, attempt: number, dice: number): number {
  const exponent = Math.min(Math.max(attempt, 1) - 1, 52);
  const full = Math.min(policy.capMs, policy.baseMs * 2 ** exponent);
  return Math.round(full * (1 - policy.jitter * dice));
}
