/**
 * The portal of real nodes, over real TLS.
 */
import assert from 'node:assert/strict';
import { appendFileSync, readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import type { Server } from 'node:net';
import { connect } from 'node:tls';
import { after, before, test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { pairingPage, statePage } from '../../src/agent/portal/pages.ts';
import { STYLE } from '../../src/agent/portal/style.ts';
import { LIMITS } from '../../src/model/limits.ts';
import { PORTS } from '../../src/model/ports.ts';
import { certificates } from '../../src/platform/certificate.ts';
import { identityStore } from '../../src/platform/identity-store.ts';
import { thumbprintOf } from '../../src/platform/mutual-http.ts';
import { startDirector } from '../support/director.ts';
import type { TestDirector } from '../support/director.ts';
import { eventually } from '../support/eventually.ts';
import { nodeRig } from '../support/node-rig.ts';
import type { NodeRig, RigNode } from '../support/node-rig.ts';
import { askPortal, makePassword, portalClient } from '../support/portal-client.ts';
import type { PortalClient } from '../support/portal-client.ts';

const PAGES = ['/', '/pairing', '/license', '/logs', '/network', '/bundle', '/password'];
const NASTY = '<script>alert("x")</script>';

let director: TestDirector;
let rig: NodeRig;
let primary: RigNode;
let worker: RigNode;
let password: string;

before(async () => {
  director = await startDirector();
  rig = await nodeRig(director, 1);
  [primary, worker] = rig.nodes as [RigNode, RigNode];
  await rig.patchStatus({ attempt: 1, primary: primary.name, term: 1 });
  await Promise.all(rig.nodes.map((node) => node.start()));
  for (const node of rig.nodes) await serves(node);
  await eventually(
    'both nodes are known',
    async () => (await askPortal(worker.address, 'GET', '/')).text.includes(primary.address),
    30_000,
  );
});
after(() => rig.cleanup());

async function serves(node: RigNode): Promise<void> {
  await eventually(
    `the portal of ${node.name} answers`,
    () =>
      askPortal(node.address, 'GET', '/').then(
        () => true,
        () => false,
      ),
    60_000,
  );
}

async function loggedIn(): Promise<PortalClient> {
  password ??= (await makePassword(primary.dir)).password;
  const client = portalClient(primary.address);
  const answer = await client.post('/login', { password });
  assert.equal(answer.status, 303, answer.text);
  assert.equal((await client.get('/')).status, 200);
  return client;
}

test('without a password nobody gets in, and the page says how one is made', async () => {
  const answer = await portalClient(primary.address).post('/login', { password: 'x' });
  assert.equal(answer.status, 503);
  assert.match(answer.text, /outrigger portal password CLUSTER -n NAMESPACE --data DIR/);
});

test('the owner of the machine makes the password; only its hash is on the disk, and the thumbprint is what the portal shows', async () => {
  const made = await makePassword(primary.dir);
  ({ password } = made);
  assert.equal(made.url, `https://${primary.address}:${PORTS.portal}/`);
  assert.equal(made.thumbprint, await shownThumbprint(primary.address));
  const record = readFileSync(`${primary.dir}/store/portal.json`, 'utf8');
  assert.ok(!record.includes(password));
  assert.match(record, /"algorithm":"scrypt"/);
  await assert.rejects(makePassword(worker.dir), /is a worker/);
});

test('I1: without a session there is nothing but the log-in; every answer forbids scripts, frames and caching', async () => {
  const client = portalClient(primary.address);
  for (const path of [...PAGES, '/nothing', '/../../etc/passwd', '//x']) {
    const { status, text, headers } = await client.get(path);
    assert.ok(status === 401 || path === '/', `${path}: ${status}`);
    assert.ok(text.includes('Password of this cluster') && !text.includes('Support bundle'), path);
    assert.match(String(headers['content-security-policy']), /default-src 'none'.*frame-ancestors 'none'.*script-src 'none'/);
    assert.equal(headers['cache-control'], 'no-store');
    assert.equal(headers['x-content-type-options'], 'nosniff');
  }
  for (const path of ['state', 'pairing', 'license', 'logs']) assert.equal((await client.get(`/api/v1/${path}`)).status, 401);
  for (const path of ['sync', 'network', 'support-bundle', 'password', 'logout'])
    assert.equal((await client.post(`/${path}`, {})).status, 401);
});

test('a session: cookie that no script and no other site gets, relative links only, one page marked as current', async () => {
  const client = portalClient(primary.address);
  const answer = await client.post('/login', { password });
  assert.equal(answer.headers.location, './');
  assert.match(answer.headers['set-cookie']?.[0] ?? '', /^outrigger-portal=[0-9a-f]{64}; HttpOnly; Secure; SameSite=Strict$/);
  for (const path of PAGES) {
    const { status, text } = await client.get(path);
    assert.equal(status, 200, path);
    assert.deepEqual(
      [...text.matchAll(/(?:href|action|src)="([^"]*)"/g)].map(([, link]) => link).filter((link) => /^\/|^https?:/.test(link ?? '')),
      [],
      `${path} holds links that would not work behind a prefix`,
    );
    assert.equal([...text.matchAll(/aria-current="page"/g)].length, 1, path);
    assert.match(text, /<html lang="en">.*name="viewport".*<main id="content">.*<h1>/s);
    assert.ok(!/<script|style=|onclick/i.test(text));
    for (const [, id] of text.matchAll(/<(?:input|select) id="([a-z]+)"/g)) assert.match(text, new RegExp(`<label for="${id}"`));
  }
  assert.equal((await client.get('/style.css')).headers['content-type'], 'text/css; charset=utf-8');
});

test('state shows nodes, services and conditions; the same as JSON', async () => {
  const client = await loggedIn();
  const { text } = await eventually(
    'both nodes run their services',
    async () => {
      const page = await client.get('/');
      return page.text.includes('Running') && page.text.includes(worker.name) ? page : undefined;
    },
    60_000,
  );
  for (const word of [primary.name, worker.name, rig.name, 'hello', 'demo']) assert.ok(text.includes(word), word);
  const state = JSON.parse((await client.get('/api/v1/state')).text) as {
    cluster: { name: string };
    nodes: { name: string }[];
    services: { service: string }[];
  };
  assert.equal(state.cluster.name, rig.name);
  assert.deepEqual(state.nodes.map(({ name }) => name).toSorted(), [primary.name, worker.name].toSorted());
  assert.ok(state.services.length > 0);
});

test('I1: a condition is colored by what it means, with a word beside it; problems come first, times are for people', () => {
  const since = '2026-11-22T14:47:21.123Z';
  const said: readonly (readonly [string, string, string, string])[] = [
    ['Ready', 'True', 'NodesReady', 'good">True (fine)'],
    ['Ready', 'False', 'NodeLost', 'bad">False (a problem)'],
    ['Progressing', 'False', 'Available', 'good">False (fine)'],
    ['Progressing', 'False', 'QuotaExceeded', 'bad">False (a problem)'],
    ['Progressing', 'True', 'Provisioning', 'calm">True (expected)'],
    ['Overused', 'False', 'NotOverused', 'good">False (fine)'],
    ['Overused', 'True', 'LicenseOverused', 'warn">True (needs attention)'],
    ['BrokerAvailable', 'False', 'NotInstalled', 'calm">False (expected)'],
    ['BrokerAvailable', 'False', 'PrimaryDown', 'bad">False (a problem)'],
    ['Reachable', 'Unknown', 'Silent', 'warn">Unknown (needs attention)'],
  ];
  for (const [type, status, reason, shown] of said) {
    const conditions = [{ type, status, reason, message: 'm', since }];
    const cluster = { phase: 'Degraded', uid: 'u-1' };
    const { text } = statePage({ cluster, node: {}, conditions, nodes: [], services: [], problems: ['it burns'], events: [] });
    assert.ok(text.includes(`class="mark ${shown}</span>`), `${type} ${status} ${reason}: ${text}`);
    assert.ok(text.includes(`<time datetime="${since}">2026-11-22 14:47:21 UTC</time>`));
    assert.ok(text.includes('class="mark warn">Degraded</span>') && text.includes('<dt>UID</dt>'));
    assert.ok(text.indexOf('it burns') < text.indexOf('Degraded'));
  }
});

test('thumbprints are compared in words, and only hashes and addresses may break anywhere', () => {
  const [one, other] = ['a', 'b'].map((digit) => `sha256:${digit.repeat(64)}`) as [string, string];
  const url = 'https://connection-1.example.org:8443/';
  const pageOf = (server: Record<string, string>): string =>
    pairingPage({ site: { name: 's', state: 'Waiting' }, servers: [{ name: 'c1', url, ...server }], checks: [], leftBehind: [] }).text;
  assert.match(pageOf({ shown: one }), /warn">none accepted yet<\/span>; it shows <code class="long">sha256:a/);
  assert.match(pageOf({ pin: one }), /accepted <code class="long">sha256:a{64}<\/code>; what it shows is not known/);
  assert.match(pageOf({ pin: one, shown: one }), /good">the same<\/span>/);
  assert.match(pageOf({ pin: one, shown: other }), /bad">different<\/span>: accepted <code .*a<\/code>, but it shows <code .*b<\/code>/);
  assert.ok(pageOf({}).includes(`<span class="long">${url}</span>`) && pageOf({}).includes('Accepted / Shown'));
  assert.doesNotMatch(STYLE, /(?:td|dd|p)\{[^}]*anywhere/);
});

test('I2: nothing is done without the CSRF token of the session, or when another site asks', async () => {
  const client = await loggedIn();
  for (const path of ['sync', 'network', 'support-bundle', 'password', 'logout']) {
    assert.equal((await client.post(`/${path}`, { csrf: '0'.repeat(64) })).status, 403, path);
    assert.equal((await client.post(`/${path}`, {}, { 'sec-fetch-site': 'cross-site' })).status, 403, path);
    assert.equal((await client.get(`/${path}?csrf=${client.csrf()}`)).status === 200, ['network', 'password'].includes(path));
  }
  assert.equal((await client.post('/login', { password }, { 'sec-fetch-site': 'cross-site' })).status, 403);
  assert.equal((await client.get('/')).status, 200, 'and it is still logged in');
});

test('logs of this node and of the other one; nothing outside of the log folder', async () => {
  const client = await loggedIn();
  appendFileSync(`${primary.dir}/logs/hello/main.log`, `${NASTY}\nlast line here\n`);
  const own = await client.get('/logs?name=hello/main&lines=200');
  assert.ok(own.text.includes('last line here'), own.text);
  assert.ok(!own.text.includes(NASTY) && own.text.includes('&lt;script&gt;'), 'escaped');
  appendFileSync(`${worker.dir}/logs/hello/main.log`, 'said by the worker\n');
  const other = await client.get(`/logs?node=${worker.name}&name=hello/main`);
  assert.ok(other.text.includes('said by the worker'), other.text);
  for (const name of ['../node', '../../node', '..%2Fnode', 'hello/../../identity/identity', '/etc/passwd', 'hello/main%00', '.', 'a/b/c'])
    assert.match((await client.get(`/logs?name=${name}`)).text, /There is no log/, name);
  assert.match((await client.get('/logs?node=nobody')).text, /has no node nobody/);
  assert.match((await client.get(`/logs?node=${encodeURIComponent(NASTY)}`)).text, /&lt;script&gt;/);
});

test('network test: each end, step by step', async () => {
  const client = await loggedIn();
  const page = await client.post('/network', {});
  assert.equal(page.status, 200);
  const { lines } = JSON.parse((await client.post('/api/v1/network', {})).text) as {
    lines: { target: string; check: string; result: string; message: string }[];
  };
  const of = (target: string) => lines.filter((line) => line.target === target).map(({ check, result }) => `${check} ${result}`);
  const all = ['Name Passed', 'Port Passed', 'TLS Passed', 'Identity Passed'];
  assert.deepEqual(of(`director ${director.url}`), all, JSON.stringify(lines));
  assert.deepEqual(of(`node ${worker.name}`), all, JSON.stringify(lines));
});

test('support bundle: a .tar.gz with everything that helps, and no secret, also where a log holds one', async () => {
  const client = await loggedIn();
  const identity = readFileSync(`${primary.dir}/identity/identity.json`, 'utf8');
  const key = /-----BEGIN PRIVATE KEY-----\\n([A-Za-z0-9+/=\\n]+)-----END/.exec(identity)?.[1]?.replaceAll('\\n', '') ?? '';
  assert.ok(key.length > 100);
  const planted = ['password=SuperSecret-1234', `a bare key ${key}`, 'token demo.abcdefghij.0123456789abcdef0123456789abcdef'];
  appendFileSync(`${primary.dir}/logs/hello/main.log`, `${planted.join('\n')}\nplain words stay\n`);
  const answer = await client.post('/support-bundle', {});
  assert.equal(answer.status, 200, answer.text);
  assert.match(answer.headers['content-disposition'] ?? '', /attachment; filename="outrigger-support-demo-.*\.tar\.gz"/);
  const files = untar(gunzipSync(answer.body));
  const names = [...files.keys()].map((name) => name.replace('outrigger-support/', ''));
  for (const name of [
    'versions.json',
    'state.json',
    'pairing.json',
    'license.json',
    'framework.json',
    'network-test.json',
    `logs/${primary.name}/hello.main.log`,
    `logs/${worker.name}/hello.main.log`,
  ])
    assert.ok(names.includes(name), `${name} is missing among ${names.join(' ')}`);
  assert.equal(names.at(-1), 'manifest.json');
  const all = [...files.values()].join('\n');
  for (const secret of [
    'SuperSecret-1234',
    key,
    key.slice(40, 100),
    '0123456789abcdef0123456789abcdef',
    password,
    client.cookie()!.split('=')[1]!,
  ])
    assert.ok(!all.includes(secret), `${secret} is in the bundle`);
  assert.ok(all.includes('plain words stay'));
  const manifest = JSON.parse(files.get('outrigger-support/manifest.json') ?? '') as { removed: Record<string, unknown> };
  assert.ok(Object.keys(manifest.removed).includes(`logs/${primary.name}/hello.main.log`.replace('/hello', '/hello')));
});

test('a worker answers every path with 503 and names the primary and its address, with the stylesheet that the page asks for', async () => {
  const style = await askPortal(worker.address, 'GET', '/style.css');
  assert.equal(style.status, 200);
  assert.equal(style.headers['content-type'], 'text/css; charset=utf-8');
  assert.ok(style.text.includes('body{'));
  for (const path of [...PAGES, '/nothing']) {
    const { status, text } = await askPortal(worker.address, 'GET', path);
    assert.equal(status, 503);
    assert.ok(text.includes(primary.name) && text.includes(`https://${primary.address}:${PORTS.portal}/`), text);
  }
  const { status, text } = await askPortal(worker.address, 'POST', '/api/v1/login');
  assert.equal(status, 503);
  assert.deepEqual((JSON.parse(text) as { primary: unknown }).primary, {
    name: primary.name,
    address: primary.address,
    port: PORTS.portal,
  });
});

test('bad input: bodies without end, of no form, methods that nobody knows, cookies of nonsense', async () => {
  const huge = 'x'.repeat(LIMITS.portalBodyBytes + 1);
  const type = { 'content-type': 'application/x-www-form-urlencoded' };
  assert.equal((await askPortal(primary.address, 'POST', '/login', type, huge).catch(() => ({ status: 400 }))).status, 400);
  assert.equal((await askPortal(primary.address, 'POST', '/login', { 'content-type': 'text/plain' }, 'a=b')).status, 400);
  assert.equal(
    (await askPortal(primary.address, 'POST', '/api/v1/login', { 'content-type': 'application/json' }, '{"password":')).status,
    400,
  );
  assert.equal((await askPortal(primary.address, 'DELETE', '/')).status, 405);
  for (const cookie of ['outrigger-portal=', 'outrigger-portal=zz', `outrigger-portal=${'0'.repeat(64)}`, ';;;=', `x=${'y'.repeat(4000)}`])
    assert.equal((await askPortal(primary.address, 'GET', '/pairing', { cookie })).status, 401);
});

test('without a director all of it still works, also after the agent was started again', async () => {
  director.process.kill('SIGSTOP');
  try {
    primary.killAll();
    await primary.start();
    await serves(primary);
    const client = await loggedIn();
    for (const path of PAGES) assert.equal((await client.get(path)).status, 200, path);
    const { text } = await client.get('/');
    assert.ok(text.includes(worker.name) && text.includes('not known without a director'));
    const { lines } = JSON.parse((await client.post('/api/v1/network', {})).text) as { lines: { target: string; result: string }[] };
    assert.ok(lines.some(({ target, result }) => target.startsWith('director') && result === 'Failed'));
  } finally {
    director.process.kill('SIGCONT');
  }
});

test('a password that is changed ends all other sessions; a wrong one is counted, and then waits', async () => {
  const [one, other] = [await loggedIn(), await loggedIn()];
  assert.equal((await one.post('/password', { current: 'wrong', next: 'a long new password' })).status, 400);
  assert.equal((await one.post('/password', { current: password, next: 'short' })).status, 400);
  assert.equal((await one.post('/password', { current: password, next: 'a long new password' })).status, 200);
  assert.equal((await one.get('/')).text.includes('Log out'), true);
  assert.equal((await other.get('/pairing')).status, 401);
  password = 'a long new password';
  const later = await loggedIn();
  assert.equal((await later.post('/logout', {})).status, 303);
  assert.equal((await later.get('/pairing')).status, 401);
  const guesser = portalClient(primary.address);
  const statuses: number[] = [];
  for (let i = 0; i <= LIMITS.portalLoginFailures; i++) statuses.push((await guesser.post('/login', { password: `guess ${i}` })).status);
  assert.deepEqual(statuses, [...Array<number>(LIMITS.portalLoginFailures).fill(401), 429]);
  assert.equal((await guesser.post('/login', { password })).status, 429, 'the right one waits as well');
  assert.ok(Number((await guesser.post('/login', { password })).headers['retry-after']) > 0);
});

test('I2: through the tunnel each caller is counted by himself, as the node that passes him on says; nobody else is believed', async () => {
  const identity = await identityStore(`${worker.dir}/identity`, certificates()).load();
  assert.ok(identity !== undefined);
  const guess = async (from: string, text: string, by: typeof identity | undefined): Promise<number> => {
    const headers = { 'content-type': 'application/json', 'x-forwarded-for': from };
    return (await askPortal(primary.address, 'POST', '/api/v1/login', headers, JSON.stringify({ password: text }), by)).status;
  };
  for (let i = 0; i < LIMITS.portalLoginFailures; i++) assert.equal(await guess('10.1.1.1', `guess ${i}`, identity), 401);
  assert.equal(await guess('10.1.1.1', password, identity), 429);
  assert.equal(await guess('10.1.1.2', password, identity), 200);
  for (let i = 0; i <= LIMITS.portalLoginFailures; i++) await guess(`10.2.1.${i}`, `guess ${i}`, undefined);
  assert.equal(await guess('10.2.2.2', password, undefined), 429, 'a stranger is counted by his own address, whatever he says');
});

test('a port of the portal that another process has is said in the problems of the node, until it is free', async () => {
  worker.killAll();
  const taken = createServer((socket) => socket.destroy());
  await eventually('the port is taken', () => listens(taken, worker.address), 30_000);
  await worker.start();
  const problems = async (): Promise<string> => (await worker.seen()).status?.agent?.message ?? '';
  await eventually('it is said', async () => /The portal cannot be reached: /.test(await problems()), 60_000);
  await new Promise((done) => taken.close(done));
  await eventually('it is over', async () => !/portal/.test(await problems()), 60_000);
  await serves(worker);
});

function listens(server: Server, host: string): Promise<boolean> {
  return new Promise((done) => {
    server.once('error', () => done(false));
    server.listen(PORTS.portal, host, () => done(true));
  });
}

function shownThumbprint(address: string): Promise<string> {
  return new Promise((done, failed) => {
    const socket = connect({ host: address, port: PORTS.portal, rejectUnauthorized: false }, () => {
      done(thumbprintOf(socket.getPeerCertificate(false).raw));
      socket.destroy();
    });
    socket.on('error', failed);
  });
}

/** Names and texts of an archive's files. */
function untar(archive: Buffer): ReadonlyMap<string, string> {
  const files = new Map<string, string>();
  for (let at = 0; at + 512 <= archive.length;) {
    const header = archive.subarray(at, at + 512);
    const name = header.toString('latin1', 0, 100).replace(/\0.*$/s, '');
    if (name === '') break;
    const size = Number.parseInt(header.toString('latin1', 124, 135), 8);
    files.set(name, archive.toString('utf8', at + 512, at + 512 + size));
    at += 512 + Math.ceil(size / 512) * 512;
  }
  return files;
}
