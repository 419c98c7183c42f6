/**
 * Rows H1 to H10 of the rights: each with what it allows, and with the nearest thing that it refuses.
 */
import { describe, test } from 'node:test';
import type { TestContext } from 'node:test';
import { tokenData } from '../../../src/model/bootstrap-token.ts';
import type { TokenFields } from '../../../src/model/bootstrap-token.ts';
import { secretObject } from '../../../src/director/auth/stored-object.ts';
import type { JsonObject } from '../../../src/model/json.ts';
import { no, openAsking, yes } from './asking.ts';
import type { Asking } from './asking.ts';
import {
  asks,
  foreignNode,
  hostIdentity,
  hostObject,
  nodeObject,
  NODE_UID,
  put,
  remove,
  withAt,
  WORKER_UID,
  workerObject,
} from './support.ts';

const open = (t: TestContext): Promise<Asking> => openAsking(t, hostIdentity('alpha'));
const free = withAt(nodeObject(), 'spec.host', undefined);

describe('reading', () => {
  test('H1: its own Host, lists with the field selector', async (t) => {
    const { may } = await open(t);
    yes(may(asks('get outrigger.dev/hosts /alpha')));
    no(may(asks('get outrigger.dev/hosts /beta')), /its own Host, alpha/);
    yes(may(asks('watch outrigger.dev/hosts /', { fieldSelector: 'metadata.name=alpha' })));
    no(may(asks('list outrigger.dev/hosts /')), /field selector metadata.name=alpha/);
  });

  test('H3, H4, H11, H12: nodes in all namespaces; data centers, clusters and releases by name', async (t) => {
    const { may } = await open(t);
    for (const verb of ['get', 'list', 'watch']) yes(may(asks(`${verb} outrigger.dev/clusternodes /`)));
    for (const what of ['virtualdatacenters demo/yard', 'clusters demo/harbor', 'clusterreleases /1.0.0'])
      yes(may(asks(`get outrigger.dev/${what}`)));
    for (const what of ['virtualdatacenters', 'clusters', 'clusterreleases'])
      no(may(asks(`list outrigger.dev/${what} /`)), /hosts have no right/);
    no(may(asks('get /secrets demo/bootstrap-0123456789')), /hosts have no right/);
    no(may(asks('get outrigger.dev/serverconfigs /default')), /hosts have no right/);
  });

  test('a Host that is not there has no rights', async (t) => {
    const { may, world } = await open(t);
    await remove(world.store, hostObject('alpha'));
    no(may(asks('list outrigger.dev/clusternodes /')), /knows no Host alpha; go on as you are/);
  });
});

test('H2: its own status', async (t) => {
  const { mayWrite } = await open(t);
  const old = hostObject('alpha');
  const status = asks('patch outrigger.dev/hosts/status /alpha');
  yes(mayWrite(status, old, withAt(old, 'status.unclaimed', ['x'])));
  no(mayWrite(status, old, withAt(old, 'status.more', 1)), /may not change status.more/);
  no(mayWrite(asks('patch outrigger.dev/hosts/status /beta'), hostObject('beta'), hostObject('beta')), /its own Host, alpha/);
  no(mayWrite(asks('patch outrigger.dev/hosts /alpha'), old, withAt(old, 'spec.cordoned', true)), /hosts have no right/);
});

describe('H5: claiming and letting go', () => {
  const change = asks('patch outrigger.dev/clusternodes demo/harbor-a1-n0');
  const going = nodeObject({}, {}, { deletionTimestamp: '2027-01-01T00:00:00Z' });

  test('I1: claims what nobody holds, for itself', async (t) => {
    const { mayWrite } = await open(t);
    yes(mayWrite(change, free, withAt(free, 'spec.host', 'alpha')));
    yes(mayWrite(change, nodeObject(), withAt(nodeObject(), 'metadata.resourceVersion', '9')));
  });

  test('I1: not what another holds, not for another, nothing besides, and only where its data center names it', async (t) => {
    const { mayWrite } = await open(t);
    const held = nodeObject({ host: 'beta' });
    no(mayWrite(change, held, withAt(held, 'spec.host', 'alpha')), /claimed by beta already/);
    no(mayWrite(change, held, held), /claimed by beta already/);
    no(mayWrite(change, free, withAt(free, 'spec.host', 'beta')), /only to itself, alpha/);
    no(mayWrite(change, nodeObject(), free), /claimed by alpha already|only to itself/);
    no(mayWrite(change, free, withAt(withAt(free, 'spec.host', 'alpha'), 'spec.incarnation', 2)), /may not change spec.incarnation/);
    no(mayWrite(change, free, withAt(withAt(free, 'spec.host', 'alpha'), 'metadata.labels.x', 'y')), /may not change metadata.labels.x/);
    const retired = withAt(free, 'spec.retired', true);
    no(mayWrite(change, retired, withAt(retired, 'spec.host', 'alpha')), /is to go/);
    const elsewhere = withAt(free, 'spec.virtualDataCenter', 'other');
    no(mayWrite(change, elsewhere, withAt(elsewhere, 'spec.host', 'alpha')), /VirtualDataCenter other does not name alpha/);
    no(mayWrite(change, free, withAt(free, 'spec.host', 'gamma'), hostIdentity('gamma')), /knows no Host gamma/);
    no(mayWrite(asks('create outrigger.dev/clusternodes demo/'), undefined, free), /hosts have no right/);
    no(mayWrite(asks('delete outrigger.dev/clusternodes demo/harbor-a1-n0'), nodeObject(), undefined), /hosts have no right/);
  });

  test('drops its finalizer from what it holds and what is being deleted', async (t) => {
    const { mayWrite } = await open(t);
    yes(mayWrite(change, going, withAt(going, 'metadata.finalizers', undefined)));
    no(mayWrite(change, nodeObject(), withAt(nodeObject(), 'metadata.finalizers', [])), /is not being deleted/);
    const foreign = withAt(going, 'spec.host', 'beta');
    no(mayWrite(change, foreign, withAt(foreign, 'metadata.finalizers', [])), /alpha does not hold it/);
    const more = withAt(going, 'metadata.finalizers', ['outrigger.dev/node', 'another']);
    no(mayWrite(change, more, withAt(more, 'metadata.finalizers', [])), /may only drop outrigger.dev\/node/);
    yes(mayWrite(change, more, withAt(more, 'metadata.finalizers', ['another'])));
  });
});

test('H6, I2: the infrastructure of nodes that it holds', async (t) => {
  const { mayWrite } = await open(t);
  const status = asks('patch outrigger.dev/clusternodes/status demo/harbor-a1-n0');
  const infrastructure = { incarnation: 1, phase: 'Running' };
  yes(mayWrite(status, nodeObject(), withAt(nodeObject(), 'status.infrastructure', infrastructure)));
  no(
    mayWrite(status, nodeObject(), withAt(nodeObject(), 'status.infrastructure', { ...infrastructure, incarnation: 2 })),
    /incarnation must be 1/,
  );
  no(
    mayWrite(status, nodeObject(), withAt(nodeObject(), 'status.agent', { incarnation: 1 })),
    /may not change status.agent.*belongs to the node's agent/,
  );
  no(
    mayWrite(asks('patch outrigger.dev/clusternodes/status demo/harbor-a1-n1'), workerObject(), workerObject()),
    /held by beta, not by alpha/,
  );
  const lost = nodeObject({ host: 'beta' });
  no(mayWrite(status, lost, withAt(lost, 'status.infrastructure', infrastructure)), /does not hold this node any more/);
});

describe('H7, H8: bootstrap tokens', () => {
  const create = asks('create /secrets demo/');
  const fields: TokenFields = {
    tokenHash: 'ab'.repeat(32),
    expiresAt: new Date(Date.now() + 3_000_000).toISOString(),
    bearer: { kind: 'node', uid: NODE_UID, name: 'harbor-a1-n0', incarnation: 1 },
  };
  const secret = (changes: Partial<TokenFields> = {}, name = 'bootstrap-0123456789'): JsonObject =>
    secretObject('demo', name, 'outrigger.dev/bootstrap-token', tokenData({ ...fields, ...changes }));

  test('H7, I3: for the present incarnation of a node that it holds', async (t) => {
    const { mayWrite } = await open(t);
    yes(mayWrite(create, undefined, secret()));
  });

  test('H7, I3: not for others, not longer, nothing else', async (t) => {
    const { mayWrite, world } = await open(t);
    const bearer = { kind: 'node', uid: WORKER_UID, name: 'harbor-a1-n1', incarnation: 1 } as const;
    no(mayWrite(create, undefined, secret({ bearer })), /harbor-a1-n1 is held by beta/);
    no(mayWrite(create, undefined, secret({ bearer: { ...bearer, uid: NODE_UID } })), /no ClusterNode harbor-a1-n1 with uid/);
    no(
      mayWrite(create, undefined, secret({ bearer: { ...bearer, uid: NODE_UID, name: 'harbor-a1-n0', incarnation: 2 } })),
      /at incarnation 2/,
    );
    no(mayWrite(create, undefined, secret({ bearer: { kind: 'host', name: 'alpha' } })), /may not mint tokens for hosts/);
    no(mayWrite(create, undefined, secret({ expiresAt: new Date(Date.now() + 2 * 3_600_000).toISOString() })), /at most 1 h/);
    no(mayWrite(create, undefined, secret({ usedBy: 'cd'.repeat(32) })), /only bootstrap tokens/);
    no(mayWrite(create, undefined, secret({}, 'another-name')), /only bootstrap tokens/);
    no(mayWrite(create, undefined, { ...secret(), type: 'Opaque' }), /only bootstrap tokens/);
    no(mayWrite(create, undefined, withAt(secret(), 'data.more', 'eA==')), /only bootstrap tokens/);
    no(mayWrite(create, undefined, withAt(secret(), 'immutable', true)), /only bootstrap tokens/);
    no(mayWrite(asks('create /secrets other/'), undefined, secret()), /no ClusterNode harbor-a1-n0/);
    no(mayWrite(asks('patch /secrets demo/bootstrap-0123456789'), secret(), secret()), /hosts have no right/);
    await put(world.store, nodeObject({ retired: true }));
    no(mayWrite(create, undefined, secret()), /is to go/);
  });

  test('H8: deletes those of its nodes, and of nodes that are gone', async (t) => {
    const { mayWrite, world } = await open(t);
    const remover = asks('delete /secrets demo/bootstrap-0123456789');
    yes(mayWrite(remover, secret(), undefined));
    no(
      mayWrite(remover, secret({ bearer: { kind: 'node', uid: WORKER_UID, name: 'harbor-a1-n1', incarnation: 1 } }), undefined),
      /held by beta/,
    );
    no(mayWrite(remover, { ...secret(), type: 'Opaque' }, undefined), /only bootstrap tokens/);
    no(mayWrite(asks('delete /secrets demo/ca'), secret(), undefined), /only bootstrap tokens/);
    await remove(world.store, workerObject());
    yes(mayWrite(remover, secret({ bearer: { kind: 'node', uid: WORKER_UID, name: 'harbor-a1-n1', incarnation: 1 } }), undefined));
  });
});

test('H9: events about itself and its nodes', async (t) => {
  const { mayWrite, world } = await open(t);
  const hostUid = world.store.get({ group: 'outrigger.dev', resource: 'hosts', namespace: '', name: 'alpha' })?.uid ?? '';
  const event = (kind: string, uid: string, namespace = 'demo'): JsonObject => ({
    kind: 'Event',
    involvedObject: { kind, uid, namespace },
  });
  const create = asks('create /events demo/');
  yes(mayWrite(create, undefined, event('ClusterNode', NODE_UID)));
  yes(mayWrite(asks('create /events default/'), undefined, event('Host', hostUid)));
  no(mayWrite(create, undefined, event('ClusterNode', WORKER_UID)), /only of itself and of ClusterNodes that it holds/);
  no(mayWrite(create, undefined, event('Host', 'another')), /only of itself/);
  no(mayWrite(asks('create /events other/'), undefined, event('ClusterNode', NODE_UID, 'other')), /only of itself/);
  no(mayWrite(create, undefined, event('ClusterNode', (foreignNode()['metadata'] as { uid: string }).uid)), /only of itself/);
});

test('H10: its Lease', async (t) => {
  const { may, mayWrite } = await open(t);
  const lease = (name: string): JsonObject => ({ kind: 'Lease', metadata: { name, namespace: 'outrigger-system' } });
  const create = asks('create coordination.k8s.io/leases outrigger-system/');
  yes(mayWrite(create, undefined, lease('host-alpha')));
  yes(may(asks('patch coordination.k8s.io/leases outrigger-system/host-alpha')));
  no(mayWrite(create, undefined, lease('host-beta')), /only its own Lease, host-alpha/);
  no(may(asks('get coordination.k8s.io/leases outrigger-system/host-beta')), /only its own Lease/);
  no(may(asks('get coordination.k8s.io/leases demo/host-alpha')), /keeps its Lease in outrigger-system/);
});
