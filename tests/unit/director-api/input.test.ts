/**
 * What strangers send: bodies, paths, queries, protobuf. Understood or refused, never thrown at.
 */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { acceptedForm, wantsAggregatedDiscovery } from '../../../src/director/api/accept.ts';
import { duplicateField, readJson } from '../../../src/director/api/json-input.ts';
import { decodeProtobuf } from '../../../src/director/api/protobuf.ts';
import { parseQuery, revisionNumber } from '../../../src/director/api/query.ts';
import { route } from '../../../src/director/api/router.ts';
import { LIMITS } from '../../../src/model/limits.ts';

describe('JSON bodies', () => {
  const read = (text: string): ReturnType<typeof readJson> => readJson(Buffer.from(text));

  test('what JSON.parse takes within the bounds is taken as it is', () => {
    fc.assert(
      fc.property(fc.json({ maxDepth: 8 }), (text) => {
        const result = read(text);
        assert.ok(result.ok || text.includes('__proto__'));
        if (result.ok) assert.deepEqual(result.value.value, JSON.parse(text));
      }),
    );
  });

  test('what JSON.parse refuses is refused, without its words', () => {
    for (const bad of ['', '{', '{"a":}', '[1,]', 'nul', '{"a":1}}', '"\\x"', '{"secret":"hunter2"']) {
      const result = read(bad);
      assert.equal(result.ok, false, bad);
      assert.ok(!result.ok && !result.message.includes('hunter2'));
    }
  });

  test('I1: depth is bounded exactly, whatever stands in texts', () => {
    const nested = (depth: number): string => '['.repeat(depth) + ']'.repeat(depth);
    assert.equal(read(nested(LIMITS.jsonDepth)).ok, true);
    assert.equal(read(nested(LIMITS.jsonDepth + 1)).ok, false);
    assert.equal(read(JSON.stringify({ text: nested(500), '[[[[\\"': '\\' })).ok, true);
    assert.equal(read('['.repeat(1_000_000)).ok, false);
  });

  test('I1: no key reaches a prototype, however it is written', () => {
    for (const bad of ['{"__proto__":1}', '{"a":[{"__proto__":{}}]}', '{"\\u005f_proto__":1}', '{"_\\u005Fproto__":1}'])
      assert.equal(read(bad).ok, false, bad);
    assert.equal(read('{"a":"__proto__"}').ok, true);
  });

  test('I2: bytes that are not UTF-8 are refused', () => {
    assert.equal(readJson(Buffer.from([0x22, 0xc3, 0x28, 0x22])).ok, false);
  });

  test('a field given twice is named', () => {
    const duplicate = (text: string): string | undefined => {
      const result = read(text);
      assert.ok(result.ok);
      return duplicateField(Buffer.from(text), result.value);
    };
    assert.equal(duplicate('{"a":1,"b":{"c":[{"d":1,"d":2}]}}'), 'b.c[0].d');
    assert.equal(duplicate('{"a":1,"\\u0061":2}'), 'a');
    assert.equal(duplicate('{"a":{"x":1},"b":{"x":1},"c":[{"x":1},{"x":":"}]}'), undefined);
  });
});

describe('paths', () => {
  const resource = (path: string): object | undefined => {
    const result = route(path);
    return result.ok && result.value.about.kind === 'resource' ? result.value.about : undefined;
  };

  test('resources of the core and of other groups', () => {
    const common = { kind: 'resource', version: 'v1', name: undefined, subresource: undefined };
    assert.deepEqual(resource('/api/v1/namespaces'), { ...common, group: '', namespace: undefined, resource: 'namespaces' });
    assert.deepEqual(resource('/api/v1/namespaces/x'), { ...common, group: '', namespace: undefined, resource: 'namespaces', name: 'x' });
    assert.deepEqual(resource('/api/v1/namespaces/x/status'), {
      ...common,
      group: '',
      namespace: undefined,
      resource: 'namespaces',
      name: 'x',
      subresource: 'status',
    });
    assert.deepEqual(resource('/api/v1/namespaces/x/pods/y/log'), {
      ...common,
      group: '',
      namespace: 'x',
      resource: 'pods',
      name: 'y',
      subresource: 'log',
    });
    assert.deepEqual(resource('/apis/g.dev/v1/things?watch=1'), { ...common, group: 'g.dev', namespace: undefined, resource: 'things' });
    assert.deepEqual(resource('/apis/rbac/v1/clusterroles/system%3Aadmin'), {
      ...common,
      group: 'rbac',
      namespace: undefined,
      resource: 'clusterroles',
      name: 'system:admin',
    });
  });

  test('I1: what could be read in two ways is refused', () => {
    for (const bad of [
      '',
      'api/v1',
      '/api/v1/namespaces/x/pods/a%2fb',
      '/api/v1/namespaces/x/pods/%2e%2e',
      '/api/v1/namespaces/./pods',
      '/api//v1/pods',
      '/api/v1/pods/a%00b',
      '/api/v1/pods/%',
      '/api/v1/pods/a%255cb',
      `/${'x'.repeat(20_000)}`,
    ]) {
      assert.equal(route(bad).ok, false, bad.slice(0, 60));
    }
  });

  test('I1: nothing makes it throw', () => {
    fc.assert(
      fc.property(fc.webUrl({ withQueryParameters: true }), (url) => typeof route(url.slice(url.indexOf('/', 8))).ok === 'boolean'),
    );
    fc.assert(fc.property(fc.string(), (text) => typeof route(`/api/v1/${text}`).ok === 'boolean'));
  });
});

describe('queries and headers', () => {
  test('queries are decoded, the first of several counts, what is malformed is refused', () => {
    const result = parseQuery('a=b%20c&a=d&e&f=g+h&=i');
    assert.ok(result.ok);
    assert.deepEqual(
      [...result.value],
      [
        ['a', 'b c'],
        ['e', ''],
        ['f', 'g h'],
        ['', 'i'],
      ],
    );
    assert.equal(parseQuery('a=%f').ok, false);
    fc.assert(fc.property(fc.string(), (text) => typeof parseQuery(text).ok === 'boolean'));
  });

  test('revisions are decimal numbers up to 2^53', () => {
    assert.deepEqual(['0', '7', '9007199254740991', '9007199254740993', '01', '-1', '1e3', '', 'x'].map(revisionNumber), [
      0,
      7,
      9007199254740991,
      undefined,
      undefined,
      undefined,
      undefined,
      undefined,
      undefined,
    ]);
  });

  test('Accept: as kubectl sends it', () => {
    const form = (header: string | undefined): string => {
      const result = acceptedForm(header);
      return result.ok ? result.value : String(result.code);
    };
    assert.equal(
      form('application/json;as=Table;v=v1;g=meta.k8s.io,application/json;as=Table;v=v1beta1;g=meta.k8s.io,application/json'),
      'table',
    );
    assert.equal(form('application/vnd.kubernetes.protobuf,application/json'), 'object');
    assert.equal(form('application/json, */*'), 'object');
    assert.equal(form('application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io'), 'metadata');
    assert.equal(form('application/vnd.kubernetes.protobuf'), '406');
    assert.equal(form(undefined), 'object');
    assert.equal(wantsAggregatedDiscovery('application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json'), true);
    assert.equal(wantsAggregatedDiscovery('application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList'), false);
    assert.equal(wantsAggregatedDiscovery('application/json'), false);
  });
});

describe('protobuf', () => {
  const field = (number: number, bytes: Buffer): Buffer => Buffer.concat([Buffer.from([(number << 3) | 2, bytes.length]), bytes]);
  const envelope = (apiVersion: string, kind: string, raw: Buffer): Buffer =>
    Buffer.concat([
      Buffer.from('k8s\0'),
      field(1, Buffer.concat([field(1, Buffer.from(apiVersion)), field(2, Buffer.from(kind))])),
      field(2, raw),
    ]);

  test('a Namespace as kubectl sends it', () => {
    const entry = Buffer.concat([field(1, Buffer.from('a')), field(2, Buffer.from('b'))]);
    const metadata = Buffer.concat([field(1, Buffer.from('demo')), field(2, Buffer.alloc(0)), field(11, entry), field(8, Buffer.alloc(0))]);
    const result = decodeProtobuf(
      envelope('v1', 'Namespace', Buffer.concat([field(1, metadata), field(2, Buffer.alloc(0)), field(3, Buffer.alloc(0))])),
    );
    assert.ok(result.ok);
    assert.deepEqual(result.value, { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'demo', labels: { a: 'b' } }, spec: {} });
  });

  test('kinds that are not taken so are named', () => {
    const result = decodeProtobuf(envelope('apps/v1', 'Deployment', Buffer.alloc(0)));
    assert.ok(!result.ok && result.code === 415 && result.message.includes('Deployment of apps/v1'));
  });

  test('I1: no bytes make it throw', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 200 }),
        (bytes) => typeof decodeProtobuf(Buffer.concat([Buffer.from('k8s\0'), bytes])).ok === 'boolean',
      ),
    );
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 200 }),
        (bytes) => typeof decodeProtobuf(envelope('v1', 'Secret', Buffer.from(bytes).subarray(0, 120))).ok === 'boolean',
      ),
    );
    assert.equal(decodeProtobuf(Buffer.from('{}')).ok, false);
  });
});
