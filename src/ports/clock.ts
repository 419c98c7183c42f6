/**
 * The door to time. Shells hold one; pure code is handed the numbers.
 */

export interface Clock {
  /** Wall time in ms since 1970. For people and time stamps only: no decision compares it across machines. */
  nowMs(): number;
  /** Ms since the machine's boot, suspend included (CLOCK_BOOTTIME); never falls while the machine runs. For every duration and deadline. */
  monotonicMs(): number;
  /** Resolves after `ms`; rejects with `signal.reason` when the signal aborts first. */
  sleep(ms: number, signal: AbortSignal): Promise<void>;
}
