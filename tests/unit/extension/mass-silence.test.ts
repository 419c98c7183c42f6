/**
 * The watch for a mass silence, over copies that are changed by hand, in virtual time.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import type { ChangeListener, Informer } from '../../../src/client/informer.ts';
import { NO_OBSERVATIONS } from '../../../src/decide/observation.ts';
import { silenceOf } from '../../../src/decide/silence.ts';
import { createSilenceWatch } from '../../../src/extension/mass-silence.ts';
import { cachedView, withIndexes } from '../../../src/extension/view.ts';
import type { Copies } from '../../../src/extension/view.ts';
import type { ClusterNode } from '../../../src/model/cluster-node.ts';
import type { Cluster } from '../../../src/model/cluster.ts';
import type { AnyEntity, Lease } from '../../../src/model/core-kinds.ts';
import { nodeLeaseName } from '../../../src/model/labels.ts';
import { LIMITS } from '../../../src/model/limits.ts';
import type { Log } from '../../../src/ports/log.ts';

const SITES = 6;

interface Hand<T extends AnyEntity> extends Informer<T> {
  put(object: T): void;
  drop(object: T): void;
}

function copyOf<T extends AnyEntity>(): Hand<T> {
  const objects = new Map<string, T>();
  const listeners: ChangeListener<T>[] = [];
  const told = (object: T, gone: boolean): void => listeners.forEach((listener) => listener(object, gone));
  return {
    synced: () => true,
    get: (_, name) => objects.get(name),
    list: () => objects.values(),
    listedAt: () => 0,
    onChange: (listener) => void listeners.push(listener),
    learn: () => undefined,
    run: async () => undefined,
    put: (object) => {
      objects.set(object.metadata.name, object);
      told(object, false);
    },
    drop: (object) => {
      objects.delete(object.metadata.name);
      told(object, true);
    },
  };
}

const meta = (name: string, resourceVersion: number) => ({
  name,
  namespace: 'acme',
  uid: name,
  resourceVersion: String(resourceVersion),
  creationTimestamp: '2026-01-01T00:00:00Z',
});
const node = (site: number, incarnation = 1) =>
  ({ metadata: meta(`node-${site}`, incarnation), spec: { clusterUid: `site-${site}`, attempt: 1, incarnation } }) as ClusterNode;
const cluster = (site: number) =>
  ({ metadata: meta(`site-${site}`, 1), spec: {}, status: { availableAt: '2026-01-01T00:00:00Z', attempt: 1 } }) as Cluster;
const lease = (site: number, revision: number) =>
  ({
    apiVersion: 'coordination.k8s.io/v1',
    kind: 'Lease',
    metadata: { ...meta(nodeLeaseName(`node-${site}`), revision), uid: `lease-${site}-${revision}` },
    spec: { leaseDurationSeconds: 180 },
  }) as Lease;

interface World {
  readonly clusters: Hand<Cluster>;
  readonly nodes: Hand<ClusterNode>;
  readonly leases: Hand<Lease>;
  /** Lets time pass, with a look each 5 s; `each` before every look. */
  pass(ms: number, each?: (nowMs: number) => void): Promise<void>;
  silent(): number;
  /** Who of a cluster is silent and who is heard, to a server that looks at it for the first time. */
  firstLook(site: number): { readonly silent: readonly string[]; readonly heard: readonly string[] };
}

function world(): World {
  const [clusters, nodes, leases] = [copyOf<Cluster>(), copyOf<ClusterNode>(), copyOf<Lease>()];
  const [virtualDataCenters, releases, configs, sites, hosts] = [copyOf(), copyOf(), copyOf(), copyOf(), copyOf()];
  const informers = withIndexes({ clusters, nodes, leases, virtualDataCenters, releases, configs, sites, hosts } as unknown as Copies);
  let nowMs = 0;
  const log = { error: () => undefined, warn: () => undefined } as unknown as Log;
  let untilMs = 0;
  let each: (nowMs: number) => void = () => undefined;
  let stop = new AbortController();
  const sleep = async (ms: number): Promise<void> => {
    nowMs += ms;
    each(nowMs);
    if (nowMs > untilMs) stop.abort();
  };
  const clock = { nowMs: () => nowMs, monotonicMs: () => nowMs, sleep };
  const watch = createSilenceWatch({ clock, log }, informers, () => undefined);
  return {
    clusters,
    nodes,
    leases,
    pass: async (ms, doing = () => undefined) => {
      [untilMs, each, stop] = [nowMs + ms, doing, new AbortController()];
      await watch.run(stop.signal);
    },
    silent: () => watch.now().silentSites,
    firstLook: (site) => {
      const random = { float: () => 0, uuid: () => '', bytes: () => new Uint8Array() };
      const view = cachedView(informers, 'acme', `site-${site}`, { seen: NO_OBSERVATIONS }, { clock, random, leaseSeen: watch.leaseSeen });
      assert.ok(view !== undefined);
      const { silent, heard } = silenceOf(view, view.nodes);
      return { silent: [...silent], heard: [...heard] };
    },
  };
}

function settled(): World {
  const made = world();
  for (let site = 0; site < SITES; site++) {
    made.clusters.put(cluster(site));
    made.nodes.put(node(site));
    made.leases.put(lease(site, 1));
  }
  return made;
}

const renewing =
  ({ leases }: World, sites: readonly number[]) =>
  (nowMs: number) => {
    if (nowMs % 60_000 === 0) for (const site of sites) leases.put(lease(site, nowMs));
  };

test('I1: who renews is heard, and who stopped is silent when its Lease ran out', async () => {
  const all = settled();
  await all.pass(400_000, renewing(all, [0, 1, 2, 3]));
  assert.equal(all.silent(), 2);
  await all.pass(60_000, renewing(all, [0, 1, 2, 3, 4]));
  assert.equal(all.silent(), 1);
});

test('I1: a Lease that was deleted and made anew counts, and so does a node that was replaced', async () => {
  const all = settled();
  await all.pass(60_000, renewing(all, [0, 1, 2, 3, 4, 5]));
  all.leases.drop(lease(0, 1));
  await all.pass(LIMITS.massSilenceLookMs, renewing(all, []));
  all.leases.put(lease(0, 70_000));
  all.nodes.put(node(1, 2));
  await all.pass(400_000, renewing(all, [1, 2, 3, 4, 5]));
  assert.equal(all.silent(), 1, 'the one whose Lease was made anew stopped');
  await all.pass(60_000, renewing(all, [0, 1, 2, 3, 4, 5]));
  assert.equal(all.silent(), 0);
});

test('I1: a cluster that is gone is no silent site', async () => {
  const all = settled();
  await all.pass(400_000, renewing(all, [1, 2, 3, 4, 5]));
  assert.equal(all.silent(), 1);
  all.nodes.drop(node(0));
  all.leases.drop(lease(0, 1));
  all.clusters.drop(cluster(0));
  await all.pass(10_000, renewing(all, [1, 2, 3, 4, 5]));
  assert.equal(all.silent(), 0);
});

test('I4: a server that looks at a cluster for the first time knows who of it is silent and who is heard', async () => {
  const all = settled();
  assert.deepEqual(all.firstLook(0), { silent: [], heard: [] }, 'a fresh one knows neither');
  await all.pass(400_000, renewing(all, [1]));
  assert.deepEqual(all.firstLook(0), { silent: ['node-0'], heard: [] });
  assert.deepEqual(all.firstLook(1), { silent: [], heard: ['node-1'] });
  all.leases.put(lease(0, 500_000));
  assert.deepEqual(all.firstLook(0), { silent: [], heard: ['node-0'] });
  all.leases.drop(lease(0, 500_000));
  all.leases.put(lease(0, 500_001));
  assert.deepEqual(all.firstLook(0), { silent: [], heard: [] }, 'one that was made anew tells nothing yet');
});
