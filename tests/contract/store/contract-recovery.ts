/**
 * The store's contract when something goes wrong: lost answers, new eras, a silent database, closing.
 */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { isFault } from '../../../src/model/fault.ts';
import { LIMITS } from '../../../src/model/limits.ts';
import { eventually } from '../../support/eventually.ts';
import { churn, creation, dice, GROUP, key, NEVER, put, RESOURCE, unreliable, updating, Watcher } from './lab.ts';
import type { Operation, StoreTest } from './lab.ts';

export const recoveryContract: readonly StoreTest[] = [
  {
    title: 'I2: when the answer to a commit is lost the batch is found and every writer gets its true answer',
    run: async (lab) => {
      let mishaps = 0;
      const door = unreliable(lab.database.door(), (operation) => {
        if (operation !== 'commit' || mishaps >= 3) return undefined;
        mishaps++;
        return 'after';
      });
      const store = await lab.open(door);
      const watcher = new Watcher(store, store.revision());
      const outcomes = await Promise.all(Array.from({ length: 10 }, (_, n) => store.write(creation(key(`c${n % 5}`)), NEVER)));
      assert.equal(outcomes.filter((outcome) => outcome.ok).length, 5);
      assert.ok(mishaps > 0);
      const made = await put(store, creation(key('next')));
      assert.equal(watcher.revisions.length, 6);
      const other = await lab.open();
      assert.equal(other.revision(), made.revision);
    },
  },
  {
    title: 'I2: doors that fail before and after, in the lock too, lose and double nothing',
    run: async (lab) => {
      const seed = Number(process.env['STORE_SEED'] ?? 11);
      const roll = dice(seed);
      const mishap = (operation: Operation): 'before' | 'after' | undefined => {
        const n = roll();
        const share = operation === 'snapshot' ? 0 : 0.12;
        return n < share ? 'before' : n < 2 * share ? 'after' : undefined;
      };
      const directors = await Promise.all([0, 1].map(async () => await lab.open(unreliable(lab.database.door(), mishap))));
      const witness = await lab.open();
      const start = witness.revision();
      const watchers = [witness, ...directors].map((store) => new Watcher(store, start));
      const accepted: number[] = [];
      await Promise.all(
        directors.flatMap((store, d) => [0, 1, 2, 3].map(async (w) => await churn(store, dice(seed * 100 + d * 10 + w), 60, accepted))),
      );
      const target = await witness.fresh(NEVER);
      for (const watcher of watchers) {
        await eventually(`everyone to catch up (STORE_SEED=${seed})`, () => watcher.subscription.revision() >= target);
        assert.deepEqual(watcher.notes, watchers[0]!.notes, `STORE_SEED=${seed}`);
      }
      assert.deepEqual(
        accepted.toSorted((a, b) => a - b),
        watchers[0]!.revisions,
        `each event was answered once, STORE_SEED=${seed}`,
      );
      const last = await lab.open();
      assert.deepEqual(
        last.list(GROUP, RESOURCE).map((e) => e.bytes.toString()),
        witness.list(GROUP, RESOURCE).map((e) => e.bytes.toString()),
      );
    },
  },
  {
    title: 'I5: a younger era that a caller has seen opens a new one above it, and ends watches',
    run: async (lab) => {
      const [one, two] = [await lab.open(), await lab.open()];
      await put(one, creation(key('a')));
      const watchers = [one, two].map((store) => new Watcher(store, store.revision()));
      const ours = one.era();
      assert.equal(await one.observeEra(ours, one.revision(), NEVER), 'known');
      assert.equal(await one.observeEra({ number: ours.number, id: randomUUID() }, 1, NEVER), 'foreign');
      assert.equal(await one.observeEra({ number: ours.number + 1_000_000, id: randomUUID() }, 1, NEVER), 'implausible');
      assert.equal(await one.observeEra(ours, Number.MAX_SAFE_INTEGER, NEVER), 'implausible');
      const seen = one.revision() + 12_345;
      assert.equal(await one.observeEra({ number: ours.number + 2, id: randomUUID() }, seen, NEVER), 'opened');
      assert.equal(one.era().number, ours.number + 3);
      assert.ok(one.revision() >= seen);
      await two.fresh(NEVER);
      assert.deepEqual(two.era(), one.era());
      assert.deepEqual(
        watchers.map((watcher) => watcher.ended),
        ['era', 'era'],
      );
      const sink = { events: () => undefined, end: () => undefined };
      assert.equal(two.subscribe({ group: GROUP, resource: RESOURCE }, seen, sink), 'expired');
      const changed = await put(two, updating(two.get(key('a'))!, { after: true }));
      assert.ok(changed.revision > seen);
      assert.equal(await one.observeEra(ours, 5, NEVER), 'known');
      const same = await one.observeEra(one.era(), (await one.fresh(NEVER)) + 1, NEVER);
      assert.equal(same, 'opened', 'our own era at a revision that we have lost');
      const claim = async (): Promise<unknown> => one.observeEra({ number: one.era().number + 1, id: randomUUID() }, 1, NEVER);
      for (let opened = 2; opened < LIMITS.eraOpenings; opened++) assert.equal(await claim(), 'opened');
      const last = one.era();
      await assert.rejects(claim(), (fault) => isFault(fault, 'Overloaded'));
      assert.deepEqual(one.era(), last, 'one caller cannot end all watches again and again');
    },
  },
  {
    title: 'close ends watches, answers everyone who waits, and refuses what comes after',
    run: async (lab) => {
      const store = await lab.open();
      const watcher = new Watcher(store, store.revision());
      const writes = Array.from({ length: 20 }, (_, n) => store.write(creation(key(`c${n}`)), NEVER));
      const waiting = store.atLeast(store.revision() + 100_000, NEVER);
      const ended = assert.rejects(waiting, (error) => isFault(error, 'StoreUnavailable'));
      await store.close();
      await ended;
      assert.equal((await Promise.all(writes)).filter((outcome) => outcome.ok).length, 20, 'what was under way is finished');
      assert.equal(watcher.ended, 'closed');
      assert.equal(watcher.revisions.length, 20);
      await assert.rejects(store.write(creation(key('late')), NEVER), (error) => isFault(error, 'StoreUnavailable'));
      assert.equal(store.ready(), false);
    },
  },
  {
    title: 'close answers a write of unknown outcome too, and does not wait for it',
    run: async (lab) => {
      const mishap = (operation: Operation): 'before' | 'after' | undefined =>
        operation === 'commit' ? 'after' : operation === 'exclusive' ? 'before' : undefined;
      const store = await lab.open(unreliable(lab.database.door(), mishap));
      const refused = assert.rejects(store.write(creation(key('a')), NEVER), (error) => isFault(error, 'WriteOutcomeUnknown'));
      const started = performance.now();
      await store.close();
      await refused;
      assert.ok(performance.now() - started < 8_000, 'sooner than it would have given up by itself');
      assert.equal((await lab.open()).count(GROUP, RESOURCE), 1, 'it had happened');
    },
  },
  {
    title: 'close answers everyone also when the database has gone silent',
    run: async (lab) => {
      let silent = false;
      const store = await lab.open(unreliable(lab.database.door(), () => (silent ? 'before' : undefined)));
      silent = true;
      const calls = [store.write(creation(key('a')), NEVER), store.fresh(NEVER), store.atLeast(store.revision() + 1, NEVER)];
      const refused = calls.map(async (call) => await assert.rejects(call, (error) => isFault(error, 'StoreUnavailable')));
      await store.close();
      await Promise.all(refused);
    },
  },
];
