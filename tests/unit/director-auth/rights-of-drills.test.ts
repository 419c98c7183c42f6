/**
 * Rows N20 and N21 of the rights: what agents may do with the drills of their cluster, and the nearest that they may not.
 */
import { describe, test } from 'node:test';
import type { TestContext } from 'node:test';
import type { JsonObject } from '../../../src/model/json.ts';
import { no, openAsking, yes } from './asking.ts';
import type { Asking } from './asking.ts';
import { asks, AVAILABLE, clusterObject, nodeIdentity, NODE_UID, put, userIdentity, withAt, WORKER_UID } from './support.ts';

const RBAC = 'rbac.authorization.k8s.io';
const primary = nodeIdentity();
const worker = nodeIdentity(WORKER_UID);

function drill(cluster: string, status: JsonObject = {}): JsonObject {
  return {
    apiVersion: 'outrigger.dev/v1',
    kind: 'Drill',
    metadata: { name: 'once', namespace: 'demo' },
    spec: { target: 'Instance', cluster, seconds: 20 },
    status,
  };
}

async function open(t: TestContext): Promise<Asking> {
  const asking = await openAsking(t, primary);
  await put(asking.world.store, clusterObject(AVAILABLE));
  return asking;
}

describe('N20: reading drills', () => {
  test('I1: those of its own cluster, by the field selector; and it makes, changes and deletes none', async (t) => {
    const { may } = await open(t);
    for (const who of [primary, worker]) {
      yes(may(asks('list outrigger.dev/drills demo/', { fieldSelector: 'spec.cluster=harbor' }), who));
      yes(may(asks('watch outrigger.dev/drills demo/', { fieldSelector: 'spec.target=Node,spec.cluster=harbor' }), who));
      no(
        may(asks('list outrigger.dev/drills demo/', { fieldSelector: 'spec.cluster=other' }), who),
        /add the field selector spec.cluster=harbor/,
      );
      no(may(asks('watch outrigger.dev/drills demo/'), who), /add the field selector/);
      no(may(asks('list outrigger.dev/drills other/', { fieldSelector: 'spec.cluster=harbor' }), who), /own namespace/);
      for (const verb of ['create', 'delete', 'patch', 'update']) no(may(asks(`${verb} outrigger.dev/drills demo/once`), who), /no right/);
    }
    const older = nodeIdentity(NODE_UID, 0);
    no(may(asks('list outrigger.dev/drills demo/', { fieldSelector: 'spec.cluster=harbor' }), older), /has replaced it/);
  });
});

describe('N21: the status of a drill', () => {
  const STATUS = asks('patch outrigger.dev/drills/status demo/once');
  const fresh = drill('harbor');
  const mine = drill('harbor', { executor: 'harbor-a1-n1', phase: 'Running' });

  test('I2: a node claims one that is free, writes its own, and no other', async (t) => {
    const { mayWrite } = await open(t);
    yes(mayWrite(STATUS, fresh, mine, worker));
    yes(mayWrite(STATUS, mine, withAt(mine, 'status.phase', 'Passed'), worker));
    no(mayWrite(STATUS, fresh, mine, primary), /only to the node's own name, harbor-a1-n0/);
    no(mayWrite(STATUS, mine, withAt(mine, 'status.executor', 'harbor-a1-n0'), primary), /harbor-a1-n1 carries out this drill/);
    no(mayWrite(STATUS, fresh, withAt(fresh, 'status.phase', 'Passed'), worker), /nobody yet carries out this drill/);
    no(mayWrite(STATUS, drill('other'), withAt(drill('other'), 'status.executor', 'harbor-a1-n1'), worker), /of its own cluster, harbor/);
    no(mayWrite(STATUS, fresh, withAt(mine, 'status.more', 1), worker), /may not change status\.more/);
    no(mayWrite(STATUS, mine, withAt(mine, 'status.phase', 'Passed'), nodeIdentity(WORKER_UID, 2)), /this agent is of 2/);
  });

  test('I2: the primary may end one whose executor is silent, as Failed and no other way', async (t) => {
    const { mayWrite } = await open(t);
    yes(mayWrite(STATUS, mine, withAt(mine, 'status.phase', 'Failed'), primary));
    no(mayWrite(STATUS, mine, withAt(mine, 'status.phase', 'Passed'), primary), /harbor-a1-n1 carries out this drill/);
    const other = drill('harbor', { executor: 'harbor-a1-n0', phase: 'Running' });
    no(mayWrite(STATUS, other, withAt(other, 'status.phase', 'Failed'), worker), /harbor-a1-n0 carries out this drill/);
  });
});

test('I3: who edits an organization rehearses its clusters, and not what all share', async (t) => {
  const { world, mayWrite } = await openAsking(t, userIdentity('ann'));
  const subjects = [{ kind: 'User', name: 'ann', apiGroup: RBAC }];
  const rules = [{ apiGroups: ['outrigger.dev'], resources: ['drills'], verbs: ['create', 'delete'] }];
  await put(world.store, { apiVersion: `${RBAC}/v1`, kind: 'ClusterRole', metadata: { name: 'editor' }, rules });
  const roleRef = { apiGroup: RBAC, kind: 'ClusterRole', name: 'editor' };
  await put(world.store, {
    apiVersion: `${RBAC}/v1`,
    kind: 'RoleBinding',
    metadata: { name: 'ann', namespace: 'demo' },
    roleRef,
    subjects,
  });
  const CREATE = asks('create outrigger.dev/drills demo/once');
  yes(mayWrite(CREATE, undefined, drill('harbor')));
  for (const target of ['ExtensionServer', 'Director', 'Database'])
    no(mayWrite(CREATE, undefined, withAt(drill('harbor'), 'spec.target', target)), /hits all organizations; it takes the verb rehearse/);
  const all = [{ apiGroups: ['*'], resources: ['*'], verbs: ['*'] }];
  await put(world.store, { apiVersion: `${RBAC}/v1`, kind: 'ClusterRole', metadata: { name: 'all' }, rules: all });
  const everything = { apiGroup: RBAC, kind: 'ClusterRole', name: 'all' };
  await put(world.store, {
    apiVersion: `${RBAC}/v1`,
    kind: 'ClusterRoleBinding',
    metadata: { name: 'ann' },
    roleRef: everything,
    subjects,
  });
  yes(mayWrite(CREATE, undefined, withAt(drill('harbor'), 'spec.target', 'Director')));
});
