/**
 * The door to signing license statements (JWS, compact form, EdDSA, with the signer's certificate in `x5c`). Directors only.
 *
 * I1: a private key leaves this door only as the text that its owner asked for.
 */

import type { LicenseStatement } from '../model/license-statement.ts';

export interface LicenseKey {
  /** A private JWK, as JSON text. A secret. */
  readonly privateKey: string;
  /** SubjectPublicKeyInfo, DER. */
  readonly publicKeyDer: Uint8Array;
}

export interface OpenLicenseKey {
  /** A compact JWS. */
  sign(statement: LicenseStatement): Promise<string>;
}

export interface LicenseSigner {
  /** Ed25519. */
  newKey(): Promise<LicenseKey>;
  /** `certificate`: PEM, of that very key. Rejects with `Fault` SealBroken when the key is damaged. */
  open(privateKey: string, certificate: string): Promise<OpenLicenseKey>;
}
