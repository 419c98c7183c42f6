/**
 * What hosts are told of nodes that are not there any more, and nobody else.
 */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Identity } from '../../../src/director/auth/identity.ts';
import { openRelations } from '../../../src/director/auth/relations.ts';
import { answerTombstones } from '../../../src/director/auth/tombstones.ts';
import type { Json } from '../../../src/model/json.ts';
import {
  hostIdentity,
  never,
  nodeIdentity,
  nodeObject,
  NODE_UID,
  openWorld,
  remove,
  seedCluster,
  userIdentity,
  WORKER_UID,
} from './support.ts';

describe('tombstones', () => {
  test('I1: a uid that was deleted here, with the era and revision of that; one that lives or never was is not in it', async (t) => {
    const world = await openWorld(t);
    await seedCluster(world.store);
    await remove(world.store, nodeObject());
    const relations = openRelations(world.store);
    t.after(() => relations.close());
    const ask = (identity: Identity, body: Json) =>
      answerTombstones(
        { store: world.store, authenticator: { authenticate: () => identity }, relations },
        { method: 'POST', path: '/outrigger/v1/tombstones', body, credentials: {}, remoteAddress: '192.0.2.1' },
        never,
      );
    const era = { ...world.store.era() };
    const answer = await ask(hostIdentity(), { uids: [NODE_UID, WORKER_UID, 'never-was'] });
    assert.deepEqual(answer, { status: 200, body: { era, tombstones: [{ uid: NODE_UID, revision: world.store.revision(), era }] } });
    // I2: hosts alone, those that are known, and nothing but uids.
    for (const identity of [nodeIdentity(WORKER_UID), userIdentity('ann'), hostIdentity('unknown')])
      assert.equal((await ask(identity, { uids: [NODE_UID] })).status, 403);
    for (const body of [{}, { uids: 'x' }, { uids: [1] }, { uids: ['a b'] }, { uids: Array.from({ length: 65 }, () => 'a') }] as Json[])
      assert.equal((await ask(hostIdentity(), body)).status, 400);
  });
});
