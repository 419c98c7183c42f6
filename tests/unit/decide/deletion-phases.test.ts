/**
 * Deletion from every phase: carried through to its end in a small world, pass after pass, with hosts that let go, are frozen, or are gone.
 */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { ClusterView } from '../../../src/decide/cluster-view.ts';
import { decideCluster } from '../../../src/decide/creation.ts';
import { decideDeletion } from '../../../src/decide/deletion.ts';
import type { Effect } from '../../../src/decide/effect.ts';
import { NO_OBSERVATIONS, observe } from '../../../src/decide/observation.ts';
import { findOrphans } from '../../../src/decide/orphans.ts';
import { requestOf } from '../../../src/decide/request.ts';
import { STEPS } from '../../../src/model/attempt.ts';
import type { Cluster, ClusterStatus } from '../../../src/model/cluster.ts';
import type { ClusterNode } from '../../../src/model/cluster-node.ts';
import type { Site } from '../../../src/model/site.ts';
import { atStep, cluster, dataCenter, node, readyNode, reservations, UID, view, wasAvailable } from './fixtures.ts';

interface Start {
  readonly status: ClusterStatus | undefined;
  readonly nodes: readonly ClusterNode[];
  readonly reserved: readonly number[];
  readonly plugged?: boolean;
  readonly spec?: Partial<Cluster['spec']>;
}

const failed = (more: ClusterStatus): ClusterStatus => {
  const status = atStep('PrimaryReady', 1, more);
  return {
    ...status,
    attempts: status.attempts?.map((one) => ({ ...one, outcome: 'Failed' as const, message: 'it took too long' })) ?? [],
  };
};
const claimed = (index: number): ClusterNode => node(index, { host: 'h1' });
const upgrading = wasAvailable({ phase: 'Available', release: { current: '1.0.0', target: '1.1.0', progress: '1 of 2 nodes' } });

const AT_STEP: Readonly<Record<(typeof STEPS)[number], Omit<Start, 'status'>>> = {
  Validate: { nodes: [], reserved: [] },
  CreatePrimary: { nodes: [], reserved: [0, 1] },
  PrimaryReady: { nodes: [claimed(0)], reserved: [0, 1] },
  CreateWorkers: { nodes: [readyNode(0)], reserved: [0, 1] },
  WorkersJoined: { nodes: [readyNode(0), claimed(1)], reserved: [0, 1] },
  ServicesReady: { nodes: [readyNode(0), readyNode(1)], reserved: [0, 1] },
  PairSite: { nodes: [readyNode(0), readyNode(1)], reserved: [0, 1], plugged: true },
};

const STARTS: readonly (readonly [string, Start])[] = [
  ['Pending, never looked at', { status: undefined, nodes: [], reserved: [] }],
  ...STEPS.map((step) => [`Provisioning at ${step}`, { status: atStep(step), ...AT_STEP[step] }] as const),
  ['between attempts, nodes left', { status: failed({ abandonedAttempt: 1 }), nodes: [claimed(0), node(1)], reserved: [0, 1] }],
  [
    'between attempts, waiting for the next',
    { status: failed({ abandonedAttempt: 1, retryAt: '2030-01-01T02:00:00Z' }), nodes: [], reserved: [0, 1] },
  ],
  [
    'in a second attempt beside a late node of the first',
    {
      status: atStep('PrimaryReady', 2, { abandonedAttempt: 1 }),
      nodes: [claimed(0), node(0, { attempt: 2, host: 'h2' })],
      reserved: [0, 1],
    },
  ],
  ['Error, kept', { status: failed({}), nodes: [claimed(0)], reserved: [0, 1], spec: { autoRepairOnErrors: false } }],
  ['Available', { status: wasAvailable({ phase: 'Available' }), nodes: [readyNode(0), readyNode(1)], reserved: [0, 1] }],
  ['Available and paired', { status: wasAvailable(), nodes: [readyNode(0), readyNode(1)], reserved: [0, 1], plugged: true }],
  ['Degraded', { status: wasAvailable({ phase: 'Degraded' }), nodes: [readyNode(0), claimed(1)], reserved: [0, 1] }],
  ['Error after Available', { status: wasAvailable({ phase: 'Error' }), nodes: [claimed(0), readyNode(1)], reserved: [0, 1] }],
  ['an upgrade under way', { status: upgrading, nodes: [readyNode(0), readyNode(1)], reserved: [0, 1] }],
  ['a worker being retired', { status: wasAvailable(), nodes: [readyNode(0), readyNode(1, [], { retired: true })], reserved: [0, 1] }],
];

type HostManner = 'LetsGo' | 'Frozen';

/** A director, an extension server and hosts, as little of them as deletion needs. */
function openWorld({ status, nodes, reserved, plugged, spec }: Start, manner: HostManner) {
  const plug = { cluster: { name: 'harbor', uid: UID } };
  const world = {
    cluster: cluster({ deleted: true, ...(status === undefined ? {} : { status }), ...(spec === undefined ? {} : { spec }) }) as
      | Cluster
      | undefined,
    nodes: [...nodes],
    vdc: dataCenter({ reservations: reservations(reserved) }),
    sites: (plugged === true
      ? [{ apiVersion: '', kind: 'Site', metadata: { ...dataCenter().metadata, name: 'dock', uid: 'dock' }, spec: {}, status: plug }]
      : []) as Site[],
    manner,
    seen: NO_OBSERVATIONS,
    nowMs: 0,
    refuses: (_effect: Effect): string | undefined => undefined,
    refusal: undefined as string | undefined,
    said: '',
  };
  return world;
}
type World = ReturnType<typeof openWorld>;

function viewOf(world: World, whole: Cluster): ClusterView {
  const plugged = world.sites.filter((site) => site.status?.cluster?.uid === UID);
  const shown = { cluster: whole, nodes: world.nodes, virtualDataCenter: world.vdc, plugged, seen: world.seen, afterMs: world.nowMs };
  return view({ ...shown, ...(world.refusal === undefined ? {} : { refusal: world.refusal }) });
}

/** One look of a server, one of each host, and some time. */
function pass(world: World): void {
  if (world.cluster !== undefined) {
    const shown = viewOf(world, world.cluster);
    const decision = decideCluster(shown);
    world.seen = observe(world.seen, decision.watching, shown.monotonicMs);
    world.refusal = undefined;
    for (const effect of decision.effects) {
      world.refusal = world.refuses(effect);
      if (world.refusal !== undefined) break;
      carryOut(world, effect);
    }
  }
  if (world.manner === 'LetsGo')
    world.nodes = world.nodes.flatMap((one) => (one.metadata.deletionTimestamp === undefined ? [one] : freed(one, 'outrigger.dev/node')));
  world.nowMs += 10_000;
}

/** Without a finalizer; gone when that was the last. */
function freed(one: ClusterNode, finalizer: string): ClusterNode[] {
  const finalizers = (one.metadata.finalizers ?? []).filter((name) => name !== finalizer);
  return finalizers.length === 0 ? [] : [{ ...one, metadata: { ...one.metadata, finalizers } }];
}

function carryOut(world: World, effect: Effect): void {
  if (effect.kind === 'RecordEvent') return;
  requestOf(effect);
  const change = (one: ClusterNode, next: (old: ClusterNode) => ClusterNode[]): ClusterNode[] =>
    'on' in effect && one.metadata.uid === effect.on.uid ? next(one) : [one];
  switch (effect.kind) {
    case 'PatchClusterStatus':
      world.said = JSON.stringify(effect.status);
      break;
    case 'DeleteNode':
      world.nodes = world.nodes.flatMap((one) =>
        change(one, (old) => [{ ...old, metadata: { ...old.metadata, deletionTimestamp: '2030-01-01T01:00:00Z' } }]),
      );
      break;
    case 'DropNodeFinalizer':
      world.nodes = world.nodes.flatMap((one) =>
        change(one, (old) =>
          effect.finalizers.length === 0 ? [] : [{ ...old, metadata: { ...old.metadata, finalizers: [...effect.finalizers] } }],
        ),
      );
      break;
    case 'RaiseIncarnation':
      world.nodes = world.nodes.flatMap((one) =>
        change(one, ({ spec, ...old }) => {
          const rest = { ...spec, incarnation: effect.incarnation };
          delete rest.host;
          return [{ ...old, spec: rest }];
        }),
      );
      break;
    case 'Unreserve': {
      const left = Object.entries(world.vdc.status?.reservations ?? {}).filter(([key]) => !effect.keys.includes(key));
      world.vdc = { ...world.vdc, status: { reservations: Object.fromEntries(left) } };
      break;
    }
    case 'ReleaseSite':
      world.sites = world.sites.map((site) => ({ ...site, status: {} }));
      break;
    case 'DropClusterFinalizer':
      world.cluster = undefined;
      break;
    default:
      assert.fail(`a deletion does ${effect.kind}`);
  }
}

function runUntilGone(world: World, passes = 20): number {
  for (let count = 1; count <= passes; count++) {
    pass(world);
    if (world.cluster === undefined) return count;
  }
  assert.fail(`not gone after ${passes} passes: ${world.said}`);
}

function assertNothingIsLeft(world: World): void {
  assert.deepEqual(world.nodes, []);
  assert.deepEqual(world.vdc.status?.reservations ?? {}, {});
  const { nodes, sites } = world;
  const none = { leases: [], tokens: [], licenses: [], hosts: [] };
  assert.deepEqual(findOrphans({ ...none, dataCenters: [world.vdc], sites, nodes, clusters: [] }), []);
}

const force = (world: World): void => {
  const { metadata } = world.cluster ?? assert.fail('it is gone already');
  world.cluster = { ...(world.cluster ?? cluster()), metadata: { ...metadata, annotations: { 'outrigger.dev/force-delete': 'true' } } };
};

describe('deletion from every phase', () => {
  for (const [phase, start] of STARTS) {
    it(`ends, and leaves nothing: ${phase}`, () => {
      const world = openWorld(start, 'LetsGo');
      runUntilGone(world);
      assertNothingIsLeft(world);
    });

    it(`waits for a frozen host by name, and ends by force: ${phase}`, () => {
      const world = openWorld(start, 'Frozen');
      const held = start.nodes.filter(({ spec }) => spec.host !== undefined);
      for (let count = 0; count < 12; count++) pass(world);
      assert.equal(world.cluster === undefined, held.length === 0);
      if (world.cluster === undefined) return assertNothingIsLeft(world);
      for (const { metadata, spec } of held)
        assert.match(world.said, new RegExp(`host ${spec.host} has not yet let go of ${metadata.name}`));
      assert.match(world.said, /outrigger host confirm-dead.*force-delete=true/);
      force(world);
      runUntilGone(world);
      assertNothingIsLeft(world);
    });
  }

  it('a host that a person confirmed dead is not waited for', () => {
    const world = openWorld({ status: wasAvailable(), nodes: [readyNode(0), readyNode(1)], reserved: [0, 1] }, 'Frozen');
    for (let count = 0; count < 5; count++) pass(world);
    world.nodes = world.nodes.map((one) => ({ ...one, metadata: { ...one.metadata, annotations: { 'outrigger.dev/confirm-dead': '1' } } }));
    runUntilGone(world);
    assertNothingIsLeft(world);
  });

  it('I4: the finalizers of others are named, and end by force', () => {
    const theirs = node(1, { finalizers: ['outrigger.dev/node', 'team.example/keep'] });
    const world = openWorld({ status: wasAvailable(), nodes: [readyNode(0), theirs], reserved: [0, 1] }, 'LetsGo');
    for (let count = 0; count < 8; count++) pass(world);
    assert.match(world.said, /held by the finalizer team\.example\/keep/);
    force(world);
    runUntilGone(world);
    assertNothingIsLeft(world);
  });

  it('I4: with something refused the nodes go all the same', () => {
    const deleted = cluster({ status: wasAvailable(), deleted: true });
    const refused = view({ cluster: deleted, nodes: [readyNode(0)], virtualDataCenter: dataCenter({ reservations: reservations([0]) }) });
    const kinds = decideDeletion({ ...refused, refusal: 'a rule forbids it' }).effects.map(({ kind }) => kind);
    assert.ok(kinds.includes('DeleteNode'), kinds.join());
  });

  it('I4: a status that is refused for good holds nothing up', () => {
    const world = openWorld({ status: wasAvailable(), nodes: [readyNode(0), readyNode(1)], reserved: [0, 1] }, 'LetsGo');
    world.refuses = (effect) => (effect.kind === 'PatchClusterStatus' ? 'a rule forbids it' : undefined);
    runUntilGone(world);
    assertNothingIsLeft(world);
  });

  it('I4: capacity that cannot be given back is said, and force goes on without it', () => {
    const world = openWorld({ status: wasAvailable(), nodes: [], reserved: [0, 1] }, 'LetsGo');
    world.refuses = (effect) => (effect.kind === 'Unreserve' ? 'spec.quota: Invalid value' : undefined);
    for (let count = 0; count < 6; count++) pass(world);
    assert.match(world.said, /The director refused: spec\.quota: Invalid value.*force-delete=true/);
    force(world);
    runUntilGone(world);
    const { vdc } = world;
    const left = findOrphans({ leases: [], tokens: [], licenses: [], hosts: [], sites: [], nodes: [], dataCenters: [vdc], clusters: [] });
    assert.deepEqual(
      left.map(({ kind, sweptBy }) => `${kind} ${sweptBy}`),
      ['Reservation ExtensionServer', 'Reservation ExtensionServer'],
    );
  });
});
