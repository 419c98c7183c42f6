/**
 * Work that is done again whenever it was poked, in virtual time.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { pokeLoop } from '../../../src/agent/poke-loop.ts';
import { Fault } from '../../../src/model/fault.ts';
import type { Log } from '../../../src/ports/log.ts';
import { virtualClock } from '../../support/virtual-clock.ts';

function rig(t: TestContext, options: { everyMs?: number; resyncMs?: number }, work: (run: number) => Promise<void>) {
  const clock = virtualClock();
  const stop = new AbortController();
  t.after(() => stop.abort());
  const warnings: string[] = [];
  const log: Log = { debug: () => {}, info: () => {}, warn: (m) => void warnings.push(m), error: () => {}, with: () => log };
  const random = { float: () => 0, uuid: () => '', bytes: () => new Uint8Array() };
  const runs: number[] = [];
  const loop = pokeLoop(
    { clock, random, log },
    { what: 'Work', ...options },
    async () => {
      runs.push(clock.monotonicMs());
      await work(runs.length);
    },
    stop.signal,
  );
  return { clock, loop, runs, warnings, stop };
}

test('I1: pokes in between are one run, and a poke during a run leads to another', async (t) => {
  const gate = Promise.withResolvers<void>();
  const { clock, loop, runs } = rig(t, {}, (run) => (run === 1 ? gate.promise : Promise.resolve()));
  await clock.advance(1_000);
  assert.equal(runs.length, 0, 'nothing without a poke');
  loop.poke();
  loop.poke();
  await clock.advance(0);
  loop.poke();
  loop.poke();
  await clock.advance(0);
  assert.equal(runs.length, 1, 'runs never overlap');
  gate.resolve();
  await clock.advance(1_000);
  assert.equal(runs.length, 2);
});

test('I2: a fault is tried again with back-off, and said once; success ends it', async (t) => {
  const { clock, loop, runs, warnings } = rig(t, {}, (run) =>
    run < 4 ? Promise.reject(new Fault('DirectorUnreachable', 'nobody answers')) : Promise.resolve(),
  );
  loop.poke();
  await clock.advance(60_000);
  assert.deepEqual(
    runs.map((at) => at - runs[0]!),
    [0, 200, 600, 1_400],
  );
  assert.deepEqual(warnings, ['Work failed and is tried again: nobody answers']);
});

test('I3: runs keep their distance, and take place without a poke after the resync', async (t) => {
  const { clock, loop, runs, stop } = rig(t, { everyMs: 1_000, resyncMs: 10_000 }, () => Promise.resolve());
  loop.poke();
  await clock.advance(0);
  loop.poke();
  await clock.advance(900);
  assert.equal(runs.length, 1);
  await clock.advance(200);
  assert.equal(runs.length, 2);
  await clock.advance(12_000);
  assert.equal(runs.length, 3);
  stop.abort();
  await loop.settled();
});
