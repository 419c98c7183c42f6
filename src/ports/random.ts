/**
 * The door to randomness, so that a test or the simulator can bring a seed.
 */

export interface Random {
  /** Uniform in [0, 1). */
  float(): number;
  /** A version 4 UUID. */
  uuid(): string;
  /** Cryptographically strong bytes. */
  bytes(count: number): Uint8Array;
}
