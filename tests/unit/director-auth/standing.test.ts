/**
 * Revoked, replaced and gone nodes: whose certificate is refused, and whose connections are cut. Real certificates over a store in memory.
 */
import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { isRefused } from '../../../src/director/auth/identity.ts';
import type { Connection, Identity, Refused } from '../../../src/director/auth/identity.ts';
import { createRequest } from '../../../src/platform/certificate.ts';
import { LIMITS } from '../../../src/model/limits.ts';
import { never, NODE_UID, nodeObject, openTestAuth, openWorld, put, remove, seedCluster, withAt, WORKER_UID, x509 } from './support.ts';
import type { World } from './support.ts';
import type { Auth } from '../../../src/director/auth/open-auth.ts';
import { timeText } from '../../../src/director/auth/stored-object.ts';

interface Held extends Connection {
  cuts: number;
  close(): void;
}

function connection(): Held {
  let onClosed = (): void => undefined;
  const held: Held = {
    cuts: 0,
    cut: () => void held.cuts++,
    onClosed: (listener) => {
      onClosed = listener;
    },
    close: () => onClosed(),
  };
  return held;
}

interface Rig {
  readonly world: World;
  readonly auth: Auth;
  issue(uid?: string, incarnation?: number): Promise<Buffer>;
  ask(certificate: Buffer, connection?: Connection): Promise<Identity | Refused>;
}

async function open(t: TestContext): Promise<Rig> {
  const world = await openWorld(t);
  await seedCluster(world.store);
  const auth = await openTestAuth(t, world);
  return {
    world,
    auth,
    issue: async (uid = NODE_UID, incarnation = 1) => {
      const revokedBeforeMs = auth.relations.node(uid)?.revokedBeforeMs;
      const issued = await auth.authority.issueNode(uid, incarnation, x509.newKey().publicKeyDer, revokedBeforeMs);
      return Buffer.from(new X509Certificate(issued.certificatePem).raw);
    },
    ask: async (peerCertificate, held) => await auth.authenticator.authenticate({ peerCertificate, connection: held }),
  };
}

async function revoke({ world }: Rig, atMs = world.clock.nowMs()): Promise<void> {
  await put(world.store, withAt(nodeObject(), 'spec.revokedBefore', timeText(atMs)));
  await new Promise((done) => setImmediate(done));
}

test('I1, I4: a revoked certificate is refused at once, also on a connection that was let in, which is cut; its like of another node stays', async (t) => {
  const rig = await open(t);
  const [mine, other] = [connection(), connection()];
  const [certificate, foreign] = [await rig.issue(), await rig.issue(WORKER_UID)];
  assert.ok(!isRefused(await rig.ask(certificate, mine)));
  assert.ok(!isRefused(await rig.ask(foreign, other)));
  await revoke(rig);
  const answer = await rig.ask(certificate, mine);
  assert.ok(isRefused(answer) && /was revoked/.test(answer.refused), JSON.stringify(answer));
  assert.equal(mine.cuts, 1);
  assert.equal(other.cuts, 0);
  assert.ok(!isRefused(await rig.ask(foreign, other)));
});

test('a certificate that was issued minutes before the revocation is revoked, one that is issued after it is not', async (t) => {
  const rig = await open(t);
  const before = await rig.issue();
  rig.world.clock.advance(LIMITS.certificateBackdateMs / 2);
  await revoke(rig);
  assert.ok(isRefused(await rig.ask(before)));
  const held = connection();
  assert.ok(!isRefused(await rig.ask(await rig.issue(), held)));
  await revoke(rig, rig.world.clock.nowMs() - 60_000);
  assert.equal(held.cuts, 0);
});

test('a new certificate holds at once, although whoever revoked was ahead of this director', async (t) => {
  const rig = await open(t);
  await revoke(rig, rig.world.clock.nowMs() + LIMITS.revocationAheadMs / 2);
  assert.ok(!isRefused(await rig.ask(await rig.issue())));
});

test('I1: a later life and a deletion cut what the node had open; it may come back to learn of it', async (t) => {
  const rig = await open(t);
  const held = connection();
  const certificate = await rig.issue();
  await rig.ask(certificate, held);
  await put(rig.world.store, withAt(nodeObject(), 'spec.incarnation', 2));
  await new Promise((done) => setImmediate(done));
  assert.equal(held.cuts, 1);
  const again = connection();
  assert.ok(!isRefused(await rig.ask(certificate, again)));
  await remove(rig.world.store, nodeObject());
  await new Promise((done) => setImmediate(done));
  assert.equal(again.cuts, 1);
  assert.match(rig.auth.standing.fallen({ uid: NODE_UID, incarnation: 1 }, 0) ?? '', /knows no ClusterNode/);
});

test('a connection that is closed is forgotten', async (t) => {
  const rig = await open(t);
  const held = connection();
  await rig.ask(await rig.issue(), held);
  held.close();
  await revoke(rig);
  assert.equal(held.cuts, 0);
});

test('I5 of join: whoever holds a revoked certificate cannot renew it', async (t) => {
  const rig = await open(t);
  const certificate = await rig.issue();
  const renew = async (): Promise<number> => {
    const csr = createRequest(x509.newKey().privateKeyPem);
    const request = {
      method: 'POST',
      path: '/outrigger/v1/renew',
      body: { csr },
      credentials: { peerCertificate: certificate },
      remoteAddress: '127.0.0.1',
    };
    return (await rig.auth.ownPaths.handle(request, never)).status;
  };
  assert.equal(await renew(), 200);
  await revoke(rig);
  assert.equal(await renew(), 403);
});
