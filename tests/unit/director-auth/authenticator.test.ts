/**
 * Who is calling: real certificates and tokens, and everything that only looks like one.
 */
import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { describe, test } from 'node:test';
import type { TestContext } from 'node:test';
import { isRefused } from '../../../src/director/auth/identity.ts';
import type { Credentials, Identity, Refused } from '../../../src/director/auth/identity.ts';
import type { Auth } from '../../../src/director/auth/open-auth.ts';
import { secretData, secretKey, secretObject } from '../../../src/director/auth/stored-object.ts';
import { nodeSubject } from '../../../src/director/auth/subject.ts';
import { LIMITS } from '../../../src/model/limits.ts';
import type { JsonObject } from '../../../src/model/json.ts';
import { jws } from '../../../src/platform/jws.ts';
import type { CertificateAuthority, LeafOrder } from '../../../src/ports/x509.ts';
import { never, NODE_UID, openTestAuth, openWorld, put, remove, seedCluster, serviceAccountObject, x509 } from './support.ts';
import type { World } from './support.ts';

interface Setting {
  readonly world: World;
  readonly auth: Auth;
  /** The authority itself, to sign what the product never would. */
  readonly ca: CertificateAuthority;
  ask(credentials: Credentials): Promise<Identity | Refused>;
}

async function open(t: TestContext): Promise<Setting> {
  const world = await openWorld(t);
  await seedCluster(world.store);
  const auth = await openTestAuth(t, world);
  const data = secretData(world.store.get(secretKey('outrigger-system', 'ca'))?.object() as JsonObject);
  const ca = await x509.openAuthority(data.get('tls.crt') ?? '', data.get('tls.key') ?? '');
  return { world, auth, ca, ask: async (credentials) => await auth.authenticator.authenticate(credentials) };
}

function der(pem: string): Buffer {
  return Buffer.from(new X509Certificate(pem).raw);
}

async function leaf(ca: CertificateAuthority, order: Partial<LeafOrder> & { commonName: string }): Promise<Buffer> {
  const { publicKeyDer } = x509.newKey();
  const nowMs = Date.now();
  return der(await ca.issue({ publicKeyDer, notBeforeMs: nowMs - 1000, notAfterMs: nowMs + 1e8, usage: 'client', ...order }));
}

function refusedWith(answer: Identity | Refused, says: RegExp): void {
  assert.ok(isRefused(answer), `not refused: ${JSON.stringify(answer)}`);
  assert.match(answer.refused, /^Unauthorized: |^The client certificate|is not the name of/);
  assert.match(answer.refused, says);
}

async function tokenFor({ auth, world }: Setting, namespace = 'demo', name = 'robot', body: JsonObject = {}): Promise<string> {
  await put(world.store, serviceAccountObject(namespace, name));
  const answer = await auth.reviews.tokenRequest(namespace, name, body, never);
  assert.equal(answer.status, 201, JSON.stringify(answer.body));
  return (answer.body['status'] as { token: string }).token;
}

describe('certificates', () => {
  test('I1: admins, users, nodes and hosts by organization and name', async (t) => {
    const { auth, ca, ask } = await open(t);
    const admin = await ask({ peerCertificate: der((await auth.authority.issueAdmin('admin')).certificatePem) });
    assert.deepEqual(admin, { kind: 'admin', name: 'admin', groups: ['outrigger:admins', 'system:authenticated'] });
    assert.deepEqual(await ask({ peerCertificate: await leaf(ca, { commonName: 'ann', organization: 'red' }) }), {
      kind: 'user',
      name: 'ann',
      groups: ['red', 'system:authenticated'],
    });
    assert.deepEqual(await ask({ peerCertificate: await leaf(ca, { commonName: 'ann' }) }), {
      kind: 'user',
      name: 'ann',
      groups: ['system:authenticated'],
    });
  });

  test('I1: a foreign authority, even of the same name, proves nothing', async (t) => {
    const { auth, ask } = await open(t);
    const own = new X509Certificate(auth.authority.certificatePem);
    const name = own.subject.replace('CN=', '');
    const forged = await x509.createAuthority(name, Date.now() - 1000, Date.now() + 1e9);
    const authority = await x509.openAuthority(forged.certificatePem, forged.privateKeyPem);
    refusedWith(
      await ask({ peerCertificate: await leaf(authority, nodeSubject(NODE_UID, 1)) }),
      /was not signed by this director's authority/,
    );
    refusedWith(
      await ask({ peerCertificate: await leaf(authority, { commonName: 'admin', organization: 'outrigger:admins' }) }),
      /was not signed/,
    );
    refusedWith(await ask({ peerCertificate: Buffer.from('garbage') }), /was not signed/);
  });

  test('I1: a leaf signs nothing: a chain through one is refused', async (t) => {
    const { ca } = await open(t);
    const key = x509.newKey();
    const nowMs = Date.now();
    const pem = await ca.issue({
      commonName: 'ann',
      publicKeyDer: key.publicKeyDer,
      notBeforeMs: nowMs - 1000,
      notAfterMs: nowMs + 1e8,
      usage: 'client',
    });
    await assert.rejects(x509.openAuthority(pem, key.privateKeyPem), /do not belong together/);
  });

  test('I1: names that do not fit their organization, several of either, and reserved ones are refused', async (t) => {
    const { ca, ask } = await open(t);
    const wrong: [string, string | undefined, RegExp][] = [
      [`outrigger:node:${NODE_UID}:1`, 'outrigger:admins', /does not fit its organization/],
      [`outrigger:node:${NODE_UID}:1`, 'outrigger:hosts', /is not the name of a host/],
      ['outrigger:host:alpha', 'outrigger:nodes', /is not the name of a node/],
      ['admin', 'outrigger:nodes', /is not the name of a node/],
      [`outrigger:node:${NODE_UID}:1`, 'red', /does not fit its organization/],
      [`outrigger:node:${NODE_UID}:1`, undefined, /does not fit its organization/],
      ['system:serviceaccount:demo:robot', 'red', /does not fit its organization/],
      [`outrigger:node:${NODE_UID}:01`, 'outrigger:nodes', /is not the name of a node/],
      [`outrigger:node:${NODE_UID}:1 `, 'outrigger:nodes', /is not the name of a node/],
      [`outrigger:node:../${NODE_UID}:1`, 'outrigger:nodes', /is not the name of a node/],
      ['ann', 'system:masters', /is reserved/],
      ['ann', 'outrigger:extension', /is reserved/],
    ];
    for (const [commonName, organization, says] of wrong) {
      refusedWith(
        await ask({ peerCertificate: await leaf(ca, { commonName, ...(organization === undefined ? {} : { organization }) }) }),
        says,
      );
    }
  });

  test("I1: a director's serving certificate and the authority's own are no client's", async (t) => {
    const { auth, ca, ask } = await open(t);
    refusedWith(await ask({ peerCertificate: der((await auth.servingCertificate([])).certificatePem) }), /is not one for clients/);
    refusedWith(await ask({ peerCertificate: der(auth.authority.certificatePem) }), /is not one for clients/);
    refusedWith(await ask({ peerCertificate: await leaf(ca, { ...nodeSubject(NODE_UID, 1), usage: 'server' }) }), /is not one for clients/);
  });

  test('I1: too early and too late, also on a connection that was good before', async (t) => {
    const { world, ca, ask } = await open(t);
    const nowMs = Date.now();
    const early = await leaf(ca, { commonName: 'ann', notBeforeMs: nowMs + 60_000, notAfterMs: nowMs + 120_000 });
    const connection = {};
    refusedWith(await ask({ peerCertificate: early, connection }), /is not valid yet/);
    world.clock.advance(61_000);
    assert.equal(((await ask({ connection })) as Identity).name, 'ann');
    world.clock.advance(61_000);
    refusedWith(await ask({ connection }), /has expired/);
  });

  test('a connection is judged once; the same certificate is the same identity everywhere', async (t) => {
    const { auth, ask } = await open(t);
    const certificate = der((await auth.authority.issueAdmin('admin')).certificatePem);
    let asked = 0;
    const peerCertificate = (): Buffer => {
      asked++;
      return certificate;
    };
    const connection = {};
    const first = await ask({ peerCertificate, connection });
    for (let at = 0; at < 5; at++) assert.equal(await ask({ peerCertificate, connection }), first);
    assert.equal(asked, 1);
    assert.equal(await ask({ peerCertificate, connection: {} }), first);
    assert.equal(asked, 2);
  });
});

describe('tokens', () => {
  test('I1: a token of a ServiceAccount that lives', async (t) => {
    const setting = await open(t);
    const token = await tokenFor(setting);
    const uid = setting.world.store.get({ group: '', resource: 'serviceaccounts', namespace: 'demo', name: 'robot' })?.uid;
    const groups = ['system:serviceaccounts', 'system:serviceaccounts:demo', 'system:authenticated'];
    const expected = { kind: 'serviceAccount', name: 'system:serviceaccount:demo:robot', groups, uid };
    const first = await setting.ask({ authorization: `Bearer ${token}` });
    assert.deepEqual(first, expected);
    assert.equal(await setting.ask({ authorization: `Bearer ${token}` }), first);
  });

  test('I1: not after the ServiceAccount went, nor when another of its name came', async (t) => {
    const setting = await open(t);
    const authorization = `Bearer ${await tokenFor(setting)}`;
    assert.ok(!isRefused(await setting.ask({ authorization })));
    await remove(setting.world.store, serviceAccountObject('demo', 'robot'));
    refusedWith(await setting.ask({ authorization }), /is gone/);
    await put(setting.world.store, serviceAccountObject('demo', 'robot'));
    refusedWith(await setting.ask({ authorization }), /is gone/);
  });

  test('I1: not after its time, not for another audience', async (t) => {
    const setting = await open(t);
    const authorization = `Bearer ${await tokenFor(setting, 'demo', 'robot', { spec: { expirationSeconds: 600 } })}`;
    assert.ok(!isRefused(await setting.ask({ authorization })));
    setting.world.clock.advance(600_000);
    refusedWith(await setting.ask({ authorization }), /has expired/);
    const foreign = await tokenFor(setting, 'demo', 'robot', { spec: { audiences: ['elsewhere'] } });
    refusedWith(await setting.ask({ authorization: `Bearer ${foreign}` }), /another audience/);
  });

  test('I1: not signed by another key, not without a signature, not tampered with', async (t) => {
    const setting = await open(t);
    const token = await tokenFor(setting);
    const [header = '', payload = '', signature = ''] = token.split('.');
    const claims = JSON.parse(Buffer.from(payload, 'base64url').toString()) as JsonObject;
    const other = await jws().openKeys([await jws().newKey()]);
    const none = Buffer.from(JSON.stringify({ alg: 'none', kid: 'x' })).toString('base64url');
    const raised = Buffer.from(JSON.stringify({ ...claims, sub: 'system:serviceaccount:outrigger-system:extension' })).toString(
      'base64url',
    );
    const forged = [
      await other.sign(claims),
      `${none}.${payload}.`,
      `${none}.${payload}.${signature}`,
      `${header}.${raised}.${signature}`,
      `${header}.${payload}.`,
      'abc',
      'a.b.c',
    ];
    for (const one of forged) refusedWith(await setting.ask({ authorization: `Bearer ${one}` }), /was not signed by this director/);
  });

  test('keys that are exchanged make older tokens worthless at once, and new ones work', async (t) => {
    const setting = await open(t);
    const authorization = `Bearer ${await tokenFor(setting)}`;
    assert.ok(!isRefused(await setting.ask({ authorization })));
    const [old] = secretData(
      setting.world.store.get(secretKey('outrigger-system', 'service-account-keys'))?.object() as JsonObject,
    ).values();
    await put(
      setting.world.store,
      secretObject('outrigger-system', 'service-account-keys', 'Opaque', { '0001': old ?? '', '0002': await jws().newKey() }),
    );
    assert.ok(!isRefused(await setting.ask({ authorization })), 'both keys verify');
    await put(setting.world.store, secretObject('outrigger-system', 'service-account-keys', 'Opaque', { '0002': await jws().newKey() }));
    refusedWith(await setting.ask({ authorization }), /was not signed by this director/);
    assert.ok(!isRefused(await setting.ask({ authorization: `Bearer ${await tokenFor(setting)}` })));
  });

  test('I3: other schemes, and headers beyond the bound', async (t) => {
    const { ask } = await open(t);
    for (const authorization of ['Basic YTpi', 'Bearer', 'Bearer a b', `Bearer ${'a'.repeat(LIMITS.authorizationBytes)}`, '']) {
      refusedWith(await ask({ authorization }), /must be "Bearer <token>"/);
    }
  });
});

describe('nothing', () => {
  test('I3: 401, but anonymous on the open paths', async (t) => {
    const { ask } = await open(t);
    for (const path of ['/api', '/version', '/metrics', '/outrigger/v1/hello', '/healthz/more', '/apis/outrigger.dev/v1/clusters']) {
      refusedWith(await ask({ path }), /send a client certificate, or a bearer token/);
    }
    for (const path of ['/healthz', '/livez', '/readyz', '/outrigger/v1/join'])
      assert.equal(((await ask({ path })) as Identity).kind, 'anonymous');
    refusedWith(await ask({ peerCertificate: new Uint8Array(0) }), /send a client certificate/);
  });

  test('I3: a wrong token is refused on open paths too; a good one beside a foreign certificate counts', async (t) => {
    const setting = await open(t);
    refusedWith(await setting.ask({ path: '/healthz', authorization: 'Bearer abc' }), /was not signed/);
    const forged = await x509.createAuthority('x', Date.now() - 1000, Date.now() + 1e9);
    const authority = await x509.openAuthority(forged.certificatePem, forged.privateKeyPem);
    const peerCertificate = await leaf(authority, { commonName: 'admin', organization: 'outrigger:admins' });
    const answer = await setting.ask({ peerCertificate, authorization: `Bearer ${await tokenFor(setting)}` });
    assert.equal((answer as Identity).kind, 'serviceAccount');
    assert.equal(((await setting.ask({ peerCertificate, path: '/healthz' })) as Identity).kind, 'anonymous');
  });
});
