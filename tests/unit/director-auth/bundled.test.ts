/**
 * What comes with a director: roles and what they give, reviews, and the tables that people read.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { applyBundle, BUNDLE_ANNOTATION } from '../../../src/director/auth/bundle.ts';
import { bundledObjects } from '../../../src/director/auth/bundled-objects.ts';
import { rightsPage } from '../../../src/director/auth/rights-page.ts';
import { STATUS_SECTIONS } from '../../../src/director/auth/status-section.ts';
import { KINDS } from '../../../src/model/kinds.ts';
import type { JsonObject } from '../../../src/model/json.ts';
import { no, yes } from './asking.ts';
import {
  accountIdentity,
  asks,
  AVAILABLE,
  clusterObject,
  dataCenterObject,
  hostIdentity,
  keyFor,
  never,
  nodeIdentity,
  nodeObject,
  openTestAuth,
  openWorld,
  put,
  random,
  seedCluster,
  userIdentity,
  withAt,
} from './support.ts';

const RBAC = 'rbac.authorization.k8s.io';

function bindingIn(namespace: string, role: string, user: string): JsonObject {
  return {
    apiVersion: `${RBAC}/v1`,
    kind: 'RoleBinding',
    metadata: { name: `${role}-${user}`, namespace },
    roleRef: { apiGroup: RBAC, kind: 'ClusterRole', name: role },
    subjects: [{ apiGroup: RBAC, kind: 'User', name: user }],
  };
}

describe('the bundle', () => {
  test('I1, I2: is written where it is missing or older, and never over a newer one', async (t) => {
    const world = await openWorld(t);
    const maker = { ...world, random };
    const [view] = bundledObjects().filter(
      ({ object }) => object['kind'] === 'ClusterRole' && (object['metadata'] as JsonObject)['name'] === 'view',
    );
    assert.ok(view);
    assert.equal(await applyBundle(maker, 2, [view], never), 1);
    assert.equal(await applyBundle(maker, 2, [view], never), 0);
    const stored = world.store.get(keyFor(view.object));
    await put(world.store, withAt(stored?.object() as JsonObject, 'rules', []));
    assert.equal(await applyBundle(maker, 1, [view], never), 0);
    assert.equal(await applyBundle(maker, 2, [view], never), 0);
    const labeled = withAt(world.store.get(keyFor(view.object))?.object() as JsonObject, 'metadata.labels', { mine: 'yes' });
    await put(world.store, labeled);
    assert.equal(await applyBundle(maker, 3, [view], never), 1);
    const after = world.store.get(keyFor(view.object));
    assert.equal(after?.uid, stored?.uid);
    const object = after?.object() as JsonObject;
    assert.deepEqual(object['rules'], view.object['rules']);
    assert.deepEqual((object['metadata'] as JsonObject)['labels'], { mine: 'yes' });
    assert.deepEqual((object['metadata'] as JsonObject)['annotations'], { [BUNDLE_ANNOTATION]: '3' });
  });

  test('directors that start at once write it once', async (t) => {
    const world = await openWorld(t);
    const others = await Promise.all(Array.from({ length: 3 }, () => openWorld(t, { database: world.database })));
    const written = await Promise.all(others.map((other) => applyBundle({ ...other, random }, 1, bundledObjects(), never)));
    const claimed = written.reduce((sum, count) => sum + count, 0);
    assert.ok(claimed >= bundledObjects().length);
    assert.equal(world.database.history.length, bundledObjects().length);
  });

  test('every role of it is bound or meant to be bound, and every binding finds its role', () => {
    const objects = bundledObjects().map(({ object }) => object);
    const roles = objects
      .filter((one) => one['kind'] === 'ClusterRole' || one['kind'] === 'Role')
      .map((one) => (one['metadata'] as { name: string }).name);
    const bound = objects.flatMap((one) => ('roleRef' in one ? [(one['roleRef'] as { name: string }).name] : []));
    assert.deepEqual(
      bound.filter((name) => !roles.includes(name)),
      [],
    );
    assert.deepEqual(
      roles.filter((name) => !bound.includes(name)),
      ['admin', 'edit', 'view'],
    );
  });
});

describe('roles for organizations', () => {
  test('I2: view reads clusters and shows no Secret; edit changes clusters and no quota, no node, no status', async (t) => {
    const world = await openWorld(t);
    const { authorizer } = await openTestAuth(t, world);
    for (const role of ['view', 'edit', 'admin']) await put(world.store, bindingIn('demo', role, role));
    const [view, edit, admin] = [userIdentity('view'), userIdentity('edit'), userIdentity('admin-of-demo')];
    await put(world.store, bindingIn('demo', 'admin', 'admin-of-demo'));
    for (const who of [view, edit, admin]) {
      yes(authorizer.authorize(who, asks('watch outrigger.dev/clusters demo/')));
      yes(authorizer.authorize(who, asks('get outrigger.dev/virtualdatacenters demo/yard')));
      yes(authorizer.authorize(who, asks('list outrigger.dev/clusterreleases /')));
      yes(authorizer.authorize(who, { ...asks('get /'), path: '/apis/outrigger.dev/v1' }));
      no(
        authorizer.authorize(who, asks('list outrigger.dev/clusters other/')),
        /cannot list resource "clusters" in API group "outrigger.dev" in the namespace "other": no role/,
      );
      no(authorizer.authorize(who, asks('list outrigger.dev/clusters /')), /at the cluster scope/);
      no(authorizer.authorize(who, asks('patch outrigger.dev/virtualdatacenters demo/yard')), /no role/);
      no(authorizer.authorize(who, asks('patch outrigger.dev/clusters/status demo/harbor')), /resource "clusters\/status"/);
      no(authorizer.authorize(who, asks('create outrigger.dev/clusternodes demo/')), /no role/);
      no(authorizer.authorize(who, asks('list outrigger.dev/hosts /')), /no role/);
      no(authorizer.authorize(who, asks('create /namespaces /')), /no role/);
      no(authorizer.authorize(who, { ...asks('get /'), path: '/metrics' }), /cannot get path "\/metrics"/);
      no(authorizer.authorize(who, asks('get /secrets outrigger-system/ca')), /"ca" is forbidden/);
    }
    for (const verb of ['get', 'list', 'watch']) no(authorizer.authorize(view, asks(`${verb} /secrets demo/`)), /no role/);
    no(authorizer.authorize(view, asks('create /serviceaccounts/token demo/robot')), /no role/);
    no(authorizer.authorize(view, asks('create outrigger.dev/clusters demo/')), /no role/);
    yes(authorizer.authorize(edit, asks('create outrigger.dev/clusters demo/')));
    yes(authorizer.authorize(edit, asks('patch outrigger.dev/clusters/scale demo/harbor')));
    no(authorizer.authorize(edit, asks(`create ${RBAC}/rolebindings demo/`)), /no role/);
    yes(authorizer.authorizeWrite(admin, asks(`create ${RBAC}/rolebindings demo/`), { next: bindingIn('demo', 'edit', 'bob') }));
    no(
      authorizer.authorizeWrite(admin, asks(`create ${RBAC}/rolebindings demo/`), { next: bindingIn('demo', 'cluster-admin', 'bob') }),
      /right that you do not hold/,
    );
  });
});

describe('extension servers', () => {
  const extension = accountIdentity('outrigger-system', 'extension');

  test('I1: what they need, and no more', async (t) => {
    const world = await openWorld(t);
    const { authorizer } = await openTestAuth(t, world);
    const needs = [
      'list outrigger.dev/clusters /',
      'watch outrigger.dev/clusternodes /',
      'watch outrigger.dev/virtualdatacenters /',
      'watch outrigger.dev/clusterreleases /',
      'watch outrigger.dev/serverconfigs /',
      'list outrigger.dev/hosts /',
      'patch outrigger.dev/clusters demo/harbor',
      'patch outrigger.dev/clusters/status demo/harbor',
      'create outrigger.dev/clusternodes demo/',
      'patch outrigger.dev/clusternodes demo/harbor-a1-n0',
      'delete outrigger.dev/clusternodes demo/harbor-a1-n0',
      'patch outrigger.dev/virtualdatacenters/status demo/yard',
      'create /events demo/',
      'get /events demo/x',
      'patch /events demo/x',
      'watch coordination.k8s.io/leases outrigger-system/',
      'watch coordination.k8s.io/leases /',
      'create coordination.k8s.io/leases outrigger-system/',
      'patch coordination.k8s.io/leases outrigger-system/extension-1',
      'delete coordination.k8s.io/leases outrigger-system/extension-1',
      'create /serviceaccounts/token outrigger-system/extension',
    ];
    for (const need of needs) yes(authorizer.authorize(extension, asks(need)));
    const excess = [
      'get /secrets outrigger-system/ca',
      'list /secrets demo/',
      'delete outrigger.dev/clusters demo/harbor',
      'patch outrigger.dev/virtualdatacenters demo/yard',
      'patch outrigger.dev/hosts/status /alpha',
      'patch outrigger.dev/clusternodes/status demo/harbor-a1-n0',
      'patch coordination.k8s.io/leases demo/node-1',
      'delete coordination.k8s.io/leases demo/node-1',
      'create /serviceaccounts/token outrigger-system/other',
      'create /serviceaccounts/token demo/extension',
      'get /serviceaccounts outrigger-system/extension',
      `create ${RBAC}/clusterrolebindings /`,
    ];
    for (const one of excess) no(authorizer.authorize(extension, asks(one)), /no role that is bound/);
  });

  test('only their own sections of a status', async (t) => {
    const world = await openWorld(t);
    const { authorizer } = await openTestAuth(t, world);
    const status = asks('patch outrigger.dev/clusters/status demo/harbor');
    const young = clusterObject({ attempt: 1 });
    yes(
      authorizer.authorizeWrite(extension, status, {
        old: young,
        next: { ...young, status: { ...AVAILABLE, nodes: { a: {} }, release: {} } },
      }),
    );
    const old = clusterObject(AVAILABLE);
    for (const path of ['status.phase', 'status.attempts', 'status.retryAt', 'status.workers'])
      yes(authorizer.authorizeWrite(extension, status, { old, next: withAt(old, path, 'x') }));
    for (const path of ['status.primary', 'status.term', 'status.release']) {
      no(
        authorizer.authorizeWrite(extension, status, { old, next: withAt(old, path, 'x') }),
        new RegExp(`may not change ${path}, which belongs to`),
      );
    }
    const going = clusterObject(AVAILABLE, { deletionTimestamp: '2027-01-01T00:00:00Z' });
    yes(authorizer.authorizeWrite(extension, status, { old: going, next: withAt(going, 'status.release', 'x') }));
    const vdc = asks('patch outrigger.dev/virtualdatacenters/status demo/yard');
    yes(
      authorizer.authorizeWrite(extension, vdc, {
        old: dataCenterObject([]),
        next: withAt(dataCenterObject([]), 'status.reserved', { nodes: 1 }),
      }),
    );
    no(
      authorizer.authorizeWrite(extension, vdc, { old: dataCenterObject([]), next: withAt(dataCenterObject([]), 'status.more', 1) }),
      /may not change status.more/,
    );
  });
});

describe('tables', () => {
  test('I1: every member of the status of every kind that several write has its owner', () => {
    for (const kind of KINDS) {
      const members = Object.keys((kind.status as { properties?: object }).properties ?? {});
      assert.deepEqual(Object.keys(STATUS_SECTIONS[kind.plural] ?? {}).toSorted(), members.toSorted(), kind.kind);
    }
  });

  test('docs/reference/rights.md is what the tables say (node src/director/auth/rights-page.ts would print it)', () => {
    const page = readFileSync(new URL('../../../docs/reference/rights.md', import.meta.url), 'utf8');
    assert.equal(page, rightsPage());
  });

  test('each row of the rights has a number of its own, by which refusals and pages name it', () => {
    const numbers = [...rightsPage().matchAll(/^\| ([A-Z]\d+) \|/gm)].map(([, id]) => id);
    assert.ok(numbers.length > 20, 'the rows are found');
    assert.deepEqual(
      numbers.filter((id, at) => numbers.indexOf(id) !== at),
      [],
    );
  });
});

describe('reviews', () => {
  const body = (resourceAttributes: JsonObject): JsonObject => ({ spec: { resourceAttributes } });

  test('I1: can-i answers what would be decided', async (t) => {
    const world = await openWorld(t);
    await seedCluster(world.store);
    const { reviews } = await openTestAuth(t, world);
    const ask = (who: Parameters<typeof reviews.selfSubjectAccessReview>[0], attributes: JsonObject): unknown => {
      const answer = reviews.selfSubjectAccessReview(who, body(attributes));
      assert.equal(answer.status, 201);
      return (answer.body['status'] as JsonObject)['allowed'];
    };
    assert.equal(
      ask(nodeIdentity(), { verb: 'get', group: 'outrigger.dev', resource: 'clusternodes', namespace: 'demo', name: 'harbor-a1-n0' }),
      true,
    );
    assert.equal(ask(nodeIdentity(), { verb: 'list', group: 'outrigger.dev', resource: 'clusternodes', namespace: 'demo' }), false);
    assert.equal(ask(hostIdentity(), { verb: 'list', group: 'outrigger.dev', resource: 'clusternodes' }), true);
    assert.equal(ask(userIdentity('ann'), { verb: '*', group: '*', resource: '*' }), false);
    assert.equal(ask({ kind: 'admin', name: 'admin', groups: [] }, { verb: '*', group: '*', resource: '*' }), true);
    const path = reviews.selfSubjectAccessReview(userIdentity('ann'), {
      spec: { nonResourceAttributes: { verb: 'get', path: '/version' } },
    });
    assert.equal((path.body['status'] as JsonObject)['allowed'], true);
    for (const bad of [undefined, {}, { spec: {} }, { spec: { resourceAttributes: {}, nonResourceAttributes: {} } }]) {
      assert.equal(reviews.selfSubjectAccessReview(userIdentity('ann'), bad).status, 400);
    }
  });

  test('whoami, and tokens that are asked for wrongly', async (t) => {
    const world = await openWorld(t);
    const { reviews } = await openTestAuth(t, world);
    const answer = reviews.selfSubjectReview(userIdentity('ann', 'red'), {});
    assert.deepEqual(answer.body['status'], { userInfo: { username: 'ann', groups: ['red', 'system:authenticated'] } });
    const request = (spec: JsonObject, name = 'extension'): ReturnType<typeof reviews.tokenRequest> =>
      reviews.tokenRequest('outrigger-system', name, { spec }, never);
    assert.equal((await request({})).status, 201);
    assert.equal((await request({}, 'nobody')).status, 404);
    for (const spec of [
      { expirationSeconds: 1 },
      { expirationSeconds: 'x' },
      { audiences: 'x' },
      { audiences: [''] },
      { boundObjectRef: { kind: 'Pod' } },
    ])
      assert.equal((await request(spec)).status, 400);
    const long = (await request({ expirationSeconds: 10 * 365 * 24 * 3600 })).body['status'] as { expirationTimestamp: string };
    assert.ok(Date.parse(long.expirationTimestamp) < Date.now() + 366 * 24 * 3600 * 1000);
  });
});

test('rights go on after the store began another life', async (t) => {
  const world = await openWorld(t);
  await seedCluster(world.store);
  const { authorizer } = await openTestAuth(t, world);
  const era = world.store.era();
  assert.equal(await world.store.observeEra({ number: era.number + 1, id: 'another' }, world.store.revision() + 1, never), 'opened');
  await put(world.store, bindingIn('demo', 'view', 'ann'));
  yes(authorizer.authorize(userIdentity('ann'), asks('get outrigger.dev/clusters demo/harbor')));
  const late = '0de00de0-0000-4000-8000-0000000000aa';
  await put(world.store, nodeObject({ index: 2 }, {}, { name: 'harbor-a1-n2', uid: late }));
  yes(authorizer.authorize(nodeIdentity(late), asks('get outrigger.dev/clusternodes demo/harbor-a1-n2')));
});
