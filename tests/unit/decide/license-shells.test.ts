/**
 * What the shells of the license decide without a network: who a peer is, what a statement must look like, trusted time, the ledger of a license, and what
 * is said of it in a Cluster's status.
 */
import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import fc from 'fast-check';
import { certainNowMs } from '../../../src/decide/certain-time.ts';
import { readRecord, readSeats, readStatement } from '../../../src/decide/license-claims.ts';
import { licenseConditions } from '../../../src/decide/license-conditions.ts';
import { ledgerAfter } from '../../../src/decide/license-ledger.ts';
import type { LedgerEntry } from '../../../src/decide/license-ledger.ts';
import { initialLicense } from '../../../src/decide/license-machine.ts';
import { licenseSection } from '../../../src/decide/license-report.ts';
import { memberOfSubject, nodeOfSubject } from '../../../src/decide/peer-trust.ts';
import { LIMITS } from '../../../src/model/limits.ts';
import type { LicenseRecord, LicenseStatement } from '../../../src/model/license-statement.ts';
import type { UniversalLicenseStatus } from '../../../src/model/universal-license.ts';
import { universalLicenseKind } from '../../../src/model/universal-license.ts';
import { recordOf as recordFor, statementOf as statementWith } from './license-fixtures.ts';

const CLUSTER = 'cluster-1';
const statementOf = (): LicenseStatement => statementWith(7);
const recordOf = (): LicenseRecord => recordFor(statementOf(), 500, 'boot', 1_000);
const BOOT = { bootId: 'boot', bootMs: 1_000 };
const NOW = '2026-11-22T12:00:00Z';

test('I1 of peer-trust: only a member in the life that is known is one', () => {
  const members = [{ name: 'n0', uid: 'aa', incarnation: 2, address: '10.0.0.1', role: 'Primary' as const }];
  const notBeforeMs = Date.parse('2030-01-01T00:00:00Z');
  const subject = (commonName: string, organization = 'outrigger:nodes') => ({
    commonNames: [commonName],
    organizations: [organization],
    notBeforeMs,
  });
  assert.deepEqual(memberOfSubject(subject('outrigger:node:aa:2'), members), { member: members[0] });
  for (const bad of [
    subject('outrigger:node:aa:1'),
    subject('outrigger:node:aa:3'),
    subject('outrigger:node:bb:2'),
    subject('outrigger:node:aa:2', 'outrigger:hosts'),
    subject('outrigger:node:aa:02'),
    subject('outrigger:node:aa:2 '),
    { commonNames: ['outrigger:node:aa:2', 'outrigger:node:aa:2'], organizations: ['outrigger:nodes'], notBeforeMs },
    { commonNames: [], organizations: [], notBeforeMs },
  ])
    assert.ok('refused' in memberOfSubject(bad, members), JSON.stringify(bad));
  assert.deepEqual(nodeOfSubject(subject('outrigger:node:aa:2')), { uid: 'aa', incarnation: 2 });
});

test('I2 of peer-trust: a revoked certificate of a member is refused, the one that its host gave it instead is not', () => {
  const members = [
    { name: 'n0', uid: 'aa', incarnation: 2, address: '10.0.0.1', role: 'Primary' as const, revokedBefore: '2030-01-01T00:00:00Z' },
  ];
  const begun = (time: string) => ({
    commonNames: ['outrigger:node:aa:2'],
    organizations: ['outrigger:nodes'],
    notBeforeMs: Date.parse(time),
  });
  assert.deepEqual(memberOfSubject(begun('2029-12-31T23:59:59Z'), members), {
    refused: 'The certificate of n0 was revoked (spec.revokedBefore).',
  });
  assert.deepEqual(memberOfSubject(begun('2030-01-01T00:00:00Z'), members), { member: members[0] });
});

test('I1 of license-claims: a statement survives reading, and every field that is missing or wrong is refused with a sentence', () => {
  const statement = statementOf();
  assert.deepEqual(readStatement(JSON.parse(JSON.stringify({ ...statement, more: 1 }))), statement);
  const paths = (value: object, path: string[] = []): string[][] =>
    Object.entries(value).flatMap(([name, inner]) => [
      [...path, name],
      ...(typeof inner === 'object' && inner !== null ? paths(inner as object, [...path, name]) : []),
    ]);
  for (const path of paths(statement)) {
    for (const bad of [undefined, null, Number.NaN, -1, 1e300, '', {}, [], true]) {
      const read = readStatement(withAt(statement, path, bad));
      assert.ok(typeof read === 'string', `${path.join('.')} = ${typeof bad} ${JSON.stringify(bad)}`);
      assert.match(read, /^The license statement .*; it was not used\.$/);
    }
  }
});

function withAt(value: object, [name = '', ...rest]: string[], bad: unknown): object {
  return { ...value, [name]: rest.length === 0 ? bad : withAt((value as Record<string, object>)[name] ?? {}, rest, bad) };
}

test('whatever another node sends is data or a sentence, and never an exception', () => {
  fc.assert(
    fc.property(fc.anything(), (sent) => {
      const record = readRecord(sent);
      assert.ok(typeof record === 'string' || typeof record.token === 'string');
      assert.ok(readSeats(sent) === undefined || typeof sent === 'object');
    }),
  );
  const record = recordOf();
  assert.deepEqual(readRecord(JSON.parse(JSON.stringify(record))), record);
});

test('I1 of certain-time: trusted time never runs ahead of either word of a director, and runs on with running time', () => {
  const license = recordOf();
  const joined = { notBeforeMs: license.statement.trustedMs - 50_000_000 - LIMITS.certificateBackdateMs, since: license.since };
  const later = { ...BOOT, bootMs: license.since.bootMs + 5_000 };
  assert.equal(certainNowMs(undefined, undefined, later), undefined);
  assert.equal(certainNowMs(license, undefined, later), license.statement.trustedMs + license.since.ranMs + 5_000);
  assert.equal(certainNowMs(license, joined, later), license.statement.trustedMs - 50_000_000 + license.since.ranMs + 5_000);
  const ahead = { ...license, statement: { ...license.statement, trustedMs: license.statement.trustedMs + 1e11 } };
  assert.equal(certainNowMs(ahead, joined, later), certainNowMs(undefined, joined, later));
});

const SPEC = { seats: 10, model: 'Concurrent' as const };
const entry = (site: string, concurrent: number | undefined): LedgerEntry => ({
  site,
  siteUid: `${site}-uid`,
  clusterUid: CLUSTER,
  syncedAt: NOW,
  use:
    concurrent === undefined
      ? undefined
      : { concurrent, named: concurrent + 1, peakConcurrent: concurrent * 2, peakNamed: concurrent + 2, peakReset: 0 },
});
const after = (
  status: UniversalLicenseStatus | undefined,
  one: LedgerEntry,
  sites: string[],
  model: 'Named' | 'Concurrent' = 'Concurrent',
) => ledgerAfter({ spec: { ...SPEC, model }, generation: 1, status, sites: new Map(sites.map((site) => [site, `${site}-uid`])) }, one, NOW);

test('I1 of license-ledger: sums are those of the sites that name the license now; overuse is said and cleared', () => {
  const first = after(undefined, entry('north', 4), ['north', 'south']);
  const both = after(first, entry('south', 7), ['north', 'south']);
  assert.deepEqual(both.use, { current: 11, peak: 22, overused: true });
  assert.equal(both.conditions?.[0]?.status, 'True');
  const { properties } = universalLicenseKind.status;
  assert.deepEqual(
    Object.keys(both).filter((name) => !(name in properties)),
    [],
  );
  const silent = after(both, entry('north', undefined), ['north', 'south']);
  assert.equal(silent.sites?.['north']?.concurrent, 4, 'what it said last stays');
  const gone = after(both, entry('south', 7), ['south']);
  assert.deepEqual([Object.keys(gone.sites ?? {}), gone.use], [['south'], { current: 7, peak: 14, overused: false }]);
  assert.equal(gone.conditions?.[0]?.status, 'False');
  const named = after(both, entry('south', 7), ['north', 'south'], 'Named');
  assert.deepEqual(named.use, { current: 13, peak: 15, overused: true });
});

test('the section of the Cluster: nothing without site and license, why there is no sync, what holds', () => {
  const none = initialLicense(CLUSTER, undefined, BOOT, 0);
  assert.equal(licenseSection({ keeper: none, seats: undefined, answered: undefined, hasSite: false }, BOOT), undefined);
  const fresh = licenseSection({ keeper: none, seats: undefined, answered: undefined, hasSite: true }, BOOT);
  assert.equal(fresh?.state, 'Inactive');
  assert.deepEqual(
    licenseConditions(fresh === undefined ? {} : { license: fresh }).map(([type, status, reason]) => [type, status, reason]),
    [['LicenseValid', 'False', 'LicenseInactive']],
  );
  const keeper = initialLicense(CLUSTER, recordOf(), BOOT, 0);
  const seats = { concurrent: 12, named: 3, peakConcurrent: 15, peakNamed: 3, peakReset: 0 };
  const section = licenseSection({ keeper, seats, answered: 'x', hasSite: true }, BOOT);
  assert.deepEqual([section?.state, section?.seats, section?.peakConcurrent, section?.answeredRequest], ['Active', 10, 15, 'x']);
  const said = licenseConditions(section === undefined ? {} : { license: section });
  assert.deepEqual(
    said.map(([type, status]) => [type, status]),
    [
      ['LicenseValid', 'True'],
      ['Overused', 'True'],
    ],
  );
});

test('license time and trusted time are never read from a wall clock', () => {
  const files = globSync([
    'src/agent/licens*.ts',
    'src/agent/peer-*.ts',
    'src/agent/trusted-time.ts',
    'src/decide/*license*.ts',
    'src/decide/certain-time.ts',
  ]);
  assert.ok(files.length > 15, String(files.length));
  for (const file of files) assert.doesNotMatch(readFileSync(file, 'utf8'), /Date\.now|new Date\(\)|[.]nowMs\(|performance\./, file);
});
