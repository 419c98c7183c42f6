/**
 * Splicing revisions into stored JSON.
 */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { AssertionFailed } from '../../../src/base/assert.ts';
import { eventLine, spliceLine, spliceRevision } from '../../../src/director/store/splice.ts';

const bodies = fc
  .record({ name: fc.string({ unit: 'grapheme' }), labels: fc.dictionary(fc.string(), fc.string()), spec: fc.jsonValue() })
  .map(({ name, labels, spec }) => ({ apiVersion: 'outrigger.dev/v1', kind: 'Cluster', metadata: { name, labels }, spec }));
const revisions = fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER });

describe('splice', () => {
  it('I2: adds the revision as the first key of metadata and changes nothing else', () => {
    fc.assert(
      fc.property(bodies, revisions, (object, revision) => {
        const bytes = spliceRevision(Buffer.from(JSON.stringify(object)), revision);
        const expected = { ...object, metadata: { resourceVersion: String(revision), ...object.metadata } };
        assert.equal(bytes.toString(), JSON.stringify(expected));
      }),
    );
  });

  it('I2: a line holds the object as a view, and an object that was served gets another revision', () => {
    fc.assert(
      fc.property(bodies, revisions, revisions, (object, first, second) => {
        const body = Buffer.from(JSON.stringify(object));
        const added = spliceLine('ADDED', body, first);
        assert.deepEqual(added.bytes, spliceRevision(body, first));
        assert.equal(added.line.toString(), `{"type":"ADDED","object":${added.bytes.toString()}}\n`);
        assert.equal(added.bytes.buffer, added.line.buffer, 'one allocation');
        const deleted = spliceLine('DELETED', added.bytes, second, first);
        assert.deepEqual(deleted.bytes, spliceRevision(body, second));
        assert.deepEqual(eventLine('DELETED', deleted.bytes), deleted.line);
      }),
    );
  });

  it('I1: a body of another form is a broken promise', () => {
    for (const text of ['{}', '[]', '{"apiVersion":"v1","kind":"Secret","metadata":{}}', '{"metadata":{"name":"a"},"kind":"A"}']) {
      assert.throws(() => spliceRevision(Buffer.from(text), 1), AssertionFailed, text);
    }
  });
});
