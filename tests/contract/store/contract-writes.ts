/**
 * The store's contract on writes and reads: compare-and-swap, order, freshness.
 */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { isFault } from '../../../src/model/fault.ts';
import type { EntityStore, WriteOutcome } from '../../../src/ports/store.ts';
import { eventually } from '../../support/eventually.ts';
import { body, creation, deletion, GROUP, key, NEVER, noteOf, put, RESOURCE, updating, Watcher } from './lab.ts';
import type { StoreTest } from './lab.ts';

export const writeContract: readonly StoreTest[] = [
  {
    title: 'a created entity is read back with its revision, listed in order, and gone after its deletion',
    run: async (lab) => {
      const store = await lab.open();
      const start = store.revision();
      const made = await put(store, creation(key('b'), { size: 1 }));
      await put(store, creation(key('a')));
      await put(store, creation(key('z', 'alpha')));
      await put(store, creation(key('x', '', 'hosts')));
      assert.equal(made.revision, start + 1);
      assert.deepEqual(made.object()['metadata'], {
        resourceVersion: String(start + 1),
        name: 'b',
        namespace: 'demo',
        uid: made.uid,
        labels: {},
      });
      assert.equal(store.get(key('b')), made);
      assert.deepEqual(
        store.list(GROUP, RESOURCE).map((entity) => entity.key.name),
        ['z', 'a', 'b'],
      );
      assert.deepEqual(
        store.list(GROUP, RESOURCE, 'demo').map((entity) => entity.key.name),
        ['a', 'b'],
      );
      assert.deepEqual(
        store.list(GROUP, 'hosts', '').map((entity) => entity.key.name),
        ['x'],
      );
      assert.equal(store.count(GROUP, RESOURCE, 'demo'), 2);
      const changed = await put(store, updating(made, { size: 2 }));
      assert.equal(changed.revision, start + 5);
      assert.equal(made.object()['spec'] !== changed.object()['spec'], true);
      const gone = await put(store, deletion(changed));
      assert.equal(gone.revision, start + 6);
      assert.deepEqual(gone.object()['spec'], { size: 2 });
      assert.equal((gone.object()['metadata'] as { resourceVersion: string }).resourceVersion, String(start + 6));
      assert.equal(store.get(key('b')), undefined);
    },
  },
  {
    title: 'I3: writes that were decided on another state are refused and say what stands against them',
    run: async (lab) => {
      const store = await lab.open();
      const made = await put(store, creation(key('a')));
      const changed = await put(store, updating(made, { n: 1 }));
      const refused = async (write: Parameters<EntityStore['write']>[0]): Promise<WriteOutcome> => await store.write(write, NEVER);
      assert.deepEqual(await refused(creation(key('a'))), { ok: false, reason: 'exists', current: changed });
      assert.deepEqual(await refused(updating(made, { n: 2 })), { ok: false, reason: 'stale', current: changed });
      assert.deepEqual(await refused({ ...updating(changed, {}), uid: randomUUID() }), { ok: false, reason: 'stale', current: changed });
      assert.deepEqual(await refused(deletion(made)), { ok: false, reason: 'stale', current: changed });
      await put(store, deletion(changed));
      assert.deepEqual(await refused(updating(changed, {})), { ok: false, reason: 'missing' });
      assert.deepEqual(await refused(deletion(changed)), { ok: false, reason: 'missing' });
    },
  },
  {
    title: 'I3: of many writes at once that build on one state exactly one is accepted',
    run: async (lab) => {
      const store = await lab.open();
      const made = await put(store, creation(key('a')));
      const outcomes = await Promise.all(Array.from({ length: 50 }, (_, n) => store.write(updating(made, { n }), NEVER)));
      const accepted = outcomes.filter((outcome) => outcome.ok);
      assert.equal(accepted.length, 1);
      assert.ok(accepted[0]?.ok);
      for (const outcome of outcomes) {
        if (!outcome.ok) assert.ok(outcome.reason === 'stale' && outcome.current === accepted[0].entity, 'the others see the one that won');
      }
      const creations = await Promise.all(Array.from({ length: 20 }, () => store.write(creation(key('b')), NEVER)));
      assert.equal(creations.filter((outcome) => outcome.ok).length, 1);
    },
  },
  {
    title: 'I3: a deletion and the creation of its successor may come at once, in that order',
    run: async (lab) => {
      const store = await lab.open();
      const watcher = new Watcher(store, store.revision());
      const made = await put(store, creation(key('a'), { life: 1 }));
      const [gone, early, next, late] = await Promise.all([
        store.write(deletion(made), NEVER),
        store.write(updating(made, { life: 'ghost' }), NEVER),
        store.write(creation(key('a'), { life: 2 }), NEVER),
        store.write(creation(key('a'), { life: 3 }), NEVER),
      ]);
      assert.ok(gone.ok && next.ok);
      assert.deepEqual(early, { ok: false, reason: 'missing' });
      assert.ok(!late.ok && late.reason === 'exists' && late.current === next.entity);
      assert.deepEqual(
        watcher.notes.map((note) => note.split(' ')[1]),
        ['ADDED', 'DELETED', 'ADDED'],
      );
      assert.deepEqual(store.get(key('a'))?.object()['spec'], { life: 2 });
    },
  },
  {
    title: 'I1: two directors on one database give gap-free revisions and see the same events in the same order',
    run: async (lab) => {
      const [one, two] = [await lab.open(), await lab.open()];
      const start = one.revision();
      const watchers = [one, two].map((store) => new Watcher(store, start));
      const writer = async (store: EntityStore, who: number): Promise<number> => {
        let accepted = 0;
        for (let n = 0; n < 60; n++) {
          const outcome = await store.write(creation(key(`c${n}`), { who }), NEVER);
          if (outcome.ok) accepted++;
          else assert.ok(outcome.reason === 'exists' && outcome.current.key.name === `c${n}`);
        }
        return accepted;
      };
      const accepted = await Promise.all([one, two, one, two, one, two].map((store, who) => writer(store, who)));
      assert.equal(
        accepted.reduce((sum, n) => sum + n, 0),
        60,
        'each name was created once',
      );
      await Promise.all([one.fresh(NEVER), two.fresh(NEVER)]);
      const expected = Array.from({ length: 60 }, (_, i) => start + i + 1);
      for (const watcher of watchers) assert.deepEqual(watcher.revisions, expected);
      assert.deepEqual(watchers[0]?.notes, watchers[1]?.notes);
    },
  },
  {
    title: 'a fresh read on one director sees what another was answered, also when no hint arrives',
    run: async (lab) => {
      const [one, two] = [await lab.open(), await lab.open(lab.database.door({ hints: false }))];
      for (let n = 0; n < 20; n++) {
        const made = await put(one, creation(key(`c${n}`)));
        assert.ok((await two.fresh(NEVER)) >= made.revision);
        assert.deepEqual(two.get(key(`c${n}`))?.bytes, made.bytes);
      }
      const made = await put(one, creation(key('polled')));
      await eventually('the other director to look by itself', () => two.revision() >= made.revision, 5_000);
      assert.equal(await two.atLeast(made.revision, NEVER), made.revision);
    },
  },
  {
    title: 'a refusal is as fresh as an acceptance: it sees what another director has just done',
    run: async (lab) => {
      const [one, two] = [await lab.open(), await lab.open(lab.database.door({ hints: false }))];
      for (let n = 0; n < 10; n++) {
        const made = await put(one, creation(key('a'), { n }));
        const taken = await two.write(creation(key('a')), NEVER);
        assert.ok(!taken.ok && taken.reason === 'exists' && taken.current.revision === made.revision);
        await put(two, deletion(taken.current));
        assert.deepEqual(await one.write(deletion(made), NEVER), { ok: false, reason: 'missing' });
      }
    },
  },
  {
    title: 'a revision that never comes is waited for until the caller gives up',
    run: async (lab) => {
      const store = await lab.open();
      const caller = new AbortController();
      const waiting = store.atLeast(store.revision() + 1000, caller.signal);
      caller.abort();
      await assert.rejects(waiting, (error) => isFault(error, 'Aborted'));
      await assert.rejects(store.write(creation(key('a')), caller.signal), (error) => isFault(error, 'Aborted'));
      assert.equal(store.get(key('a')), undefined);
    },
  },
  {
    title: 'labels are read once and objects are handed out afresh',
    run: async (lab) => {
      const store = await lab.open();
      const at = key('a');
      const uid = randomUUID();
      const made = await put(store, { op: 'create', key: at, uid, body: body(at, uid, { text: 'ä€😀\u0000"\\' }, { tier: 'gold' }) });
      assert.deepEqual(made.labels(), { tier: 'gold' });
      assert.equal(made.labels(), made.labels());
      assert.notEqual(made.object(), made.object());
      const other = await lab.open();
      assert.deepEqual(other.get(at)?.object(), made.object());
      assert.deepEqual(other.get(at)?.bytes, made.bytes, 'bytes survive the way through the database');
      assert.equal(noteOf({ type: 'ADDED', entity: made, line: made.bytes }).includes('ä€😀'), true);
    },
  },
];
