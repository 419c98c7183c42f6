/**
 * The authority and its certificates: one for all directors, real TLS, renewal in time, and the kubeconfig.
 */
import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { connect, createServer } from 'node:tls';
import type { TLSSocket } from 'node:tls';
import { describe, test } from 'node:test';
import { openAuthority } from '../../../src/director/auth/authority.ts';
import type { IssuedWithKey, StoreAuthority } from '../../../src/director/auth/authority.ts';
import { keepServingCertificate } from '../../../src/director/auth/serving-certificate.ts';
import { identityOf } from '../../../src/director/auth/subject.ts';
import { newMemoryDatabase } from '../../../src/director/store/memory-backend.ts';
import { LIMITS } from '../../../src/model/limits.ts';
import { certificates } from '../../../src/platform/certificate.ts';
import type { Clock } from '../../../src/ports/clock.ts';
import { never, openTestAuth, openWorld, random, testClock, testLog, x509 } from './support.ts';

const YEAR_MS = LIMITS.leafLifetimeMs;

test('I1: directors that start at once on an empty store share one authority', async (t) => {
  const database = newMemoryDatabase();
  const worlds = await Promise.all(Array.from({ length: 4 }, () => openWorld(t, { database })));
  const authorities = await Promise.all(worlds.map((world) => openAuthority({ ...world, random, x509 }, never)));
  assert.equal(new Set(authorities.map((one) => one.certificatePem)).size, 1);
  const [first, second] = authorities as [StoreAuthority, StoreAuthority];
  const leaf = await second.issueNode('0de', 1, x509.newKey().publicKeyDer);
  assert.ok(x509.isIssuedBy(leaf.certificatePem, first.certificatePem));
  const again = await openAuthority({ ...(worlds[0] ?? assert.fail()), random, x509 }, never);
  assert.equal(again.publicKeyHash, first.publicKeyHash);
});

test('the CA lives ten years, leaves one, and I2: no leaf outlives the CA', async (t) => {
  const world = await openWorld(t);
  const authority = await openAuthority({ ...world, random, x509 }, never);
  const ca = x509.read(authority.certificatePem);
  assert.ok(ca?.isAuthority);
  assert.equal(Math.round((ca.notAfterMs - ca.notBeforeMs) / YEAR_MS), 10);
  const leaf = await authority.issueAdmin('admin');
  assert.equal(Math.round((leaf.notAfterMs - leaf.notBeforeMs) / YEAR_MS), 1);
  world.clock.advance(9.5 * YEAR_MS);
  const late = await authority.issueAdmin('admin');
  assert.equal(late.notAfterMs, ca.notAfterMs);
  await openAuthority({ ...world, random, x509 }, never);
  assert.ok(world.log.lines.some((line) => line.includes('ends within a year')));
});

describe('over real TLS', () => {
  test('a director is known by localhost and its names, its chain holds the pinned CA, and clients show theirs', async (t) => {
    const world = await openWorld(t);
    const auth = await openTestAuth(t, world);
    const serving = await auth.servingCertificate(['director.example', '192.0.2.7', 'localhost']);
    const seen: string[] = [];
    const server = createServer(
      { key: serving.privateKeyPem, cert: serving.certificatePem, requestCert: true, rejectUnauthorized: false },
      (socket) => {
        const raw = socket.getPeerCertificate().raw;
        const answer = auth.authenticator.authenticate({ peerCertificate: raw });
        seen.push('name' in answer ? answer.name : JSON.stringify(answer));
        socket.end('x');
      },
    );
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    t.after(() => server.close());
    const { port } = server.address() as { port: number };
    const key = x509.newKey();
    const host = await auth.authority.issueHost('a'.repeat(63), key.publicKeyDer);
    for (const servername of ['localhost', 'director.example']) {
      const socket: TLSSocket = connect({
        port,
        host: '127.0.0.1',
        servername,
        ca: auth.authority.certificatePem,
        key: key.privateKeyPem,
        cert: host.certificatePem,
      });
      await once(socket, 'secureConnect');
      const chain = socket.getPeerCertificate(true);
      assert.equal(certificates().publicKeyHash(chain.issuerCertificate.raw), auth.authority.publicKeyHash);
      socket.resume();
      await once(socket, 'close');
    }
    assert.deepEqual(
      seen,
      Array.from({ length: 2 }, () => `outrigger:host:${'a'.repeat(63)}`),
    );
    const facts = new X509Certificate(serving.certificatePem);
    assert.ok(facts.checkIP('127.0.0.1') && facts.checkIP('::1') && facts.checkIP('192.0.2.7') && facts.checkHost('director.example'));
  });
});

describe('serving certificates', () => {
  /** A clock whose sleeps end at once and move the time; it stops the loop after `steps`. */
  function hurried(steps: number): { clock: Clock; stop: AbortController } {
    const clock = testClock();
    const stop = new AbortController();
    let left = steps;
    return {
      stop,
      clock: {
        ...clock,
        sleep: async (ms) => {
          clock.advance(ms);
          if (--left <= 0) stop.abort();
        },
      },
    };
  }

  test('I1: are replaced at two thirds of their life, again and again', async () => {
    const { clock, stop } = hurried(24 * 500);
    const made: IssuedWithKey[] = [];
    const life = (): IssuedWithKey => ({
      certificatePem: '',
      privateKeyPem: '',
      notBeforeMs: clock.nowMs(),
      notAfterMs: clock.nowMs() + YEAR_MS,
    });
    const authority = { issueServing: async () => life() } as unknown as StoreAuthority;
    const first = life();
    await keepServingCertificate({ authority, clock, log: testLog() }, first, [], (next) => made.push(next), stop.signal);
    assert.equal(made.length, 2);
    const at = ((made[0]?.notBeforeMs ?? 0) - first.notBeforeMs) / YEAR_MS;
    assert.ok(at >= 2 / 3 && at < 0.67, String(at));
  });

  test('I2: a renewal that fails is said and tried again', async () => {
    const { clock, stop } = hurried(24 * 245);
    let tries = 0;
    const life = (): IssuedWithKey => ({
      certificatePem: '',
      privateKeyPem: '',
      notBeforeMs: clock.nowMs(),
      notAfterMs: clock.nowMs() + YEAR_MS,
    });
    const authority = {
      issueServing: async () => {
        if (++tries < 3) throw new Error('no');
        return life();
      },
    } as unknown as StoreAuthority;
    const log = testLog();
    const made: IssuedWithKey[] = [];
    await keepServingCertificate({ authority, clock, log }, life(), [], (next) => made.push(next), stop.signal);
    assert.equal(made.length, 1);
    assert.equal(log.lines.filter((line) => line.includes('could not be renewed')).length, 2);
  });
});

test('the kubeconfig holds CA, certificate and key, and is known again until its certificate grows old', async (t) => {
  const world = await openWorld(t);
  const auth = await openTestAuth(t, world);
  const server = 'https://127.0.0.1:7443';
  const text = await auth.adminKubeconfig(server);
  assert.match(text, /current-context: outrigger/);
  assert.ok(auth.isLivingKubeconfig(text, server));
  assert.ok(!auth.isLivingKubeconfig(text, 'https://127.0.0.1:7444'));
  assert.ok(!auth.isLivingKubeconfig('', server));
  const other = await openTestAuth(t, await openWorld(t));
  assert.ok(!other.isLivingKubeconfig(text, server), 'of another store');
  world.clock.advance(0.7 * YEAR_MS);
  assert.ok(!auth.isLivingKubeconfig(text, server), 'too old');
});

test("a request by Node's own crypto is one that the library reads, and the light reader agrees with the issuer", async () => {
  for (let round = 0; round < 50; round++) {
    const key = x509.newKey();
    const request = await x509.readRequest(certificates().createRequest(key.privateKeyPem));
    assert.ok(!('refused' in request));
    assert.deepEqual(Buffer.from(request.publicKeyDer), Buffer.from(key.publicKeyDer));
  }
  assert.equal(certificates().read('-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n'), undefined);
});

test('requests with other keys are refused', async () => {
  const { generateKeyPairSync } = await import('node:crypto');
  const p384 = generateKeyPairSync('ec', { namedCurve: 'P-384' }).privateKey.export({ type: 'pkcs8', format: 'pem' }) as string;
  const answer = await x509.readRequest(certificates().createRequest(p384));
  assert.deepEqual(answer, { refused: 'the key of csr is not an EC P-256 key' });
});

test('subjects with several common names or organizations are nobody', () => {
  const facts = {
    notBeforeMs: 0,
    notAfterMs: 0,
    clientAuth: true,
    serverAuth: false,
    isAuthority: false,
    serialNumber: '',
    publicKeyDer: new Uint8Array(0),
  };
  assert.ok('refused' in identityOf({ ...facts, commonNames: ['admin', 'ann'], organizations: ['outrigger:admins'] }));
  assert.ok('refused' in identityOf({ ...facts, commonNames: ['admin'], organizations: ['red', 'outrigger:admins'] }));
  assert.ok('refused' in identityOf({ ...facts, commonNames: [], organizations: ['outrigger:admins'] }));
  assert.ok(!('refused' in identityOf({ ...facts, commonNames: ['admin'], organizations: ['outrigger:admins'] })));
});
