/**
 * What lost its owner.
 */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { NO_OBSERVATIONS } from '../../../src/decide/observation.ts';
import { decideSweep } from '../../../src/decide/sweep.ts';
import type { SweepView } from '../../../src/decide/sweep.ts';
import { cluster, dataCenter, node, reservations, seenFor } from './fixtures.ts';

function sweep(change: Partial<SweepView> = {}): ReturnType<typeof decideSweep> {
  const base: SweepView = {
    live: true,
    virtualDataCenters: [dataCenter({ reservations: reservations([0]) })],
    nodes: [node(0)],
    clusters: [],
    monotonicMs: 1_010_000,
    seen: NO_OBSERVATIONS,
    ...change,
  };
  const keys = decideSweep(base).watching;
  return decideSweep({ ...base, ...(change.seen === undefined ? { seen: seenFor(keys, 10_000, 10_000) } : {}) });
}

const kinds = (decision: ReturnType<typeof decideSweep>): string[] => decision.effects.map((effect) => effect.kind);

describe('sweep', () => {
  it('I2: lets a node without an owner go, then drops its reservation', () => {
    const first = sweep();
    assert.deepEqual(
      first.effects.map((effect) => effect.kind === 'DeleteNode' && effect.license),
      ['OwnerGone'],
    );
    assert.deepEqual(kinds(sweep({ nodes: [node(0, { deleted: true })] })), ['DropNodeFinalizer']);
    assert.deepEqual(kinds(sweep({ nodes: [] })), ['Unreserve']);
  });

  it('I1: touches nothing whose owner is there, and nothing at all on a cached view', () => {
    assert.deepEqual(sweep({ clusters: [cluster()] }).effects, []);
    const cached = sweep({ live: false });
    assert.deepEqual([cached.effects, cached.needsLive], [[], true]);
    // Of the same name, with another uid: that is not its owner.
    assert.deepEqual(kinds(sweep({ clusters: [cluster({ uid: 'other' })] })), ['DeleteNode']);
  });

  it('I3: waits until it has seen it so for a while', () => {
    const fresh = sweep({ live: false, seen: NO_OBSERVATIONS });
    assert.deepEqual([fresh.needsLive, fresh.requeueAfterMs], [false, 10_000]);
  });
});
