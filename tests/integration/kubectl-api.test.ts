/**
 * The director's API on the wire, where kubectl does not look: conventions of reads and writes, and what is refused.
 */
import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import type { CallOptions, TestDirector } from '../support/director.ts';
import { BASE, call, create, createMap, MAPS, merge, startWire } from '../support/wire.ts';

let director: TestDirector;
before(async () => {
  director = await startWire();
});

describe('writes', () => {
  test('a stale revision or another uid is a conflict; the right ones are not', async () => {
    const made = await create('guard');
    const { uid, resourceVersion } = made.metadata;
    assert.equal((await merge(`${BASE}/guard`, { metadata: { resourceVersion: '1' }, spec: { workers: 2 } })).body.reason, 'Conflict');
    assert.equal((await merge(`${BASE}/guard`, { metadata: { uid: 'other' }, spec: { workers: 2 } })).status, 409);
    assert.equal((await merge(`${BASE}/guard`, { metadata: { uid, resourceVersion }, spec: { workers: 2 } })).status, 200);
    assert.equal((await merge(`${BASE}/guard`, { metadata: { uid, resourceVersion }, spec: { workers: 3 } })).status, 409);
    const put = { ...made, spec: { virtualDataCenter: 'v', release: 'r', workers: 4 } };
    assert.equal((await call('PUT', `${BASE}/guard`, { body: put })).status, 409);
    const bare = { metadata: { name: 'guard' }, spec: put.spec };
    assert.equal((await call('PUT', `${BASE}/guard`, { body: bare })).body.details?.causes?.[0]?.field, 'metadata.resourceVersion');
  });

  test('nothing changed, no new revision; only the spec raises the generation', async () => {
    const made = await create('still');
    const same = await merge(`${BASE}/still`, { spec: { workers: 1 } });
    assert.equal(same.body.metadata.resourceVersion, made.metadata.resourceVersion);
    const labeled = await merge(`${BASE}/still`, { metadata: { labels: { a: 'b' } } });
    assert.equal(labeled.body.metadata.generation, 1);
    const grown = await merge(`${BASE}/still`, { spec: { workers: 2 } });
    assert.equal(grown.body.metadata.generation, 2);
    const status = await merge(`${BASE}/still/status`, { metadata: { labels: { c: 'd' } }, status: { phase: 'Pending' } });
    assert.deepEqual([status.body.metadata.generation, status.body.metadata.labels, status.body.status?.phase], [2, { a: 'b' }, 'Pending']);
    const main = await merge(`${BASE}/still`, { status: { phase: 'Error' } });
    assert.equal(main.body.status?.phase, 'Pending');
  });

  test('names are made up, and checked', async () => {
    const named = await call('POST', BASE, {
      body: { metadata: { generateName: 'some-' }, spec: { virtualDataCenter: 'v', release: 'r' } },
    });
    assert.match(named.body.metadata.name, /^some-[a-z0-9]{5}$/);
    assert.equal((await call('POST', BASE, { body: { spec: {} } })).body.details?.causes?.[0]?.field, 'metadata.name');
    assert.equal((await call('POST', BASE, { body: { metadata: { name: 'x', namespace: 'default' } } })).status, 400);
    assert.match((await call('POST', BASE, { body: { kind: 'Pod', metadata: { name: 'x' } } })).body.message ?? '', /is not "Cluster"/);
  });

  test('unknown fields: refused, warned of, or dropped', async () => {
    const body = { metadata: { name: 'odd' }, spec: { virtualDataCenter: 'v', release: 'r', odd: 1 } };
    assert.match((await call('POST', `${BASE}?fieldValidation=Strict`, { body })).body.message ?? '', /unknown field "spec\.odd"/);
    const warned = await call('POST', BASE, { body });
    assert.equal(warned.status, 201);
    assert.equal(warned.raw.headers['warning'], '299 - "unknown field \\"spec.odd\\""');
    await merge(`${BASE}/odd?fieldValidation=Strict`, { spec: { odd: 2 } }).then((answer) => assert.equal(answer.status, 400));
    assert.equal((await merge(`${BASE}/odd?fieldValidation=Ignore`, { spec: { odd: 2 } })).raw.headers['warning'], undefined);
    const twice = '{"metadata":{"name":"twice"},"spec":{"virtualDataCenter":"v","release":"r","release":"s"}}';
    assert.match(
      (await call('POST', `${BASE}?fieldValidation=Strict`, { body: twice })).body.message ?? '',
      /duplicate field "spec\.release"/,
    );
  });

  test('dry runs say what would be, and do nothing', async () => {
    const body = { metadata: { name: 'dry' }, spec: { virtualDataCenter: 'v', release: 'r' } };
    assert.equal((await call('POST', `${BASE}?dryRun=All`, { body })).status, 201);
    assert.equal((await call('GET', `${BASE}/dry`)).status, 404);
    const made = await create('dry');
    assert.equal((await merge(`${BASE}/dry?dryRun=All`, { spec: { workers: 5 } })).body.spec?.workers, 5);
    assert.equal((await call('DELETE', `${BASE}/dry?dryRun=All`)).status, 200);
    assert.equal((await call('GET', `${BASE}/dry`)).body.metadata.resourceVersion, made.metadata.resourceVersion);
    assert.equal((await call('POST', `${BASE}?dryRun=Some`, { body })).status, 400);
  });

  test('JSON patches apply whole or not at all', async () => {
    await createMap('patched', { a: '1' });
    const patch = (operations: object[]): ReturnType<typeof call> =>
      call('PATCH', `${MAPS}/patched`, { body: operations, headers: { 'content-type': 'application/json-patch+json' } });
    assert.deepEqual(
      (
        await patch([
          { op: 'test', path: '/data/a', value: '1' },
          { op: 'add', path: '/data/b', value: '2' },
        ])
      ).body.data,
      { a: '1', b: '2' },
    );
    assert.equal(
      (
        await patch([
          { op: 'remove', path: '/data/b' },
          { op: 'test', path: '/data/a', value: '9' },
        ])
      ).status,
      422,
    );
    assert.equal((await patch([{ op: 'add', path: '/__proto__/polluted', value: '1' }])).status, 400);
    assert.deepEqual((await call('GET', `${MAPS}/patched`)).body.data, { a: '1', b: '2' });
  });

  test('many patches of one object at once all take effect', async () => {
    await createMap('busy');
    const answers = await Promise.all(Array.from({ length: 24 }, (_, i) => merge(`${MAPS}/busy`, { data: { [`k${i}`]: String(i) } })));
    assert.deepEqual([...new Set(answers.map(({ status }) => status))], [200]);
    assert.equal(Object.keys((await call('GET', `${MAPS}/busy`)).body.data ?? {}).length, 24);
  });

  test('secrets: plain texts become base64; the type stays', async () => {
    const path = '/api/v1/namespaces/wire/secrets';
    const made = await call('POST', path, { body: { metadata: { name: 's' }, stringData: { a: 'é' }, data: { b: 'Yg==' } } });
    assert.deepEqual(made.body.data, { a: 'w6k=', b: 'Yg==' });
    assert.match((await merge(`${path}/s`, { type: 'other' })).body.message ?? '', /type: .*cannot be changed/);
    assert.equal((await merge(`${path}/s`, { data: { a: 'not base64!' } })).status, 422);
  });
});

describe('reads', () => {
  test('pages show one revision, whatever is written between them', async () => {
    for (const name of ['p1', 'p2', 'p3', 'p4', 'p5']) await createMap(name, {}, { labels: { set: 'pages' } });
    const first = await call('GET', `${MAPS}?limit=2&labelSelector=set%3Dpages`);
    await createMap('p0', {}, { labels: { set: 'pages' } });
    await call('DELETE', `${MAPS}/p4`);
    const names: string[] = [];
    let token = first.body.metadata.continue;
    names.push(...(first.body.items ?? []).map(({ metadata }) => metadata.name));
    while (token !== undefined) {
      const next = await call('GET', `${MAPS}?limit=2&labelSelector=set%3Dpages&continue=${token}`);
      assert.equal(next.body.metadata.resourceVersion, first.body.metadata.resourceVersion);
      names.push(...(next.body.items ?? []).map(({ metadata }) => metadata.name));
      token = next.body.metadata.continue;
    }
    assert.deepEqual(names, ['p1', 'p2', 'p3', 'p4', 'p5']);
    assert.equal((await call('GET', `${MAPS}?limit=1`)).body.metadata.remainingItemCount! > 0, true);
    assert.equal((await call('GET', `${MAPS}?continue=nonsense`)).status, 400);
    const exact = await call('GET', `${MAPS}?resourceVersion=${first.body.metadata.resourceVersion}&resourceVersionMatch=Exact`);
    assert.equal(
      exact.body.items?.some(({ metadata }) => metadata.name === 'p0'),
      false,
    );
    assert.equal((await call('GET', `${MAPS}?resourceVersion=1&resourceVersionMatch=Exact`)).status, 410);
  });

  test('selectors by labels and fields; unknown fields are refused', async () => {
    const names = async (query: string): Promise<string[]> => {
      const answer = await call('GET', `${MAPS}?${query}`);
      assert.equal(answer.status, 200, answer.raw.text);
      return (answer.body.items ?? []).map(({ metadata }) => metadata.name);
    };
    await createMap('sel-a', {}, { labels: { app: 'x', tier: '1' } });
    await createMap('sel-b', {}, { labels: { app: 'x' } });
    assert.deepEqual(await names('labelSelector=app%3Dx,!tier'), ['sel-b']);
    assert.deepEqual(await names('labelSelector=app%20in%20(x,y),tier'), ['sel-a']);
    assert.deepEqual(await names('fieldSelector=metadata.name%3Dsel-a'), ['sel-a']);
    assert.deepEqual(await names('labelSelector=app%3Dx&fieldSelector=metadata.name!%3Dsel-a'), ['sel-b']);
    assert.equal((await call('GET', `${MAPS}?fieldSelector=data.x%3D1`)).status, 400);
    assert.equal((await call('GET', `${MAPS}?labelSelector=%3D%3D`)).status, 400);
  });

  test('forms: metadata only, tables, nothing else', async () => {
    const partial = await call('GET', `${MAPS}?limit=1`, {
      headers: { accept: 'application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io' },
    });
    assert.equal(partial.body.items?.[0]?.data, undefined);
    assert.equal((await call('GET', MAPS, { headers: { accept: 'application/xml' } })).status, 406);
    const zipped = await call('GET', MAPS, { headers: { 'accept-encoding': 'gzip' } });
    assert.equal(zipped.raw.headers['content-encoding'], undefined, 'small answers are not worth it');
  });

  test('a revision that does not exist yet is waited for, then refused', async () => {
    const { body } = await call('GET', `${MAPS}/patched`);
    const next = String(Number(body.metadata.resourceVersion) + 1000);
    assert.equal((await call('GET', `${MAPS}?resourceVersion=${next}&resourceVersionMatch=NotOlderThan`)).status, 503);
    assert.equal((await call('GET', `${MAPS}?resourceVersion=abc`)).status, 400);
  });
});

describe('refusals', () => {
  test('paths, methods, media types and bodies that are not understood', async () => {
    const answers: readonly (readonly [string, string, CallOptions | undefined, number, RegExp])[] = [
      ['GET', '/apis/outrigger.dev/v1/namespaces/wire/clusters/a%2Fb', undefined, 400, /slash/],
      ['GET', '/apis/outrigger.dev/v1/namespaces/../clusters', undefined, 400, /names nothing/],
      ['GET', '/apis/outrigger.dev/v1/namespaces//clusters', undefined, 400, /empty part/],
      ['GET', '/apis/outrigger.dev/v1/namespaces/wire/clusters/%zz', undefined, 400, /hexadecimal/],
      ['GET', `/apis/outrigger.dev/v1/clusters/${'x'.repeat(17_000)}`, undefined, 414, /longer than/],
      ['GET', '/apis/outrigger.dev/v1/clusters/x', undefined, 405, /needs a namespace/],
      ['GET', `${BASE}/x/nosuch`, undefined, 404, /no subresource/],
      ['POST', `${BASE}/x`, { body: {} }, 405, /not supported/],
      ['PATCH', BASE, { body: {} }, 405, /not supported/],
      ['PUT', '/version', { body: {} }, 405, /not supported/],
      ['POST', '/api/v1/namespaces/wire/services', { body: { metadata: { name: 's' } } }, 405, /supported: get, list, watch/],
      ['GET', '/apis/outrigger.dev/v1/nosuch', undefined, 404, /could not find/],
      ['GET', '/apis/nosuch.dev/v1/things', undefined, 404, /could not find/],
      ['POST', BASE, { body: '{"metadata":' }, 400, /not well-formed JSON/],
      ['POST', BASE, { body: '' }, 400, /empty/],
      ['POST', BASE, { body: '[]' }, 400, /must be a JSON object/],
      ['POST', BASE, { body: Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x7d]) }, 400, /not valid UTF-8/],
      ['POST', BASE, { body: `${'['.repeat(100)}${']'.repeat(100)}` }, 400, /nested deeper/],
      ['POST', BASE, { body: '{"__proto__":{"a":1}}' }, 400, /__proto__/],
      ['POST', BASE, { body: '{"metadata":{"name":"x","labels":{"\\u005f_proto__":"1"}}}' }, 400, /__proto__/],
      ['POST', BASE, { body: 'a: b', headers: { 'content-type': 'application/yaml' } }, 415, /application\/json/],
      [
        'PATCH',
        `${BASE}/x`,
        { body: {}, headers: { 'content-type': 'application/strategic-merge-patch+json' } },
        415,
        /application\/merge-patch\+json/,
      ],
      [
        'PATCH',
        `${BASE}/x`,
        { body: {}, headers: { 'content-type': 'application/apply-patch+yaml' } },
        415,
        /server-side apply is not served/,
      ],
      ['POST', MAPS, { body: { metadata: { name: 'big' }, data: { a: 'x'.repeat(1_600_000) } } }, 413, /at most 1572864/],
      ['POST', MAPS, { body: 'x'.repeat(3_200_000) }, 413, /larger than 3145728/],
      [
        'POST',
        MAPS,
        { body: Buffer.from('k8s\0nonsense'), headers: { 'content-type': 'application/vnd.kubernetes.protobuf' } },
        400,
        /protobuf/,
      ],
      ['GET', `${MAPS}?limit=-1`, undefined, 400, /whole number/],
      ['GET', `${MAPS}?fieldSelector=%zz`, undefined, 400, /hexadecimal/],
      ['DELETE', `${MAPS}/patched`, { body: { propagationPolicy: 'Sometimes' } }, 400, /Background/],
    ];
    for (const [method, path, options, status, says] of answers) {
      const answer = await director.call(method, path, options);
      assert.equal(answer.status, status, `${method} ${path.slice(0, 80)}: ${answer.text.slice(0, 200)}`);
      const body = answer.json() as { kind: string; message: string; code: number };
      assert.deepEqual([body.kind, body.code], ['Status', status]);
      assert.match(body.message, says);
    }
    assert.equal((await director.call('GET', '/readyz')).status, 200);
  });

  test('discovery knows its etag', async () => {
    const first = await director.call('GET', '/apis');
    const again = await director.call('GET', '/apis', { headers: { 'if-none-match': String(first.headers['etag']) } });
    assert.deepEqual([again.status, again.text], [304, '']);
    const v3 = (await director.call('GET', '/openapi/v3')).json() as { paths: Record<string, { serverRelativeURL: string }> };
    const url = v3.paths['apis/outrigger.dev/v1']!.serverRelativeURL;
    const document = await director.call('GET', url);
    assert.equal(document.headers['cache-control'], 'public, immutable');
    assert.equal((await director.call('GET', url.replace(/hash=.*/, 'hash=OLD'))).status, 301);
    assert.equal((await director.call('GET', '/nosuch')).text, '404 page not found\n');
    assert.match(String(first.headers['outrigger-era']), /^\d+\./);
  });
});
