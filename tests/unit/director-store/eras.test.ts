/**
 * Eras, and how old history must be before it is forgotten.
 */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { addMark, compactableThrough, MARK_INTERVAL_MS } from '../../../src/director/store/compaction.ts';
import type { Mark } from '../../../src/director/store/compaction.ts';
import { eraStart, openedBy, sightEra } from '../../../src/director/store/era.ts';
import { LIMITS } from '../../../src/model/limits.ts';

const NOW_MS = 1_800_000_000_000;

describe('eras', () => {
  it('I1: begin above every revision that was served', () => {
    assert.equal(eraStart(0, NOW_MS), 1_800_000_000 * 2 ** 20);
    assert.equal(eraStart(2 ** 52, NOW_MS), 2 ** 52 + 1);
    assert.ok(eraStart(0, NOW_MS) < Number.MAX_SAFE_INTEGER);
  });

  it('I2: are told from lies and from strangers', () => {
    const era = { number: 3, id: 'ours' };
    const ours = { era, revision: eraStart(0, NOW_MS) + 1_000, nowMs: NOW_MS };
    const sight = (number: number, id: string, revision: number): string => sightEra(ours, { era: { number, id }, revision });
    assert.equal(sight(3, 'ours', ours.revision), 'known');
    assert.equal(sight(3, 'ours', ours.revision + 1), 'opened');
    assert.equal(sight(2, 'any', ours.revision + 1), 'known');
    assert.equal(sight(4, 'any', 5), 'opened');
    assert.equal(sight(3, 'other', 5), 'foreign');
    for (const number of [0, -1, 1.5, NaN, 3 + 1_001, 2 ** 31]) assert.equal(sight(number, 'any', 5), 'implausible');
    for (const revision of [-1, 0.5, NaN, Infinity, Number.MAX_SAFE_INTEGER, eraStart(0, NOW_MS + 400 * 24 * 3600 * 1000)]) {
      assert.equal(sight(4, 'any', revision), 'implausible');
    }
  });

  it('I3: are opened by claims a few times only, and again when that was long ago', () => {
    let opened: readonly number[] = [];
    for (let n = 0; n < LIMITS.eraOpenings; n++) opened = openedBy(opened, n) ?? [];
    assert.equal(opened.length, LIMITS.eraOpenings);
    assert.equal(openedBy(opened, LIMITS.eraOpenings), undefined);
    assert.equal(openedBy(opened, LIMITS.eraOpeningsWindowMs - 1), undefined);
    assert.deepEqual(openedBy(opened, LIMITS.eraOpeningsWindowMs)?.at(-1), LIMITS.eraOpeningsWindowMs);
  });
});

describe('compaction', () => {
  it('I1: forgets only what has been history for ten minutes, and not much less', () => {
    fc.assert(
      fc.property(fc.array(fc.nat({ max: 500 }), { minLength: 1, maxLength: 200 }), (writes) => {
        let marks: Mark[] = [];
        let revision = 1_000;
        const revisionAt = new Map<number, number>();
        writes.forEach((count, i) => {
          const atMs = i * MARK_INTERVAL_MS;
          revision += count;
          revisionAt.set(atMs, revision);
          marks = addMark(marks, { atMs, revision });
          const through = compactableThrough(marks, atMs);
          const due = atMs - LIMITS.historyMinMs;
          assert.equal(through, due < 0 ? undefined : revisionAt.get(due), 'exactly the note of ten minutes ago');
        });
        assert.ok(marks.length <= LIMITS.historyMinMs / MARK_INTERVAL_MS + 2, 'notes are bounded');
      }),
    );
  });
});
