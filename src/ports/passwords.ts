/**
 * The door to passwords: made, hashed slowly, compared.
 *
 * I1: what is stored tells nobody the password in reasonable time; a comparison takes as long for a wrong one as for the right one.
 */

import type { JsonObject } from '../model/json.ts';

/** A scrypt hash (RFC 7914) and what it was made with; `salt` and `hash` in base64. */
export interface PasswordHash extends JsonObject {
  readonly algorithm: 'scrypt';
  readonly n: number;
  readonly r: number;
  readonly p: number;
  readonly salt: string;
  readonly hash: string;
}

export interface Passwords {
  /** A new one, of 100 bits, that a person can copy. */
  fresh(): string;
  hash(password: string): Promise<PasswordHash>;
  /** False also for a record that is none. Takes some 100 ms of another thread and 16 MB. */
  verify(password: string, known: PasswordHash): Promise<boolean>;
}
