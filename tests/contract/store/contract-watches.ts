/**
 * The store's contract on watches and history: nothing lost, nothing repeated, or an end that says why.
 */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { eventually } from '../../support/eventually.ts';
import { churn, creation, deletion, dice, GROUP, key, NEVER, put, RESOURCE, updating, Watcher } from './lab.ts';
import type { StoreTest } from './lab.ts';

export const watchContract: readonly StoreTest[] = [
  {
    title: 'I4: a watch tells its scope and nothing else, and its position moves past what is out of scope',
    run: async (lab) => {
      const store = await lab.open();
      const start = store.revision();
      const all = new Watcher(store, start);
      const alpha = new Watcher(store, start, { group: GROUP, resource: RESOURCE, namespace: 'alpha' });
      const one = new Watcher(store, start, { group: GROUP, resource: RESOURCE, namespace: 'alpha', name: 'b' });
      const hosts = new Watcher(store, start, { group: GROUP, resource: 'hosts' });
      await Promise.all([key('a', 'alpha'), key('b', 'alpha'), key('a'), key('h', '', 'hosts')].map((at) => put(store, creation(at))));
      assert.deepEqual(
        [all, alpha, one, hosts].map((watcher) => watcher.revisions.length),
        [3, 2, 1, 1],
      );
      for (const watcher of [all, alpha, one, hosts]) assert.equal(watcher.subscription.revision(), store.revision());
      one.subscription.close();
      await put(store, deletion(store.get(key('b', 'alpha'))!));
      assert.deepEqual(
        [all, alpha, one, hosts].map((watcher) => watcher.revisions.length),
        [4, 3, 1, 1],
      );
      for (const director of [store, await lab.open(lab.database.door(), 'forgetful')]) {
        for (const watcher of [all, alpha, hosts]) {
          const again = new Watcher(director, start, watcher.scope);
          await eventually('the watch to catch up', () => again.subscription.revision() === director.revision());
          assert.deepEqual(again.notes, watcher.notes, 'replayed, it is the same');
        }
      }
    },
  },
  {
    title: 'I4: a watch from any earlier revision delivers exactly what followed, also in a director that started later',
    run: async (lab) => {
      const store = await lab.open();
      const start = store.revision();
      const live = new Watcher(store, start);
      await churn(store, dice(1), 300);
      const later = await lab.open();
      const forgetful = await lab.open(lab.database.door(), 'forgetful');
      for (const director of [store, later, forgetful]) {
        for (const skip of [0, 1, 7, 150, live.notes.length - 1, live.notes.length]) {
          const from = skip === 0 ? start : live.revisions[skip - 1]!;
          const watcher = new Watcher(director, from);
          await eventually('the watch to catch up', () => watcher.subscription.revision() === director.revision());
          assert.deepEqual(watcher.notes, live.notes.slice(skip));
          watcher.subscription.close();
        }
      }
    },
  },
  {
    title: 'I4: a paused watch loses nothing, wherever it stops',
    run: async (lab) => {
      const store = await lab.open();
      const start = store.revision();
      const live = new Watcher(store, start);
      const halting = new Watcher(store, start);
      halting.onBatch = () => halting.subscription.pause();
      const resuming = setInterval(() => halting.subscription.resume(), 3);
      try {
        await churn(store, dice(2), 300);
        await eventually('the halting watch to catch up', () => halting.subscription.revision() === store.revision(), 20_000);
      } finally {
        clearInterval(resuming);
      }
      assert.deepEqual(halting.notes, live.notes);
    },
  },
  {
    title: 'I4: a watch that resumes while others write neither loses nor repeats',
    run: async (lab) => {
      const [one, two] = [await lab.open(), await lab.open(lab.database.door(), 'forgetful')];
      const start = one.revision();
      const live = new Watcher(one, start);
      const late: Watcher[] = [];
      const writing = Promise.all([churn(one, dice(3), 150), churn(two, dice(4), 150)]);
      for (let n = 0; n < 20; n++) {
        late.push(new Watcher(n % 2 === 0 ? one : two, start));
        await new Promise((resolve) => setTimeout(resolve, 2));
      }
      await writing;
      const target = Math.max(await one.fresh(NEVER), await two.fresh(NEVER));
      for (const watcher of late) await eventually('every watch to catch up', () => watcher.subscription.revision() >= target);
      await eventually('the live watch to catch up', () => live.subscription.revision() >= target);
      for (const watcher of late) assert.deepEqual(watcher.notes, live.notes);
    },
  },
  {
    title: 'I4: a watch from a revision that this director has not reached yet starts there',
    run: async (lab) => {
      const [one, two] = [await lab.open(), await lab.open(lab.database.door({ hints: false }))];
      const made = await put(one, creation(key('a')));
      const watcher = new Watcher(two, made.revision);
      const next = await put(one, creation(key('b')));
      await two.fresh(NEVER);
      await eventually('the watch to start', () => watcher.revisions.length === 1);
      assert.deepEqual(watcher.revisions, [next.revision]);
    },
  },
  {
    title: 'compaction: older watches and pages expire, live ones go on, tombstones stay',
    run: async (lab) => {
      const backend = lab.database.door();
      const store = await lab.open(backend);
      const start = store.revision();
      const live = new Watcher(store, start);
      const uids: string[] = [];
      for (let n = 0; n < 5; n++) {
        const made = await put(store, creation(key(`gone${n}`)));
        uids.push(made.uid);
        await put(store, deletion(await put(store, updating(made, { n }))));
      }
      const old = await put(store, creation(key('old')));
      const kept = await put(store, updating(await put(store, creation(key('kept'))), { kept: true }));
      const through = kept.revision;
      const before = live.notes.length;
      // The first one that is kept replaces a state that is only kept for its sake.
      await put(store, updating(kept, { kept: 'still' }));
      await churn(store, dice(5), 40);
      const events = live.notes.slice(before);
      assert.equal(await backend.compact(through, 1_000_000, NEVER), through);
      const later = await lab.open();
      assert.deepEqual(later.get(key('kept'))?.bytes, store.get(key('kept'))?.bytes);
      assert.deepEqual(later.get(key('old'))?.bytes, old.bytes, 'what lives is kept although it is old');
      const sink = { events: () => undefined, end: () => undefined };
      assert.equal(later.subscribe({ group: GROUP, resource: RESOURCE }, through - 1, sink), 'expired');
      assert.equal(await later.listAt(GROUP, RESOURCE, undefined, through - 1, NEVER), 'expired');
      for (const director of [later, await lab.open(lab.database.door(), 'forgetful')]) {
        const watcher = new Watcher(director, through);
        await eventually('the watch to catch up', () => watcher.notes.length >= events.length);
        assert.deepEqual(watcher.notes.slice(0, events.length), events);
      }
      for (const uid of uids) {
        const tombstone = await later.tombstone(uid, NEVER);
        assert.ok(tombstone !== undefined && tombstone.key.name.startsWith('gone'));
        assert.deepEqual(tombstone.era, later.era());
      }
      const pages = [await later.tombstones('', 2, NEVER)];
      while (pages.at(-1)!.length > 0) pages.push(await later.tombstones(pages.at(-1)!.at(-1)!.uid, 2, NEVER));
      const all = pages.flat().map((tombstone) => tombstone.uid);
      assert.deepEqual(all, [...all].sort());
      for (const uid of uids) assert.ok(all.includes(uid));
      assert.equal(await later.tombstone(randomUUID(), NEVER), undefined);
    },
  },
  {
    title: 'compaction under a paused watch, or under pages of a list, ends them as expired',
    run: async (lab) => {
      const backend = lab.database.door();
      const store = await lab.open(backend);
      const made = await put(store, creation(key('a')));
      await churn(store, dice(6), 30);
      const late = await lab.open(lab.database.door(), 'forgetful');
      const watcher = new Watcher(late, made.revision);
      watcher.subscription.pause();
      assert.notEqual(await late.listAt(GROUP, RESOURCE, undefined, made.revision, NEVER), 'expired');
      await backend.compact(made.revision + 1, 1_000_000, NEVER);
      // It has not heard of that yet: the database tells, by what it answers.
      assert.equal(await late.listAt(GROUP, RESOURCE, undefined, made.revision, NEVER), 'expired');
      watcher.subscription.resume();
      await eventually('the watch to end', () => watcher.ended);
      assert.equal(watcher.ended, 'expired');
      assert.deepEqual(watcher.notes, []);
    },
  },
  {
    title: 'listAt: pages of one list belong together, whatever is written between them',
    run: async (lab) => {
      const store = await lab.open();
      const states: { revision: number; list: string[] }[] = [];
      const roll = dice(7);
      for (let n = 0; n < 12; n++) {
        await churn(store, roll, 25);
        states.push({ revision: store.revision(), list: store.list(GROUP, RESOURCE).map((entity) => entity.bytes.toString()) });
      }
      const later = await lab.open();
      const forgetful = await lab.open(lab.database.door(), 'forgetful');
      await churn(later, roll, 25);
      await Promise.all([store.fresh(NEVER), forgetful.fresh(NEVER)]);
      for (const director of [store, later, forgetful]) {
        for (const { revision, list } of states) {
          const back = await director.listAt(GROUP, RESOURCE, undefined, revision, NEVER);
          assert.ok(back !== 'expired');
          assert.deepEqual(
            back.map((entity) => entity.bytes.toString()),
            list,
          );
          const part = await director.listAt(GROUP, RESOURCE, 'alpha', revision, NEVER);
          assert.deepEqual(
            part,
            back.filter((entity) => entity.key.namespace === 'alpha'),
          );
        }
      }
    },
  },
];
