/**
 * The store's deadlines and upkeep, in virtual time, over a database in memory that fails as told.
 */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { openEntityStore } from '../../../src/director/store/entity-store.ts';
import { memoryBackend, newMemoryDatabase } from '../../../src/director/store/memory-backend.ts';
import type { MemoryDatabase } from '../../../src/director/store/memory-backend.ts';
import { isFault } from '../../../src/model/fault.ts';
import { LIMITS } from '../../../src/model/limits.ts';
import type { EntityStore, WriteOutcome } from '../../../src/ports/store.ts';
import { creation, deletion, GROUP, key, NEVER, random, RESOURCE, silentLog, unreliable, updating } from '../../contract/store/lab.ts';
import type { Operation } from '../../contract/store/lab.ts';
import { virtualClock } from '../../support/virtual-clock.ts';
import type { VirtualClock } from '../../support/virtual-clock.ts';

interface Rig {
  readonly clock: VirtualClock;
  readonly database: MemoryDatabase;
  readonly store: EntityStore;
  mishap: (operation: Operation) => 'before' | 'after' | undefined;
}

async function newRig(): Promise<Rig> {
  const clock = virtualClock();
  const database = newMemoryDatabase();
  const rig = { clock, database, mishap: () => undefined } as unknown as { -readonly [K in keyof Rig]: Rig[K] };
  const backend = unreliable(memoryBackend({ database, clock, random }), (operation) => rig.mishap(operation));
  rig.store = await openEntityStore({ backend, clock, random, log: silentLog }, NEVER);
  return rig;
}

/** What became of a call: its value, or its Fault's code. */
function watch<T>(call: Promise<T>): { outcome: T | string | undefined } {
  const seen: { outcome: T | string | undefined } = { outcome: undefined };
  call.then(
    (value) => (seen.outcome = value),
    (error: unknown) => (seen.outcome = isFault(error) ? error.code : String(error)),
  );
  return seen;
}

/** A write by the test, which moves the clock until it is answered. */
async function write(rig: Rig, ...args: Parameters<EntityStore['write']>): Promise<WriteOutcome> {
  const seen = watch(rig.store.write(...args));
  await rig.clock.advance(0);
  assert.ok(typeof seen.outcome === 'object', `answered: ${JSON.stringify(seen.outcome)}`);
  return seen.outcome;
}

describe('deadlines of the store', () => {
  it('a write that cannot be sent waits 10 s, then says that nothing was written', async () => {
    const rig = await newRig();
    rig.mishap = (operation) => (operation === 'commit' || operation === 'exclusive' ? 'before' : undefined);
    const seen = watch(rig.store.write(creation(key('a')), NEVER));
    await rig.clock.advance(LIMITS.writeDeadlineMs - 500);
    assert.equal(seen.outcome, undefined);
    await rig.clock.advance(1_000);
    assert.equal(seen.outcome, 'StoreUnavailable');
    assert.equal(rig.database.history.length, 0);
    rig.mishap = () => undefined;
    await rig.clock.advance(5_000);
    assert.equal(rig.database.history.length, 0, 'who was told that nothing was written is not written later');
    assert.ok((await write(rig, creation(key('b')), NEVER)).ok, 'and the next one is done');
  });

  it('I2: a write of unknown outcome is looked for during 10 s, then says that it may have happened', async () => {
    const rig = await newRig();
    rig.mishap = (operation) => (operation === 'commit' ? 'after' : operation === 'exclusive' ? 'before' : undefined);
    const seen = watch(rig.store.write(creation(key('a')), NEVER));
    await rig.clock.advance(LIMITS.outcomeDeadlineMs - 1_500);
    assert.equal(seen.outcome, undefined);
    await rig.clock.advance(3_000);
    assert.equal(seen.outcome, 'WriteOutcomeUnknown');
    rig.mishap = () => undefined;
    await rig.clock.advance(2_000);
    assert.ok(rig.store.get(key('a')) !== undefined, 'it had happened, and is followed like a write of somebody else');
    const again = await write(rig, creation(key('a')), NEVER);
    assert.ok(!again.ok && again.reason === 'exists');
  });

  it('I2: found in time, it is answered as if nothing had been', async () => {
    const rig = await newRig();
    rig.mishap = (operation) => (operation === 'commit' ? 'after' : operation === 'exclusive' ? 'before' : undefined);
    const seen = watch(rig.store.write(creation(key('a')), NEVER));
    await rig.clock.advance(4_000);
    rig.mishap = () => undefined;
    await rig.clock.advance(2_000);
    assert.ok(typeof seen.outcome === 'object' && seen.outcome.ok);
    assert.equal(rig.database.history.length, 1);
  });

  it('a fresh read waits 5 s for the counter; a read of a revision 5 s for that; readiness goes and comes back', async () => {
    const rig = await newRig();
    rig.mishap = () => 'before';
    const fresh = watch(rig.store.fresh(NEVER));
    const ahead = watch(rig.store.atLeast(rig.store.revision() + 1, NEVER));
    await rig.clock.advance(4_000);
    assert.deepEqual([fresh.outcome, ahead.outcome], [undefined, undefined]);
    assert.equal(rig.store.ready(), true);
    await rig.clock.advance(2_500);
    assert.deepEqual([fresh.outcome, ahead.outcome], ['StoreUnavailable', 'StoreTimeout']);
    assert.equal(rig.store.ready(), false);
    rig.mishap = () => undefined;
    await rig.clock.advance(2_000);
    assert.equal(rig.store.ready(), true);
  });

  it('the queue of writes is bounded: beyond it a write is refused at once', async () => {
    const rig = await newRig();
    rig.mishap = () => 'before';
    const waiting = Array.from({ length: LIMITS.pendingWrites }, (_, n) => watch(rig.store.write(creation(key(`c${n}`)), NEVER)));
    const over = watch(rig.store.write(creation(key('over')), NEVER));
    await rig.clock.advance(0);
    assert.equal(over.outcome, 'Overloaded');
    rig.mishap = () => undefined;
    await rig.clock.advance(3_000);
    assert.ok(
      waiting.every((seen) => typeof seen.outcome === 'object' && seen.outcome.ok),
      'the others are written',
    );
    assert.equal(rig.store.count(GROUP, RESOURCE), LIMITS.pendingWrites);
  });

  it('history is forgotten when it is ten minutes old, not before; tombstones are not', async () => {
    const rig = await newRig();
    const start = rig.store.revision();
    const made = await write(rig, creation(key('a')), NEVER);
    assert.ok(made.ok);
    const changed = await write(rig, updating(made.entity, { n: 1 }), NEVER);
    assert.ok(changed.ok);
    assert.ok((await write(rig, deletion(changed.entity), NEVER)).ok);
    const sink = { events: () => undefined, end: () => undefined };
    await rig.clock.advance(LIMITS.historyMinMs - 60_000);
    assert.notEqual(rig.store.subscribe({ group: GROUP, resource: RESOURCE }, start, sink), 'expired');
    await rig.clock.advance(2 * 60_000);
    assert.equal(rig.store.subscribe({ group: GROUP, resource: RESOURCE }, start, sink), 'expired');
    assert.equal(rig.database.history.length, 1, 'the tombstone');
    assert.equal((await rig.store.tombstone(made.entity.uid, NEVER))?.key.name, 'a');
  });
});
