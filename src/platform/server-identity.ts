/**
 * The certificate by which a server is known by its thumbprint: made once, in a folder, and kept.
 *
 * I1: a certificate that is there is never replaced: whoever pinned it would refuse the next one.
 * I2: the key is readable for its owner only, and is written first: a key without a certificate is what a start that was killed leaves.
 */

import { Fault } from '../model/fault.ts';
import { LIMITS } from '../model/limits.ts';
import { certificateThumbprint } from './certificate.ts';
import { systemFiles } from './files.ts';

const OWNER_ONLY = 0o600;
const FOR_ALL = 0o644;
const OWNER_FOLDER = 0o700;

export interface ServerIdentityFiles {
  readonly certificate: string;
  readonly key: string;
}

export function serverIdentityFiles(folder: string): ServerIdentityFiles {
  return { certificate: `${folder}/certificate.pem`, key: `${folder}/key.pem` };
}

/**
 * Makes certificate and key where there are none: EC P-256, self-signed, 10 years. Resolves with the thumbprint, `sha256:<hex>`.
 * Throws `Fault` SettingInvalid when only half of the pair is there, or it cannot be read.
 */
export async function ensureServerIdentity(folder: string, commonName: string, names: readonly string[]): Promise<string> {
  const files = systemFiles();
  const { certificate, key } = serverIdentityFiles(folder);
  files.ensureFolder(folder, OWNER_FOLDER);
  if (!files.exists(certificate)) await make({ certificate, key }, commonName, names);
  if (!files.exists(key))
    throw new Fault(
      'SettingInvalid',
      `${certificate} is there and ${key} is not; put the key back, or remove the certificate to get a new one.`,
    );
  const thumbprint = certificateThumbprint(files.readText(certificate) ?? '');
  if (thumbprint !== undefined) return thumbprint;
  throw new Fault(
    'SettingInvalid',
    `${certificate} holds no certificate in PEM that can be read; restore it, or remove it to get a new one.`,
  );
}

async function make(paths: ServerIdentityFiles, commonName: string, names: readonly string[]): Promise<void> {
  // The library for certificates is needed once in a server's life only.
  const { certificateIssuer } = await import('./x509.ts');
  const nowMs = Date.now();
  const made = await certificateIssuer().createSelfSigned({
    commonName,
    names: [...new Set(names)],
    notBeforeMs: nowMs - LIMITS.certificateBackdateMs,
    notAfterMs: nowMs + LIMITS.caLifetimeMs,
  });
  const files = systemFiles();
  files.writeText(paths.key, made.privateKeyPem, OWNER_ONLY);
  files.writeText(paths.certificate, made.certificatePem, FOR_ALL);
}
