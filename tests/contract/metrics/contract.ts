/**
 * What every store of samples promises (src/ports/metric-store.ts). One file, run over PostgreSQL and over memory.
 */

import assert from 'node:assert/strict';
import { after, describe, it } from 'node:test';
import type { Round } from '../../../src/model/metric.ts';
import { LIMITS } from '../../../src/model/limits.ts';
import type { MetricStore } from '../../../src/ports/metric-store.ts';

const NEVER = new AbortController().signal;

export interface MetricDatabase {
  door(): MetricStore;
  drop(): Promise<void>;
}

export function round(sequence: number, atMs: number, values: Readonly<Record<string, number>>): Round {
  return { sequence, atMs, samples: Object.entries(values).map(([series, value]) => ({ series, type: 'gauge', value })) };
}

function texts(samples: Awaited<ReturnType<MetricStore['newest']>>): string[] {
  assert.ok(samples !== 'too-many');
  return samples.map(({ clusterUid, atMs, series, type, value }) => `${clusterUid} ${atMs} ${series} ${type} ${value}`).toSorted();
}

type Door = () => Promise<MetricStore>;

export function describeMetrics(name: string, open: () => Promise<MetricDatabase>): void {
  describe(`samples in ${name}`, () => {
    let database: MetricDatabase | undefined;
    const doors: MetricStore[] = [];
    const door: Door = async () => {
      database ??= await open();
      const made = database.door();
      doors.push(made);
      return made;
    };
    after(async () => {
      for (const one of doors) one.close();
      await database?.drop();
    });
    writesAndReads(door);
    bounds(door);
  });
}

function writesAndReads(door: Door): void {
  it('I1: a shipment that comes again changes nothing, also at another director, also in other pieces', async () => {
    const [here, there] = [await door(), await door()];
    const rounds = [round(1, 1000, { up: 1, 'x{node="a"}': 2 }), round(2, 2000, { up: 0, 'x{node="a"}': 3 })];
    const first = await here.write('c1', rounds, NEVER);
    assert.deepEqual([first.kept, first.dropped], [4, 0]);
    const changed = rounds.map((one) => ({ ...one, samples: one.samples.map((sample) => ({ ...sample, value: 99 })) }));
    for (const store of [here, there]) assert.deepEqual([(await store.write('c1', changed, NEVER)).kept], [4]);
    await there.write('c1', [round(2, 2000, { up: 99, late: 7 })], NEVER);
    const newest = texts(await here.newest(['c1'], 0, 5000, 100, NEVER));
    assert.deepEqual(newest, ['c1 2000 late gauge 7', 'c1 2000 up gauge 0', 'c1 2000 x{node="a"} gauge 3']);
  });

  it('keeps what comes late, and knows the newest by its time', async () => {
    const store = await door();
    await store.write('c2', [round(9, 9000, { up: 9 })], NEVER);
    await store.write('c2', [round(1, 1000, { up: 1 }), round(2, 2000, { up: 2 })], NEVER);
    assert.deepEqual(texts(await store.newest(['c2', 'nobody'], 0, 10_000, 100, NEVER)), ['c2 9000 up gauge 9']);
    assert.deepEqual(texts(await store.newest(['c2'], 0, 8_000, 100, NEVER)), ['c2 2000 up gauge 2']);
    assert.deepEqual(texts(await store.newest(['c2'], 9_000, 20_000, 100, NEVER)), []);
    assert.equal(await store.newest(['c1', 'c2'], 0, 10_000, 3, NEVER), 'too-many');
  });

  it('gives a range by steps, and leaves out what is too old', async () => {
    const store = await door();
    const at = (seconds: number): Round =>
      round(seconds, seconds * 1000, { 'load{node="a"}': seconds, 'load{node="b"}': -seconds, other: 5 });
    await store.write('c3', [10, 20, 30, 90].map(at), NEVER);
    const query = { clusterUid: 'c3', name: 'load', startMs: 5_000, endMs: 100_000, stepMs: 15_000, lookbackMs: 30_000 };
    const curves = await store.range(query, 10, NEVER);
    assert.deepEqual(curves, [
      {
        series: 'load{node="a"}',
        points: [
          [20_000, 20],
          [35_000, 30],
          [50_000, 30],
          [95_000, 90],
        ],
      },
      {
        series: 'load{node="b"}',
        points: [
          [20_000, -20],
          [35_000, -30],
          [50_000, -30],
          [95_000, -90],
        ],
      },
    ]);
    assert.equal(await store.range(query, 1, NEVER), 'too-many');
    assert.deepEqual(await store.range({ ...query, name: 'nothing' }, 1, NEVER), []);
    assert.deepEqual(await store.range({ ...query, clusterUid: 'c1' }, 1, NEVER), [], "nothing of another cluster's");
  });
}

function bounds(door: Door): void {
  it('I3: a cluster has a bounded number of series; those that it has go on', async () => {
    const store = await door();
    const many = Object.fromEntries(Array.from({ length: LIMITS.metricSeriesPerCluster + 5 }, (_, index) => [`s${index}`, index]));
    const first = await store.write('c4', [round(1, 1000, many)], NEVER);
    assert.deepEqual([first.kept, first.dropped], [LIMITS.metricSeriesPerCluster, 5]);
    assert.match(first.message ?? '', /series/);
    const again = await store.write('c4', [round(2, 2000, { ...many, more: 1 })], NEVER);
    assert.deepEqual([again.kept, again.dropped], [LIMITS.metricSeriesPerCluster, 6]);
    assert.deepEqual((await store.write('c5', [round(1, 1000, { more: 1 })], NEVER)).kept, 1, 'of others nothing is taken');
  });

  it('forgets what is older, some at a time', async () => {
    const store = await door();
    await store.write('c6', [round(1, 10, { up: 1 }), round(2, 20, { up: 2 }), round(3, 50_000, { up: 3 })], NEVER);
    let gone = 0;
    for (let some = 1; some > 0; gone += some) some = await store.sweep(100, 1_000, NEVER);
    assert.ok(gone >= 2);
    assert.deepEqual(texts(await store.newest(['c6'], 0, 100, 10, NEVER)), []);
    assert.deepEqual(texts(await store.newest(['c6'], 0, 60_000, 10, NEVER)), ['c6 50000 up gauge 3']);
    assert.equal((await store.write('c6', [round(4, 60_000, { up: 4 })], NEVER)).kept, 1);
  });

  it('keeps every number as it is', async () => {
    const store = await door();
    const numbers = [0, -1.5e-7, 1 / 3, Number.MAX_SAFE_INTEGER, 1e300, 5e-324];
    await store.write('c7', [round(1, 5, Object.fromEntries(numbers.map((value, index) => [`n${index}`, value])))], NEVER);
    const found = await store.newest(['c7'], 0, 10, 100, NEVER);
    assert.ok(found !== 'too-many');
    assert.deepEqual(
      found.toSorted((a, b) => (a.series < b.series ? -1 : 1)).map(({ value }) => value),
      numbers,
    );
  });
}
