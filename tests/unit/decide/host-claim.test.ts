/**
 * What a host claims and what it owes to its nodes.
 */

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import * as fc from 'fast-check';
import { claimsOf, dutyOf, lostMachine, startRefusal } from '../../../src/decide/host-claim.ts';
import type { ClaimView, HeldNode } from '../../../src/decide/host-claim.ts';
import type { Cluster } from '../../../src/model/cluster.ts';
import type { ClusterNode } from '../../../src/model/cluster-node.ts';
import type { Host } from '../../../src/model/host.ts';
import { FINALIZER_NODE } from '../../../src/model/labels.ts';
import type { VirtualDataCenter } from '../../../src/model/virtual-data-center.ts';

const META = { resourceVersion: '1', creationTimestamp: '2026-01-01T00:00:00Z' };

function host(over: Partial<Host['spec']> = {}): Host {
  return {
    apiVersion: 'outrigger.dev/v1',
    kind: 'Host',
    metadata: { ...META, name: 'h1', uid: 'host-uid' },
    spec: { capacity: { nodes: 4, cpuMillis: 2000, memoryMiB: 1024 }, drivers: ['process'], cordoned: false, ...over },
  };
}

function vdc(hosts: string[], nodeDriver: 'process' | 'joined' = 'process'): VirtualDataCenter {
  return {
    apiVersion: 'outrigger.dev/v1',
    kind: 'VirtualDataCenter',
    metadata: { ...META, name: 'main', namespace: 'demo', uid: 'vdc-uid' },
    spec: { quota: { nodes: 10, cpuMillis: 10_000, memoryMiB: 10_000 }, hosts, nodeDriver },
  };
}

interface NodeOver {
  readonly spec?: Partial<ClusterNode['spec']>;
  readonly metadata?: Partial<ClusterNode['metadata']>;
}

function node(name: string, over: NodeOver = {}): ClusterNode {
  return {
    apiVersion: 'outrigger.dev/v1',
    kind: 'ClusterNode',
    metadata: { ...META, name, namespace: 'demo', uid: `uid-${name}`, finalizers: [FINALIZER_NODE], ...over.metadata },
    spec: {
      cluster: 'harbor',
      clusterUid: 'cluster-uid',
      virtualDataCenter: 'main',
      attempt: 1,
      index: 0,
      role: 'Primary',
      incarnation: 1,
      resources: { cpuMillis: 500, memoryMiB: 256 },
      ...over.spec,
    },
  };
}

function cluster(status: Cluster['status'] = {}, metadata: Partial<Cluster['metadata']> = {}): Cluster {
  return { metadata: { ...META, name: 'harbor', namespace: 'demo', uid: 'cluster-uid', ...metadata }, status } as unknown as Cluster;
}

function view(over: Partial<ClaimView> = {}): ClaimView {
  return { host: host(), bootId: 'boot-1', virtualDataCenters: [vdc(['h1'])], nodes: [], held: [], freeSlots: 24, ...over };
}

const HELD: HeldNode = { nodeUid: 'uid-n0', incarnation: 1, cpuMillis: 500, memoryMiB: 256, phase: 'Running' };

describe('claims', () => {
  test('I1: never more than the capacity or the free slots, whatever is wanted and held', () => {
    const size = fc.record({ cpuMillis: fc.integer({ min: 1, max: 1500 }), memoryMiB: fc.integer({ min: 1, max: 800 }) });
    fc.assert(
      fc.property(
        fc.array(size, { maxLength: 12 }),
        fc.array(size, { maxLength: 3 }),
        fc.integer({ min: 0, max: 6 }),
        (wanted, heldSizes, freeSlots) => {
          const nodes = wanted.map((resources, index) => node(`n${index}`, { spec: { resources } }));
          const held = heldSizes.map((one, index): HeldNode => ({ nodeUid: `held-${index}`, incarnation: 1, phase: 'Running', ...one }));
          const claims = claimsOf(view({ nodes, held, freeSlots }));
          const cpu = claims.reduce((sum, one) => sum + one.spec.resources.cpuMillis, 0);
          const memory = claims.reduce((sum, one) => sum + one.spec.resources.memoryMiB, 0);
          if (claims.length === 0) return;
          assert.ok(claims.length <= freeSlots);
          assert.ok(claims.length + held.length <= 4);
          assert.ok(cpu + held.reduce((sum, one) => sum + one.cpuMillis, 0) <= 2000);
          assert.ok(memory + held.reduce((sum, one) => sum + one.memoryMiB, 0) <= 1024);
        },
      ),
    );
  });

  test('I1: a node that was claimed but not begun counts', () => {
    const nodes = [node('n0', { spec: { host: 'h1', resources: { cpuMillis: 1800, memoryMiB: 10 } } }), node('n1')];
    assert.deepEqual(claimsOf(view({ nodes })), []);
  });

  test('I1: only nodes of a VirtualDataCenter that names this host, with a driver that it has', () => {
    const nodes = [node('n0')];
    assert.equal(claimsOf(view({ nodes })).length, 1);
    assert.deepEqual(claimsOf(view({ nodes, virtualDataCenters: [vdc(['h2'])] })), []);
    assert.deepEqual(claimsOf(view({ nodes, virtualDataCenters: [] })), []);
    assert.deepEqual(claimsOf(view({ nodes, virtualDataCenters: [vdc(['h1'], 'joined')] })), []);
    assert.deepEqual(claimsOf(view({ nodes, host: host({ drivers: ['joined'] }) })), []);
  });

  test('I1: neither nodes of others, nor retired or deleted ones, nor ones without finalizer', () => {
    const nodes = [
      node('n0', { spec: { host: 'h2' } }),
      node('n1', { spec: { retired: true } }),
      node('n2', { metadata: { deletionTimestamp: '2026-01-01T00:00:01Z' } }),
      node('n3', { metadata: { finalizers: [] } }),
    ];
    assert.deepEqual(claimsOf(view({ nodes })), []);
  });

  test('I1: what runs here and was given up on paper only is claimed again, and takes nothing anew', () => {
    const held = [{ ...HELD, cpuMillis: 1500 }];
    const nodes = [node('n0', { spec: { resources: { cpuMillis: 1500, memoryMiB: 256 } } })];
    for (const over of [{}, { cordoned: true }])
      assert.deepEqual(claimsOf(view({ nodes, held, freeSlots: 0, host: host(over) })), nodes, 'an older copy did not show the claim');
    assert.deepEqual(claimsOf(view({ nodes, held: [{ ...HELD, incarnation: 2 }] })).length, 1, 'another life is claimed as any other');
  });

  test('I2: a cordoned host claims nothing, and what it has goes on', () => {
    assert.deepEqual(claimsOf(view({ nodes: [node('n0')], host: host({ cordoned: true }) })), []);
    assert.deepEqual(dutyOf({ host: 'h1', live: false, node: node('n0', { spec: { host: 'h1' } }), held: HELD }), { do: 'run' });
  });

  test('the oldest is claimed first', () => {
    const nodes = [node('n1'), node('n0', { metadata: { creationTimestamp: '2025-12-31T00:00:00Z' } })];
    const claims = claimsOf(view({ nodes, host: host({ capacity: { nodes: 1, cpuMillis: 2000, memoryMiB: 1024 } }) }));
    assert.deepEqual(
      claims.map((one) => one.metadata.name),
      ['n0'],
    );
  });
});

describe('duties', () => {
  const mine = (over: NodeOver = {}): ClusterNode => node('n0', { ...over, spec: { host: 'h1', ...over.spec } });

  test('I3: a node that the director does not know goes on, unclaimed', () => {
    const unknown = { do: 'unclaimed', why: 'Unknown' };
    assert.deepEqual(dutyOf({ host: 'h1', live: true, node: undefined, held: HELD }), unknown);
    assert.deepEqual(dutyOf({ host: 'h1', live: false, node: undefined, held: HELD }), { do: 'readLive' });
    assert.deepEqual(dutyOf({ host: 'h1', live: true, node: undefined, held: { ...HELD, phase: 'Preparing' } }), unknown);
  });

  test('I3: a node that the director knows as an earlier life, or as held by another host, goes on, unclaimed', () => {
    const elsewhere = node('n0', { spec: { host: 'h2' } });
    assert.deepEqual(dutyOf({ host: 'h1', live: false, node: elsewhere, held: HELD }), { do: 'readLive' });
    assert.deepEqual(dutyOf({ host: 'h1', live: true, node: elsewhere, held: HELD }), { do: 'unclaimed', why: 'HeldElsewhere' });
    const preparing = { ...HELD, phase: 'Preparing' } as const;
    assert.deepEqual(dutyOf({ host: 'h1', live: true, node: elsewhere, held: preparing }), { do: 'unclaimed', why: 'HeldElsewhere' });
    // Before it was claimed: nobody else holds it, so it is ours, and claimed again.
    assert.deepEqual(dutyOf({ host: 'h1', live: false, node: node('n0'), held: HELD }), { do: 'run' });
  });

  test('I4: what is unclaimed is stopped for its tombstone or for the word of a person, on a live view alone', () => {
    const unknown = { host: 'h1', node: undefined, held: HELD } as const;
    assert.deepEqual(dutyOf({ ...unknown, live: true, buried: true }), { do: 'stop', why: 'Deleted' });
    assert.deepEqual(dutyOf({ ...unknown, live: true, discarded: true }), { do: 'stop', why: 'Discarded' });
    assert.deepEqual(dutyOf({ ...unknown, live: true, buried: false, discarded: false }), { do: 'unclaimed', why: 'Unknown' });
    assert.deepEqual(dutyOf({ ...unknown, live: false, buried: true, discarded: true }), { do: 'readLive' });
    // Neither is about a node that the director knows as ours.
    assert.deepEqual(dutyOf({ host: 'h1', live: true, node: mine(), held: HELD, buried: true, discarded: true }), { do: 'run' });
    const older = { host: 'h1', node: mine(), held: { ...HELD, incarnation: 2 }, live: true };
    assert.deepEqual(dutyOf({ ...older, buried: true }), { do: 'unclaimed', why: 'OlderIncarnation' });
    assert.deepEqual(dutyOf({ ...older, discarded: true }), { do: 'stop', why: 'Discarded' });
  });

  test('I4: stopped for tombstone, retirement and higher incarnation, and only on a live view', () => {
    const facts = [
      [mine({ metadata: { deletionTimestamp: 'x' } }), 'Deleted'],
      [mine({ spec: { retired: true } }), 'Retired'],
      [mine({ spec: { incarnation: 2 } }), 'HigherIncarnation'],
      [node('n0', { spec: { incarnation: 2 } }), 'HigherIncarnation'],
    ] as const;
    for (const [seen, why] of facts) {
      assert.deepEqual(dutyOf({ host: 'h1', live: false, node: seen, held: HELD }), { do: 'readLive' });
      assert.deepEqual(dutyOf({ host: 'h1', live: true, node: seen, held: HELD }), { do: 'stop', why });
    }
  });

  test('I4: what was begun is ended, whatever is seen', () => {
    const held = { ...HELD, phase: 'Stopping' } as const;
    for (const seen of [undefined, mine(), mine({ spec: { incarnation: 2 } })]) {
      assert.equal(dutyOf({ host: 'h1', live: false, node: seen, held }).do, 'stop');
    }
  });

  test('I4: any view of a running node that shows none of these facts does not stop it', () => {
    const anything = fc.record({
      live: fc.boolean(),
      host: fc.constantFrom('h1', 'h2', undefined),
      incarnation: fc.integer({ min: 1, max: 3 }),
      held: fc.integer({ min: 1, max: 3 }),
    });
    fc.assert(
      fc.property(anything, (one) => {
        const seen = node('n0', { spec: { incarnation: one.incarnation, ...(one.host === undefined ? {} : { host: one.host }) } });
        const duty = dutyOf({ host: 'h1', live: one.live, node: seen, held: { ...HELD, incarnation: one.held } });
        if (one.incarnation <= one.held) assert.notEqual(duty.do, 'stop');
      }),
    );
  });

  test('I5: an older incarnation than the one that runs is neither started nor obeyed', () => {
    const held = { ...HELD, incarnation: 3 };
    const unclaimed = { do: 'unclaimed', why: 'OlderIncarnation' };
    assert.deepEqual(dutyOf({ host: 'h1', live: false, node: mine({ spec: { incarnation: 2 } }), held }), { do: 'readLive' });
    assert.deepEqual(dutyOf({ host: 'h1', live: true, node: mine({ spec: { incarnation: 2 } }), held }), unclaimed);
    assert.deepEqual(
      dutyOf({ host: 'h1', live: true, node: mine({ metadata: { deletionTimestamp: 'x' }, spec: { incarnation: 2 } }), held }),
      unclaimed,
    );
  });

  test('I6: started only on a live view of a node that is claimed and not to go', () => {
    const without = { host: 'h1', held: undefined };
    assert.deepEqual(dutyOf({ ...without, live: false, node: mine() }), { do: 'readLive' });
    assert.deepEqual(dutyOf({ ...without, live: true, node: mine() }), { do: 'start' });
    assert.deepEqual(dutyOf({ ...without, live: true, node: node('n0') }), { do: 'nothing' });
    assert.deepEqual(dutyOf({ ...without, live: true, node: mine({ spec: { retired: true } }) }), { do: 'nothing' });
    assert.deepEqual(dutyOf({ ...without, live: true, node: mine({ metadata: { deletionTimestamp: 'x' } }) }), { do: 'release' });
    assert.deepEqual(dutyOf({ ...without, live: true, node: mine({ metadata: { deletionTimestamp: 'x', finalizers: [] } }) }), {
      do: 'nothing',
    });
  });

  test('I7: a life that ran here and of which there is no record is not started: said Gone when nothing is left, else left to a person', () => {
    const ran = (phase: 'Starting' | 'Running' | 'Exited' | 'Failed' | 'Gone', incarnation = 1): ClusterNode => ({
      ...mine(),
      status: { infrastructure: { incarnation, phase } },
    });
    const without = { host: 'h1', held: undefined };
    for (const phase of ['Starting', 'Running', 'Exited', 'Failed'] as const) {
      assert.deepEqual(dutyOf({ ...without, live: false, node: ran(phase) }), { do: 'readLive' });
      assert.deepEqual(dutyOf({ ...without, live: true, node: ran(phase) }), { do: 'sayLost' });
    }
    assert.deepEqual(dutyOf({ ...without, live: true, node: ran('Gone') }), { do: 'nothing' });
    assert.deepEqual(dutyOf({ ...without, live: true, node: ran('Running', 0) }), { do: 'start' }, 'an older life is none of its');
    assert.equal(lostMachine('h1', mine(), { pids: [], folder: undefined }).phase, 'Gone');
    const left = lostMachine('h1', mine(), { pids: [7, 8], folder: '/f' });
    assert.ok(left.phase === 'Failed' && left.reason === 'RecordLost');
    assert.match(left.message, /processes 7, 8 still live and its folder \/f still lies there.*outrigger node confirm-dead n0 -n demo/);
    assert.equal(lostMachine('h1', mine(), { pids: [], folder: '/f' }).phase, 'Failed');
  });

  test('I6: cluster and node must both want it', () => {
    assert.equal(startRefusal('h1', mine(), cluster()), undefined);
    assert.equal(startRefusal('h1', mine(), cluster({ abandonedAttempt: 0 })), undefined);
    const refused: readonly [ClusterNode, Cluster | undefined, RegExp][] = [
      [mine(), undefined, /gone/],
      [mine(), cluster({}, { uid: 'another' }), /gone/],
      [mine(), cluster({}, { deletionTimestamp: 'x' }), /deleted/],
      [mine(), cluster({ abandonedAttempt: 1 }), /abandoned/],
      [mine({ spec: { retired: true } }), cluster(), /to go/],
      [mine({ metadata: { deletionTimestamp: 'x' } }), cluster(), /to go/],
      [node('n0', { spec: { host: 'h2' } }), cluster(), /held by h2/],
      [mine({ metadata: { finalizers: [] } }), cluster(), /finalizer/],
    ];
    for (const [seen, owner, says] of refused) assert.match(startRefusal('h1', seen, owner) ?? '', says);
  });
});
