/**
 * What a site keeps of its samples: segments that a crash cuts at any byte, rounds as changes, retention, and what goes to the directors next.
 */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { crc32 } from 'node:zlib';
import * as fc from 'fast-check';
import { isSeries, readShipment, shipmentOf } from '../../../src/decide/metric-shipment.ts';
import { beginsSegment, expiredSegments, segmentName, segmentsOf } from '../../../src/decide/monitor-retention.ts';
import { EMPTY_DICTIONARY, readRound, writeRound } from '../../../src/decide/monitor-round.ts';
import { frameOf, scanSegment, SEGMENT_MAGIC } from '../../../src/decide/monitor-segment.ts';
import {
  acknowledge,
  backlogOf,
  missing,
  nextShipment,
  pruned,
  readAcknowledged,
  shippedThrough,
} from '../../../src/decide/monitor-shipping.ts';
import type { Acknowledged, Range } from '../../../src/decide/monitor-shipping.ts';
import type { Json } from '../../../src/model/json.ts';
import { LIMITS } from '../../../src/model/limits.ts';
import type { Round } from '../../../src/model/metric.ts';

const BODIES = [Uint8Array.of(1, 2, 3), new Uint8Array(300).fill(7), Uint8Array.of(9)];

function textOf(bytes: Uint8Array): string {
  return [...bytes].join(' ');
}

function fileOf(bodies: readonly Uint8Array[]): Uint8Array {
  return Buffer.concat([SEGMENT_MAGIC, ...bodies.map((body) => frameOf(body, crc32))]);
}

describe('segments', () => {
  it('I1: a write cut at every byte leaves all before it, and is seen as torn', () => {
    const before = fileOf(BODIES.slice(0, 2));
    const whole = fileOf(BODIES);
    for (let cut = 0; cut <= whole.length; cut++) {
      const scan = scanSegment(whole.subarray(0, cut), crc32, true);
      if (cut < SEGMENT_MAGIC.length) assert.deepEqual([scan.end, scan.goodBytes], ['torn', 0], `cut at ${cut}`);
      else {
        assert.notEqual(scan.end, 'damaged', `cut at ${cut}`);
        assert.ok(scan.goodBytes <= cut);
        const good = BODIES.filter((_, index) => fileOf(BODIES.slice(0, index + 1)).length <= cut);
        assert.deepEqual(scan.frames.map(textOf), good.map(textOf), `cut at ${cut}`);
        assert.equal(scan.end, scan.goodBytes === cut ? 'whole' : 'torn');
      }
    }
    for (let cut = before.length + 1; cut < whole.length; cut++) {
      const zeros = Buffer.concat([whole.subarray(0, cut), new Uint8Array(whole.length - cut)]);
      const scan = scanSegment(zeros, crc32, true);
      assert.deepEqual([scan.end === 'damaged', scan.frames.length >= 2], [false, true], `I3: zeros from ${cut}`);
    }
  });

  it('I2: a flipped bit is never read as good; in a closed segment whatever does not fit is damage', () => {
    const whole = fileOf(BODIES);
    fc.assert(
      fc.property(fc.nat(whole.length * 8 - 1), fc.boolean(), (bit, isLast) => {
        const broken = Uint8Array.from(whole);
        broken[bit >> 3] = (broken[bit >> 3] ?? 0) ^ (1 << (bit & 7));
        const scan = scanSegment(broken, crc32, isLast);
        assert.notEqual(scan.end, 'whole');
        if (!isLast) assert.equal(scan.end, 'damaged');
        assert.ok(scan.frames.every((frame, index) => textOf(frame) === textOf(BODIES[index] ?? new Uint8Array())));
      }),
    );
    assert.equal(scanSegment(whole.subarray(0, whole.length - 1), crc32, false).end, 'damaged');
    assert.equal(scanSegment(Buffer.from('something else'), crc32, true).end, 'damaged');
  });
});

const SERIES = fc.constantFrom('a', 'b{x="1"}', 'c_total', 'd', 'e', 'f');
const ROUNDS: fc.Arbitrary<Round[]> = fc
  .array(
    fc.uniqueArray(fc.tuple(SERIES, fc.oneof(fc.integer(), fc.double({ noNaN: true, noDefaultInfinity: true }))), { selector: ([s]) => s }),
    { maxLength: 12 },
  )
  .map((all) =>
    all.map((samples, index) => ({
      sequence: 100 + index,
      atMs: 1_000 * index,
      samples: samples.map(([series, value]) => ({ series, type: 'gauge' as const, value: value === 0 ? 0 : value })),
    })),
  );

function sorted({ sequence, atMs, samples }: Round): unknown {
  return [sequence, atMs, samples.map(({ series, value }) => `${series}=${value}`).toSorted()];
}

describe('rounds', () => {
  it('I1 I2: read back from their records, through JSON, from the first one of a segment', () => {
    fc.assert(
      fc.property(ROUNDS, (rounds) => {
        let [written, read] = [EMPTY_DICTIONARY, EMPTY_DICTIONARY];
        for (const round of rounds) {
          const { record, dictionary } = writeRound(written, round);
          written = dictionary;
          const back = readRound(read, JSON.parse(JSON.stringify(record)) as Json);
          assert.ok(back !== undefined);
          read = back.dictionary;
          assert.deepEqual(sorted(back.round), sorted(round));
        }
      }),
    );
  });

  it('I3: a record that does not follow is an answer', () => {
    for (const wrong of [
      null,
      1,
      {},
      { q: 1 },
      { q: 1, t: 2, c: [0, 1] },
      { q: 1, t: 2, x: [3] },
      { q: 1, t: 2, n: [['a', 'b']] },
      { q: 1, t: 2, c: [0] },
    ])
      assert.equal(readRound(EMPTY_DICTIONARY, wrong as Json), undefined, JSON.stringify(wrong));
    fc.assert(fc.property(fc.jsonValue(), (any) => void readRound(EMPTY_DICTIONARY, any as Json)));
  });

  it('says little when little changes', () => {
    const round = (sequence: number): Round => ({ sequence, atMs: sequence, samples: [{ series: 'a', type: 'gauge', value: 1 }] });
    const first = writeRound(EMPTY_DICTIONARY, round(1));
    assert.equal(JSON.stringify(writeRound(first.dictionary, round(2)).record), '{"q":2,"t":2}');
  });
});

describe('retention', () => {
  const HOUR = 3600 * 1000;
  const segments = (count: number, bytes: number): ReturnType<typeof segmentsOf> =>
    segmentsOf(Array.from({ length: count }, (_, index) => ({ name: segmentName(index * 240, index * HOUR), bytes })));

  it('I1 I2 I3: drops the oldest, by age and by size, never the one that is written to', () => {
    const all = segments(200, 1000);
    assert.deepEqual(
      expiredSegments(all, 200 * HOUR).map(({ first }) => first),
      Array.from({ length: 31 }, (_, index) => index * 240),
      'those that ended more than seven days ago',
    );
    const heavy = segments(3, LIMITS.metricStoreBytes);
    assert.deepEqual(
      expiredSegments(heavy, 3 * HOUR).map(({ first }) => first),
      [0, 240],
    );
    assert.deepEqual(expiredSegments(segments(1, 10), 1e15), []);
    fc.assert(
      fc.property(fc.array(fc.nat(LIMITS.metricStoreBytes), { minLength: 1, maxLength: 20 }), (sizes) => {
        const some = segmentsOf(sizes.map((bytes, index) => ({ name: segmentName(index, index * HOUR), bytes })));
        const left = some.slice(expiredSegments(some, 20 * HOUR).length);
        assert.ok(left.length === 1 || left.reduce((sum, one) => sum + one.bytes, 0) <= LIMITS.metricStoreBytes);
      }),
    );
  });

  it('begins a segment by size, by span, and when time falls', () => {
    const [open] = segmentsOf([{ name: segmentName(5, 1000), bytes: 100 }]);
    assert.equal(beginsSegment(undefined, 10, 0), true);
    assert.equal(beginsSegment(open, 10, 1000), false);
    assert.equal(beginsSegment(open, 10, 999), true);
    assert.equal(beginsSegment(open, 10, 1000 + LIMITS.metricSegmentSpanMs), true);
    assert.equal(beginsSegment(open, LIMITS.metricSegmentBytes, 1000), true);
    assert.deepEqual(
      segmentsOf([
        { name: 'x.seg', bytes: 1 },
        { name: `${segmentName(1, 2)}.damaged-1`, bytes: 1 },
      ]),
      [],
    );
  });
});

const RANGES = fc.array(
  fc.tuple(fc.nat(60), fc.nat(6)).map(([from, more]): Range => [from, from + more]),
  { maxLength: 12 },
);
const HELD = fc.tuple(fc.nat(30), fc.nat(40)).map(([from, more]): Range => [from, from + more]);

function setOf(ranges: readonly Range[]): Set<number> {
  return new Set(ranges.flatMap(([from, to]) => Array.from({ length: to - from + 1 }, (_, index) => from + index)));
}

describe('shipping', () => {
  it('I1 I3: what is missing is what is held and was not acknowledged', () => {
    fc.assert(
      fc.property(RANGES, HELD, (ranges, held) => {
        const known = ranges.reduce<Acknowledged>((all, range) => acknowledge(all, range), []);
        const acknowledged = setOf(ranges);
        const wanted = [...setOf([held])].filter((one) => !acknowledged.has(one));
        assert.deepEqual([...setOf(missing(known, held))], wanted);
        assert.equal(backlogOf(known, held), wanted.length);
        assert.deepEqual(missing(pruned(known, held), held), missing(known, held));
        assert.ok(known.every(([from, to], index) => from <= to && (index === 0 || from > (known[index - 1]?.[1] ?? 0) + 1)));
        assert.deepEqual(readAcknowledged(JSON.parse(JSON.stringify(known))), known);
      }),
    );
    assert.equal(backlogOf([[1, 5]], undefined), 0);
    assert.deepEqual(readAcknowledged([[3, 1], 'x', [1, 2, 3], [4, 6]]), [[4, 6]]);
  });

  it('I1: ships the newest first, then from the oldest on, each once, until nothing is missing', () => {
    fc.assert(
      fc.property(RANGES, HELD, fc.integer({ min: 1, max: 9 }), (ranges, held, maxRounds) => {
        let known = ranges.reduce<Acknowledged>((all, range) => acknowledge(all, range), []);
        const [todo, shipped] = [backlogOf(known, held), [] as Range[]];
        for (let next = nextShipment(known, held, maxRounds); next !== undefined; next = nextShipment(known, held, maxRounds)) {
          shipped.push(next.range);
          known = acknowledge(known, next.range);
          assert.ok(shipped.length <= 100);
        }
        assert.deepEqual(setOf(shipped).size, todo);
        assert.equal(
          shipped.reduce((sum, [from, to]) => sum + to - from + 1, 0),
          todo,
          'nothing twice',
        );
        const backfilled = shipped.filter(([, to]) => to !== held[1]).map(([from]) => from);
        assert.deepEqual(
          backfilled,
          backfilled.toSorted((a, b) => a - b),
        );
        assert.equal(shippedThrough(known, held), held[1]);
      }),
    );
    assert.deepEqual(nextShipment([], [10, 30], 5), { range: [30, 30], kind: 'Live' });
    assert.deepEqual(nextShipment([[30, 30]], [10, 30], 5), { range: [10, 14], kind: 'Backfill' });
    assert.equal(shippedThrough([[30, 30]], [10, 30]), undefined);
    assert.equal(shippedThrough([[10, 12]], [10, 30]), 12);
  });

  it('I2: remembers a bounded number of ranges', () => {
    let known: Acknowledged = [];
    for (let at = 0; at < 2 * LIMITS.metricAcknowledgedRanges; at++) known = acknowledge(known, [at * 3, at * 3]);
    assert.equal(known.length, LIMITS.metricAcknowledgedRanges);
    assert.equal(backlogOf(known, [0, 5]), 6, 'what is forgotten is sent again');
  });
});

describe('shipments', () => {
  it('I1: a director reads the rounds that a site packed', () => {
    fc.assert(
      fc.property(ROUNDS, (rounds) => {
        const { shipment, taken } = shipmentOf(rounds);
        const read = readShipment(JSON.parse(JSON.stringify(shipment)) as Json);
        assert.ok(read.ok);
        assert.deepEqual(read.rounds.map(sorted), taken.map(sorted));
      }),
    );
    fc.assert(fc.property(fc.jsonValue(), (any) => void readShipment(any as Json)));
  });

  it('I2: is cut at whole rounds and holds at least one', () => {
    const round = (sequence: number): Round => ({
      sequence,
      atMs: 0,
      samples: ['a', 'b', 'c'].map((series) => ({ series, type: 'gauge', value: sequence })),
    });
    const rounds = [1, 2, 3].map(round);
    assert.deepEqual(
      shipmentOf(rounds, 7).taken.map(({ sequence }) => sequence),
      [1, 2],
    );
    assert.deepEqual(
      shipmentOf(rounds, 1).taken.map(({ sequence }) => sequence),
      [1],
    );
  });

  it('I1: refuses what is no shipment with a sentence', () => {
    const refusal = (body: Json): string => {
      const read = readShipment(body);
      return read.ok ? 'taken' : read.message;
    };
    assert.match(refusal([]), /the body must be/);
    assert.match(refusal({ series: [['a', 'wrong']], rounds: [] }), /type of counter/);
    assert.match(refusal({ series: [['a', 'gauge']], rounds: [[1, 2, [0, 1, 0, 2]]] }), /each once/);
    assert.match(refusal({ series: [['a', 'gauge']], rounds: [[1, 2, [1, 1]]] }), /indexes into series/);
    assert.match(refusal({ series: [], rounds: Array.from({ length: 61 }, () => [1, 2, []]) }), /at most 60/);
    assert.equal(isSeries('a{node="n"}'), true);
    assert.equal(isSeries('a{cluster="other"}'), false);
    assert.equal(isSeries('a b'), false);
  });
});
