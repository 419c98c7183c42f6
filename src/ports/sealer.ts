/**
 * The door to sealing: what is secret is encrypted before it reaches the database, and bound to the place it belongs to.
 *
 * I1: what was sealed for one context opens for no other, and not after a bit was changed.
 * I2: several keys open, the newest seals; an envelope names the key that opens it.
 */

export interface Sealer {
  /** `context`: where the plain bytes belong; authenticated, not stored. */
  seal(plain: Buffer, context: string): Buffer;
  /** Throws `Fault` SealBroken, naming the key's id and the key file, when no key opens it or it was changed. */
  open(sealed: Buffer, context: string): Buffer;
}
