/**
 * Rows N8 to N13 and N23 of the rights: what the agent of the primary may do, and what the nearest other may not.
 */
import { describe, test } from 'node:test';
import type { TestContext } from 'node:test';
import type { JsonObject } from '../../../src/model/json.ts';
import { no, openAsking, yes } from './asking.ts';
import type { Asking } from './asking.ts';
import {
  asks,
  AVAILABLE,
  CLUSTER_UID,
  clusterObject,
  dataCenterObject,
  foreignNode,
  nodeIdentity,
  nodeObject,
  NODE_UID,
  put,
  withAt,
  WORKER_UID,
  workerObject,
} from './support.ts';

const open = (t: TestContext): Promise<Asking> => openAsking(t, nodeIdentity());
const STATUS = asks('patch outrigger.dev/clusters/status demo/harbor');
const worker = nodeIdentity(WORKER_UID);

describe('N8: the status of its Cluster', () => {
  const old = clusterObject(AVAILABLE);

  test("the manager's sections, by the recorded primary, under its term or a higher one", async (t) => {
    const { mayWrite } = await open(t);
    const sections: JsonObject = {
      phase: 'Degraded',
      conditions: [],
      nodes: { 'harbor-a1-n0': { ready: true } },
      services: {},
      release: { current: '1.0.0' },
      workers: 1,
      eventSet: [],
      errorSet: [],
      observedGeneration: 4,
    };
    yes(mayWrite(STATUS, old, { ...old, status: { ...AVAILABLE, ...sections } }));
    yes(mayWrite(STATUS, old, withAt(old, 'status.term', 4)));
    yes(mayWrite({ ...STATUS, verb: 'update' }, old, withAt(old, 'status.phase', 'Degraded')));
  });

  test('I2: never what guards against destruction', async (t) => {
    const { mayWrite } = await open(t);
    const guards: JsonObject = {
      availableAt: '2027-01-01T00:00:00Z',
      abandonedAttempt: 1,
      attempt: 2,
      attempts: [{ number: 1 }],
      autoRepair: 'Armed',
      retryAt: '2027-01-01T00:00:00Z',
    };
    for (const [section, value] of Object.entries(guards)) {
      no(
        mayWrite(STATUS, old, withAt(old, `status.${section}`, value)),
        new RegExp(`may not change status.${section}.*belongs to the extension servers`),
      );
    }
    no(mayWrite(STATUS, old, withAt(old, 'status.availableAt', undefined)), /may not change status.availableAt/);
    no(mayWrite(STATUS, old, withAt(old, 'status', undefined)), /may not change status/);
  });

  test('I1: not under a lower term, not by others than the recorded primary', async (t) => {
    const { mayWrite } = await open(t);
    no(mayWrite(STATUS, old, withAt(old, 'status.term', 2)), /term 2 is below the recorded term 3/);
    no(mayWrite(STATUS, old, withAt(old, 'status.term', undefined)), /term 0 is below/);
    no(
      mayWrite(STATUS, old, withAt(old, 'status.release', { current: '1.0.1' }), worker),
      /harbor-a1-n0 is recorded as primary under term 3, so harbor-a1-n1 does not manage/,
    );
    no(mayWrite(STATUS, old, withAt(withAt(old, 'status.primary', 'harbor-a1-n1'), 'status.term', 4), worker), /does not manage/);
    no(mayWrite(STATUS, old, withAt(old, 'status.primary', 'harbor-a1-n1')), /only to its own node/);
  });

  test('I1: who was born primary and lost it comes back only with a higher term', async (t) => {
    const { mayWrite } = await open(t);
    const lost = withAt(old, 'status.primary', 'harbor-a1-n1');
    no(mayWrite(STATUS, lost, withAt(lost, 'status.phase', 'Error')), /does not manage/);
    no(mayWrite(STATUS, lost, withAt(lost, 'status.primary', 'harbor-a1-n0')), /does not manage/);
    yes(mayWrite(STATUS, lost, withAt(withAt(lost, 'status.primary', 'harbor-a1-n0'), 'status.term', 4)));
    yes(mayWrite(STATUS, lost, withAt(lost, 'status.phase', 'Error'), worker));
  });

  test('I1: not before the cluster was available, not of another cluster of that name', async (t) => {
    const { mayWrite } = await open(t);
    const young = withAt(old, 'status.availableAt', undefined);
    no(mayWrite(STATUS, young, withAt(young, 'status.phase', 'Error')), /was not available yet/);
    const reborn = withAt(old, 'metadata.uid', 'another');
    no(mayWrite(STATUS, reborn, withAt(reborn, 'status.phase', 'Error')), /is another cluster/);
    no(mayWrite(asks('patch outrigger.dev/clusters/status demo/other'), old, old), /its own Cluster, harbor/);
    no(mayWrite(asks('patch outrigger.dev/clusters demo/harbor'), old, withAt(old, 'spec.workers', 2)), /nodes have no right/);
  });
});

describe('N9, N10: its VirtualDataCenter', () => {
  const entry = { cluster: 'harbor', node: 'harbor-a1-n1', cpuMillis: 500, memoryMiB: 256 };
  const key = `${CLUSTER_UID}.0`;
  const old = dataCenterObject(['alpha'], {
    reservations: { [key]: entry, 'other.0': entry },
    reserved: { nodes: 2, cpuMillis: 1000, memoryMiB: 512 },
  });
  const next: JsonObject = {
    ...old,
    status: {
      reservations: { [key]: entry, 'other.0': entry, [`${CLUSTER_UID}.1`]: entry },
      reserved: { nodes: 3, cpuMillis: 1500, memoryMiB: 768 },
    },
  };
  const status = asks('patch outrigger.dev/virtualdatacenters/status demo/yard');

  test('N9: reads the one that its cluster is in', async (t) => {
    const { may } = await open(t);
    yes(may(asks('get outrigger.dev/virtualdatacenters demo/yard'), worker));
    no(may(asks('get outrigger.dev/virtualdatacenters demo/other')), /its own VirtualDataCenter, yard/);
    no(may(asks('list outrigger.dev/virtualdatacenters demo/')), /nodes have no right/);
  });

  test('N10, I4: changes its own reservations, with their sums', async (t) => {
    const { mayWrite } = await open(t);
    yes(mayWrite(status, old, next));
    const dropped: JsonObject = {
      ...old,
      status: { reservations: { 'other.0': entry }, reserved: { nodes: 1, cpuMillis: 500, memoryMiB: 256 } },
    };
    yes(mayWrite(status, old, dropped));
  });

  test("N10, I4: not another cluster's, not with other sums, not as a worker", async (t) => {
    const { mayWrite } = await open(t);
    const foreign: JsonObject = {
      ...old,
      status: { reservations: { [key]: entry }, reserved: { nodes: 1, cpuMillis: 500, memoryMiB: 256 } },
    };
    no(mayWrite(status, old, foreign), /the reservation other.0 belongs to another cluster/);
    no(mayWrite(status, old, withAt(next, 'status.reserved.cpuMillis', 1)), /status.reserved must be/);
    no(mayWrite(status, old, withAt(next, 'status.conditions', ['x'])), /may not change status.conditions/);
    no(mayWrite(status, old, next, worker), /only the primary of harbor, harbor-a1-n0, manages its workers/);
  });
});

describe('N11: making a worker', () => {
  const create = asks('create outrigger.dev/clusternodes demo/');
  const owner = { apiVersion: 'outrigger.dev/v1', kind: 'Cluster', name: 'harbor', uid: CLUSTER_UID, controller: true };
  const made = withAt(workerObject({ index: 2 }, {}, { name: 'harbor-a1-n2', ownerReferences: [owner] }), 'spec.host', undefined);

  test('of its own cluster and attempt', async (t) => {
    const { mayWrite } = await open(t);
    yes(mayWrite(create, undefined, made));
  });

  test('I3: nothing else', async (t) => {
    const { mayWrite, world } = await open(t);
    const wrong: [string, JsonObject[string] | undefined, RegExp][] = [
      ['spec.clusterUid', 'another', /spec.clusterUid must be/],
      ['spec.cluster', 'other', /spec.cluster must be harbor/],
      ['spec.virtualDataCenter', 'other', /spec.virtualDataCenter must be yard/],
      ['spec.attempt', 2, /spec.attempt must be 1/],
      ['spec.role', 'Primary', /spec.role must be Worker/],
      ['spec.index', 0, /index 0 is the primary/],
      ['spec.incarnation', 2, /spec.incarnation must be 1/],
      ['spec.host', 'alpha', /claimed by nobody/],
      ['metadata.labels', {}, /the label outrigger.dev\/cluster-uid must be/],
      ['metadata.ownerReferences', [{ ...owner, uid: 'another' }], /one owner must be the Cluster/],
      ['metadata.ownerReferences', [], /one owner must be the Cluster/],
    ];
    for (const [path, value, says] of wrong) no(mayWrite(create, undefined, withAt(made, path, value)), says);
    no(mayWrite(create, undefined, made, worker), /only the primary/);
    await put(world.store, clusterObject({ ...AVAILABLE }, { deletionTimestamp: '2027-01-01T00:00:00Z' }));
    no(mayWrite(create, undefined, made), /is being deleted/);
    await put(world.store, clusterObject({ attempt: 1 }));
    no(mayWrite(create, undefined, made), /was not available yet/);
  });
});

describe('N12, N13: changing and letting go workers', () => {
  const change = asks('patch outrigger.dev/clusternodes demo/harbor-a1-n1');
  const old = workerObject({ host: 'beta' });
  const going = withAt(withAt(old, 'metadata.deletionTimestamp', '2027-01-01T00:00:00Z'), 'spec.host', undefined);

  test('N12: retires, replaces, drops the finalizer of what is going', async (t) => {
    const { mayWrite } = await open(t);
    yes(mayWrite(change, old, withAt(old, 'spec.retired', true)));
    yes(mayWrite(change, old, withAt(withAt(old, 'spec.incarnation', 2), 'spec.host', undefined)));
    yes(mayWrite(change, going, withAt(going, 'metadata.finalizers', undefined)));
    const forced = withAt(withAt(going, 'spec.host', 'beta'), 'metadata.annotations', { 'outrigger.dev/force-delete': 'true' });
    yes(mayWrite(change, forced, withAt(forced, 'metadata.finalizers', [])));
  });

  test('N12: vouches that the incarnation that there is is over, under the recorded term, and in no other words', async (t) => {
    const { mayWrite } = await open(t);
    const kept = withAt(old, 'metadata.annotations', { team: 'harbor' });
    const vouched = (value: string, more: JsonObject = { team: 'harbor' }): JsonObject =>
      withAt(kept, 'metadata.annotations', { ...more, 'outrigger.dev/vouched-dead': value });
    yes(mayWrite(change, kept, vouched('1.3')));
    no(mayWrite(change, kept, vouched('1.2')), /to 1\.3: the incarnation and the recorded term/);
    no(mayWrite(change, kept, vouched('2.3')), /to 1\.3/);
    no(mayWrite(change, kept, vouched('1.3', {})), /to 1\.3/);
    no(mayWrite(change, kept, vouched('1.3', { team: 'harbor', 'outrigger.dev/confirm-dead': '1' })), /to 1\.3/);
    no(mayWrite(change, kept, withAt(vouched('1.3'), 'spec.retired', true)), /may only set spec.retired/);
    no(mayWrite(change, kept, vouched('1.3'), worker), /only the primary/);
    const primary = asks('patch outrigger.dev/clusternodes demo/harbor-a1-n0');
    no(
      mayWrite(primary, nodeObject(), withAt(nodeObject(), 'metadata.annotations', { 'outrigger.dev/vouched-dead': '1.3' })),
      /only workers/,
    );
  });

  test('N23: the Leases of the nodes of its own cluster, to look at', async (t) => {
    const { may } = await open(t);
    yes(may(asks(`get coordination.k8s.io/leases demo/node-${WORKER_UID}`)));
    no(may(asks(`patch coordination.k8s.io/leases demo/node-${WORKER_UID}`)), /only its own Lease/);
    no(may(asks(`get coordination.k8s.io/leases demo/node-0de00de0-0000-4000-8000-000000000009`)), /only its own Lease/);
    no(may(asks('get coordination.k8s.io/leases demo/host-alpha')), /only its own Lease/);
    no(may(asks(`get coordination.k8s.io/leases demo/node-${NODE_UID}`), worker), /only its own Lease/);
  });

  test('N12, I3: nothing else, and nothing of the primary or of another cluster', async (t) => {
    const { mayWrite } = await open(t);
    no(mayWrite(change, old, withAt(old, 'spec.host', undefined)), /may only set spec.retired/);
    no(mayWrite(change, old, withAt(old, 'spec.incarnation', 2)), /may only set spec.retired/);
    no(mayWrite(change, old, withAt(old, 'spec.host', 'alpha')), /may only set spec.retired/);
    no(mayWrite(change, old, withAt(old, 'spec.resources.cpuMillis', 9)), /may only set spec.retired/);
    no(mayWrite(change, old, withAt(withAt(old, 'spec.retired', true), 'metadata.labels', {})), /may only set spec.retired/);
    no(mayWrite(change, old, withAt(old, 'metadata.finalizers', [])), /is not being deleted/);
    no(mayWrite(change, going, withAt(going, 'metadata.finalizers', ['another'])), /may only drop outrigger.dev\/node/);
    const held = withAt(going, 'spec.host', 'beta');
    no(mayWrite(change, held, withAt(held, 'metadata.finalizers', [])), /a host holds this node/);
    no(mayWrite(change, foreignNode(), withAt(foreignNode(), 'spec.retired', true)), /only nodes of its own cluster/);
    no(mayWrite(change, nodeObject(), withAt(nodeObject(), 'spec.retired', true)), /only workers/);
    no(mayWrite(change, old, withAt(old, 'spec.retired', true), worker), /only the primary/);
    no(mayWrite(change, old, withAt(old, 'spec.retired', true), nodeIdentity(NODE_UID, 0)), /has replaced it/);
  });

  test('N13, I3: deletes what is retired, and nothing that is not', async (t) => {
    const { mayWrite } = await open(t);
    const remove = asks('delete outrigger.dev/clusternodes demo/harbor-a1-n1');
    yes(mayWrite(remove, withAt(old, 'spec.retired', true), undefined));
    no(mayWrite(remove, old, undefined), /retire it first/);
    no(mayWrite(remove, nodeObject({ retired: true }), undefined), /only workers/);
    no(mayWrite(remove, withAt(foreignNode(), 'spec.retired', true), undefined), /only nodes of its own cluster/);
    no(mayWrite(remove, withAt(old, 'spec.retired', true), undefined, worker), /only the primary/);
    no(mayWrite(asks('deletecollection outrigger.dev/clusternodes demo/'), undefined, undefined), /nodes have no right/);
  });
});
