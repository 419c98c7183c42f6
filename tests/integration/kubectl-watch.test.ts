/**
 * Watches and deletions on the wire: what is told, in which order, and what goes with what.
 */
import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import type { CallOptions, LineStream, TestDirector, WatchLine } from '../support/director.ts';
import { eventually } from '../support/eventually.ts';
import { BASE, call, create, createMap, line, MAPS, merge, startWire } from '../support/wire.ts';
import type { Entity } from '../support/wire.ts';

let director: TestDirector;
before(async () => {
  director = await startWire();
});

describe('watches', () => {
  test('from a revision: everything after it, in order; selectors see comings and goings', async () => {
    const made = await createMap('w1', {}, { labels: { seen: 'yes' } });
    const from = made.metadata.resourceVersion;
    const all = await director.lines(`${MAPS}?watch=1&resourceVersion=${from}`);
    const some = await director.lines(`${MAPS}?watch=1&resourceVersion=${from}&labelSelector=seen%3Dyes`);
    await merge(`${MAPS}/w1`, { data: { a: '1' } });
    await merge(`${MAPS}/w1`, { metadata: { labels: { seen: 'no' } } });
    await merge(`${MAPS}/w1`, { metadata: { labels: { seen: 'yes' } } });
    await call('DELETE', `${MAPS}/w1`);
    const seen = async (stream: LineStream): Promise<string[]> => {
      const lines: WatchLine[] = [];
      for (let i = 0; i < 4; i++) lines.push(await line(stream));
      const revisions = lines.map(({ object }) => Number(object.metadata.resourceVersion));
      assert.deepEqual(
        revisions,
        revisions.toSorted((a, b) => a - b),
      );
      assert.equal(new Set(revisions).size, 4);
      return lines.map(({ type, object }) => `${type} ${object.metadata.name}`);
    };
    assert.deepEqual(await seen(all), ['MODIFIED w1', 'MODIFIED w1', 'MODIFIED w1', 'DELETED w1']);
    assert.deepEqual(await seen(some), ['MODIFIED w1', 'DELETED w1', 'ADDED w1', 'DELETED w1']);
    const again = await director.lines(`${MAPS}?watch=1&resourceVersion=${from}`);
    assert.deepEqual(await seen(again), ['MODIFIED w1', 'MODIFIED w1', 'MODIFIED w1', 'DELETED w1'], 'resumed without loss');
    for (const stream of [all, some, again]) stream.close();
  });

  test('initial events end with a bookmark; without a revision the state comes first', async () => {
    await createMap('first', {}, { labels: { set: 'initial' } });
    const query = 'watch=1&labelSelector=set%3Dinitial';
    const stream = await director.lines(
      `${MAPS}?${query}&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true`,
    );
    assert.equal((await line(stream)).type, 'ADDED');
    const bookmark = await line(stream);
    assert.deepEqual([bookmark.type, bookmark.object.metadata.annotations], ['BOOKMARK', { 'k8s.io/initial-events-end': 'true' }]);
    await merge(`${MAPS}/first`, { data: { a: '1' } });
    assert.equal((await line(stream)).type, 'MODIFIED');
    stream.close();
    for (const revision of ['', '&resourceVersion=0']) {
      const plain = await director.lines(`${MAPS}?${query}${revision}`);
      assert.equal((await line(plain)).type, 'ADDED');
      plain.close();
    }
    assert.equal((await call('GET', `${MAPS}?watch=1&sendInitialEvents=true`)).status, 422);
  });

  test('as a table: columns in the first event only', async () => {
    const accept = { accept: 'application/json;as=Table;v=v1;g=meta.k8s.io' };
    const stream = await director.lines(`${MAPS}?watch=1&labelSelector=set%3Dinitial`, accept);
    const first = await line(stream);
    assert.equal(first.object.kind, 'Table');
    assert.ok((first.object.columnDefinitions?.length ?? 0) > 0);
    await merge(`${MAPS}/first`, { data: { a: '2' } });
    const second = await line(stream);
    assert.deepEqual([second.type, second.object.columnDefinitions, second.object.rows?.[0]?.cells[0]], ['MODIFIED', null, 'first']);
    stream.close();
  });

  test('too old a revision: one line that says so, then the end', async () => {
    const stream = await director.lines(`${MAPS}?watch=1&resourceVersion=1`);
    assert.equal(stream.status, 200);
    const { type, object } = await line(stream);
    assert.deepEqual([type, object.code, object.reason], ['ERROR', 410, 'Expired']);
    assert.equal(await stream.next(), undefined);
  });

  test('timeoutSeconds ends it, with a last bookmark', async () => {
    const started = performance.now();
    const stream = await director.lines(`${MAPS}?watch=1&timeoutSeconds=1&allowWatchBookmarks=true&labelSelector=none%3Dsuch`);
    assert.equal((await line(stream)).type, 'BOOKMARK');
    assert.equal(await stream.next(), undefined);
    assert.ok(performance.now() - started >= 900);
  });

  test('a peer that does not read loses nothing when it reads again', async () => {
    const { body } = await call('GET', MAPS);
    const stream = await director.lines(`${MAPS}?watch=1&resourceVersion=${body.metadata.resourceVersion}`);
    const goOn = stream.stall();
    await createMap('flood');
    const text = 'x'.repeat(200_000);
    for (let i = 0; i < 100; i++) assert.equal((await merge(`${MAPS}/flood`, { data: { text: `${text}${i}` } })).status, 200);
    goOn();
    const seen: number[] = [];
    while (seen.length < 101) seen.push(Number((await line(stream)).object.metadata.resourceVersion));
    assert.equal(new Set(seen).size, 101);
    assert.deepEqual(
      seen,
      seen.toSorted((a, b) => a - b),
    );
    stream.close();
  });
});

describe('deletions', () => {
  test('preconditions, finalizers, marks', async () => {
    const made = await create('fin', { finalizers: ['example.com/a'] });
    const options = (preconditions: object): CallOptions => ({ body: { kind: 'DeleteOptions', apiVersion: 'v1', preconditions } });
    assert.equal((await call('DELETE', `${BASE}/fin`, options({ uid: 'other' }))).status, 409);
    assert.equal((await call('DELETE', `${BASE}/fin`, options({ resourceVersion: '1' }))).status, 409);
    const marked = await call('DELETE', `${BASE}/fin`, options({ uid: made.metadata.uid, resourceVersion: made.metadata.resourceVersion }));
    assert.equal(marked.status, 200);
    assert.match(marked.body.metadata.deletionTimestamp ?? '', /^\d{4}-/);
    assert.equal(marked.body.metadata.generation, 1);
    const twice = await call('DELETE', `${BASE}/fin`);
    assert.equal(twice.body.metadata.resourceVersion, marked.body.metadata.resourceVersion, 'marked once');
    assert.equal((await merge(`${BASE}/fin`, { metadata: { finalizers: ['example.com/a', 'example.com/b'] } })).status, 422);
    assert.equal((await merge(`${BASE}/fin`, { metadata: { finalizers: null } })).status, 200);
    assert.equal((await call('GET', `${BASE}/fin`)).status, 404);
  });

  const owned = (name: string, owner: Entity, blockOwnerDeletion = false): Promise<Entity> => {
    const reference = {
      apiVersion: 'outrigger.dev/v1',
      kind: 'Cluster',
      name: owner.metadata.name,
      uid: owner.metadata.uid,
      blockOwnerDeletion,
    };
    return createMap(name, {}, { ownerReferences: [reference] });
  };
  const gone = (path: string): Promise<boolean> =>
    eventually(`${path} is gone`, async () => (await call('GET', path)).status === 404, 20_000);

  test('dependents follow their owner; one with another owner stays', async () => {
    const owner = await create('owner');
    const other = await create('other');
    await owned('dep', owner);
    const both = [owner, other].map(({ metadata }) => ({
      apiVersion: 'outrigger.dev/v1',
      kind: 'Cluster',
      name: metadata.name,
      uid: metadata.uid,
    }));
    await createMap('shared', {}, { ownerReferences: both });
    await createMap(
      'stranger',
      {},
      { ownerReferences: [{ apiVersion: 'outrigger.dev/v1', kind: 'Cluster', name: 'owner', uid: 'never-was' }] },
    );
    await call('DELETE', `${BASE}/owner`);
    await gone(`${MAPS}/dep`);
    await eventually(
      'the reference is dropped',
      async () => (await call('GET', `${MAPS}/shared`)).body.metadata.ownerReferences?.length === 1,
    );
    assert.equal((await call('GET', `${MAPS}/stranger`)).status, 200, 'an owner that was never heard of is no reason to delete');
  });

  test('foreground: the owner waits for what blocks it; orphan: dependents stay', async () => {
    const front = await create('front');
    await owned('front-dep', front, true);
    await merge(`${MAPS}/front-dep`, { metadata: { finalizers: ['example.com/hold'] } });
    const answer = await call('DELETE', `${BASE}/front`, { body: { propagationPolicy: 'Foreground' } });
    assert.deepEqual(answer.body.metadata.finalizers, ['foregroundDeletion']);
    await eventually(
      'the dependent is marked',
      async () => (await call('GET', `${MAPS}/front-dep`)).body.metadata.deletionTimestamp !== undefined,
    );
    assert.equal((await call('GET', `${BASE}/front`)).status, 200);
    await merge(`${MAPS}/front-dep`, { metadata: { finalizers: null } });
    await gone(`${BASE}/front`);
    const orphaner = await create('orphaner');
    await owned('orphan', orphaner);
    await call('DELETE', `${BASE}/orphaner?propagationPolicy=Orphan`);
    await gone(`${BASE}/orphaner`);
    assert.equal((await call('GET', `${MAPS}/orphan`)).body.metadata.ownerReferences, undefined);
  });

  test('deletecollection takes what the selector names', async () => {
    for (const name of ['c1', 'c2', 'c3']) await createMap(name, {}, { labels: { set: name === 'c3' ? 'kept' : 'collection' } });
    const answer = await call('DELETE', `${MAPS}?labelSelector=set%3Dcollection`);
    assert.deepEqual(
      (answer.body.items ?? []).map(({ metadata }) => metadata.name),
      ['c1', 'c2'],
    );
    assert.equal((await call('GET', `${MAPS}/c1`)).status, 404);
    assert.equal((await call('GET', `${MAPS}/c3`)).status, 200);
    assert.equal((await call('DELETE', '/api/v1/configmaps')).status, 405);
  });
});
