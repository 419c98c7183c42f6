/**
 * The light API client of agents and hosts against servers that hang, tear, lie and go away.
 */
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { CLUSTER_NODES } from '../../src/model/addresses.ts';
import { isFault } from '../../src/model/fault.ts';
import { certificates } from '../../src/platform/certificate.ts';
import { identityStore } from '../../src/platform/identity-store.ts';
import { directors } from '../../src/platform/join.ts';
import { systemRandom } from '../../src/platform/random.ts';
import type { WatchEvent } from '../../src/ports/api.ts';
import type { DirectorApi, Identity } from '../../src/ports/director.ts';
import type { Era } from '../../src/ports/store.ts';
import { eventually } from '../support/eventually.ts';
import { fakeDirector, reply, testAuthority } from '../support/fake-director.ts';
import type { FakeDirector, TestAuthority } from '../support/fake-director.ts';

const never = new AbortController().signal;
const door = directors({ ...systemRandom(), float: () => 0 });
const folder = mkdtempSync(join(tmpdir(), 'outrigger-api-client-'));
const open: { close(): void | Promise<void> }[] = [];
let authority: TestAuthority;
let identity: Identity;

before(async () => {
  authority = await testAuthority();
  identity = { ...(await authority.issue('outrigger:node:abc:1', 'client')), authority: authority.certificate };
});
after(async () => {
  for (const one of open.reverse()) await one.close();
  rmSync(folder, { recursive: true, force: true });
});

async function director(of: TestAuthority = authority, shown?: string): Promise<FakeDirector> {
  const made = await fakeDirector(of, shown);
  open.push(made);
  return made;
}

function client(urls: string[], era?: Era): DirectorApi {
  const api = door.open({ directors: urls, identity, era });
  open.push(api);
  return api;
}

/** The URL of a port on which nobody listens. */
async function nobody(): Promise<string> {
  const server = createServer();
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const { port } = server.address() as AddressInfo;
  await new Promise((done) => server.close(done));
  return `https://127.0.0.1:${port}`;
}

const node = (name: string, revision: number) => ({ metadata: { name, uid: name, resourceVersion: String(revision) } });

test('calls go to the right paths with the client certificate, over one connection', async () => {
  const server = await director();
  server.answer = (_, response) => reply(response, 200, node('n', 5));
  const api = client([server.url]);
  assert.deepEqual(await api.get(CLUSTER_NODES, 'demo', 'n', never), { ok: true, value: node('n', 5) });
  await api.mergePatch(CLUSTER_NODES, 'demo', 'n', { status: { role: 'Worker' } }, never, 'status');
  await api.replace(CLUSTER_NODES, 'demo', 'n', { a: 1 }, never);
  await api.create(CLUSTER_NODES, 'demo', { a: 1 }, never);
  await api.delete(CLUSTER_NODES, 'demo', 'n', { uid: 'u', resourceVersion: '5' }, never);
  await api.post('/outrigger/v1/hello', {}, never);
  const path = '/apis/outrigger.dev/v1/namespaces/demo/clusternodes';
  assert.deepEqual(
    server.requests.map((one) => `${one.method} ${one.path}`),
    [`GET ${path}/n`, `PATCH ${path}/n/status`, `PUT ${path}/n`, `POST ${path}`, `DELETE ${path}/n`, 'POST /outrigger/v1/hello'],
  );
  assert.ok(server.requests.every((one) => one.client === 'outrigger:node:abc:1'));
  assert.deepEqual(JSON.parse(server.requests[4]!.body), {
    apiVersion: 'v1',
    kind: 'DeleteOptions',
    propagationPolicy: 'Background',
    preconditions: { uid: 'u', resourceVersion: '5' },
  });
});

test('I1: refusals that one can expect are answers; what nobody expects is a fault', async () => {
  const server = await director();
  const api = client([server.url]);
  const get = () => api.get(CLUSTER_NODES, 'demo', 'n', never);
  for (const [status, reason] of [
    [404, 'NotFound'],
    [409, 'Conflict'],
    [410, 'Expired'],
    [403, 'Forbidden'],
    [422, 'Invalid'],
    [429, 'TooManyRequests'],
  ] as const) {
    server.answer = (_, response) => reply(response, status, { kind: 'Status', message: 'because', reason: 'x' });
    assert.deepEqual(await get(), { ok: false, reason, message: 'because' });
  }
  server.answer = (_, response) => reply(response, 503, { message: 'the database is away' });
  await assert.rejects(get(), (fault) => isFault(fault, 'DirectorUnreachable') && fault.message.includes('the database is away'));
  server.answer = (_, response) => response.writeHead(200).end('<html>');
  await assert.rejects(get(), (fault) => isFault(fault, 'DirectorAnswerInvalid'));
});

test('a list is read page by page', async () => {
  const server = await director();
  server.answer = (request, response) => {
    const second = request.url.includes('continue=more');
    reply(response, 200, {
      metadata: { resourceVersion: '9', ...(second ? {} : { continue: 'more' }) },
      items: [node(second ? 'b' : 'a', 1)],
    });
  };
  const answer = await client([server.url]).list(CLUSTER_NODES, { namespace: 'demo', labelSelector: 'a=b,c' }, never);
  assert.ok(answer.ok);
  assert.deepEqual(
    answer.value.items.map((one) => [one.kind, one.metadata.name]),
    [
      ['ClusterNode', 'a'],
      ['ClusterNode', 'b'],
    ],
  );
  assert.equal(answer.value.resourceVersion, '9');
  assert.ok(server.requests[0]!.path.includes('labelSelector=a%3Db%2Cc'));
});

test('I2: a read is tried again at the next director, a write is not, and both say what happened', async () => {
  const first = await director();
  const second = await director();
  first.answer = (request) => request.stream.session?.destroy();
  second.answer = (_, response) => reply(response, 200, node('n', 5));
  const api = client([await nobody(), first.url, second.url]);
  assert.equal((await api.get(CLUSTER_NODES, 'demo', 'n', never)).ok, true);
  assert.deepEqual([first.requests.length, second.requests.length], [1, 1]);

  const writer = client([first.url]);
  const write = writer.mergePatch(CLUSTER_NODES, 'demo', 'n', {}, never);
  await assert.rejects(
    write,
    (fault) => isFault(fault, 'DirectorUnreachable') && fault.message.includes('may have happened') && fault.message.includes(first.url),
  );
  assert.equal(first.requests.length, 2);

  const dead = await nobody();
  await assert.rejects(
    client([dead]).mergePatch(CLUSTER_NODES, 'demo', 'n', {}, never),
    (fault) => isFault(fault, 'DirectorUnreachable') && fault.message.includes(dead) && fault.message.includes('Nothing was sent'),
  );
});

test('a connection that broke is replaced at the next call', async () => {
  const server = await director();
  server.answer = (_, response) => reply(response, 200, node('n', 5));
  const api = client([server.url]);
  for (let round = 0; round < 3; round++) {
    assert.equal((await api.get(CLUSTER_NODES, 'demo', 'n', never)).ok, true);
    server.cut();
  }
});

test('a server of another CA is not spoken to', async () => {
  const stranger = await director(await testAuthority('stranger'));
  await assert.rejects(client([stranger.url]).get(CLUSTER_NODES, 'demo', 'n', never), (fault) => isFault(fault, 'DirectorUnreachable'));
  assert.equal(stranger.requests.length, 0);
});

test('I4: answers of an older or a foreign era reach no caller, a younger one is told', async () => {
  const server = await director();
  const api = client([server.url], { number: 2, id: 'second' });
  const seen: Era[] = [];
  api.onEra((era) => seen.push(era));
  const get = (era: string) => {
    server.answer = (_, response) => reply(response, 200, node('n', 5), era);
    return api.get(CLUSTER_NODES, 'demo', 'n', never);
  };
  assert.equal((await get('2.second')).ok, true);
  await assert.rejects(get('1.first'), (fault) => isFault(fault, 'DirectorOutdated'));
  await assert.rejects(get('2.other'), (fault) => isFault(fault, 'DirectorOutdated') && fault.message.includes('foreign'));
  assert.equal((await get('3.third')).ok, true);
  assert.deepEqual(seen, [{ number: 3, id: 'third' }]);
  await assert.rejects(get('2.second'), (fault) => isFault(fault, 'DirectorOutdated'));
});

test('a watch hands on events and bookmarks, ends in peace, and says when it is too old', async () => {
  const server = await director();
  const api = client([server.url]);
  const line = (type: string, object: object) => `${JSON.stringify({ type, object })}\n`;
  server.answer = (_, response) => {
    response.writeHead(200);
    const text =
      line('ADDED', node('zürich', 6)) + line('BOOKMARK', { metadata: { resourceVersion: '8' } }) + line('DELETED', node('b', 9));
    const bytes = Buffer.from(text);
    // Torn in the middle of a character.
    const at = bytes.indexOf(0xc3) + 1;
    response.write(bytes.subarray(0, at));
    setTimeout(() => response.end(Buffer.concat([bytes.subarray(at), Buffer.from('{"type":"ADDED","obj')])), 20);
  };
  const events: WatchEvent<unknown>[] = [];
  const watch = (signal = never) =>
    api.watch(CLUSTER_NODES, { namespace: 'demo', resourceVersion: '5' }, (event) => events.push(event), signal);
  assert.deepEqual(await watch(), { ok: true, value: undefined });
  assert.deepEqual(events, [
    { type: 'ADDED', object: node('zürich', 6) },
    { type: 'BOOKMARK', resourceVersion: '8' },
    { type: 'DELETED', object: node('b', 9) },
  ]);
  assert.match(server.requests[0]!.path, /watch=true&allowWatchBookmarks=true&resourceVersion=5/);

  server.answer = (_, response) => response.writeHead(200).end(line('ERROR', { code: 410, message: 'too old' }));
  assert.deepEqual(await watch(), { ok: false, reason: 'Expired', message: 'too old' });
  server.answer = (_, response) => reply(response, 410, { message: 'too old' });
  assert.deepEqual(await watch(), { ok: false, reason: 'Expired', message: 'too old' });

  const stop = new AbortController();
  server.answer = (_, response) => void response.writeHead(200).write(line('ADDED', node('n', 7)));
  const running = watch(stop.signal);
  await eventually('the event came', () => events.length > 3);
  stop.abort();
  assert.deepEqual(await running, { ok: true, value: undefined });

  server.answer = (_, response) => {
    response.writeHead(200).write(line('ADDED', node('m', 8)));
    setTimeout(() => server.cut(), 20);
  };
  assert.deepEqual(await watch(), { ok: true, value: undefined }, 'a cut ends the watch, the caller resumes');
});

test('I1 of joining: the token is sent only to a server of the pinned CA, which it may show or not', async () => {
  const server = await director();
  server.answer = (_, response) => reply(response, 200, { certificate: 'C', ca: 'A', notAfter: 'x', era: { number: 3, id: 'e' } });
  const order = { caHash: authority.hash, token: 'demo.id.secret', request: 'CSR' };
  const issued = await door.join({ ...order, directors: [await nobody(), server.url] }, never);
  assert.deepEqual(issued, { certificate: 'C', authority: 'A', era: { number: 3, id: 'e' }, localAddress: '127.0.0.1' });
  assert.deepEqual(JSON.parse(server.requests[0]!.body), { token: 'demo.id.secret', csr: 'CSR' });

  const stranger = await director(await testAuthority('stranger'));
  await assert.rejects(
    door.join({ ...order, directors: [stranger.url] }, never),
    (fault) => isFault(fault, 'CertificateInvalid') && fault.message.includes(authority.hash) && fault.message.includes(stranger.url),
  );
  assert.equal(stranger.requests.length, 0);

  // It shows the true CA's certificate, which is no secret, but has no key of it.
  const liar = await director(await testAuthority('liar'), authority.certificate);
  await assert.rejects(
    door.join({ ...order, directors: [liar.url] }, never),
    (fault) => isFault(fault) && !fault.message.includes('secret'),
  );
  assert.equal(liar.requests.length, 0);

  server.answer = (_, response) => reply(response, 403, { message: 'the token was used by another key' });
  await assert.rejects(
    door.join({ ...order, directors: [server.url] }, never),
    (fault) => isFault(fault, 'JoinRefused') && fault.message.includes('used by another key'),
  );
});

test('I3 of the identity: the request stays the same until its outcome is kept, and nobody else may read the key', async () => {
  const place = join(folder, 'identity');
  const store = () => identityStore(place, certificates());
  assert.equal(await store().load(), undefined);
  const request = await store().request();
  assert.equal(await store().request(), request);
  const issued = { certificate: 'C', authority: 'A', era: { number: 1, id: 'e' } };
  const kept = await store().save(issued);
  assert.deepEqual(await store().load(), kept);
  assert.match(kept.privateKey, /BEGIN PRIVATE KEY/);
  assert.equal(statSync(join(place, 'identity.json')).mode & 0o777, 0o600);
  assert.equal(statSync(place).mode & 0o777, 0o700);
  assert.notEqual(await store().request(), request, 'a renewal has a key of its own');
  assert.ok(!readFileSync(join(place, 'identity.json'), 'utf8').includes('CERTIFICATE REQUEST'));
});
