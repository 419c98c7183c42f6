/**
 * What the console's forms and lists are made of: the YAML of the wizard, values by their path, views of lists, hosts, sites, and whom rights belong to.
 */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { parse } from 'yaml';
import { EMPTY_DRAFT, manifestOf } from '../../../console/src/create/draft.ts';
import { yamlOf } from '../../../console/src/create/yaml.ts';
import { valueAt, withValue } from '../../../console/src/form/spec-draft.ts';
import { hostRow, stateOf } from '../../../console/src/hosts/host-row.ts';
import { rightRows } from '../../../console/src/rights/bindings.ts';
import type { Binding, Role } from '../../../console/src/rights/bindings.ts';
import { serverSights } from '../../../console/src/sites/site-row.ts';
import { readListView, shownRows, writeListView } from '../../../console/src/table/list-view.ts';
import type { Host } from '../../../src/model/host.ts';
import type { Site } from '../../../src/model/site.ts';

const META = { uid: 'u', resourceVersion: '1', creationTimestamp: '2026-01-01T00:00:00Z' };

describe('the wizard', () => {
  test('I1: what its YAML says is read back as the same object', () => {
    const value = fc.letrec((tie) => ({
      any: fc.oneof(
        { maxDepth: 3 },
        fc.string({ unit: 'binary' }),
        fc.integer(),
        fc.boolean(),
        fc.constant('1.0'),
        fc.constant('no'),
        tie('list'),
        tie('object'),
      ),
      list: fc.array(tie('any'), { maxLength: 3 }),
      object: fc.dictionary(
        fc.string().filter((key) => key !== '__proto__'),
        tie('any'),
        { maxKeys: 3, noNullPrototype: true },
      ),
    })).object;
    fc.assert(fc.property(value, (object) => assert.deepEqual(parse(yamlOf(object)), object)));
  });

  test('I1: what was not chosen is not in the object', () => {
    const draft = { ...EMPTY_DRAFT, organization: 'demo', name: 'pier', virtualDataCenter: 'main', release: '1.0.0', workers: 'two' };
    assert.deepEqual(JSON.parse(JSON.stringify(manifestOf(draft))), {
      apiVersion: 'outrigger.dev/v1',
      kind: 'Cluster',
      metadata: { name: 'pier', namespace: 'demo' },
      spec: { virtualDataCenter: 'main', release: '1.0.0', workers: 'two' },
    });
  });
});

test('I1: a value is set at its path, and nothing else is changed', () => {
  const before = { spec: { a: { b: 1 }, list: [{ url: 'x' }, { url: 'y' }] } };
  const after = withValue(before, 'spec.list[1].url', 'z');
  assert.deepEqual(after, { spec: { a: { b: 1 }, list: [{ url: 'x' }, { url: 'z' }] } });
  assert.equal(valueAt(after, 'spec.list[1].url'), 'z');
  assert.deepEqual(withValue(before, 'spec.list[0]', undefined), { spec: { a: { b: 1 }, list: [{ url: 'y' }] } });
  assert.deepEqual(withValue(before, 'spec.a.b', undefined), { spec: { a: {}, list: before.spec.list } });
  assert.equal(before.spec.list[1]?.url, 'y');
});

describe('lists', () => {
  test('I1: a view is read back from its address', () => {
    const texts = { search: fc.string(), organization: fc.string(), filter: fc.string(), sort: fc.string() };
    fc.assert(
      fc.property(fc.record({ ...texts, descending: fc.boolean() }, { noNullPrototype: true }), (view) =>
        assert.deepEqual(readListView(`?${writeListView(view)}`), view),
      ),
    );
  });

  test('I2: the same lines in the same order, however they came', () => {
    const rows = Array.from({ length: 20 }, (_, index) => ({ key: `r${index}`, searched: `r${index}`, by: index % 3 }));
    const order = (all: typeof rows) =>
      shownRows(
        all,
        { search: '', descending: true },
        ({ by }) => by,
        () => true,
      );
    fc.assert(fc.property(fc.shuffledSubarray(rows, { minLength: 20 }), (shuffled) => assert.deepEqual(order(shuffled), order(rows))));
  });
});

test('I1, I2: what is free on a host is counted, and one that is confirmed dead is Dead whatever it said', () => {
  const ready = { type: 'Ready', status: 'True', reason: 'Available', message: '', lastTransitionTime: META.creationTimestamp };
  const spec = { capacity: { nodes: 2, cpuMillis: 1000, memoryMiB: 512 }, drivers: ['process'], cordoned: false };
  const host = { metadata: { ...META, name: 'h' }, spec, status: { bootId: 'b', nodes: 1, conditions: [ready] } } as unknown as Host;
  assert.equal(stateOf(host), 'Ready');
  assert.equal(hostRow(host, undefined).used.nodes, 1);
  assert.equal(hostRow(host, []).used.nodes, 0);
  const dead = { ...host, metadata: { ...host.metadata, annotations: { 'outrigger.dev/confirm-dead': 'b' } } };
  assert.equal(stateOf(dead), 'Dead');
});

test('I1: a certificate is to be accepted only where another one than the pinned was shown and did not pass', () => {
  const site = (pin: string | undefined, result: string): Site =>
    ({
      metadata: { ...META, name: 's', namespace: 'n' },
      spec: { environment: 'OnPremises', connectionServers: [{ name: 'cs', url: 'https://cs', ...(pin === undefined ? {} : { pin }) }] },
      status: { pairing: { checks: [{ server: 'cs', check: 'Thumbprint', result, message: '' }], thumbprints: { cs: 'sha256:1' } } },
    }) as unknown as Site;
  const shown = (one: Site): string | undefined => serverSights(one)[0]?.shown;
  assert.equal(shown(site(undefined, 'Waiting')), 'sha256:1');
  assert.equal(shown(site('sha256:0', 'Failed')), 'sha256:1');
  assert.equal(shown(site('sha256:1', 'Failed')), undefined);
  assert.equal(shown(site(undefined, 'Passed')), undefined);
});

test('whom a right belongs to: each subject of each binding, within its organization', () => {
  const role = {
    metadata: { ...META, name: 'view' },
    rules: [
      { verbs: ['get'], resources: ['clusters'] },
      { verbs: ['*'], resources: ['*'] },
    ],
  } as Role;
  const roleRef = { kind: 'ClusterRole', name: 'view' };
  const binding = { metadata: { ...META, name: 'b', namespace: 'demo' }, roleRef, subjects: [{ kind: 'User', name: 'ada' }] } as Binding;
  const rows = rightRows([binding, { ...binding, roleRef: { kind: 'Role', name: 'view' } }], new Map([['/view', role]]));
  assert.deepEqual(rows[0]?.rules, ['get clusters', 'anything with everything']);
  assert.equal(rows[0]?.organization, 'demo');
  assert.deepEqual(rows[1]?.rules, ['nothing: there is no such role']);
});
