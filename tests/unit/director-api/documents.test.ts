/**
 * Discovery, OpenAPI and tables: what clients build their picture of the API from.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, describe, test } from 'node:test';
import { crdOf } from '../../../src/model/crd.ts';
import { KINDS } from '../../../src/model/kinds.ts';
import type { JsonObject } from '../../../src/model/json.ts';
import { verbsPage } from '../../../src/director/api/published-verbs.ts';
import { at, memoryApi, textAt } from '../../support/memory-api.ts';
import type { MemoryApi } from '../../support/memory-api.ts';

const AGGREGATED = { accept: 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json' };
const TABLE = { accept: 'application/json;as=Table;v=v1;g=meta.k8s.io,application/json' };
const CRDS = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions';
const CLUSTERS = '/apis/outrigger.dev/v1/namespaces/demo/clusters';

let memory: MemoryApi;
before(async () => {
  memory = await memoryApi();
  for (const kind of KINDS) assert.equal((await memory.ask('POST', CRDS, { body: crdOf(kind) })).status, 201);
  await memory.ask('POST', '/api/v1/namespaces', { body: { metadata: { name: 'demo' } } });
  for (const [name, workers] of [
    ['alpha', 1],
    ['beta', 2],
  ] as const) {
    await memory.ask('POST', CLUSTERS, { body: { metadata: { name }, spec: { virtualDataCenter: 'v', release: 'r', workers } } });
  }
});
after(() => memory.close());

describe('discovery', () => {
  test('aggregated: the content type by which kubectl judges, and one item of it', async () => {
    const answer = await memory.ask('GET', '/apis', { headers: AGGREGATED });
    assert.equal(answer.headers['content-type'], 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList');
    const groups = answer.body['items'] as JsonObject[];
    const group = groups.find((one) => at(one, 'metadata.name') === 'outrigger.dev');
    const resources = at(group, 'versions.0.resources') as JsonObject[];
    assert.deepEqual(
      resources.find((one) => one['resource'] === 'clusters'),
      {
        resource: 'clusters',
        responseKind: { group: 'outrigger.dev', version: 'v1', kind: 'Cluster' },
        scope: 'Namespaced',
        singularResource: 'cluster',
        verbs: ['delete', 'deletecollection', 'get', 'list', 'patch', 'create', 'update', 'watch'],
        shortNames: ['ocl'],
        categories: ['outrigger'],
        subresources: [
          {
            subresource: 'status',
            responseKind: { group: 'outrigger.dev', version: 'v1', kind: 'Cluster' },
            verbs: ['get', 'patch', 'update'],
          },
          { subresource: 'scale', responseKind: { group: 'autoscaling', version: 'v1', kind: 'Scale' }, verbs: ['get', 'patch', 'update'] },
          {
            subresource: 'proxy',
            responseKind: { group: 'outrigger.dev', version: 'v1', kind: 'Cluster' },
            verbs: ['create', 'delete', 'get', 'patch', 'update'],
          },
        ],
      },
    );
    const core = await memory.ask('GET', '/api', { headers: AGGREGATED });
    assert.equal((core.body['items'] as JsonObject[]).length, 1);
    assert.equal(core.at('items.0.metadata.name'), undefined);
  });

  test('I1: 304 while nothing changed, with the same content type; another etag once a kind came', async () => {
    const first = await memory.ask('GET', '/apis', { headers: AGGREGATED });
    const again = await memory.ask('GET', '/apis', { headers: { ...AGGREGATED, 'if-none-match': first.headers['etag'] ?? '' } });
    assert.deepEqual([again.status, again.text, again.headers['content-type']], [304, '', first.headers['content-type']]);
    const crd = {
      metadata: { name: 'boats.example.com' },
      spec: {
        group: 'example.com',
        scope: 'Cluster',
        names: { kind: 'Boat', plural: 'boats' },
        versions: [{ name: 'v1', served: true, storage: true, schema: { openAPIV3Schema: { type: 'object' } } }],
      },
    };
    await memory.ask('POST', CRDS, { body: crd });
    const changed = await memory.ask('GET', '/apis', { headers: { ...AGGREGATED, 'if-none-match': first.headers['etag'] ?? '' } });
    assert.equal(changed.status, 200);
    await memory.ask('DELETE', `${CRDS}/boats.example.com`);
  });

  test('the old form: versions, groups, resources', async () => {
    assert.deepEqual((await memory.ask('GET', '/api')).body['versions'], ['v1']);
    assert.equal((await memory.ask('GET', '/apis/outrigger.dev')).at('preferredVersion.groupVersion'), 'outrigger.dev/v1');
    const list = (await memory.ask('GET', '/apis/outrigger.dev/v1')).body['resources'] as JsonObject[];
    const names = list.map((one) => one['name']);
    assert.ok(names.includes('clusters') && names.includes('clusters/status') && names.includes('clusters/scale'));
    assert.deepEqual(
      list.find((one) => one['name'] === 'clusters/scale'),
      {
        name: 'clusters/scale',
        singularName: '',
        namespaced: true,
        group: 'autoscaling',
        version: 'v1',
        kind: 'Scale',
        verbs: ['get', 'patch', 'update'],
      },
    );
    assert.equal((await memory.ask('GET', '/apis/nosuch.dev')).status, 404);
    const core = (await memory.ask('GET', '/api/v1')).body['resources'] as JsonObject[];
    assert.deepEqual(core.find((one) => one['name'] === 'serviceaccounts/token')?.['verbs'], ['create']);
  });
});

/** `/openapi/v3` is JSON that calls itself text, as at the reference. */
async function v3Paths(): Promise<JsonObject> {
  const { text } = await memory.ask('GET', '/openapi/v3');
  return (JSON.parse(text) as { paths: JsonObject }).paths;
}

describe('OpenAPI', () => {
  test('I1: version 3: what kubectl looks for', async () => {
    const url = textAt((await v3Paths())['apis/outrigger.dev/v1'], 'serverRelativeURL');
    const document = (await memory.ask('GET', url)).body;
    const item = (document['paths'] as JsonObject)['/apis/outrigger.dev/v1/namespaces/{namespace}/clusters/{name}'] as JsonObject;
    const patch = item['patch'] as JsonObject;
    assert.deepEqual(
      [patch['x-kubernetes-action'], patch['x-kubernetes-group-version-kind']],
      ['patch', { group: 'outrigger.dev', version: 'v1', kind: 'Cluster' }],
    );
    assert.ok((patch['parameters'] as JsonObject[]).some((one) => one['name'] === 'fieldValidation'));
    const schema = at(document, 'components.schemas') as JsonObject;
    assert.deepEqual(at(schema['dev.outrigger.v1.Cluster'], 'x-kubernetes-group-version-kind'), [
      { group: 'outrigger.dev', version: 'v1', kind: 'Cluster' },
    ]);
    assert.match(url, /hash=[0-9A-F]{64}$/);
  });

  test('every $ref leads somewhere, in both versions', async () => {
    const urls = Object.values(await v3Paths()).map((one) => textAt(one, 'serverRelativeURL'));
    for (const url of [...urls, '/openapi/v2']) {
      const document = await memory.ask('GET', url);
      for (const [, path = ''] of document.text.matchAll(/"\$ref":"#\/([^"]+)"/g)) {
        const [first = '', ...rest] = path.split('/');
        const [section, name] = rest.length === 2 ? [at(document.body, `${first}.${rest[0]}`), rest[1]] : [document.body[first], rest[0]];
        assert.ok(Object.hasOwn((section ?? {}) as JsonObject, name ?? ''), `${url}: ${path}`);
      }
    }
  });
});

describe('tables', () => {
  test('columns, cells of their types, metadata of the object', async () => {
    const answer = await memory.ask('GET', CLUSTERS, { headers: TABLE });
    assert.equal(answer.headers['content-type'], 'application/json');
    const columns = (answer.body['columnDefinitions'] as JsonObject[]).map(({ name, type, priority }) => [name, type, priority]);
    assert.deepEqual(columns.slice(0, 2), [
      ['Name', 'string', 0],
      ['Phase', 'string', 0],
    ]);
    assert.ok(columns.some(([name, , priority]) => name === 'Message' && priority === 1));
    const cells = at(answer.body, 'rows.0.cells') as unknown[];
    assert.deepEqual([cells[0], cells[1], cells.length], ['alpha', null, columns.length]);
    assert.match(String(cells.at(-1)), /^\d+s$/);
    assert.deepEqual([answer.at('rows.0.object.kind'), answer.at('rows.0.object.spec')], ['PartialObjectMetadata', undefined]);
  });

  test('includeObject: the whole object, or none', async () => {
    const whole = await memory.ask('GET', `${CLUSTERS}?includeObject=Object`, { headers: TABLE });
    assert.equal(whole.at('rows.1.object.spec.workers'), 2);
    const none = await memory.ask('GET', `${CLUSTERS}/alpha?includeObject=None`, { headers: TABLE });
    assert.deepEqual([none.body['kind'], none.at('rows.0.object')], ['Table', null]);
    assert.equal((await memory.ask('GET', `${CLUSTERS}?includeObject=Some`, { headers: TABLE })).status, 400);
  });

  test('pages of a table carry the token; a refusal is a Status', async () => {
    const page = await memory.ask('GET', `${CLUSTERS}?limit=1`, { headers: TABLE });
    assert.equal(page.at('metadata.remainingItemCount'), 1);
    const next = await memory.ask('GET', `${CLUSTERS}?limit=1&continue=${textAt(page.body, 'metadata.continue')}`, { headers: TABLE });
    assert.deepEqual([next.at('rows.0.cells.0'), next.at('metadata.continue')], ['beta', undefined]);
    assert.equal((await memory.ask('GET', `${CLUSTERS}/nosuch`, { headers: TABLE })).body['kind'], 'Status');
  });
});

test('docs/reference/api-verbs.md is what the table of verbs says', () => {
  const page = readFileSync(new URL('../../../docs/reference/api-verbs.md', import.meta.url), 'utf8');
  assert.equal(page, verbsPage());
});
