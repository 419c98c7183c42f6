/**
 * Licenses are signed by real directors over one database: serials, refusals, two directors at once, rotation of keys, days that run faster.
 */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { compactVerify, importX509 } from 'jose';
import { SITES, UNIVERSAL_LICENSES } from '../../src/model/addresses.ts';
import type { JsonObject } from '../../src/model/json.ts';
import type { LicenseStatement } from '../../src/model/license-statement.ts';
import type { Site } from '../../src/model/site.ts';
import type { UniversalLicense } from '../../src/model/universal-license.ts';
import { readLicenseToken } from '../../src/platform/license-token.ts';
import type { Identity } from '../../src/ports/director.ts';
import { startDirector } from '../support/director.ts';
import type { TestDirector } from '../support/director.ts';
import { inDays, joinAs, makeLicense, makeSite, plugIn, postAs } from '../support/license-rig.ts';
import type { Answered } from '../support/license-rig.ts';
import { must, never, nodeRig } from '../support/node-rig.ts';
import type { NodeRig } from '../support/node-rig.ts';

const PATH = '/outrigger/v1/license';
let one: TestDirector;
let two: TestDirector;
let rig: NodeRig;
let node: Identity;
let siteUid: string;

before(async () => {
  one = await startDirector();
  two = await startDirector({ database: one.database, data: one.data });
  rig = await nodeRig(one, 1);
  node = await joinAs(rig.nodes[0] as NonNullable<(typeof rig.nodes)[0]>);
});
after(() => rig.cleanup());

const ask = (body: unknown = { term: 1 }, url = one.url, as = node): Promise<Answered> => postAs(as, url, PATH, body);
const sentence = ({ body }: Answered): string => String(body['message']);
const license = (): Promise<UniversalLicense> => must(rig.api.get<UniversalLicense>(UNIVERSAL_LICENSES, 'demo', 'standard', never));

function statementOf(answer: Answered): LicenseStatement {
  assert.equal(answer.status, 200, JSON.stringify(answer.body));
  const read = readLicenseToken(String(answer.body['token']), node.authority);
  assert.ok(read.ok, read.ok ? '' : read.why);
  return read.statement;
}

test('each thing that is missing is said in a sentence, and nothing is signed', async () => {
  const said: string[] = [];
  const refused = async (status: number, pattern: RegExp): Promise<void> => {
    const answer = await ask();
    said.push(sentence(answer));
    assert.equal(answer.status, status, sentence(answer));
    assert.match(sentence(answer), pattern);
    assert.equal(answer.body['token'], undefined);
  };
  await refused(409, /has no site, and licenses are given to sites/);
  await makeSite(rig, 'north', undefined);
  await rig.patch({ site: 'north' });
  await refused(409, /is not paired with cluster rig1 yet/);
  siteUid = (await plugIn(rig, 'north')).metadata.uid;
  await refused(409, /No license is assigned to site demo\/north/);
  await must(rig.api.mergePatch<Site>(SITES, 'demo', 'north', { spec: { license: 'standard' } }, never));
  await refused(404, /UniversalLicense demo\/standard, which site north names, does not exist/);
  await makeLicense(rig, 'standard');
  console.log(said.join('\n'));
});

test('a statement names what the license says, and its serial is the revision of the write that recorded it', async () => {
  const use = { concurrent: 4, named: 6, peakConcurrent: 9, peakNamed: 7, peakReset: 0 };
  const statement = statementOf(await ask({ term: 1, use }));
  const { metadata, status, spec } = await license();
  assert.equal(String(statement.serial), metadata.resourceVersion);
  assert.equal(statement.site.uid, siteUid);
  assert.equal(statement.clusterUid, (await rig.cluster()).metadata.uid);
  assert.deepEqual([statement.license.seats, statement.license.model, statement.rate], [10, 'Concurrent', 1]);
  assert.equal(statement.license.endMs, Date.parse(spec.end));
  assert.deepEqual([statement.license.syncPeriodMs, statement.license.syncGraceMs], [86_400_000, 25 * 86_400_000]);
  assert.ok(Math.abs(statement.licenseMs - Date.now()) < 10_000 && Math.abs(statement.trustedMs - Date.now()) < 10_000);
  assert.deepEqual(status?.use, { current: 4, peak: 9, overused: false });
  assert.equal(status?.sites?.['north']?.siteUid, siteUid);
  assert.equal(status?.conditions?.find(({ type }) => type === 'Overused')?.status, 'False');
});

test('an answer bears the nonce of its request, so that it answers no other one', async () => {
  const nonce = 'a-nonce-of-this-request';
  assert.equal(statementOf(await ask({ term: 1, nonce })).nonce, nonce);
  assert.equal(statementOf(await ask()).nonce, undefined);
  for (const bad of [7, '', 'short', 'x'.repeat(65), 'with spaces in between']) {
    const answer = await ask({ term: 1, nonce: bad });
    assert.equal(answer.status, 400, String(bad));
    assert.match(sentence(answer), /nonce must be a text/);
  }
});

test('a contract of before 1970 is one that has ended, and is said so as sites can read it', async () => {
  const { spec } = await license();
  const edit = (change: JsonObject) =>
    rig.api.mergePatch<UniversalLicense>(UNIVERSAL_LICENSES, 'demo', 'standard', { spec: change }, never);
  await must(edit({ start: '1960-01-01T00:00:00Z', end: '1969-01-01T00:00:00Z' }));
  const { startMs, endMs } = statementOf(await ask()).license;
  assert.deepEqual([startMs, endMs], [0, 0]);
  await must(edit({ start: spec.start, end: spec.end }));
});

test('an independent library verifies it with the certificate in it', async () => {
  const token = String((await ask()).body['token']);
  const [head = ''] = token.split('.');
  const { x5c } = JSON.parse(Buffer.from(head, 'base64url').toString('utf8')) as { x5c: string[] };
  const key = await importX509(`-----BEGIN CERTIFICATE-----\n${x5c[0]}\n-----END CERTIFICATE-----`, 'EdDSA');
  const { protectedHeader } = await compactVerify(token, key);
  assert.equal(protectedHeader.alg, 'EdDSA');
});

test('serials grow over two directors at once, and no sync is lost from the record', async () => {
  const urls = [one.url, two.url, one.url, two.url, one.url, two.url, one.url, two.url];
  const before = statementOf(await ask()).serial;
  const serials = (await Promise.all(urls.map((url) => ask({ term: 1 }, url)))).map((answer) => statementOf(answer).serial);
  assert.equal(new Set(serials).size, serials.length, 'each sync has its own serial');
  assert.ok(serials.every((serial) => serial > before));
  assert.equal(String(Math.max(...serials)), (await license()).metadata.resourceVersion);
});

test('more seats than there are is said, and nothing is refused for it; a site that says nothing keeps its row', async () => {
  const use = { concurrent: 25, named: 6, peakConcurrent: 30, peakNamed: 7, peakReset: 0 };
  statementOf(await ask({ term: 1, use }));
  statementOf(await ask());
  const { status } = await license();
  assert.deepEqual(status?.use, { current: 25, peak: 30, overused: true });
  const condition = status?.conditions?.find(({ type }) => type === 'Overused');
  assert.deepEqual([condition?.status, condition?.reason], ['True', 'LicenseOverused']);
  assert.match(condition?.message ?? '', /15 too many/);
});

test('a rotated key signs at once in all directors, and what was signed before stays good', async () => {
  const old = String((await ask()).body['token']);
  const rotated = await one.call('POST', '/outrigger/v1/license/rotate-key', { body: {} });
  assert.equal(rotated.status, 200, rotated.text);
  const fresh = [one.url, two.url].map(async (url) => String((await ask({ term: 1 }, url)).body['token']));
  for (const token of await Promise.all(fresh)) {
    assert.notEqual(token.split('.')[0], old.split('.')[0], 'another certificate');
    assert.ok(readLicenseToken(token, node.authority).ok);
  }
  assert.ok(readLicenseToken(old, node.authority).ok);
  const secret = await one.call('GET', '/api/v1/namespaces/outrigger-system/secrets/license-signing-keys');
  const data = secret.json()['data'] as Record<string, string>;
  const keys = Object.values(data).map((value) => JSON.parse(Buffer.from(value, 'base64').toString('utf8')) as { privateKey?: string });
  assert.deepEqual(
    keys.map(({ privateKey }) => privateKey !== undefined),
    [false, true],
    'private keys that sign no more are gone',
  );
});

test('nobody but an administrator rotates, nobody but a node syncs, and nonsense is refused', async () => {
  assert.equal((await postAs(node, one.url, `${PATH}/rotate-key`, {})).status, 403);
  assert.equal((await postAs(node, one.url, PATH, { term: 1 }, true)).status, 401);
  assert.equal((await one.call('POST', PATH, { body: { term: 1 } })).status, 403);
  assert.equal((await one.call('GET', PATH)).status, 405);
  for (const body of [null, [], 7, { term: -1 }, { term: 'x' }, { term: 1, use: {} }, { term: 1, use: { concurrent: -1 } }])
    assert.equal((await ask(body)).status, 400, JSON.stringify(body));
});

test('an older term, an older life and another cluster get nothing', async () => {
  await rig.patchStatus({ term: 5 });
  const old = await ask({ term: 4 });
  assert.equal(old.status, 403);
  assert.match(sentence(old), /Term 4 is below the recorded term 5/);
  assert.equal((await ask({ term: 5 })).status, 200);
  const other = await nodeRig(one, 0);
  try {
    const stranger = await joinAs(other.nodes[0] as NonNullable<(typeof other.nodes)[0]>);
    const answer = await ask({ term: 5, site: siteUid }, one.url, stranger);
    assert.equal(answer.status, 409, 'what it says of its site decides nothing');
    assert.match(sentence(answer), /Cluster demo\/rig2 has no site/);
    await makeSite(rig, 'south', 'standard');
    await other.patch({ site: 'south' });
    await plugIn(rig, 'south');
    const taken = await ask({ term: 5 }, one.url, stranger);
    assert.equal(taken.status, 409);
    assert.match(sentence(taken), /Site demo\/south is not paired with cluster rig2 yet, but with rig1/);
  } finally {
    other.cleanup();
  }
});

test('a node that asks all the time is told to wait', async () => {
  const worker = await joinAs(rig.nodes[1] as NonNullable<(typeof rig.nodes)[0]>);
  const statuses: number[] = [];
  for (let round = 0; round < 61; round++) statuses.push((await ask({ term: 5 }, two.url, worker)).status);
  assert.deepEqual([statuses.slice(0, 60).every((status) => status === 200), statuses[60]], [true, 429]);
});

test('with --day license time runs faster, from now; trusted time does not; all directors count by one anchor', async () => {
  const withDay = async <T>(day: string, look: (url: string) => Promise<T>): Promise<T> => {
    const fast = await startDirector({ database: one.database, data: one.data, more: ['--day', day] });
    try {
      return await look(fast.url);
    } finally {
      await fast.stop();
    }
  };
  const sync = async (url: string): Promise<LicenseStatement> => statementOf(await ask({ term: 5 }, url));
  const measured = (from: LicenseStatement, to: LicenseStatement): [days: number, ms: number] => [
    (to.licenseMs - from.licenseMs) / 86_400_000,
    to.trustedMs - from.trustedMs,
  ];
  const first = await withDay('500ms', async (url) => {
    const began = await sync(url);
    await new Promise((done) => setTimeout(done, 1_000));
    const [days, ms] = measured(began, await sync(url));
    console.log(`--day 500ms: ${days.toFixed(2)} days in ${ms} ms`);
    assert.ok(Math.abs(days - ms / 500) < 0.5);
    return began;
  });
  assert.equal(first.rate, 172_800);
  assert.ok(Math.abs(first.trustedMs - Date.now()) < 20_000);
  assert.ok(first.licenseMs < Date.parse(inDays(60)), 'it began with the present date');
  const [days, ms] = measured(first, await withDay('500ms', sync));
  assert.ok(Math.abs(days - ms / 500) < 0.5, 'another director with the same length goes on by the same anchor');
  const other = await withDay('1s', sync);
  assert.equal(other.rate, 86_400);
  assert.ok(other.licenseMs < Date.parse(inDays(30)), 'another length begins with the present date');
  const earnest = await sync(one.url);
  assert.ok(Math.abs(earnest.licenseMs - Date.now()) < 20_000 && earnest.serial > other.serial, 'and without it there is the present date');
});
