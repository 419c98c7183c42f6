/**
 * The door to reading signed license statements (JWS, compact form): light, for nodes and connection servers, which only verify.
 *
 * I1: a token is read only when it is signed by EdDSA with the key of the certificate in its `x5c`, and that certificate was issued by the given CA to a
 *     license signer, for the time that the statement names. The token chooses neither algorithm nor trust.
 * I2: whatever comes from outside is an answer with a sentence, never an exception.
 */

import type { LicenseStatement } from '../model/license-statement.ts';

export type LicenseTokenRead =
  | { readonly ok: true; readonly statement: LicenseStatement }
  /** A sentence: what is wrong with it. */
  | { readonly ok: false; readonly why: string };

/** `authority`: the pinned CA, PEM. */
export type ReadLicenseToken = (token: string, authority: string) => LicenseTokenRead;
