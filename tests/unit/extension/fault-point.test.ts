/**
 * The fault point of extension servers.
 */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { faultPointOf, TEST_FAULTS_ALLOWED, withFaultPoint } from '../../../src/extension/fault-point.ts';
import type { FaultPoint } from '../../../src/extension/fault-point.ts';
import { CLUSTERS } from '../../../src/model/addresses.ts';
import { EVENTS } from '../../../src/model/core-kinds.ts';
import type { EntityApi } from '../../../src/ports/api.ts';

describe('fault point', () => {
  it('I3: is refused unless a test asked for it, and so is what it cannot mean', () => {
    const allowed = { OUTRIGGER_TEST_FAULTS: TEST_FAULTS_ALLOWED };
    assert.equal(faultPointOf({}), undefined);
    assert.equal(faultPointOf(allowed), undefined);
    assert.deepEqual(faultPointOf({ ...allowed, OUTRIGGER_FAULT_AFTER_WRITE: '3' }), { write: 3, when: 'after' });
    assert.deepEqual(faultPointOf({ ...allowed, OUTRIGGER_FAULT_AFTER_WRITE: '3:before' }), { write: 3, when: 'before' });
    for (const wrong of ['0', 'x', '3:later', '-1'])
      assert.throws(() => faultPointOf({ ...allowed, OUTRIGGER_FAULT_AFTER_WRITE: wrong }), /must be such as/);
    for (const flag of [undefined, '', '1', 'true'])
      assert.throws(() => faultPointOf({ OUTRIGGER_FAULT_AFTER_WRITE: '1', OUTRIGGER_TEST_FAULTS: flag }), /tests of Outrigger alone/);
  });

  it('I1 I2: dies before its write leaves, or when it has landed, and counts neither Events nor reads', async () => {
    for (const when of ['before', 'after'] as const) {
      const sent: string[] = [];
      const api = withFaultPoint(recorder(sent), { write: 2, when } satisfies FaultPoint, (what) => {
        throw new Error(`dead at ${what}`);
      });
      const { signal } = new AbortController();
      await api.create(EVENTS, 'demo', { metadata: { name: 'e' } }, signal);
      await api.get(CLUSTERS, 'demo', 'c1', signal);
      await api.mergePatch(CLUSTERS, 'demo', 'c1', { status: {} }, signal, 'status');
      await assert.rejects(api.delete(CLUSTERS, 'demo', 'c1', {}, signal), /dead at delete Cluster c1/);
      assert.deepEqual(sent, when === 'before' ? ['create', 'get', 'mergePatch'] : ['create', 'get', 'mergePatch', 'delete']);
    }
  });
});

function recorder(sent: string[]): EntityApi {
  return new Proxy({} as EntityApi, {
    ownKeys: () => ['get'],
    getOwnPropertyDescriptor: () => ({ enumerable: true, configurable: true }),
    get: (_, verb: string) => () => {
      sent.push(verb);
      return Promise.resolve({ ok: true, value: undefined });
    },
  });
}
