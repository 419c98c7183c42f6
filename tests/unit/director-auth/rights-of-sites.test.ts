/**
 * Rows N14 to N16 of the rights: what agents may do with the Site of their cluster, and the nearest that they may not.
 */
import { describe, test } from 'node:test';
import type { TestContext } from 'node:test';
import type { JsonObject } from '../../../src/model/json.ts';
import { no, openAsking, yes } from './asking.ts';
import type { Asking } from './asking.ts';
import { asks, AVAILABLE, CLUSTER_UID, clusterObject, nodeIdentity, nodeObject, NODE_UID, put, withAt, WORKER_UID } from './support.ts';

const OTHER_UID = 'c1a0c1a0-0000-4000-8000-000000000009';
const worker = nodeIdentity(WORKER_UID);

function site(name: string, status: JsonObject = {}): JsonObject {
  return {
    apiVersion: 'outrigger.dev/v1',
    kind: 'Site',
    metadata: { name, namespace: 'demo' },
    spec: {
      environment: 'OnPremises',
      connectionServers: [{ name: 'cs-1', url: 'https://cs-1:9443' }],
      credentials: { secret: `${name}-account` },
    },
    status,
  };
}

const PLUG = { name: 'harbor', uid: CLUSTER_UID };

/** The cluster harbor names the site pier; quay belongs to another one. */
async function open(t: TestContext): Promise<Asking> {
  const asking = await openAsking(t, nodeIdentity());
  await put(asking.world.store, withAt(clusterObject(AVAILABLE), 'spec.site', 'pier'));
  await put(asking.world.store, site('pier', { cluster: PLUG }));
  await put(asking.world.store, site('quay', { cluster: { name: 'other', uid: OTHER_UID } }));
  return asking;
}

describe('N14: reading the Site', () => {
  test("I1: its cluster's, by name or by the plug, and no other", async (t) => {
    const { may } = await open(t);
    for (const who of [nodeIdentity(), worker]) {
      yes(may(asks('get outrigger.dev/sites demo/pier'), who));
      yes(may(asks('watch outrigger.dev/sites demo/', { fieldSelector: 'metadata.name=pier' }), who));
      yes(may(asks('list outrigger.dev/sites demo/', { fieldSelector: `status.cluster.uid=${CLUSTER_UID}` }), who));
      no(may(asks('get outrigger.dev/sites demo/quay'), who), /only with the Site of its own cluster, pier/);
      no(may(asks('list outrigger.dev/sites demo/'), who), /add the field selector metadata.name=/);
      no(may(asks('list outrigger.dev/sites demo/', { fieldSelector: 'metadata.name=quay' }), who), /own cluster, pier/);
      no(may(asks('list outrigger.dev/sites demo/', { fieldSelector: `status.cluster.uid=${OTHER_UID}` }), who), /field selector/);
      no(may(asks('get outrigger.dev/sites other/pier'), who), /own namespace/);
    }
    no(may(asks('get outrigger.dev/sites demo/pier'), nodeIdentity(NODE_UID, 0)), /has replaced it/);
  });

  test('the one that it is plugged into, also when its Cluster names none any more', async (t) => {
    const { may, world } = await open(t);
    await put(world.store, clusterObject(AVAILABLE));
    yes(may(asks('get outrigger.dev/sites demo/pier')));
    await put(world.store, site('pier'));
    no(may(asks('get outrigger.dev/sites demo/pier')), /which names none/);
  });
});

describe('N15: the status of the Site', () => {
  const STATUS = asks('patch outrigger.dev/sites/status demo/pier');
  const free = site('pier');
  const plugged = site('pier', { cluster: PLUG });

  test('I2: the primary plugs in and out its own cluster, and no other', async (t) => {
    const { mayWrite } = await open(t);
    yes(mayWrite(STATUS, free, plugged));
    yes(mayWrite(STATUS, plugged, free));
    yes(mayWrite(STATUS, plugged, withAt(plugged, 'status.pairing', { state: 'Paired', clusterUid: CLUSTER_UID, generation: 1 })));
    yes(mayWrite(STATUS, plugged, withAt(free, 'status.leftBehind', ['something'])));
    no(mayWrite(STATUS, free, plugged, worker), /only the primary of harbor, harbor-a1-n0, speaks for its site/);
    no(mayWrite(STATUS, free, site('pier', { cluster: { name: 'other', uid: OTHER_UID } })), /only the node's own cluster, harbor/);
    no(mayWrite(STATUS, free, site('pier', { cluster: { name: 'other', uid: CLUSTER_UID } })), /only the node's own cluster, harbor/);
    const foreign = site('pier', { cluster: { name: 'other', uid: OTHER_UID } });
    no(mayWrite(STATUS, foreign, withAt(foreign, 'status.pairing', {})), /cluster other is plugged into this site/);
    no(mayWrite(STATUS, foreign, free), /cluster other is plugged into this site/);
    no(mayWrite(STATUS, plugged, withAt(plugged, 'status.license', 'mine')), /may not change status.license/);
    no(mayWrite(asks('patch outrigger.dev/sites demo/pier'), plugged, withAt(plugged, 'spec.environment', 'Other')), /nodes have no right/);
    no(mayWrite(asks('patch outrigger.dev/sites/status demo/quay'), foreign, free), /own cluster, pier/);
  });

  test('before the cluster was available: who was born primary in the attempt at work', async (t) => {
    const { mayWrite, world } = await open(t);
    const named = (status: JsonObject): JsonObject => withAt(clusterObject(status), 'spec.site', 'pier');
    await put(world.store, named({ attempt: 1 }));
    yes(mayWrite(STATUS, free, plugged));
    no(mayWrite(STATUS, free, plugged, worker), /which nobody is yet/);
    await put(world.store, named({ attempt: 2 }));
    no(mayWrite(STATUS, free, plugged), /which nobody is yet/);
    await put(world.store, nodeObject({ attempt: 2 }));
    yes(mayWrite(STATUS, free, plugged));
    await put(world.store, withAt(named({ attempt: 2 }), 'metadata.deletionTimestamp', '2026-01-01T00:00:00Z'));
    no(mayWrite(STATUS, free, plugged), /is being deleted/);
  });
});

describe('N16: the Secret of the Site', () => {
  test('I1: exactly the one that the Site of its cluster names', async (t) => {
    const { may, world } = await open(t);
    yes(may(asks('get /secrets demo/pier-account')));
    yes(may(asks('get /secrets demo/pier-account'), worker));
    no(may(asks('get /secrets demo/quay-account')), /only the one that the Site of its cluster names/);
    no(may(asks('get /secrets other/pier-account')), /own namespace/);
    no(may(asks('list /secrets demo/', { fieldSelector: 'metadata.name=pier-account' })), /nodes have no right/);
    await put(world.store, site('pier', { cluster: { name: 'other', uid: OTHER_UID } }));
    no(may(asks('get /secrets demo/pier-account')), /nodes have no right/);
    await put(world.store, site('pier', { cluster: PLUG }));
    await put(world.store, clusterObject(AVAILABLE));
    no(may(asks('get /secrets demo/pier-account')), /nodes have no right/);
  });
});
