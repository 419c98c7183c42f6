/**
 * A director as a process: starts and stops, two on one store, the database away, who may not come in.
 */
import assert from 'node:assert/strict';
import { readFileSync, statSync } from 'node:fs';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { request as httpsRequest } from 'node:https';
import { describe, test } from 'node:test';
import { startEmbeddedPostgres, stopEmbeddedPostgres } from '../../src/platform/postgres/embedded.ts';
import { credentialsIn, startDirector } from '../support/director.ts';
import type { TestDirector } from '../support/director.ts';
import { eventually } from '../support/eventually.ts';
import { quietLog, startTestPostgres } from '../support/postgres.ts';

const MAPS = '/api/v1/namespaces/default/configmaps';
const MERGE = { 'content-type': 'application/merge-patch+json' };

function makeMap(director: TestDirector, name: string): Promise<{ status: number }> {
  return director.call('POST', MAPS, { body: { metadata: { name } } });
}

const KIND = {
  metadata: { name: 'boats.example.com' },
  spec: {
    group: 'example.com',
    scope: 'Namespaced',
    names: { kind: 'Boat', plural: 'boats' },
    versions: [{ name: 'v1', served: true, storage: true, schema: { openAPIV3Schema: { type: 'object' } } }],
  },
};

describe('starting and stopping', () => {
  test('told to stop: watches end, the exit code is 0, and a new life goes on with the same credentials', async () => {
    const first = await startDirector();
    assert.equal((await makeMap(first, 'kept')).status, 201);
    const stream = await first.lines(`${MAPS}?watch=1`);
    assert.equal((await stream.next())?.object.metadata.name, 'kept');
    const writes = Array.from({ length: 50 }, (_, i) => makeMap(first, `late-${i}`).catch(() => ({ status: 0 })));
    const stopped = first.stop();
    const answered = (await Promise.all(writes)).map(({ status }, i) => ({ status, name: `late-${i}` }));
    assert.equal(await stopped, 0, first.log());
    for (;;) if ((await stream.next().catch(() => undefined)) === undefined) break;
    const second = await startDirector({ database: first.database, data: first.data, port: first.port });
    assert.equal((await second.call('GET', `${MAPS}/kept`)).status, 200);
    for (const { status, name } of answered) {
      if (status === 201) assert.equal((await second.call('GET', `${MAPS}/${name}`)).status, 200, `${name} was acknowledged`);
    }
    assert.equal(await second.stop(), 0);
  });

  test('a kubeconfig that still holds is left alone, one for another address is replaced', async () => {
    const first = await startDirector();
    const before = readFileSync(first.kubeconfig, 'utf8');
    await first.stop();
    const { database, data, kubeconfig, port } = first;
    const second = await startDirector({ database, data, kubeconfig, port });
    assert.equal(readFileSync(kubeconfig, 'utf8'), before);
    await second.stop();
    const third = await startDirector({ database, data, kubeconfig });
    assert.match(readFileSync(kubeconfig, 'utf8'), new RegExp(`server: "${third.url}"`));
    assert.equal((await third.call('GET', MAPS)).status, 200);
    assert.equal(statSync(kubeconfig).mode & 0o777, 0o600);
    await third.stop();
  });

  test('a taken port is told in a sentence', async () => {
    const taken = createServer();
    await new Promise<void>((done) => taken.listen(0, '127.0.0.1', done));
    const { port } = taken.address() as AddressInfo;
    await assert.rejects(
      startDirector({ port }),
      new RegExp(`Port ${port} on 127\\.0\\.0\\.1 is taken by another program; stop that one, or choose another with --port`),
    );
    await new Promise((done) => taken.close(done));
  });
});

describe('two directors on one store', () => {
  test('each serves what the other was told, in the same order', async () => {
    const a = await startDirector();
    const b = await startDirector({ database: a.database, data: a.data });
    assert.equal((await a.call('POST', '/apis/apiextensions.k8s.io/v1/customresourcedefinitions', { body: KIND })).status, 201);
    const boats = '/apis/example.com/v1/namespaces/default/boats';
    assert.equal((await b.call('POST', boats, { body: { metadata: { name: 'one' } } })).status, 201, 'the kind is known at once');
    assert.equal((await a.call('GET', `${boats}/one`)).status, 200, 'reads are fresh');
    const streams = await Promise.all([a, b].map((director) => director.lines(`${MAPS}?watch=1`)));
    await Promise.all(Array.from({ length: 40 }, (_, i) => makeMap(i % 2 === 0 ? a : b, `both-${i}`)));
    await Promise.all(
      Array.from({ length: 40 }, (_, i) =>
        (i % 2 === 0 ? b : a).call('PATCH', `${MAPS}/both-${i}`, { body: { data: { a: '1' } }, headers: MERGE }),
      ),
    );
    const seen = await Promise.all(
      streams.map(async (stream) => {
        const revisions: string[] = [];
        while (revisions.length < 80) {
          const line = await stream.next();
          revisions.push(line?.object.metadata.resourceVersion ?? 'end');
        }
        stream.close();
        return revisions;
      }),
    );
    assert.deepEqual(seen[0], seen[1]);
    assert.equal((await b.call('DELETE', '/apis/apiextensions.k8s.io/v1/customresourcedefinitions/boats.example.com')).status, 200);
    await eventually('the kind is gone', async () => (await a.call('GET', boats)).status === 404);
    assert.deepEqual(await Promise.all([a.stop(), b.stop()]), [0, 0]);
  });
});

describe('the database away', () => {
  test('writes and fresh reads wait and are refused with a sentence; old reads and watches go on; then all is well', async () => {
    const postgres = await startTestPostgres();
    const director = await startDirector({ database: await postgres.newDatabase() });
    assert.equal((await makeMap(director, 'before')).status, 201);
    const stream = await director.lines(`${MAPS}?watch=1`);
    assert.equal((await stream.next())?.object.metadata.name, 'before');
    await stopEmbeddedPostgres(postgres.embedded.folder);
    const [write, read, cached] = await Promise.all([
      director.call('POST', MAPS, { body: { metadata: { name: 'meanwhile' } } }),
      director.call('GET', `${MAPS}/before`),
      director.call('GET', `${MAPS}/before?resourceVersion=0`),
    ]);
    assert.deepEqual([write.status, read.status, cached.status], [503, 503, 200], `${write.text} ${read.text}`);
    assert.equal(write.headers['retry-after'], '1');
    const said = write.json() as { reason: string; message: string };
    assert.equal(said.reason, 'ServiceUnavailable');
    assert.match(said.message, /\.$/);
    await eventually('it is not ready', async () => (await director.call('GET', '/readyz')).status === 503, 30_000, 200);
    assert.equal((await director.call('GET', '/livez')).status, 200);
    await startEmbeddedPostgres({ dataFolder: postgres.dataFolder, log: quietLog }, new AbortController().signal);
    await eventually('it writes again', async () => (await makeMap(director, 'after')).status === 201, 30_000, 100);
    assert.equal((await stream.next())?.object.metadata.name, 'after', 'the watch went on');
    assert.equal((await director.call('GET', '/readyz')).text, 'ok');
    stream.close();
    assert.equal(await director.stop(), 0);
    await postgres.stop();
  });
});

describe('who may not come in', () => {
  test('nobody without credentials, a robot only where a role lets it', async () => {
    const director = await startDirector();
    const { ca } = credentialsIn(director.kubeconfig);
    const asNobody = (path: string, headers: Record<string, string> = {}): Promise<number> =>
      new Promise((resolve, reject) => {
        const sent = httpsRequest(director.url + path, { ca, agent: false, headers }, (answer) => {
          answer.resume();
          resolve(answer.statusCode ?? 0);
        });
        sent.on('error', reject);
        sent.end();
      });
    assert.equal(await asNobody(MAPS), 401);
    assert.equal(await asNobody('/apis'), 401);
    assert.equal(await asNobody('/readyz'), 200);
    assert.equal(await asNobody(MAPS, { authorization: 'Bearer nonsense' }), 401);
    await director.call('POST', '/api/v1/namespaces/default/serviceaccounts', { body: { metadata: { name: 'robot' } } });
    const token = await director.call('POST', '/api/v1/namespaces/default/serviceaccounts/robot/token', { body: { spec: {} } });
    const bearer = { authorization: `Bearer ${(token.json() as { status: { token: string } }).status.token}` };
    assert.equal(await asNobody(MAPS, bearer), 403);
    assert.equal(await asNobody('/apis', bearer), 200);
    const roles = '/apis/rbac.authorization.k8s.io/v1/namespaces/default';
    const rules = [{ apiGroups: [''], resources: ['configmaps'], verbs: ['list'] }];
    await director.call('POST', `${roles}/roles`, { body: { metadata: { name: 'reader' }, rules } });
    const subjects = [{ kind: 'ServiceAccount', name: 'robot', namespace: 'default' }];
    await director.call('POST', `${roles}/rolebindings`, {
      body: { metadata: { name: 'r' }, roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: 'reader' }, subjects },
    });
    assert.equal(await asNobody(MAPS, bearer), 200);
    assert.equal(await asNobody(`${MAPS}?watch=1`, bearer), 403);
    assert.equal(await director.stop(), 0);
  });
});
