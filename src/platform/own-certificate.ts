/**
 * A certificate that people put in a folder, `certificate.pem` (with what it was issued by) and `key.pem`, for what browsers and clients reach.
 *
 * I1: what cannot be used, also half of a pair, reads as none, and is said once; the one that was used before holds no longer than its files.
 * I2: files that were replaced are noticed, without a restart.
 */

import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { createSecureContext } from 'node:tls';
import type { TlsIdentity } from '../ports/http.ts';
import type { Log } from '../ports/log.ts';

/** Reads again only when the files changed. `instead`: what is used without it, for the log. */
export function ownCertificate(folder: string, instead: string, log: Log): () => TlsIdentity | undefined {
  const [certificateFile, keyFile] = [join(folder, 'certificate.pem'), join(folder, 'key.pem')];
  let seen = '';
  let known: TlsIdentity | undefined;
  return () => {
    const mark = `${markOf(certificateFile)} ${markOf(keyFile)}`;
    if (mark === seen) return known;
    seen = mark;
    known = undefined;
    if (mark === 'none none') return undefined;
    try {
      const [certificate, key] = [readFileSync(certificateFile, 'utf8'), readFileSync(keyFile, 'utf8')];
      // Throws when they are no PEM, or do not belong together.
      createSecureContext({ cert: certificate, key });
      known = { certificate, key };
    } catch (cause) {
      log.warn(`The certificate in ${folder} (certificate.pem and key.pem) cannot be used; ${instead} is used instead.`, { error: cause });
    }
    return known;
  };
}

function markOf(file: string): string {
  const found = statSync(file, { throwIfNoEntry: false });
  return found === undefined ? 'none' : `${found.mtimeMs}/${found.size}/${found.ino}`;
}
