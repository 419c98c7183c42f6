/**
 * Who is heard, by Leases: each says itself how long it holds, within bounds.
 */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { silenceOf } from '../../../src/decide/silence.ts';
import { LIMITS } from '../../../src/model/limits.ts';
import { readyNode, seenFor, view } from './fixtures.ts';

describe('silence', () => {
  const one = readyNode(0);
  const { uid, name } = one.metadata;
  const isSilent = (unchangedMs: number, ttlMs?: number): boolean => {
    const seen = seenFor([`lease/${uid}`, `lease/${uid}/7`], unchangedMs, 0);
    const leaseTtlsMs = new Map(ttlMs === undefined ? [] : [[uid, ttlMs]]);
    return silenceOf(view({ leases: new Map([[uid, '7']]), leaseTtlsMs, seen }), [one]).silent.has(name);
  };

  it('I1: a Lease holds for as long as it says; one that says nothing as long as ever', () => {
    assert.deepEqual([isSilent(8_999, 9_000), isSilent(9_000, 9_000)], [false, true]);
    assert.deepEqual([isSilent(LIMITS.nodeLeaseTtlMs - 1), isSilent(LIMITS.nodeLeaseTtlMs)], [false, true]);
  });

  it('one that is renewed in time is looked at once in the time that its Lease holds, one that is late when it runs out', () => {
    const againMs = (unchangedMs: number) => {
      const seen = seenFor([`lease/${uid}`, `lease/${uid}/7`], unchangedMs, 0);
      return silenceOf(view({ leases: new Map([[uid, '7']]), seen }), [one]).requeueAfterMs;
    };
    const ttlMs = LIMITS.nodeLeaseTtlMs;
    assert.deepEqual([againMs(0), againMs(ttlMs / 2 - 1), againMs(ttlMs / 2), againMs(ttlMs - 1)], [ttlMs, ttlMs, ttlMs / 2, 1]);
  });

  it('I1: nobody is silent at once, nor heard for ever, by what his Lease says', () => {
    assert.deepEqual([isSilent(LIMITS.nodeLeaseTtlMinMs - 1, 0), isSilent(LIMITS.nodeLeaseTtlMinMs, 0)], [false, true]);
    assert.equal(isSilent(LIMITS.nodeLeaseTtlMaxMs, Number.MAX_SAFE_INTEGER), true);
  });
});
