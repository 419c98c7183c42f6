/**
 * The door to signed tokens (JWS, compact form, ES256). It signs and checks signatures; what the claims mean is decided by its users.
 *
 * I1: a token verifies only by ES256 and by a key of the set: the token's own header never chooses the algorithm.
 * I2: text from outside that is no token is an answer (undefined), never an exception.
 */

import type { JsonObject } from '../model/json.ts';

export interface JwsKeySet {
  /** Signs with the newest key. */
  sign(claims: JsonObject): Promise<string>;
  /** The claims, when the signature is that of a key in the set; they may still be expired or meant for others. */
  verify(token: string): Promise<JsonObject | undefined>;
}

export interface Jws {
  /** A new signing key as JSON text (a private JWK with `kid`). A secret. */
  newKey(): Promise<string>;
  /** Opens private JWKs; the last is the newest. Rejects with `Fault` SealBroken when one of them is damaged. */
  openKeys(keys: readonly string[]): Promise<JwsKeySet>;
}
