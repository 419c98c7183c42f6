/**
 * Joining, renewing and saying hello: what gives a certificate, and above all what does not.
 */
import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { describe, test } from 'node:test';
import type { TestContext } from 'node:test';
import type { AuthAnswer, OwnRequest } from '../../../src/director/auth/identity.ts';
import type { Auth } from '../../../src/director/auth/open-auth.ts';
import { sha256 } from '../../../src/director/auth/service-account.ts';
import { secretData, secretKey, secretObject } from '../../../src/director/auth/stored-object.ts';
import { hostSubject, nodeSubject } from '../../../src/director/auth/subject.ts';
import { sweepTokens } from '../../../src/director/auth/token-sweep.ts';
import { BOOTSTRAP_TOKEN_TYPE, parseToken, tokenCharacters, tokenData, tokenText } from '../../../src/model/bootstrap-token.ts';
import type { TokenBearer } from '../../../src/model/bootstrap-token.ts';
import { LIMITS } from '../../../src/model/limits.ts';
import type { Json, JsonObject } from '../../../src/model/json.ts';
import { hostObject, never, nodeObject, NODE_UID, openTestAuth, openWorld, put, random, remove, seedCluster, x509 } from './support.ts';
import type { World } from './support.ts';

const NODE: TokenBearer = { kind: 'node', uid: NODE_UID, name: 'harbor-a1-n0', incarnation: 1 };
const NO_GOOD =
  'This token lets nobody join: this director knows none like it. Copy the whole of what outrigger token create printed, or create another one.';
const USED = /^This token was used already, by another machine/;

interface Setting {
  readonly world: World;
  readonly auth: Auth;
  /** Mints a token and returns its text. */
  mint(bearer: TokenBearer, options?: { namespace?: string; lifeMs?: number }): Promise<string>;
  post(path: string, body: Json, more?: Partial<OwnRequest>): Promise<AuthAnswer>;
}

async function open(t: TestContext): Promise<Setting> {
  const world = await openWorld(t);
  await seedCluster(world.store);
  const auth = await openTestAuth(t, world);
  return {
    world,
    auth,
    mint: async (bearer, { namespace = 'demo', lifeMs = LIMITS.bootstrapTokenTtlMs } = {}) => {
      const dice = Array.from({ length: 42 }, () => random.float());
      const [id, secret] = [tokenCharacters(dice.slice(0, 10)), tokenCharacters(dice.slice(10))];
      const expiresAt = new Date(world.clock.nowMs() + lifeMs).toISOString();
      await put(
        world.store,
        secretObject(namespace, `bootstrap-${id}`, BOOTSTRAP_TOKEN_TYPE, tokenData({ tokenHash: sha256(secret), expiresAt, bearer })),
      );
      return tokenText({ namespace, id, secret });
    },
    post: (path, body, more = {}) =>
      auth.ownPaths.handle(
        { method: 'POST', path: `/outrigger/v1/${path}`, body, credentials: {}, remoteAddress: '192.0.2.1', ...more },
        never,
      ),
  };
}

const newCsr = (): string => x509.createRequest(x509.newKey().privateKeyPem);

/** What must be text there. */
function text(value: Json | undefined): string {
  assert.ok(typeof value === 'string', `no text: ${JSON.stringify(value)}`);
  return value;
}

function der(pem: Json | undefined): Buffer {
  return Buffer.from(new X509Certificate(text(pem)).raw);
}

function granted(answer: AuthAnswer): JsonObject {
  assert.equal(answer.status, 200, JSON.stringify(answer.body));
  return answer.body;
}

function refusedWith(answer: AuthAnswer, says: RegExp | string, status = 403): void {
  assert.equal(answer.status, status, JSON.stringify(answer.body));
  assert.equal(answer.body['kind'], 'Status');
  if (typeof says === 'string') assert.equal(answer.body['message'], says);
  else assert.match(text(answer.body['message']), says);
}

describe('join', () => {
  test('gives a certificate that names what the token was for, whatever the request says', async (t) => {
    const { world, auth, mint, post } = await open(t);
    const key = x509.newKey();
    const answer = granted(await post('join', { token: await mint(NODE), csr: x509.createRequest(key.privateKeyPem) }));
    const facts = x509.read(text(answer['certificate']));
    assert.ok(facts);
    assert.deepEqual([facts.commonNames, facts.organizations], [[`outrigger:node:${NODE_UID}:1`], ['outrigger:nodes']]);
    assert.deepEqual([facts.clientAuth, facts.serverAuth, facts.isAuthority], [true, true, false]);
    assert.deepEqual(Buffer.from(facts.publicKeyDer), Buffer.from(key.publicKeyDer));
    assert.ok(x509.isIssuedBy(text(answer['certificate']), text(answer['ca'])));
    assert.equal(x509.publicKeyHash(text(answer['ca'])), auth.authority.publicKeyHash);
    assert.deepEqual(answer['era'], { ...world.store.era() });
    assert.equal(Date.parse(text(answer['notAfter'])), Math.floor(facts.notAfterMs / 1000) * 1000);
    const identity = await auth.authenticator.authenticate({ peerCertificate: der(answer['certificate']) });
    assert.deepEqual(identity, {
      kind: 'node',
      name: `outrigger:node:${NODE_UID}:1`,
      groups: ['outrigger:nodes', 'system:authenticated'],
      node: { uid: NODE_UID, incarnation: 1 },
    });
  });

  test('I2: the same request again gets the same certificate, also when the token has expired meanwhile', async (t) => {
    const { world, mint, post } = await open(t);
    const body = { token: await mint(NODE), csr: newCsr() };
    const first = granted(await post('join', body));
    assert.equal(granted(await post('join', body))['certificate'], first['certificate']);
    world.clock.advance(LIMITS.bootstrapTokenTtlMs + 1000);
    assert.equal(granted(await post('join', body))['certificate'], first['certificate']);
  });

  test('I1: a used token and another request: refused', async (t) => {
    const { mint, post } = await open(t);
    const token = await mint(NODE);
    granted(await post('join', { token, csr: newCsr() }));
    refusedWith(await post('join', { token, csr: newCsr() }), USED);
  });

  test('I1: of two requests at once exactly one wins, also at two directors of one store', async (t) => {
    const { world, mint, post } = await open(t);
    const other = await openWorld(t, { database: world.database, clock: world.clock });
    const otherAuth = await openTestAuth(t, other);
    for (let round = 0; round < 20; round++) {
      const token = await mint(NODE);
      const join = (auth: Auth, csr: string): Promise<AuthAnswer> =>
        auth.ownPaths.handle(
          { method: 'POST', path: '/outrigger/v1/join', body: { token, csr }, credentials: {}, remoteAddress: `192.0.2.${round}` },
          never,
        );
      const [csr, second] = [newCsr(), newCsr()];
      const answers = await Promise.all([post('join', { token, csr }, { remoteAddress: `192.0.2.${round}` }), join(otherAuth, second)]);
      assert.deepEqual(
        answers.map((answer) => answer.status).toSorted((a, b) => a - b),
        [200, 403],
        `round ${round}`,
      );
      const won = answers.findIndex((answer) => answer.status === 200);
      const again = await join(otherAuth, won === 0 ? csr : second);
      assert.equal(granted(again)['certificate'], answers[won]?.body['certificate'], `round ${round}`);
    }
  });

  test('I3: unknown and wrong tokens cannot be told apart; only who knows all of one hears that it is expired or used', async (t) => {
    const { mint, post } = await open(t);
    const expired = await mint(NODE, { lifeMs: -1 });
    const good = await mint(NODE);
    const otherEnd = (token: string): string => token.slice(0, -1) + (token.endsWith('a') ? 'b' : 'a');
    const hostInOrganization = await mint({ kind: 'host', name: 'alpha' });
    const used = await mint(NODE);
    granted(await post('join', { token: used, csr: newCsr() }));
    refusedWith(
      await post('join', { token: expired, csr: newCsr() }),
      /^This token expired at .*; the director's clock says .*Create another/,
    );
    refusedWith(await post('join', { token: used, csr: newCsr() }), USED);
    for (const token of [
      ...[expired, good, used].map(otherEnd),
      hostInOrganization,
      good.replace('demo', 'other'),
      'demo.0123456789.' + 'a'.repeat(32),
      'nonsense',
      'a.b.c',
    ]) {
      refusedWith(await post('join', { token, csr: newCsr() }), NO_GOOD);
    }
    granted(await post('join', { token: good, csr: newCsr() }));
  });

  test('I4: not for a node that is gone, that is to go, or that has another incarnation', async (t) => {
    const { world, mint, post } = await open(t);
    const join = async (): Promise<AuthAnswer> => await post('join', { token: await mint(NODE), csr: newCsr() });
    await put(world.store, nodeObject({ incarnation: 2 }));
    refusedWith(await join(), /is at incarnation 2; this token was for 1/);
    await put(world.store, nodeObject({ retired: true }));
    refusedWith(await join(), /is to go/);
    await put(world.store, nodeObject({}, {}, { deletionTimestamp: '2027-01-01T00:00:00Z' }));
    refusedWith(await join(), /is to go/);
    await remove(world.store, nodeObject());
    refusedWith(await join(), /is gone/);
    await put(world.store, nodeObject({}, {}, { uid: '0de00de0-0000-4000-8000-0000000000ff' }));
    refusedWith(await join(), /is gone/);
  });

  test('a host joins by a token of outrigger-system, if there is such a Host', async (t) => {
    const { auth, mint, post } = await open(t);
    const body = { token: await mint({ kind: 'host', name: 'alpha' }, { namespace: 'outrigger-system' }), csr: newCsr() };
    const identity = await auth.authenticator.authenticate({ peerCertificate: der(granted(await post('join', body))['certificate']) });
    assert.deepEqual([(identity as { kind: string }).kind, (identity as { host: string }).host], ['host', 'alpha']);
    refusedWith(
      await post('join', { token: await mint({ kind: 'host', name: 'gamma' }, { namespace: 'outrigger-system' }), csr: newCsr() }),
      /There is no Host gamma/,
    );
  });

  test('a certificate that somebody else wrote into the Secret is not handed out', async (t) => {
    const { world, mint, post } = await open(t);
    const token = await mint(NODE);
    const csr = newCsr();
    granted(await post('join', { token, csr }));
    const key = secretKey('demo', `bootstrap-${parseToken(token)?.id}`);
    const secret = world.store.get(key)?.object() as JsonObject;
    const foreign = await x509.createAuthority('foreign', Date.now() - 1000, Date.now() + 100_000);
    await put(world.store, {
      ...secret,
      data: { ...(secret['data'] as JsonObject), certificate: Buffer.from(foreign.certificatePem).toString('base64') },
    });
    refusedWith(await post('join', { token, csr }), USED);
  });

  test('bad requests are told what is wrong, before any look-up', async (t) => {
    const { mint, post } = await open(t);
    const token = await mint(NODE);
    refusedWith(await post('join', { token, csr: 'no' }), /csr is not a PKCS#10/, 400);
    refusedWith(await post('join', { token }), /csr must be/, 400);
    refusedWith(await post('join', null), /csr must be/, 400);
    refusedWith(await post('join', { token: 7, csr: newCsr() }), /token must be/, 400);
    refusedWith(await post('join', { token: 'x'.repeat(300), csr: newCsr() }), /token must be/, 400);
    const pem = newCsr();
    const bytes = Buffer.from(pem.replaceAll(/-----.*-----|\n/g, ''), 'base64');
    bytes[bytes.length - 1] = (bytes.at(-1) ?? 0) ^ 1;
    refusedWith(
      await post('join', {
        token,
        csr: `-----BEGIN CERTIFICATE REQUEST-----\n${bytes.toString('base64')}\n-----END CERTIFICATE REQUEST-----\n`,
      }),
      /signature of csr/,
      400,
    );
    refusedWith(await post('join', { token, csr: newCsr() }, { method: 'GET' }), /POST only/, 405);
    granted(await post('join', { token, csr: newCsr() }));
  });

  test('who is refused again and again must wait; others need not', async (t) => {
    const { mint, post } = await open(t);
    const token = await mint(NODE);
    for (let at = 0; at < LIMITS.joinRefusalsPerMinute; at++) refusedWith(await post('join', { token: 'a.b.c', csr: newCsr() }), NO_GOOD);
    const answer = await post('join', { token, csr: newCsr() });
    refusedWith(answer, /Too many refused attempts/, 429);
    assert.ok(Number(answer.headers?.['Retry-After']) >= 1);
    granted(await post('join', { token, csr: newCsr() }, { remoteAddress: '192.0.2.9' }));
  });
});

describe('renew', () => {
  async function joined(setting: Setting): Promise<Buffer> {
    return der(granted(await setting.post('join', { token: await setting.mint(NODE), csr: newCsr() }))['certificate']);
  }
  const by = (peerCertificate: Uint8Array): Partial<OwnRequest> => ({ credentials: { peerCertificate: () => peerCertificate } });

  test('gives another year, also to a certificate that expired up to 400 days ago', async (t) => {
    const setting = await open(t);
    const old = await joined(setting);
    const key = x509.newKey();
    const renewed = granted(await setting.post('renew', { csr: x509.createRequest(key.privateKeyPem) }, by(old)));
    assert.deepEqual(x509.read(text(renewed['certificate']))?.commonNames, [`outrigger:node:${NODE_UID}:1`]);
    setting.world.clock.advance(LIMITS.leafLifetimeMs + LIMITS.renewalAcceptedMs - 60_000);
    assert.deepEqual(await setting.auth.authenticator.authenticate({ peerCertificate: old }), {
      refused:
        'Unauthorized: the client certificate has expired. Nodes and hosts renew theirs at /outrigger/v1/renew, people get another kubeconfig.',
    });
    const late = granted(await setting.post('renew', { csr: newCsr() }, by(old)));
    const facts = x509.read(text(late['certificate']));
    assert.ok(facts && facts.notAfterMs > setting.world.clock.nowMs() + LIMITS.leafLifetimeMs - 60_000);
    setting.world.clock.advance(120_000);
    refusedWith(await setting.post('renew', { csr: newCsr() }, by(old)), /expired more than 400 days ago/);
  });

  test('I4: not for an older incarnation, not for what is gone', async (t) => {
    const setting = await open(t);
    const old = await joined(setting);
    await put(setting.world.store, nodeObject({ incarnation: 2 }));
    refusedWith(
      await setting.post('renew', { csr: newCsr() }, by(old)),
      /Incarnation 2 of harbor-a1-n0 has replaced incarnation 1: stop its pods/,
    );
    await remove(setting.world.store, nodeObject());
    refusedWith(await setting.post('renew', { csr: newCsr() }, by(old)), /knows no ClusterNode with uid .*; go on as you are/);
    const host = x509.newKey();
    const issued = await setting.auth.authority.issueHost('beta', host.publicKeyDer);
    granted(await setting.post('renew', { csr: newCsr() }, by(der(issued.certificatePem))));
    await remove(setting.world.store, hostObject('beta'));
    refusedWith(await setting.post('renew', { csr: newCsr() }, by(der(issued.certificatePem))), /knows no Host beta/);
  });

  test('not for foreign certificates, servers, admins, or none', async (t) => {
    const setting = await open(t);
    const foreign = await x509.createAuthority('outrigger-ca', Date.now() - 1000, Date.now() + 1e9);
    const authority = await x509.openAuthority(foreign.certificatePem, foreign.privateKeyPem);
    const key = x509.newKey();
    const span = { notBeforeMs: Date.now() - 1000, notAfterMs: Date.now() + 1e8 };
    const forged = await authority.issue({ ...nodeSubject(NODE_UID, 1), ...span, publicKeyDer: key.publicKeyDer, usage: 'client' });
    refusedWith(await setting.post('renew', { csr: newCsr() }, by(der(forged))), /was not signed by this director's authority/);
    const serving = await setting.auth.servingCertificate([]);
    refusedWith(
      await setting.post('renew', { csr: newCsr() }, by(der(serving.certificatePem))),
      /was not signed by this director's authority/,
    );
    const admin = await setting.auth.authority.issueAdmin('admin');
    refusedWith(await setting.post('renew', { csr: newCsr() }, by(der(admin.certificatePem))), /Only nodes and hosts/);
    refusedWith(await setting.post('renew', { csr: newCsr() }), /needs the old client certificate/);
    assert.equal(hostSubject('beta').organization, 'outrigger:hosts');
  });
});

describe('hello', () => {
  test('tells the era and the version to who is somebody', async (t) => {
    const setting = await open(t);
    const { certificatePem } = await setting.auth.authority.issueAdmin('admin');
    const credentials = { peerCertificate: der(certificatePem) };
    const era = { ...setting.world.store.era() };
    const answer = granted(await setting.post('hello', { era, revision: 1 }, { credentials }));
    assert.deepEqual(answer, { era, revision: setting.world.store.revision(), version: '1.2.3', sighting: 'known' });
    assert.deepEqual(granted(await setting.post('hello', {}, { credentials }))['era'], era);
    refusedWith(await setting.post('hello', { era, revision: 1 }), /send a client certificate/, 401);
    refusedWith(await setting.post('hello', { era: { number: 'x' } }, { credentials }), /hello takes/, 400);
    refusedWith(await setting.post('hello', { era: { number: 1, id: 'x' }, revision: -1 }, { credentials }), /hello takes/, 400);
  });

  test("I2: a tenant's claim to have seen a younger era opens none; an admin's does", async (t) => {
    const setting = await open(t);
    const before = setting.world.store.era();
    const claim = { era: { number: before.number + 1, id: 'another' }, revision: setting.world.store.revision() + 5 };
    const account = await put(setting.world.store, {
      apiVersion: 'v1',
      kind: 'ServiceAccount',
      metadata: { name: 'robot', namespace: 'demo' },
    });
    const minted = await setting.auth.reviews.tokenRequest('demo', 'robot', {}, never);
    const token = (minted.body['status'] as { token: string }).token;
    assert.ok(account.uid);
    const said = granted(await setting.post('hello', claim, { credentials: { authorization: `Bearer ${token}` } }));
    assert.equal(said['sighting'], undefined);
    assert.deepEqual(setting.world.store.era(), before);
    const { certificatePem } = await setting.auth.authority.issueAdmin('admin');
    const opened = granted(await setting.post('hello', claim, { credentials: { peerCertificate: der(certificatePem) } }));
    assert.equal(opened['sighting'], 'opened');
    assert.ok(setting.world.store.era().number > before.number);
  });
});

describe('tokens', () => {
  test('those long expired are swept, others stay', async (t) => {
    const { world, mint } = await open(t);
    await mint(NODE, { lifeMs: -2 * LIMITS.bootstrapTokenTtlMs });
    const young = await mint(NODE, { lifeMs: -1000 });
    await put(world.store, secretObject('demo', 'bootstrap-zzzzzzzzzz', 'Opaque', { expiresAt: '2000-01-01T00:00:00Z' }));
    assert.equal(await sweepTokens({ store: world.store, clock: world.clock, log: world.log }, never), 1);
    assert.ok(world.store.get(secretKey('demo', `bootstrap-${parseToken(young)?.id}`)));
  });

  test('no token, hash, key or certificate reaches the log', async (t) => {
    const { world, mint, post } = await open(t);
    const token = await mint(NODE);
    const csr = newCsr();
    const joined = granted(await post('join', { token, csr }));
    await post('join', { token, csr: newCsr() });
    await post('join', { token: `demo.0123456789.${'q'.repeat(32)}`, csr: 'no' });
    const log = world.log.lines.join('\n');
    assert.ok(world.log.lines.length >= 3, 'something is logged');
    const ca = secretData(world.store.get(secretKey('outrigger-system', 'ca'))?.object() as JsonObject);
    const secret = parseToken(token)?.secret ?? '';
    const lineOf = (pem: string): string => pem.split('\n')[1] ?? '';
    for (const secretText of [
      secret,
      sha256(secret),
      lineOf(ca.get('tls.key') ?? ''),
      lineOf(text(joined['certificate'])),
      lineOf(csr),
      'q'.repeat(32),
    ]) {
      assert.ok(secretText.length > 20);
      assert.ok(!log.includes(secretText), 'a secret is in the log');
    }
  });
});
