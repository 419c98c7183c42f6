/**
 * A license statement as a token that nobody signed: for whoever shows statements without verifying them, and to be refused by all others.
 */
import type { LicenseStatement } from '../../src/model/license-statement.ts';

const DAY_MS = 24 * 3600 * 1000;
const BEGIN_MS = Date.UTC(2026, 0, 1);

export function statementOf(changes: Partial<LicenseStatement> = {}): LicenseStatement {
  return {
    iss: 'outrigger',
    typ: 'universal-license',
    serial: 1,
    licenseMs: BEGIN_MS,
    trustedMs: BEGIN_MS,
    rate: 1,
    site: { namespace: 'demo', name: 'harbor', uid: 'site-uid' },
    clusterUid: 'cluster-uid',
    license: {
      name: 'harbor',
      uid: 'license-uid',
      edition: 'Standard',
      seats: 100,
      model: 'Concurrent',
      startMs: BEGIN_MS - DAY_MS,
      endMs: BEGIN_MS + 365 * DAY_MS,
      syncPeriodMs: DAY_MS,
      syncGraceMs: 25 * DAY_MS,
      contractGraceMs: 30 * DAY_MS,
      onExpiry: 'RefuseNewSessions',
      peakReset: 0,
    },
    ...changes,
  };
}

export function unsignedLicense(changes: Partial<LicenseStatement> = {}): string {
  const statement = statementOf(changes);
  const part = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');
  return `${part({ alg: 'EdDSA' })}.${part(statement)}.${Buffer.from('no signature').toString('base64url')}`;
}
