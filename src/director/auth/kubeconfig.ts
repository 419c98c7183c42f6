/**
 * The admin's kubeconfig: address, CA, certificate and key in one text.
 *
 * Written by hand rather than by a YAML library: it has a dozen lines, and every value in it is base64, a URL or a fixed word.
 *
 * I1: what `renderKubeconfig` wrote, `holdsLivingAdmin` reads; of any other text it only says no.
 */

import { LIMITS } from '../../model/limits.ts';
import type { Clock } from '../../ports/clock.ts';
import type { CertificateIssuer } from '../../ports/x509.ts';
import { isLivingAdmin } from './authority.ts';
import type { IssuedWithKey, StoreAuthority } from './authority.ts';

/** A kubeconfig is made anew when less of its certificate's life is left. */
const LIFE_LEFT_MS = LIMITS.leafLifetimeMs / 3;

/** `server`: `https://…`, without a path. The text holds a private key: write it with mode 0600. */
export function renderKubeconfig(server: string, caPem: string, admin: IssuedWithKey): string {
  return `apiVersion: v1
kind: Config
clusters:
  - name: outrigger
    cluster:
      server: ${JSON.stringify(server)}
      certificate-authority-data: ${base64(caPem)}
users:
  - name: admin
    user:
      client-certificate-data: ${base64(admin.certificatePem)}
      client-key-data: ${base64(admin.privateKeyPem)}
contexts:
  - name: outrigger
    context:
      cluster: outrigger
      user: admin
current-context: outrigger
`;
}

/** True when `text` is a kubeconfig for `server` whose CA is ours and whose admin certificate holds on for a while. */
export function holdsLivingAdmin(
  parts: { x509: CertificateIssuer; authority: StoreAuthority; clock: Clock },
  kubeconfig: string,
  server: string,
): boolean {
  if (fieldOf(kubeconfig, 'server') !== JSON.stringify(server)) return false;
  if (fieldOf(kubeconfig, 'certificate-authority-data') !== base64(parts.authority.certificatePem)) return false;
  const certificate = Buffer.from(fieldOf(kubeconfig, 'client-certificate-data') ?? '', 'base64').toString('utf8');
  return isLivingAdmin(parts.x509, parts.authority, certificate, parts.clock.nowMs() + LIFE_LEFT_MS);
}

function fieldOf(kubeconfig: string, name: string): string | undefined {
  const line = kubeconfig.split('\n').find((one) => one.trim().startsWith(`${name}: `));
  return line?.trim().slice(name.length + 2);
}

function base64(value: string): string {
  return Buffer.from(value, 'utf8').toString('base64');
}
