/**
 * Rows N1 to N7 of the rights: each with what it allows, and with the nearest thing that it refuses.
 */
import { describe, test } from 'node:test';
import type { TestContext } from 'node:test';
import type { JsonObject } from '../../../src/model/json.ts';
import { no, openAsking, yes } from './asking.ts';
import type { Asking } from './asking.ts';
import { asks, CLUSTER_UID, nodeIdentity, nodeObject, NODE_UID, put, remove, withAt, WORKER_UID, workerObject } from './support.ts';

const open = (t: TestContext): Promise<Asking> => openAsking(t, nodeIdentity());

const SELECTOR = `outrigger.dev/cluster-uid=${CLUSTER_UID}`;
const NODE_STATUS = asks('patch outrigger.dev/clusternodes/status demo/harbor-a1-n0');

describe('reading', () => {
  test('N1: its own ClusterNode, and no other by name', async (t) => {
    const { may } = await open(t);
    yes(may(asks('get outrigger.dev/clusternodes demo/harbor-a1-n0')));
    no(may(asks('get outrigger.dev/clusternodes demo/harbor-a1-n1')), /its own ClusterNode, harbor-a1-n0/);
    no(may(asks('get outrigger.dev/clusternodes other/harbor-a1-n0')), /own namespace, demo/);
  });

  test('N1, I2: an older incarnation may read its own node and nothing else', async (t) => {
    const { may, mayWrite, world } = await open(t);
    await put(world.store, nodeObject({ incarnation: 2 }));
    yes(may(asks('get outrigger.dev/clusternodes demo/harbor-a1-n0')));
    no(may(asks('get outrigger.dev/clusters demo/harbor')), /incarnation 2 of harbor-a1-n0 has replaced it: stop its pods/);
    no(may(asks('list outrigger.dev/clusternodes demo/', { labelSelector: SELECTOR })), /has replaced it/);
    no(may(asks('get outrigger.dev/clusterreleases /1.0.0')), /has replaced it/);
    no(may(asks(`patch coordination.k8s.io/leases demo/node-${NODE_UID}`)), /has replaced it/);
    no(mayWrite(NODE_STATUS, nodeObject(), nodeObject()), /has replaced it/);
    yes(may(asks('get outrigger.dev/clusters demo/harbor'), nodeIdentity(NODE_UID, 2)));
  });

  test('N2: the nodes of its cluster, only with the selector that says so', async (t) => {
    const { may } = await open(t);
    for (const verb of ['list', 'watch']) {
      yes(may(asks(`${verb} outrigger.dev/clusternodes demo/`, { labelSelector: SELECTOR })));
      yes(
        may(asks(`${verb} outrigger.dev/clusternodes demo/`, { labelSelector: `a in (b,c), outrigger.dev/cluster-uid == ${CLUSTER_UID}` })),
      );
      no(may(asks(`${verb} outrigger.dev/clusternodes demo/`)), new RegExp(`add the label selector ${SELECTOR}`));
      no(may(asks(`${verb} outrigger.dev/clusternodes demo/`, { labelSelector: 'outrigger.dev/cluster-uid=another' })), /label selector/);
      no(
        may(asks(`${verb} outrigger.dev/clusternodes demo/`, { labelSelector: `outrigger.dev/cluster-uid!=${CLUSTER_UID}` })),
        /label selector/,
      );
      no(
        may(asks(`${verb} outrigger.dev/clusternodes demo/`, { labelSelector: `outrigger.dev/cluster-uid in (${CLUSTER_UID},x)` })),
        /label selector/,
      );
      no(may(asks(`${verb} outrigger.dev/clusternodes /`, { labelSelector: SELECTOR })), /own namespace/);
    }
  });

  test('N3: its own Cluster by name, lists with the field selector', async (t) => {
    const { may } = await open(t);
    yes(may(asks('get outrigger.dev/clusters demo/harbor')));
    no(may(asks('get outrigger.dev/clusters demo/other')), /its own Cluster, harbor/);
    yes(may(asks('watch outrigger.dev/clusters demo/', { fieldSelector: 'metadata.name=harbor' })));
    no(may(asks('watch outrigger.dev/clusters demo/')), /field selector metadata.name=harbor/);
    no(may(asks('watch outrigger.dev/clusters demo/', { fieldSelector: 'metadata.name!=harbor' })), /field selector/);
    no(may(asks('get outrigger.dev/clusters/status demo/harbor')), /nodes have no right to this/);
  });

  test('N4: all releases, and no other kind of the provider', async (t) => {
    const { may } = await open(t);
    for (const verb of ['get', 'list', 'watch']) yes(may(asks(`${verb} outrigger.dev/clusterreleases /1.0.0`)));
    no(may(asks('get outrigger.dev/hosts /alpha')), /nodes have no right/);
    no(may(asks('get /secrets demo/bootstrap-0123456789')), /nodes have no right/);
    no(may({ ...asks('get /'), path: '/metrics' }), /cannot get path "\/metrics"/);
  });

  test('N24: ServerConfigs to read, and none to change', async (t) => {
    const { may } = await open(t);
    for (const verb of ['get', 'list']) yes(may(asks(`${verb} outrigger.dev/serverconfigs /default`)));
    for (const verb of ['watch', 'patch']) no(may(asks(`${verb} outrigger.dev/serverconfigs /default`)), /nodes have no right/);
  });

  test('I1: what the director does not know is refused in a sentence that commands nothing', async (t) => {
    const { may, world } = await open(t);
    no(
      may(asks('get outrigger.dev/clusternodes demo/harbor-a1-n0'), nodeIdentity('11111111-0000-4000-8000-000000000000')),
      /knows no ClusterNode with uid .*; go on as you are/,
    );
    await remove(world.store, nodeObject());
    no(may(asks('get outrigger.dev/clusternodes demo/harbor-a1-n0')), /go on as you are/);
  });

  test('I1: the same name under another uid is not the caller', async (t) => {
    const { may, world } = await open(t);
    await remove(world.store, nodeObject());
    await put(world.store, nodeObject({}, {}, { uid: '0de00de0-0000-4000-8000-0000000000ff' }));
    no(may(asks('get outrigger.dev/clusternodes demo/harbor-a1-n0')), /go on as you are/);
  });
});

describe('N5: its own status', () => {
  const agent = { incarnation: 1, phase: 'Ready' };
  const old = nodeObject({}, { infrastructure: { incarnation: 1, phase: 'Running' } });

  test('sections agent and role', async (t) => {
    const { mayWrite } = await open(t);
    yes(mayWrite(NODE_STATUS, old, withAt(old, 'status.agent', agent)));
    yes(mayWrite({ ...NODE_STATUS, verb: 'update' }, old, withAt(withAt(old, 'status.agent', agent), 'status.role', 'Worker')));
    yes(mayWrite(NODE_STATUS, old, withAt(old, 'metadata.resourceVersion', '77')));
  });

  test('not the section of the host, nor that of another node', async (t) => {
    const { mayWrite } = await open(t);
    no(
      mayWrite(NODE_STATUS, old, withAt(old, 'status.infrastructure.phase', 'Gone')),
      /may not change status.infrastructure.phase, which belongs to the host daemon/,
    );
    no(mayWrite(NODE_STATUS, old, withAt(old, 'status.infrastructure', undefined)), /status.infrastructure/);
    no(mayWrite(NODE_STATUS, old, withAt(old, 'status.more', true)), /may not change status.more/);
    no(
      mayWrite(asks('patch outrigger.dev/clusternodes/status demo/harbor-a1-n1'), workerObject(), workerObject()),
      /only with its own ClusterNode/,
    );
    no(mayWrite(asks('patch outrigger.dev/clusternodes demo/harbor-a1-n0'), old, withAt(old, 'spec.incarnation', 9)), /only workers/);
  });

  test('with its own incarnation only', async (t) => {
    const { mayWrite } = await open(t);
    no(mayWrite(NODE_STATUS, old, withAt(old, 'status.agent', { ...agent, incarnation: 2 })), /status.agent.incarnation must be 1/);
    no(
      mayWrite(NODE_STATUS, old, withAt(old, 'status.agent', agent), nodeIdentity(NODE_UID, 2)),
      /known here at incarnation 1, this agent is of 2/,
    );
  });
});

describe('N6: events', () => {
  const create = asks('create /events demo/');
  const about = (kind: string, uid: string, namespace = 'demo'): JsonObject => ({
    apiVersion: 'v1',
    kind: 'Event',
    involvedObject: { kind, uid, namespace, name: 'x' },
  });

  test('about its cluster and the nodes of that', async (t) => {
    const { mayWrite } = await open(t);
    yes(mayWrite(create, undefined, about('ClusterNode', NODE_UID)));
    yes(mayWrite(create, undefined, about('ClusterNode', WORKER_UID)));
    yes(mayWrite(create, undefined, about('Cluster', CLUSTER_UID)));
  });

  test('not about others, not elsewhere', async (t) => {
    const { mayWrite } = await open(t);
    no(mayWrite(create, undefined, about('ClusterNode', '0de00de0-0000-4000-8000-000000000009')), /speak only of its own Cluster/);
    no(mayWrite(create, undefined, about('Cluster', NODE_UID)), /speak only/);
    no(mayWrite(create, undefined, about('Cluster', CLUSTER_UID, 'other')), /speak only/);
    no(mayWrite(create, undefined, { kind: 'Event' }), /speak only/);
    no(mayWrite(asks('create /events other/'), undefined, about('Cluster', CLUSTER_UID)), /own namespace/);
    no(mayWrite(asks('list /events demo/'), undefined, undefined), /nodes have no right/);
  });
});

describe('N7: its Lease', () => {
  const lease = (name: string): JsonObject => ({ kind: 'Lease', metadata: { name, namespace: 'demo' } });
  const own = `node-${NODE_UID}`;

  test('its own', async (t) => {
    const { may, mayWrite } = await open(t);
    yes(may(asks(`get coordination.k8s.io/leases demo/${own}`)));
    yes(mayWrite(asks('create coordination.k8s.io/leases demo/'), undefined, lease(own)));
    yes(mayWrite(asks(`patch coordination.k8s.io/leases demo/${own}`), lease(own), lease(own)));
  });

  test('no other', async (t) => {
    const { may, mayWrite } = await open(t);
    no(may(asks(`get coordination.k8s.io/leases demo/node-${NODE_UID}`), nodeIdentity(WORKER_UID)), /only its own Lease|only the primary/);
    no(mayWrite(asks('create coordination.k8s.io/leases demo/'), undefined, lease(`node-${WORKER_UID}`)), /only its own Lease/);
    no(may(asks(`patch coordination.k8s.io/leases outrigger-system/${own}`)), /own namespace/);
    no(may(asks(`delete coordination.k8s.io/leases demo/${own}`)), /nodes have no right/);
  });
});

test('a default that a newer schema fills in outside of the status is not held against the writer', async (t) => {
  const { mayWrite } = await open(t);
  const node = nodeObject();
  yes(mayWrite(NODE_STATUS, node, withAt(withAt(node, 'spec.newDefault', 1), 'status.agent', { incarnation: 1, phase: 'Ready' })));
});
