/**
 * Pairing for real: agents of a cluster, a director, and connection servers over TLS, good ones and bad ones. There is no extension server here: the
 * cluster was never available, as in the last step of creation.
 */
import assert from 'node:assert/strict';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { SITES } from '../../src/model/addresses.ts';
import { SECRETS } from '../../src/model/core-kinds.ts';
import type { FrameworkSite } from '../../src/model/framework.ts';
import { ANNOTATION_PAIR } from '../../src/model/labels.ts';
import type { ConnectionServer, Site, SiteStatus } from '../../src/model/site.ts';
import { BAD_SERVER_ACCOUNT, badConnectionServer } from '../support/bad-connection-server.ts';
import type { BadBehavior, BadConnectionServer } from '../support/bad-connection-server.ts';
import { startDirector } from '../support/director.ts';
import { eventually } from '../support/eventually.ts';
import { must, never, nodeRig } from '../support/node-rig.ts';
import type { NodeRig, RigNode } from '../support/node-rig.ts';

const LONG_MS = 60_000;
const SITE = 'pier';
const open: BadConnectionServer[] = [];
let rig: NodeRig;
let primary: RigNode;
let worker: RigNode;
let good: readonly [BadConnectionServer, BadConnectionServer];

before(async () => {
  rig = await nodeRig(await startDirector(), 1);
  [primary, worker] = rig.nodes as [RigNode, RigNode];
  await rig.patchStatus({ attempt: 1 });
  for (const node of rig.nodes) await node.start();
  good = [await server('normal'), await server('normal')];
});
after(async () => {
  rig.cleanup();
  for (const one of open) await one.close();
});

async function server(behavior: BadBehavior): Promise<BadConnectionServer> {
  const made = await badConnectionServer(behavior);
  open.push(made);
  return made;
}

async function site(): Promise<Site> {
  return await must(rig.api.get<Site>(SITES, 'demo', SITE, never));
}

async function siteBecomes(what: string, holds: (status: SiteStatus) => boolean): Promise<SiteStatus> {
  let last: SiteStatus = {};
  await eventually(what, async () => holds((last = (await site()).status ?? {})), LONG_MS, 100).catch((error: unknown) => {
    throw new Error(`${String(error)}\n${JSON.stringify(last, undefined, 1)}\n${primary.log().slice(-3_000)}`);
  });
  return last;
}

async function setServers(connectionServers: readonly ConnectionServer[]): Promise<number> {
  const patch = { spec: { connectionServers: connectionServers.map((one) => ({ ...one })) } };
  return (await must(rig.api.mergePatch<Site>(SITES, 'demo', SITE, patch, never))).metadata.generation ?? 0;
}

async function setPassword(password: string): Promise<void> {
  const data = { username: BAD_SERVER_ACCOUNT.username, password };
  const encoded = Object.fromEntries(Object.entries(data).map(([key, value]) => [key, Buffer.from(value).toString('base64')]));
  const secret = { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'account', namespace: 'demo' }, data: encoded };
  const made = await rig.api.create(SECRETS, 'demo', secret, never);
  if (!made.ok) await must(rig.api.mergePatch(SECRETS, 'demo', 'account', { data: encoded }, never));
}

async function askAgain(request: string): Promise<SiteStatus> {
  await must(rig.api.mergePatch(SITES, 'demo', SITE, { metadata: { annotations: { [ANNOTATION_PAIR]: request } } }, never));
  return await siteBecomes(`request ${request} is answered`, (status) => status.pairing?.answeredRequest === request);
}

const settled = (generation: number) => (status: SiteStatus) =>
  status.pairing?.generation === generation && status.pairing.state !== 'Checking';

function remembered(node: RigNode): FrameworkSite | undefined {
  const file = join(node.dir, 'framework.json');
  if (!existsSync(file)) return undefined;
  return (JSON.parse(readFileSync(file, 'utf8')) as { body: { site?: FrameworkSite } }).body.site;
}

const named = (at: number, pin?: string): ConnectionServer => ({
  name: `cs-${at + 1}`,
  url: good[at]!.url,
  ...(pin === undefined ? {} : { pin }),
});

test('a Secret that is missing is a line, and nobody is spoken to before his certificate is accepted', async () => {
  const spec = { environment: 'OnPremises', connectionServers: [named(0), named(1)], credentials: { secret: 'account' } };
  const body = { apiVersion: 'outrigger.dev/v1', kind: 'Site', metadata: { name: SITE, namespace: 'demo' }, spec };
  await must(rig.api.create(SITES, 'demo', body, never));
  await rig.patch({ site: SITE });
  const waiting = await siteBecomes('it waits for a person', (status) => status.pairing?.state === 'Waiting');
  assert.equal(waiting.cluster?.name, rig.name);
  assert.deepEqual(waiting.pairing?.thumbprints, { 'cs-1': good[0].shown, 'cs-2': good[1].shown });
  assert.deepEqual([good[0].requests(), good[1].requests()], [[], []], 'nothing was sent');
  const generation = await setServers([named(0, good[0].shown), named(1, good[1].shown)]);
  const failed = await siteBecomes('the credentials are missed', settled(generation));
  assert.equal(failed.pairing?.state, 'Failed');
  assert.match(
    failed.pairing?.message ?? '',
    /^Credentials of cs-1: Secret account of namespace demo.* does not exist; create it: kubectl create secret/,
  );
  assert.deepEqual(good[0].requests(), [], 'nothing was sent without credentials');
});

test('wrong credentials are said, and never stand in a status or log', async () => {
  await setPassword('planted-wrong-password');
  const status = await askAgain('try-1');
  assert.equal(status.pairing?.state, 'Failed');
  assert.match(status.pairing?.message ?? '', /cs-1 does not accept the user name and password of the Secret/);
  assert.deepEqual(new Set(good[0].requests()), new Set(['GET /v1/version']), 'it stops at the first refusal');
  assert.doesNotMatch(JSON.stringify(await site()) + primary.log() + worker.log(), /planted-wrong-password|cGxhbnRlZC13cm9uZy1wYXNzd29yZA/);
});

test('paired: both nodes remember it, with pins and credentials, readable by their user alone', async () => {
  await setPassword(BAD_SERVER_ACCOUNT.password);
  const startedMs = Date.now();
  const status = await askAgain('try-2');
  assert.equal(status.pairing?.state, 'Paired', status.pairing?.message);
  assert.ok(status.pairing?.checks?.length === 12 && status.pairing.checks.every((line) => line.result === 'Passed'));
  console.log(`# paired ${Date.now() - startedMs} ms after it was asked for`);
  for (const node of [primary, worker]) {
    await eventually(
      `${node.name} remembers it`,
      () => remembered(node)?.paired === true && remembered(node)?.credentials?.password,
      LONG_MS,
    );
    assert.deepEqual(remembered(node)?.servers, [named(0, good[0].shown), named(1, good[1].shown)]);
    assert.deepEqual(remembered(node)?.credentials, BAD_SERVER_ACCOUNT);
    for (const file of ['framework.json', 'store/site.json']) assert.equal(statSync(join(node.dir, file)).mode & 0o077, 0, file);
  }
});

test('a server that fails later is said, and unpairs nothing', async () => {
  await setPassword('another');
  const status = await askAgain('try-3');
  assert.equal(status.pairing?.state, 'Paired');
  assert.match(status.pairing?.message ?? '', /^Paired; since then Credentials of cs-1/);
  assert.equal(remembered(primary)?.paired, true);
  await setPassword(BAD_SERVER_ACCOUNT.password);
  assert.match((await askAgain('try-4')).pairing?.message ?? '', /^2 connection servers paired/);
});

const BAD: readonly (readonly [BadBehavior, RegExp])[] = [
  ['wrong-certificate', /^Thumbprint: .* shows the certificate sha256:[0-9a-f]{64}, and sha256:[0-9a-f]{64} is pinned: .*Nothing was sent/],
  ['expired', /^Thumbprint: .* ended on .*: renew it there. Nothing was sent/],
  ['hangs-before-handshake', /^Thumbprint: .* did not answer within 5 s/],
  ['hangs-after-handshake', /^Credentials: .* did not answer within 5 s/],
  ['length-too-long', /^Credentials: .* broke off|ended its answer before/],
  ['length-too-short', /^Credentials: The log-in could not be tried/],
  ['floods', /^Credentials: .* sent more than the 65536 bytes/],
  ['closes-in-the-middle', /^Credentials: .*broke off/],
  ['garbage', /^Credentials: .*did not speak HTTP/],
  ['redirects', /^Version: .* answered 302 to \/v1\/version/],
  ['unauthorized', /^Credentials: .* does not accept the user name and password/],
  ['huge-headers', /^Credentials: .*could not be tried/],
  ['gzip-bomb', /^(Credentials|Version): /],
  ['drips', /^Credentials: .* did not answer within 5 s/],
];

test('each way to misbehave is a sentence within a deadline, and nothing is sent to who is not trusted', async () => {
  const bad = await Promise.all(BAD.map(async ([behavior, says]) => ({ behavior, says, server: await server(behavior) })));
  const nowhere: ConnectionServer = { name: 'nowhere', url: 'https://no-such-name.invalid:9443', pin: good[0].pin };
  const startedMs = Date.now();
  const generation = await setServers([...bad.map(({ behavior, server: { url, pin } }) => ({ name: behavior, url, pin })), nowhere]);
  const status = await siteBecomes('all are judged', settled(generation));
  const tookMs = Date.now() - startedMs;
  console.log(`# 15 bad connection servers judged in ${tookMs} ms`);
  assert.ok(tookMs < 30_000, `${tookMs} ms`);
  assert.equal(status.pairing?.state, 'Failed');
  const trouble = (name: string): string => {
    const line = status.pairing?.checks?.find((one) => one.server === name && one.result === 'Failed');
    return `${line?.check}: ${line?.message}`;
  };
  for (const { behavior, says } of bad) assert.match(trouble(behavior), says, behavior);
  assert.match(trouble('nowhere'), /^Name: The name no-such-name.invalid does not resolve here/);
  for (const name of ['wrong-certificate', 'expired'])
    assert.deepEqual(bad.find(({ behavior }) => behavior === name)?.server.requests(), [], `${name} was sent something`);
  for (const one of bad) await eventually(`${one.behavior} is let go`, () => one.server.connections() === 0, 15_000);
  for (const node of [primary, worker]) assert.doesNotMatch(node.log(), /right-password|cmlnaHQtcGFzc3dvcmQ/);
});

test('unplugged: the license is taken away, what could not be is said, nobody remembers it', async () => {
  const gone = await server('normal');
  const generation = await setServers([named(0, good[0].shown), { name: 'cs-gone', url: gone.url, pin: gone.pin }]);
  await siteBecomes('it is paired again', (status) => settled(generation)(status) && status.pairing?.state === 'Paired');
  await gone.close();
  await rig.patch({ site: null });
  const status = await siteBecomes('it is unplugged', ({ cluster }) => cluster === undefined);
  assert.equal(status.pairing, undefined);
  assert.ok(good[0].requests().includes('DELETE /v1/license'));
  assert.equal(status.leftBehind?.length, 1);
  assert.match(
    status.leftBehind?.[0] ?? '',
    /^cs-gone may still hold the license of cluster .*DELETE https:.*\/v1\/license .*because .* cannot be reached/,
  );
  for (const node of [primary, worker]) await eventually(`${node.name} forgot it`, () => remembered(node) === undefined, LONG_MS);
  const generationAfter = await setServers([named(0, good[0].shown)]);
  await rig.patch({ site: SITE });
  const again = await siteBecomes('it is plugged in again', (now) => settled(generationAfter)(now) && now.pairing?.state === 'Paired');
  assert.equal(again.leftBehind, undefined, 'what was left there is this cluster again');
});
