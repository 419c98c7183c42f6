/**
 * Reserving beside others: the clusters of one server in turn, and another server that was faster, without reading more than what was lost.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { NO_MEMORY, reconcile } from '../../../src/extension/reconcile.ts';
import type { ReconcileDeps } from '../../../src/extension/reconcile.ts';
import { DEFAULT_SHARING } from '../../../src/decide/sharding.ts';
import { createTurns } from '../../../src/extension/turns.ts';
import { createInformers, runInformers } from '../../../src/extension/view.ts';
import type { Cluster } from '../../../src/model/cluster.ts';
import type { AnyEntity, ResourceAddress } from '../../../src/model/core-kinds.ts';
import type { JsonObject } from '../../../src/model/json.ts';
import type { VirtualDataCenter } from '../../../src/model/virtual-data-center.ts';
import type { EntityApi } from '../../../src/ports/api.ts';
import type { Log } from '../../../src/ports/log.ts';
import { virtualClock } from '../../support/virtual-clock.ts';
import { atStep, cluster, dataCenter, release } from '../decide/fixtures.ts';

const LOG: Log = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined, with: () => LOG };

/** A store that checks revisions, and says what it was asked. Nobody is told of a change: copies know what they wrote themselves. */
function store(objects: readonly AnyEntity[]): { readonly api: EntityApi; readonly asked: string[]; home(): VirtualDataCenter } {
  const all = new Map(objects.map((object) => [`${object.kind}/${object.metadata.name}`, object]));
  const asked: string[] = [];
  let revision = 100;
  const note = (verb: string, { kind }: ResourceAddress, name: string): string => {
    asked.push(`${verb} ${kind}/${name}`);
    return `${kind}/${name}`;
  };
  const api = {
    list: (address: ResourceAddress) => {
      const items = [...all.values()].filter(({ kind }) => kind === address.kind);
      return Promise.resolve({ ok: true, value: { items, resourceVersion: '100' } });
    },
    watch: () => new Promise(() => undefined),
    get: (address: ResourceAddress, _: string, name: string) => Promise.resolve({ ok: true, value: all.get(note('get', address, name)) }),
    mergePatch: async (address: ResourceAddress, _: string, name: string, patch: JsonObject) => {
      const key = note('patch', address, name);
      await new Promise((done) => setImmediate(done));
      const old = all.get(key) as AnyEntity & { status?: { reservations?: JsonObject } };
      if ((patch['metadata'] as JsonObject)['resourceVersion'] !== old.metadata.resourceVersion) {
        asked.push('conflict');
        return { ok: false, reason: 'Conflict', message: 'changed' };
      }
      const status = patch['status'] as { reservations?: JsonObject };
      const reservations = { ...old.status?.reservations, ...status.reservations };
      const metadata = { ...old.metadata, resourceVersion: String(++revision) };
      const next = {
        ...old,
        metadata,
        status: { ...old.status, ...status, ...(address.kind === 'VirtualDataCenter' ? { reservations } : {}) },
      };
      all.set(key, next);
      return { ok: true, value: next };
    },
  } as unknown as EntityApi;
  return { api, asked, home: () => all.get('VirtualDataCenter/lab') as VirtualDataCenter };
}

/** Beginning: the finalizer is there, the attempt is begun. */
function begun(name: string): Cluster {
  const base = cluster();
  return { ...base, metadata: { ...base.metadata, name, uid: `${name}-uid` }, status: atStep('Validate') };
}

async function server(t: TestContext, api: EntityApi): Promise<ReconcileDeps> {
  const stop = new AbortController();
  t.after(() => stop.abort());
  const deps = { api, clock: virtualClock(), random: { float: () => 0 } as never, log: LOG };
  const informers = createInformers(deps);
  void runInformers(informers, stop.signal);
  for (let i = 0; i < 20; i++) await new Promise((done) => setImmediate(done));
  const wrote = (object: AnyEntity): void => {
    if (object.kind === 'VirtualDataCenter') informers.virtualDataCenters.learn(object as VirtualDataCenter);
    if (object.kind === 'Cluster') informers.clusters.learn(object as Cluster);
  };
  return { ...deps, informers, rules: () => DEFAULT_SHARING, turns: createTurns(), component: 'test', wrote };
}

const SIGNAL = new AbortController().signal;

test('I4: clusters of one server that reserve at once lose no race to each other', async (t) => {
  const names = ['a', 'b', 'c', 'd'];
  const world = store([dataCenter({ quotaNodes: 100 }), release(), ...names.map(begun)]);
  const deps = await server(t, world.api);
  const looks = await Promise.all(names.map((name) => reconcile(deps, begun(name), NO_MEMORY, SIGNAL)));
  assert.deepEqual(
    looks.map((look) => [look.memory.failures, look.againMs]),
    names.map(() => [0, 0]),
  );
  assert.ok(!world.asked.includes('conflict'), world.asked.join(', '));
  const reserved = new Set(Object.values(world.home().status?.reservations ?? {}).map((entry) => entry.cluster));
  assert.deepEqual([...reserved].sort(), names);
});

test('a reservation that another server overtook is made on its VirtualDataCenter read again, and nothing else is read', async (t) => {
  const world = store([dataCenter({ quotaNodes: 100 }), release(), begun('a'), begun('b')]);
  const [one, other] = [await server(t, world.api), await server(t, world.api)];
  await reconcile(other, begun('b'), NO_MEMORY, SIGNAL);
  world.asked.length = 0;
  const look = await reconcile(one, begun('a'), NO_MEMORY, SIGNAL);
  assert.equal(look.memory.failures, 0);
  const { asked } = world;
  assert.deepEqual(
    asked.filter((what) => what.startsWith('get')),
    ['get VirtualDataCenter/lab'],
  );
  assert.equal(asked.filter((what) => what === 'conflict').length, 1);
  assert.equal(asked.at(-1), 'patch VirtualDataCenter/lab');
});
