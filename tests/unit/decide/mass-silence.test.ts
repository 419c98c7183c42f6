/**
 * Mass silence: by own observation, in virtual time.
 */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { isObeyed, massSilenceOf, NO_SILENCE, watchSites } from '../../../src/decide/mass-silence.ts';
import type { SilenceMemory, SiteSight } from '../../../src/decide/mass-silence.ts';
import { DEFAULT_SERVER_CONFIG } from '../../../src/model/server-config.ts';

const TTL_MS = 180_000;
const LOOK_MS = 5_000;

/** `quietFromMs` of each site: when it stops renewing; its Lease changes each minute until then. */
function sitesAt(nowMs: number, quietFromMs: readonly (number | undefined)[], longSilent: ReadonlySet<number> = new Set()): SiteSight[] {
  return quietFromMs.map((quietMs, index) => ({
    uid: `site-${index}`,
    leases: [{ uid: `node-${index}`, revision: String(Math.floor(Math.min(nowMs, quietMs ?? nowMs) / 60_000)), ttlMs: TTL_MS }],
    longSilent: longSilent.has(index),
  }));
}

interface Watch {
  readonly fromMs?: number;
  readonly untilMs: number;
  readonly longSilent?: ReadonlySet<number>;
}

function watch(
  quietFromMs: readonly (number | undefined)[],
  { fromMs = 0, untilMs, longSilent }: Watch,
  memory: SilenceMemory = NO_SILENCE,
): SilenceMemory {
  let known = memory;
  for (let nowMs = fromMs; nowMs <= untilMs; nowMs += LOOK_MS) known = watchSites(known, sitesAt(nowMs, quietFromMs, longSilent), nowMs);
  return known;
}

const judged = (memory: SilenceMemory, more: Partial<typeof DEFAULT_SERVER_CONFIG> = {}) =>
  massSilenceOf(memory, { ...DEFAULT_SERVER_CONFIG, ...more });
const quiet = (silent: number, of: number, atMs = 600_000): (number | undefined)[] =>
  Array.from({ length: of }, (_, index) => (index < silent ? atMs : undefined));

describe('mass silence', () => {
  it('I1: a site is silent when its Leases were unchanged for as long as they hold, and not before', () => {
    const at = (untilMs: number) => judged(watch(quiet(3, 10), { untilMs })).silentSites;
    assert.equal(at(600_000 + TTL_MS - LOOK_MS), 0);
    assert.equal(at(600_000 + TTL_MS), 3);
  });

  it('I1: one node that is heard makes the site heard', () => {
    let known = NO_SILENCE;
    for (let nowMs = 0; nowMs <= 900_000; nowMs += LOOK_MS) {
      const leases = ['quiet', 'loud'].map((uid) => ({ uid, revision: uid === 'loud' ? String(nowMs) : '1', ttlMs: TTL_MS }));
      const sites = [0, 1, 2].map((at) => ({
        uid: `site-${at}`,
        leases: leases.map((one) => ({ ...one, uid: `${one.uid}-${at}` })),
        longSilent: false,
      }));
      known = watchSites(known, sites, nowMs);
    }
    assert.deepEqual(judged(known), { active: false, near: false, settled: true, silentSites: 0, sites: 3 });
  });

  it('I2: more than 20 % within five minutes, not 20 %', () => {
    const until = { untilMs: 900_000 };
    assert.equal(judged(watch(quiet(2, 10), until)).active, false);
    assert.equal(judged(watch(quiet(3, 10), until)).active, true);
    assert.equal(judged(watch(quiet(3, 10), until), { massSilencePercent: 30 }).active, false);
    assert.equal(judged(watch(quiet(10, 10), until), { massSilencePercent: 100 }).active, false, '100: never');
  });

  it('I2: sites that fall one after the other, further apart than the window, are none', () => {
    const falling = [600_000, 960_000, 1_320_000, 1_680_000, ...quiet(0, 6)];
    assert.equal(judged(watch(falling, { untilMs: 3_000_000 })).active, false);
    assert.equal(judged(watch(falling, { untilMs: 3_000_000 }), { massSilenceSeconds: 900 }).active, true);
  });

  it('I2: it lasts until they are heard again', () => {
    const fallen = watch(quiet(5, 10), { untilMs: 7_200_000 });
    assert.equal(judged(fallen).active, true);
    const back = watch([...quiet(2, 5), ...quiet(0, 5)], { fromMs: 7_205_000, untilMs: 7_210_000 }, fallen);
    assert.deepEqual([judged(back).active, judged(back).silentSites], [false, 2]);
  });

  it('I3: a small estate: one silent site is none, two are', () => {
    for (const sites of [1, 2, 3, 4]) {
      assert.equal(judged(watch(quiet(1, sites), { untilMs: 900_000 })).active, false, `1 of ${sites}`);
      if (sites > 1) assert.equal(judged(watch(quiet(2, sites), { untilMs: 900_000 })).active, true, `2 of ${sites}`);
    }
  });

  it('I4: an observer that stood still takes nobody for silent', () => {
    const before = watch(quiet(0, 10), { untilMs: 600_000 });
    // What it sees first is what its copies held; the changes come a moment later.
    const woken = watchSites(before, sitesAt(600_000, quiet(0, 10)), 4_200_000);
    assert.equal(judged(woken).silentSites, 0);
  });

  it('I5: a fresh observer is settled after one hold of a Lease, and sites that were long silent do not count', () => {
    const old = new Set([0, 1, 2]);
    assert.equal(judged(watch(quiet(3, 10, 0), { untilMs: TTL_MS - LOOK_MS })).settled, false);
    const known = judged(watch(quiet(3, 10, 0), { untilMs: 900_000, longSilent: old }));
    assert.deepEqual(known, { active: false, near: false, settled: true, silentSites: 0, sites: 7 });
    assert.equal(judged(watch(quiet(3, 10, 0), { untilMs: 900_000 })).active, true, 'part of a mass silence, or never said: it counts');
  });

  it('I5: it is settled as soon as those that it has not heard are too few for one; so who ends it is not held up by a fresh observer', () => {
    const after = (heard: number, more = {}) => {
      const sites = (revision: string): SiteSight[] =>
        Array.from({ length: 10 }, (_, index) => ({
          uid: `site-${index}`,
          leases: [{ uid: `node-${index}`, revision: index < heard ? revision : '1', ttlMs: TTL_MS }],
          longSilent: false,
        }));
      return judged(watchSites(watchSites(NO_SILENCE, sites('1'), 0), sites('2'), LOOK_MS), more).settled;
    };
    assert.deepEqual([after(7), after(8), after(10)], [false, true, true]);
    assert.equal(after(0, { massSilencePercent: 100 }), true, 'a person ended it for all');
    assert.equal(judged(NO_SILENCE, { massSilencePercent: 100 }).settled, false, 'nothing was looked at yet');
  });

  it('I5: a site that was long silent and is heard counts like any other', () => {
    const back = watch([600_000, 600_000, 600_000, ...quiet(0, 7)], { untilMs: 1_200_000, longSilent: new Set([0, 1, 2]) });
    assert.equal(judged(back).active, true);
  });

  it('I6: observers that disagree at the edges both obey what one of them said, and nobody what none said', () => {
    const at = { untilMs: 1_500_000 };
    const apart = [600_000, 600_000, 900_000, ...quiet(0, 7)];
    const [one, other] = [
      judged(watch(apart, at)),
      judged(
        watch(
          apart.map((ms) => (ms === 900_000 ? 960_000 : ms)),
          at,
        ),
      ),
    ];
    assert.deepEqual([one.active, other.active, other.near], [true, false, true]);
    assert.deepEqual([isObeyed(one, false), isObeyed(other, true), isObeyed(other, false)], [true, true, false]);
    // To one of them five sites are old news, the other one counts them among all.
    const more = [0, 400_000, 800_000, 1_200_000, 1_600_000, 2_400_000, 2_400_000, ...quiet(0, 4)];
    const began = judged(watch(more, { fromMs: 2_200_000, untilMs: 3_000_000, longSilent: new Set([0, 1, 2, 3, 4]) }));
    const before = judged(watch(more, { untilMs: 3_000_000 }));
    assert.deepEqual([began.active, before.active, before.near], [true, false, true]);
    const far = judged(watch([600_000, 600_000, 1_320_000, ...quiet(0, 9)], { untilMs: 1_800_000 }));
    assert.equal(isObeyed(far, true), false, 'one that is nearly none is none');
    assert.equal(isObeyed(judged(watch(apart, at), { massSilencePercent: 100 }), true), false, 'a person ended it for all');
  });

  it('I6: it ends with the silence', () => {
    const back = watch(quiet(2, 10), { fromMs: 1_505_000, untilMs: 1_510_000 }, watch(quiet(5, 10), { untilMs: 1_500_000 }));
    assert.equal(judged(back).near, false);
  });

  it('I1 I2: whatever falls and comes back, it is active exactly when so many are silent together', () => {
    const falls = fc.array(fc.option(fc.integer({ min: 300, max: 1_500 }), { nil: undefined, freq: 2 }), { minLength: 1, maxLength: 12 });
    fc.assert(
      fc.property(falls, (seconds) => {
        const at = seconds.map((one) => (one === undefined ? undefined : one * 1000));
        const fell = at.flatMap((one) => (one === undefined ? [] : [Math.floor(one / 60_000) * 60_000]));
        const together = Math.max(0, ...fell.map((first) => fell.filter((one) => one >= first && one - first <= 300_000).length));
        const verdict = judged(watch(at, { untilMs: 1_800_000 }));
        assert.equal(verdict.silentSites, fell.length);
        assert.equal(verdict.active, together >= 2 && together * 100 > 20 * at.length);
      }),
      { numRuns: 60 },
    );
  });

  it('I1 I4: a site that is handed in as the same object while nothing of it changed is judged alike', () => {
    const looks = fc.array(fc.record({ afterMs: fc.constantFrom(LOOK_MS, LOOK_MS, LOOK_MS, 90_000), renewed: fc.subarray([0, 1, 2, 3]) }), {
      maxLength: 60,
    });
    fc.assert(
      fc.property(looks, (all) => {
        let [kept, fresh]: SilenceMemory[] = [NO_SILENCE, NO_SILENCE];
        let sights = sitesAt(0, quiet(0, 4), new Set([1]));
        let nowMs = 0;
        for (const [turn, { afterMs, renewed }] of all.entries()) {
          nowMs += afterMs;
          sights = sights.map((sight, index) =>
            renewed.includes(index) ? { ...sight, leases: sight.leases.map((lease) => ({ ...lease, revision: `turn-${turn}` })) } : sight,
          );
          kept = watchSites(kept ?? NO_SILENCE, sights, nowMs);
          fresh = watchSites(fresh ?? NO_SILENCE, structuredClone(sights), nowMs);
          assert.deepEqual(judged(kept), judged(fresh));
        }
      }),
    );
  });
});
