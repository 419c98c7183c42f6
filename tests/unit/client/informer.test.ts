/**
 * The informer's copy: what it takes, what it ignores, and what a list says of a store that went back to an older copy.
 */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { createInformer } from '../../../src/client/informer.ts';
import type { Informer } from '../../../src/client/informer.ts';
import { CLUSTERS } from '../../../src/model/addresses.ts';
import type { Cluster } from '../../../src/model/cluster.ts';
import type { Answer, EntityApi, WatchEvent } from '../../../src/ports/api.ts';
import type { Log } from '../../../src/ports/log.ts';
import { virtualClock } from '../../support/virtual-clock.ts';
import { cluster } from '../decide/fixtures.ts';

const LOG: Log = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined, with: () => LOG };

function at(revision: number, workers: number, name = 'c'): Cluster {
  const base = cluster();
  return { ...base, metadata: { ...base.metadata, name, uid: name, resourceVersion: String(revision) }, spec: { ...base.spec, workers } };
}

interface Rig {
  readonly informer: Informer<Cluster>;
  readonly seen: string[];
  /** What the next list answers. */
  store: { revision: number; items: Cluster[] };
  event(event: WatchEvent<Cluster>): void;
  /** The watch that runs is told that its revision is too old. */
  expire(): Promise<void>;
  settle(): Promise<void>;
}

async function rig(t: TestContext, store: Rig['store']): Promise<Rig> {
  const clock = virtualClock();
  const stop = new AbortController();
  t.after(() => stop.abort());
  let say: (event: WatchEvent<Cluster>) => void = () => assert.fail('nobody watches');
  let end: (answer: Answer<undefined>) => void = () => assert.fail('nobody watches');
  const settle = async (): Promise<void> => {
    for (let i = 0; i < 20; i++) await new Promise((resolve) => setImmediate(resolve));
  };
  const api = {
    list: () => Promise.resolve({ ok: true, value: { items: made.store.items, resourceVersion: String(made.store.revision) } }),
    watch: (_: unknown, __: unknown, onEvent: typeof say) => {
      say = onEvent;
      return new Promise((resolve) => (end = resolve as typeof end));
    },
  } as unknown as EntityApi;
  const seen: string[] = [];
  const informer = createInformer<Cluster>({ api, clock, log: LOG, random: { float: () => 0 } as never }, CLUSTERS);
  informer.onChange(({ metadata, spec }, gone) =>
    seen.push(`${metadata.name}@${metadata.resourceVersion}:${gone ? 'gone' : spec.workers}`),
  );
  const made: Rig = {
    informer,
    seen,
    store,
    event: (event) => say(event),
    expire: async () => {
      end({ ok: false, reason: 'Expired', message: 'too old' });
      await settle();
      await clock.advance(10_000);
      await settle();
    },
    settle,
  };
  void informer.run(stop.signal);
  await settle();
  return made;
}

test('I1: an older revision of an object is ignored, from an event and from an answer', async (t) => {
  const one = await rig(t, { revision: 5, items: [at(5, 1)] });
  one.event({ type: 'MODIFIED', object: at(8, 2) });
  one.event({ type: 'MODIFIED', object: at(7, 3) });
  one.informer.learn(at(6, 3));
  assert.deepEqual(one.seen, ['c@5:1', 'c@8:2']);
  assert.equal(one.informer.get(at(1, 1).metadata.namespace ?? '', 'c')?.spec.workers, 2);
});

test('I1: a list under a new era shows an older state, and it is believed; so is that an object is not there', async (t) => {
  const one = await rig(t, { revision: 5, items: [at(4, 1), at(5, 1, 'later')] });
  one.event({ type: 'MODIFIED', object: at(8, 2) });
  // The store went back to revision 4, and its era begins far above.
  one.store = { revision: 1000, items: [at(4, 1)] };
  await one.expire();
  assert.deepEqual(one.seen.slice(2), ['c@8:2', 'later@5:gone', 'c@4:1']);
  assert.equal(one.informer.listedAt(), 1000);
  one.event({ type: 'MODIFIED', object: at(1001, 3) });
  assert.equal(one.seen.at(-1), 'c@1001:3');
});

test('I1: what was answered to a write after a list was made is not undone by that list, and an unchanged object is no change', async (t) => {
  const one = await rig(t, { revision: 5, items: [at(4, 1), at(5, 1, 'same')] });
  one.informer.learn(at(9, 2));
  one.store = { revision: 8, items: [at(4, 1), at(5, 1, 'same')] };
  await one.expire();
  assert.deepEqual(one.seen, ['c@4:1', 'same@5:1', 'c@9:2']);
});

test('I3: what a write created is in the copy before the watch says it, and once', async (t) => {
  const one = await rig(t, { revision: 5, items: [at(5, 1)] });
  one.informer.learn(at(9, 2, 'new'));
  one.event({ type: 'ADDED', object: at(9, 2, 'new') });
  assert.deepEqual(one.seen, ['c@5:1', 'new@9:2']);
});

test('I3: what was created and deleted before its answer came does not come back', async (t) => {
  const one = await rig(t, { revision: 5, items: [at(5, 1)] });
  one.event({ type: 'ADDED', object: at(9, 2, 'new') });
  one.event({ type: 'DELETED', object: at(11, 2, 'new') });
  one.informer.learn(at(9, 2, 'new'));
  one.event({ type: 'BOOKMARK', resourceVersion: '20' });
  one.informer.learn(at(19, 2, 'other'));
  assert.deepEqual(one.seen, ['c@5:1', 'new@9:2', 'new@11:gone']);
});

test('I3: a list that was made before a creation does not undo it; one that was made after it does', async (t) => {
  const one = await rig(t, { revision: 5, items: [at(5, 1)] });
  one.informer.learn(at(9, 2, 'new'));
  one.store = { revision: 8, items: [at(5, 1)] };
  await one.expire();
  assert.deepEqual(one.seen, ['c@5:1', 'new@9:2']);
  one.store = { revision: 30, items: [at(5, 1)] };
  await one.expire();
  assert.deepEqual(one.seen.slice(2), ['new@9:gone']);
});

test('of what is trimmed only that is kept and told, from a list and from an event', async (t) => {
  const stop = new AbortController();
  t.after(() => stop.abort());
  let say: (event: WatchEvent<Cluster>) => void = () => assert.fail('nobody watches');
  const api = {
    list: () => Promise.resolve({ ok: true, value: { items: [at(4, 7)], resourceVersion: '5' } }),
    watch: (_: unknown, __: unknown, onEvent: typeof say) => {
      say = onEvent;
      return new Promise(() => undefined);
    },
  } as unknown as EntityApi;
  const trim = (one: Cluster): Cluster => ({ ...one, spec: { ...one.spec, workers: 0 } });
  const deps = { api, clock: virtualClock(), log: LOG, random: { float: () => 0 } as never };
  const informer = createInformer<Cluster>(deps, CLUSTERS, {}, trim);
  const told: number[] = [];
  informer.onChange(({ spec }) => told.push(spec.workers));
  void informer.run(stop.signal);
  for (let i = 0; i < 20; i++) await new Promise((resolve) => setImmediate(resolve));
  say({ type: 'MODIFIED', object: at(8, 7) });
  assert.deepEqual(told, [0, 0]);
  assert.deepEqual(
    [...informer.list()].map(({ metadata, spec }) => [metadata.resourceVersion, spec.workers]),
    [['8', 0]],
  );
});
