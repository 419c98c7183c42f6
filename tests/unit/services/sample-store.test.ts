/**
 * The samples of a site on its disk: crashes at every byte of a write, damage, a full disk, a week.
 */
import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { isFault } from '../../../src/model/fault.ts';
import { LIMITS } from '../../../src/model/limits.ts';
import type { Round, Sample } from '../../../src/model/metric.ts';
import { metricSegments } from '../../../src/platform/metric-segments.ts';
import { openSampleStore } from '../../../src/services/monitor/sample-store.ts';
import type { SampleStore } from '../../../src/services/monitor/sample-store.ts';
import { memorySegments } from '../../support/memory-segments.ts';
import { quietLog } from '../../support/postgres.ts';

const T0 = 1_900_000_000_000;

function samplesAt(step: number, series = 20): Sample[] {
  return Array.from({ length: series }, (_, index) => ({
    series: `metric_${index}{node="n${index % 2}"}`,
    type: 'gauge',
    value: index < 15 ? index : step * index + 0.25,
  }));
}

async function fill(store: SampleStore, rounds: number, from = 0): Promise<void> {
  for (let step = from; step < from + rounds; step++) await store.append(T0 + step * 15_000, samplesAt(step));
}

async function all(store: SampleStore): Promise<readonly Round[]> {
  const held = store.held();
  return held === undefined ? [] : (await store.read(held, 1e9)).rounds;
}

function temporaryFolder(test: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'outrigger-monitor-'));
  test.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

test('I1: a crash at any byte of a write takes away that round and nothing before it, on a real disk', async (context) => {
  const folder = temporaryFolder(context);
  await fill(await openSampleStore(metricSegments(folder), quietLog, 100), 3);
  const [name = ''] = readdirSync(folder);
  const file = join(folder, name);
  const before = statSync(file).size;
  await fill(await openSampleStore(metricSegments(folder), quietLog, 1), 1, 3);
  const whole = readFileSync(file);
  assert.ok(whole.length > before);
  for (let cut = before; cut <= whole.length; cut++) {
    writeFileSync(file, whole);
    truncateSync(file, cut);
    const store = await openSampleStore(metricSegments(folder), quietLog, 1);
    const kept = cut === whole.length ? 4 : 3;
    assert.deepEqual(store.held(), [100, 100 + kept - 1], `cut at ${cut}`);
    await fill(store, 1, kept);
    assert.deepEqual(
      (await all(await openSampleStore(metricSegments(folder), quietLog, 1))).map(({ sequence, samples }) => [sequence, samples.length]),
      Array.from({ length: kept + 1 }, (_, index) => [100 + index, 20]),
      `goes on after ${cut}`,
    );
  }
});

test('I1: a crash at any byte of the first write leaves a store that begins anew', async () => {
  const segments = memorySegments();
  await fill(await openSampleStore(segments, quietLog, 5), 1);
  const [entry] = segments.files;
  assert.ok(entry !== undefined);
  for (let cut = 0; cut < entry[1].length; cut++) {
    const torn = memorySegments(new Map([[entry[0], entry[1].subarray(0, cut)]]));
    const store = await openSampleStore(torn, quietLog, 7);
    assert.equal(store.held(), undefined, `cut at ${cut}`);
    await fill(store, 1);
    assert.deepEqual([store.held(), torn.files.size], [[7, 7], 1]);
  }
});

test('I1: what a full disk refused is not there, and the next round is', async () => {
  for (const failAfter of [0, 1, 9, 60]) {
    const segments = memorySegments();
    const store = await openSampleStore(segments, quietLog, 1);
    await fill(store, 2);
    segments.failAfter = failAfter;
    await assert.rejects(fill(store, 1, 2), (error) => isFault(error, 'DiskFull'));
    await fill(store, 1, 3);
    assert.deepEqual(
      (await all(await openSampleStore(segments, quietLog, 1))).map(({ sequence, atMs }) => [sequence, (atMs - T0) / 15_000]),
      [
        [1, 0],
        [2, 1],
        [3, 3],
      ],
    );
  }
});

test('I2 I3: damage anywhere is kept aside and said; what is good is used, and no sequence is given twice', async () => {
  const segments = memorySegments();
  const first = await openSampleStore(segments, quietLog, 1);
  await fill(first, 300);
  const names = [...segments.files.keys()];
  assert.ok(names.length > 1, 'a segment an hour');
  for (const name of names) {
    const whole = segments.files.get(name) ?? new Uint8Array();
    for (const at of [0, 9, Math.floor(whole.length / 2)]) {
      const spoiled = memorySegments(new Map(segments.files));
      spoiled.files.set(
        name,
        Uint8Array.from(whole, (byte, index) => (index === at ? byte ^ 0x40 : byte)),
      );
      const store = await openSampleStore(spoiled, quietLog, 1_000);
      await fill(store, 1, 400);
      const rounds = await all(store);
      assert.ok(spoiled.files.has(`${name}.damaged`), `${name} at ${at}`);
      assert.match(store.problem() ?? '', new RegExp(name));
      assert.ok(rounds.length > 50 && rounds.length < 301);
      assert.ok(
        rounds.every(({ samples, atMs }) => samples.every(({ value }, index) => value === samplesAt((atMs - T0) / 15_000)[index]?.value)),
      );
      const isLast = name === names.at(-1);
      assert.equal(rounds.at(-1)?.sequence, isLast ? 1_000 : 301, `${name} at ${at}`);
    }
  }
});

test('reads a range in pieces, and says how far it went', async () => {
  const segments = memorySegments();
  const store = await openSampleStore(segments, quietLog, 1);
  await fill(store, 500);
  const piece = await store.read([10, 400], 60);
  assert.deepEqual([piece.rounds.map(({ sequence }) => sequence), piece.through], [[10, 11, 12], 12]);
  const across = await store.read([230, 260], 1e9);
  assert.deepEqual([across.rounds.length, across.through], [31, 260]);
  const [oldest = ''] = segments.files.keys();
  segments.files.delete(oldest);
  assert.deepEqual(await store.read([1, 50], 1e9), { rounds: [], through: 50 }, 'what is gone is not waited for');
});

test('I4: a week of a site takes a bounded place; older samples go', async () => {
  const segments = memorySegments();
  const store = await openSampleStore(segments, quietLog, 1);
  const rounds = (7 * 24 * 3600) / 15;
  const started = performance.now();
  for (let step = 0; step < rounds; step++) {
    const samples = Array.from({ length: 100 }, (_, index): Sample => {
      // A third stands, a third counts, a sixth moves about, a sixth are seconds of processors.
      const kind = index % 6;
      const moving = Math.round(1e9 * (1 + 0.01 * Math.sin(step * index)));
      const value =
        kind < 2 ? index : kind < 4 ? Math.floor((step * index) / 7) : kind === 4 ? moving : Math.round(step * index * 1.37) / 100;
      return { series: `outrigger_metric_${index}{node="harbor-a1-n${index % 5}",service="s"}`, type: 'gauge', value };
    });
    await store.append(T0 + step * 15_000, samples);
  }
  const perRound = store.bytes() / rounds;
  console.log(
    `a week of 100 series every 15 s: ${rounds} rounds, ${(store.bytes() / 2 ** 20).toFixed(1)} MiB in ${segments.files.size} segments, ` +
      `${perRound.toFixed(0)} bytes a round, ${((performance.now() - started) / 1000).toFixed(1)} s to write`,
  );
  assert.ok(store.bytes() < LIMITS.metricStoreBytes / 2);
  const [first] = store.held() ?? [0];
  assert.equal(first, 1);
  await store.append(T0 + 8 * 24 * 3600 * 1000, samplesAt(0));
  assert.ok((store.held()?.[0] ?? 0) >= rounds / 8 - 500 && segments.files.size < 150, 'a day later a day is gone');
});
