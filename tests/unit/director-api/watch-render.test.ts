/**
 * The bytes with which a watch begins.
 */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { renderInitial } from '../../../src/director/api/watch-render.ts';
import type { Rendering } from '../../../src/director/api/watch-render.ts';
import { makeEntity } from '../../../src/director/store/entity.ts';
import type { StoredEntity } from '../../../src/ports/store.ts';

function entity(name: string, chars: number): StoredEntity {
  const body = Buffer.from(JSON.stringify({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name }, data: { a: 'x'.repeat(chars) } }));
  return makeEntity({ key: { group: '', resource: 'configmaps', namespace: 'demo', name }, uid: name, revision: 5 }, body);
}

// Of the rendering only the form comes into it, for plain objects.
const PLAIN = { form: 'object', include: 'Metadata', test: undefined, nowMs: () => 0 } as unknown as Rendering;

describe('the states with which a watch begins', () => {
  const entities = [entity('a', 10), entity('b', 1_000_000), entity('c', 10), entity('d', 10)];

  it('are whole lines, in order, in each group of pieces', () => {
    const groups = [...renderInitial(entities, PLAIN)].map((pieces) => Buffer.concat(pieces).toString('utf8'));
    assert.ok(groups.every((text) => text.endsWith('}\n')));
    const events = groups
      .join('')
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as { type: string; object: { metadata: { name: string; resourceVersion: string } } });
    assert.deepEqual(
      events.map(({ type, object }) => [type, object.metadata.name, object.metadata.resourceVersion]),
      ['a', 'b', 'c', 'd'].map((name) => ['ADDED', name, '5']),
    );
  });

  it('are not copied for each watch when they are large', () => {
    const large = entities[1] as StoredEntity;
    for (let watch = 0; watch < 3; watch++) assert.ok([...renderInitial(entities, PLAIN)].flat().includes(large.bytes));
  });
});
