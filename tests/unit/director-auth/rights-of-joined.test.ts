/**
 * Rows N25 to N27 of the rights: what the agent of a joined machine does for its own node, and the nearest things that are refused; and what a machine
 * that joins by hand is told.
 */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { TestContext } from 'node:test';
import { openRelations } from '../../../src/director/auth/relations.ts';
import { sha256 } from '../../../src/director/auth/service-account.ts';
import { secretObject } from '../../../src/director/auth/stored-object.ts';
import { answerTombstones } from '../../../src/director/auth/tombstones.ts';
import { BOOTSTRAP_TOKEN_TYPE, tokenCharacters, tokenData, tokenText } from '../../../src/model/bootstrap-token.ts';
import type { JsonObject } from '../../../src/model/json.ts';
import { LIMITS } from '../../../src/model/limits.ts';
import { no, openAsking, yes } from './asking.ts';
import {
  asks,
  hostIdentity,
  never,
  nodeIdentity,
  nodeObject,
  NODE_UID,
  openTestAuth,
  openWorld,
  put,
  random,
  remove,
  seedCluster,
  withAt,
  WORKER_UID,
  x509,
} from './support.ts';

const MACHINE = 'joined:rack7.0a1b2c3d';
const free = nodeObject({ machine: 'Joined', host: undefined as never });
const held = nodeObject({ machine: 'Joined', host: MACHINE });
const going = nodeObject({ machine: 'Joined', host: MACHINE }, {}, { deletionTimestamp: '2027-01-01T00:00:00Z' });

async function open(t: TestContext, object: JsonObject = held) {
  const asking = await openAsking(t, nodeIdentity(NODE_UID));
  await put(asking.world.store, withAt(object, 'spec.host', (object['spec'] as JsonObject)['host']));
  return asking;
}

describe('N25: taking its node', () => {
  const change = asks('patch outrigger.dev/clusternodes demo/harbor-a1-n0');

  test('I2: from nobody, as a joined machine, and nothing besides', async (t) => {
    const { mayWrite } = await open(t, free);
    yes(mayWrite(change, free, withAt(free, 'spec.host', MACHINE)));
    yes(mayWrite(change, held, held));
    no(mayWrite(change, held, withAt(held, 'spec.host', 'joined:rack8.0a1b2c3d')), /is held by joined:rack7\.0a1b2c3d already|manager/);
    for (const host of ['alpha', 'joined:', 'joined:Rack', 'joined:a b'])
      no(mayWrite(change, free, withAt(free, 'spec.host', host)), /only to joined:<name of the machine>|manager/);
    no(mayWrite(change, free, withAt(withAt(free, 'spec.host', MACHINE), 'spec.incarnation', 2)), /may not change|may only|manager/);
    no(
      mayWrite(change, withAt(free, 'spec.retired', true), withAt(withAt(free, 'spec.retired', true), 'spec.host', MACHINE)),
      /is to go|manager/,
    );
  });

  test('I1: not of a node that a host runs, nor of another node', async (t) => {
    const { mayWrite } = await open(t, nodeObject());
    const provisioned = withAt(nodeObject(), 'spec.host', undefined);
    no(mayWrite(change, provisioned, withAt(provisioned, 'spec.host', MACHINE)), /run by a host|manager/);
    const other = asks('patch outrigger.dev/clusternodes demo/harbor-a1-n1');
    no(mayWrite(other, free, withAt(free, 'spec.host', MACHINE)), /its own ClusterNode|manager/);
  });

  test('a host may not claim what waits for a machine', async (t) => {
    const { mayWrite } = await openAsking(t, hostIdentity('alpha'));
    no(mayWrite(change, free, withAt(free, 'spec.host', 'alpha')), /waits for a machine that a person lets in/);
  });
});

test('N26: how its machine is, with its own incarnation, of a node that it holds', async (t) => {
  const { mayWrite } = await open(t);
  const status = asks('patch outrigger.dev/clusternodes/status demo/harbor-a1-n0');
  const section = { incarnation: 1, phase: 'Running', address: '10.0.0.7' };
  yes(mayWrite(status, held, withAt(held, 'status.infrastructure', section)));
  no(mayWrite(status, held, withAt(held, 'status.infrastructure', { ...section, incarnation: 2 })), /infrastructure/);
  no(mayWrite(status, free, withAt(free, 'status.infrastructure', section)), /infrastructure|no joined machine/);
  const both = withAt(withAt(held, 'status.infrastructure', section), 'status.agent', { incarnation: 1, phase: 'Ready' });
  no(mayWrite(status, held, both), /may not change/);
  const provisioned = await open(t, nodeObject());
  no(provisioned.mayWrite(status, nodeObject(), withAt(nodeObject(), 'status.infrastructure', section)), /the host daemon/);
});

test('N27: its finalizer goes when it is being deleted, and no other', async (t) => {
  const { mayWrite } = await open(t, going);
  const change = asks('patch outrigger.dev/clusternodes demo/harbor-a1-n0');
  yes(mayWrite(change, going, withAt(going, 'metadata.finalizers', [])));
  no(mayWrite(change, held, withAt(held, 'metadata.finalizers', [])), /its finalizer stays|manager/);
  const two = withAt(going, 'metadata.finalizers', ['x/y', 'outrigger.dev/node']);
  no(mayWrite(change, two, withAt(two, 'metadata.finalizers', [])), /only outrigger.dev\/node may be dropped|manager/);
});

test('a node is told of its own tombstone, and of no other', async (t) => {
  const world = await openWorld(t);
  await seedCluster(world.store);
  await remove(world.store, nodeObject());
  const relations = openRelations(world.store);
  t.after(() => relations.close());
  const ask = async (uids: string[]) => {
    const authenticator = { authenticate: () => nodeIdentity(NODE_UID) };
    const request = { method: 'POST', path: '/outrigger/v1/tombstones', body: { uids }, credentials: {}, remoteAddress: '192.0.2.1' };
    return await answerTombstones({ store: world.store, authenticator, relations }, request, never);
  };
  const answer = await ask([NODE_UID]);
  assert.deepEqual(
    (answer.body['tombstones'] as JsonObject[]).map((one) => one['uid']),
    [NODE_UID],
  );
  assert.equal((await ask([NODE_UID, WORKER_UID])).status, 403);
});

describe('a machine that joins by hand', () => {
  async function setting(t: TestContext, spec: JsonObject = { machine: 'Joined', host: undefined as never }) {
    const world = await openWorld(t);
    await seedCluster(world.store);
    const object = nodeObject(spec);
    await put(world.store, withAt(object, 'spec.host', spec['host']));
    const auth = await openTestAuth(t, world);
    const dice = Array.from({ length: 42 }, () => random.float());
    const [id, secret] = [tokenCharacters(dice.slice(0, 10)), tokenCharacters(dice.slice(10))];
    const expiresAt = new Date(world.clock.nowMs() + LIMITS.bootstrapTokenTtlMs).toISOString();
    const bearer = { kind: 'node', uid: NODE_UID, name: 'harbor-a1-n0', incarnation: 1 } as const;
    const data = tokenData({ tokenHash: sha256(secret), expiresAt, bearer });
    await put(world.store, secretObject('demo', `bootstrap-${id}`, BOOTSTRAP_TOKEN_TYPE, data));
    const csr = x509.createRequest(x509.newKey().privateKeyPem);
    const join = async (machine: JsonObject | undefined) => {
      const body = { token: tokenText({ namespace: 'demo', id, secret }), csr, ...(machine === undefined ? {} : { machine }) };
      const request = { method: 'POST', path: '/outrigger/v1/join', body, credentials: {}, remoteAddress: '192.0.2.1' };
      return await auth.ownPaths.handle(request, never);
    };
    const rack7 = (more: JsonObject = {}): JsonObject => ({ name: 'rack7.0a1b2c3d', now: world.clock.nowMs(), ...more });
    return { world, join, rack7 };
  }

  test('is told what it is, and told it again', async (t) => {
    const { join, rack7 } = await setting(t);
    for (let round = 0; round < 2; round++) {
      const answer = await join(rack7());
      assert.equal(answer.status, 200, JSON.stringify(answer.body));
      const { namespace, name, uid, incarnation, cluster, role } = answer.body['node'] as JsonObject;
      assert.deepEqual([namespace, name, uid, incarnation, cluster, role], ['demo', 'harbor-a1-n0', NODE_UID, 1, 'harbor', 'Primary']);
    }
  });

  const refusals: readonly [
    string,
    JsonObject | undefined,
    (setting: { rack7: (more?: JsonObject) => JsonObject; nowMs: number }) => JsonObject | undefined,
    RegExp,
  ][] = [
    [
      'a clock that is ahead',
      undefined,
      ({ rack7, nowMs }) => rack7({ now: nowMs + 3_600_000 }),
      /clock of this machine says .*Z, the director's says .*Z: 60 min apart/,
    ],
    ['a clock that is behind', undefined, ({ rack7 }) => rack7({ now: 0 }), /clock of this machine says 1970-01-01T00:00:00Z.*timedatectl/],
    [
      'a node that another machine holds',
      { machine: 'Joined', host: 'joined:rack8.0a1b2c3d' },
      ({ rack7 }) => rack7(),
      /held by the joined machine rack8\.0a1b2c3d already, and this is rack7.*confirm-dead harbor-a1-n0 -n demo/,
    ],
    ['a node of a provisioned cluster', {}, ({ rack7 }) => rack7(), /run by a host, because its cluster has spec.nodes: Provisioned/],
    [
      'a folder with another node',
      undefined,
      ({ rack7 }) => rack7({ holds: { uid: WORKER_UID, name: 'demo/harbor-a1-n1' } }),
      /holds the node demo\/harbor-a1-n1, and this token is for demo\/harbor-a1-n0/,
    ],
    ['an agent that does not say what machine it is', undefined, () => undefined, /joins with outrigger agent join/],
  ];
  for (const [what, spec, says, pattern] of refusals)
    test(`I5: ${what}: refused, and the token still holds`, async (t) => {
      const { world, join, rack7 } = await setting(t, spec);
      const answer = await join(says({ rack7, nowMs: world.clock.nowMs() }));
      assert.equal(answer.status, 403, JSON.stringify(answer.body));
      assert.match(answer.body['message'] as string, pattern);
      await put(world.store, withAt(nodeObject({ machine: 'Joined' }), 'spec.host', undefined));
      assert.equal((await join(rack7())).status, 200, 'the token was not spent');
    });

  test('what it says of itself is checked', async (t) => {
    const { join, rack7 } = await setting(t);
    for (const machine of [
      {},
      { name: 'A b', now: 1 },
      { name: 'a', now: -1 },
      rack7({ holds: {} }),
      rack7({ holds: { uid: 'x', name: 'Q\n' } }),
    ])
      assert.equal((await join(machine)).status, 400, JSON.stringify(machine));
  });
});
