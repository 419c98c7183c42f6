/**
 * What a join token looks like, and what stands for it in the store.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BOOTSTRAP_TOKEN_TYPE, parseToken, readTokenFields, tokenData, tokenText } from '../../../src/model/bootstrap-token.ts';
import type { TokenBearer } from '../../../src/model/bootstrap-token.ts';

const NODE: TokenBearer = { kind: 'node', uid: '0de00de0-0000-4000-8000-000000000001', name: 'harbor-a1-n0', incarnation: 1 };

test('text and fields are read back as they were written, and nothing else is', () => {
  const token = { namespace: 'demo', id: 'a'.repeat(10), secret: 'b'.repeat(32) };
  assert.deepEqual(parseToken(tokenText(token)), token);
  for (const text of [
    '',
    'demo.a.b',
    `demo.${'a'.repeat(10)}.${'B'.repeat(32)}`,
    `De.${'a'.repeat(10)}.${'b'.repeat(32)}`,
    `${tokenText(token)}\n`,
  ])
    assert.equal(parseToken(text), undefined);
  const data = new Map(Object.entries(tokenData({ tokenHash: 'ab'.repeat(32), expiresAt: '2027-01-01T00:00:00Z', bearer: NODE })));
  assert.deepEqual(readTokenFields(BOOTSTRAP_TOKEN_TYPE, data)?.bearer, NODE);
  assert.equal(readTokenFields('Opaque', data), undefined);
  assert.equal(readTokenFields(BOOTSTRAP_TOKEN_TYPE, new Map([...data, ['host', 'alpha']])), undefined);
  assert.equal(readTokenFields(BOOTSTRAP_TOKEN_TYPE, new Map([...data, ['incarnation', '0']])), undefined);
  assert.equal(readTokenFields(BOOTSTRAP_TOKEN_TYPE, new Map([...data, ['expiresAt', 'soon']])), undefined);
});
