/**
 * What people get wrong, and what cannot be done: each ends in a condition or a refusal that says what, why and what to do; nothing is half-made
 * without saying so; and once it is put right, the cluster becomes Available by itself.
 */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { CLUSTERS, CLUSTER_NODES, VIRTUAL_DATA_CENTERS } from '../../src/model/addresses.ts';
import type { Cluster } from '../../src/model/cluster.ts';
import type { Condition } from '../../src/model/condition.ts';
import type { JsonObject } from '../../src/model/json.ts';
import { settles } from '../support/census.ts';
import {
  clusterObject,
  clusterOf,
  createCluster,
  deleteCluster,
  NAMESPACE,
  PATIENCE_MS,
  say,
  seconds,
  startControlPlane,
} from '../support/control-plane.ts';
import type { ControlPlane } from '../support/control-plane.ts';
import { eventually } from '../support/eventually.ts';
import { PLAIN_RELEASE, plainRelease } from '../support/plain-release.ts';

const STEP_DEADLINE_SECONDS = 10;
const MISSING_PROGRAM = '/nowhere/to-be-found';

function conditionOf(cluster: Cluster | undefined, type: string): Condition | undefined {
  return cluster?.status?.conditions?.find((one) => one.type === type);
}

function virtualDataCenter(name: string, nodes: number, hosts: readonly string[]): JsonObject {
  return {
    apiVersion: 'outrigger.dev/v1',
    kind: 'VirtualDataCenter',
    metadata: { name, namespace: NAMESPACE },
    spec: { quota: { nodes, cpuMillis: 8000, memoryMiB: 8192 }, hosts: [...hosts], nodeDriver: 'process' },
  };
}

/** The plain release but for one thing: the program of hello is not there. */
function brokenRelease(): JsonObject {
  const text = JSON.stringify(plainRelease('0.9.0'));
  const broken = JSON.parse(text.replace('["node","$(OUTRIGGER_EXAMPLES)/hello.mjs"]', `["${MISSING_PROGRAM}"]`)) as JsonObject;
  assert.match(JSON.stringify(broken), new RegExp(MISSING_PROGRAM));
  return broken;
}

describe('bad input', () => {
  let plane: ControlPlane;
  before(async () => {
    plane = await startControlPlane('kills-bad-input');
  });
  after(async () => await plane.cleanup());

  /** Waits until the condition has the reason, and its sentence names all of `words`. */
  const says = async (name: string, type: string, reason: string, ...words: readonly RegExp[]): Promise<void> => {
    let last: Condition | undefined;
    const holds = async (): Promise<boolean> => {
      last = conditionOf(await plane.get(CLUSTERS, NAMESPACE, name), type);
      return last?.status === 'False' && last.reason === reason && words.every((word) => word.test(last?.message ?? ''));
    };
    await eventually(`${name} says ${reason}`, holds, PATIENCE_MS, 100).catch((cause: unknown) => {
      throw new Error(`${name} says ${JSON.stringify(last)}, not ${reason} with ${words.join(' ')}`, { cause });
    });
    say(`${name} says: ${last?.message}`);
  };
  const applied = async (manifest: JsonObject): Promise<void> => {
    const { code, err } = await plane.apply(manifest);
    assert.equal(code, 0, err);
  };
  const hasNodes = async (name: string): Promise<number> =>
    (await plane.list(CLUSTER_NODES)).filter((one) => one.spec.cluster === name).length;

  test('a broken manifest is refused by its field, and nothing is made', async () => {
    const rows: readonly (readonly [JsonObject, RegExp])[] = [
      [{ workers: 99 }, /spec\.workers.*must be|spec\.workers.*less than or equal to 8|spec\.workers.*at most 8/],
      [{ workers: 'two' }, /spec\.workers/],
      [{ release: null }, /spec\.release/],
      [{ wokers: 1 }, /unknown field "spec\.wokers"/],
      [{ workers: 2, availability: { failover: 'Witness' } }, /spec\.workers: .*must be at most 1 while availability\.failover is Witness/],
      [
        { services: [{ name: 'mine', mode: 'Replicated', pod: { containers: [{ name: 'c' }] } }] },
        /spec\.services\[0\]\.pod\.containers\[0\]\.command/,
      ],
    ];
    for (const [spec, sentence] of rows) {
      const { code, err } = await plane.apply(clusterObject('broken', 1, spec));
      assert.notEqual(code, 0, JSON.stringify(spec));
      assert.match(err, sentence);
    }
    assert.equal(await plane.get(CLUSTERS, NAMESPACE, 'broken'), undefined);
    const elsewhere = clusterObject('broken', 1);
    const { code, err } = await plane.apply({ ...elsewhere, metadata: { name: 'broken', namespace: 'nowhere' } });
    assert.notEqual(code, 0);
    assert.match(err, /namespaces? "nowhere" not found/i);
  });

  test('what is missing is named, and waited for; once it is there the cluster is made, at its first attempt', async () => {
    await applied(virtualDataCenter('hostless', 4, []));
    await applied(virtualDataCenter('small', 1, ['local']));
    await createCluster(plane, 'no-release', 0, { release: '7.7.7' });
    await createCluster(plane, 'no-vdc', 0, { virtualDataCenter: 'tomorrow' });
    await createCluster(plane, 'no-host', 0, { virtualDataCenter: 'hostless' });
    await createCluster(plane, 'no-quota', 1, { virtualDataCenter: 'small' });
    await says('no-release', 'Ready', 'ReleaseNotFound', /ClusterRelease 7\.7\.7 does not exist/, /kubectl get clusterreleases/);
    await says('no-vdc', 'Ready', 'VirtualDataCenterNotFound', /VirtualDataCenter tomorrow does not exist in namespace demo/, /create it/);
    await says('no-host', 'Ready', 'NoHost', /VirtualDataCenter hostless names no hosts/, /add one to its spec\.hosts/);
    await says('no-quota', 'Ready', 'QuotaExceeded', /small has 0 of 1 nodes reserved and 2 more are needed/, /raise spec\.quota\.nodes/);
    await says('no-quota', 'QuotaReserved', 'QuotaExceeded');
    for (const name of ['no-release', 'no-vdc', 'no-host', 'no-quota']) {
      assert.equal((await clusterOf(plane, name)).status?.phase, 'Pending');
      assert.equal(await hasNodes(name), 0, `${name} has no node`);
    }
    await settles(plane, 'bad input waits and makes nothing', ['harbor'], ['no-release', 'no-vdc', 'no-host', 'no-quota']);
    const begun = performance.now();
    await plane.patch(CLUSTERS, NAMESPACE, 'no-release', { spec: { release: PLAIN_RELEASE } });
    await applied(virtualDataCenter('tomorrow', 2, ['local']));
    await plane.patch(VIRTUAL_DATA_CENTERS, NAMESPACE, 'hostless', { spec: { hosts: ['local'] } });
    await plane.patch(VIRTUAL_DATA_CENTERS, NAMESPACE, 'small', { spec: { quota: { nodes: 2 } } });
    const all = ['no-release', 'no-vdc', 'no-host', 'no-quota'];
    await settles(plane, 'put right', ['harbor', ...all]);
    say(`available ${seconds(performance.now() - begun)} after it was put right`);
    for (const name of all) assert.equal((await clusterOf(plane, name)).status?.attempt, 1);
    await Promise.all(all.map((name) => deleteCluster(plane, name)));
    await settles(plane, 'deleted', ['harbor']);
  });

  describe('at the same time', { concurrency: true }, () => {
    test('a service whose program is not there: attempts, then Error; kept for inspection; put right, it is made', async () => {
      const spec = { stepDeadlineSeconds: STEP_DEADLINE_SECONDS, maxAttempts: 2, retryBaseSeconds: 1, retryCapSeconds: 1 };
      await applied({ apiVersion: 'outrigger.dev/v1', kind: 'ServerConfig', metadata: { name: 'hasty' }, spec });
      await applied(brokenRelease());
      await createCluster(plane, 'repaired', 0, { release: '0.9.0' });
      await createCluster(plane, 'kept', 0, { release: '0.9.0', autoRepairOnErrors: false });
      await says('kept', 'Ready', 'RepairDisabled', new RegExp(MISSING_PROGRAM), /kept for inspection/, /autoRepairOnErrors/);
      const kept = await clusterOf(plane, 'kept');
      assert.equal(kept.status?.phase, 'Error');
      assert.equal(kept.status?.attempts?.length, 1);
      const [node] = (await plane.list(CLUSTER_NODES)).filter((one) => one.spec.cluster === 'kept');
      assert.equal(plane.of('agent', node?.metadata.uid).length, 1, 'what was made is there');
      await says('repaired', 'Ready', 'AttemptsExhausted', new RegExp(MISSING_PROGRAM), /2 attempts failed/, /change the spec/);
      const repaired = await clusterOf(plane, 'repaired');
      assert.equal(repaired.status?.phase, 'Error');
      assert.deepEqual(
        repaired.status?.attempts?.map((one) => `${one.number} ${one.outcome}`),
        ['1 Failed', '2 Failed'],
      );
      assert.equal(repaired.status?.abandonedAttempt, 1, 'only the first was given up');
      assert.equal(await hasNodes('repaired'), 1, 'nothing of the first is left, the second is kept');
      assert.equal((await plane.list(CLUSTER_NODES)).find((one) => one.metadata.uid === node?.metadata.uid)?.spec.attempt, 1, 'still kept');
      const begun = performance.now();
      await plane.kubectl('delete', 'serverconfig', 'hasty');
      await plane.patch(CLUSTERS, NAMESPACE, 'repaired', { spec: { release: PLAIN_RELEASE } });
      await plane.patch(CLUSTERS, NAMESPACE, 'kept', { spec: { release: PLAIN_RELEASE, autoRepairOnErrors: true } });
      const isAvailable = async (name: string): Promise<boolean> => (await clusterOf(plane, name)).status?.phase === 'Available';
      for (const name of ['repaired', 'kept']) await eventually(`${name} is made`, async () => await isAvailable(name), PATIENCE_MS, 100);
      say(`available ${seconds(performance.now() - begun)} after the release was put right`);
      assert.equal((await clusterOf(plane, 'repaired')).status?.attempt, 3);
      assert.equal((await clusterOf(plane, 'kept')).status?.attempt, 2);
    });

    test('a cluster whose host is gone: its deletion waits and says for whom; by force it ends and says what it left', async () => {
      const spec = { capacity: { nodes: 2, cpuMillis: 4000, memoryMiB: 4096 }, drivers: ['process'] };
      await applied({ apiVersion: 'outrigger.dev/v1', kind: 'Host', metadata: { name: 'ghost' }, spec });
      await applied(virtualDataCenter('ghostly', 2, ['ghost']));
      await createCluster(plane, 'lost', 0, { virtualDataCenter: 'ghostly' });
      await says('lost', 'Ready', 'NoCapacity', /Waits for a host with room to take lost-a1-n0: none of ghost did/);
      await plane.patch(CLUSTER_NODES, NAMESPACE, 'lost-a1-n0', { spec: { host: 'ghost' } });
      await deleteCluster(plane, 'lost');
      await says(
        'lost',
        'Ready',
        'Deleting',
        /host ghost has not yet let go of lost-a1-n0/,
        /annotate cluster lost outrigger\.dev\/force-delete=true/,
      );
      const begun = performance.now();
      const annotated = await plane.kubectl('annotate', 'cluster', 'lost', '-n', NAMESPACE, 'outrigger.dev/force-delete=true');
      assert.equal(annotated.code, 0, annotated.err);
      const isGone = async (): Promise<boolean> => (await plane.get(CLUSTERS, NAMESPACE, 'lost')) === undefined;
      await eventually('it is gone', isGone, PATIENCE_MS, 100);
      say(`deleted ${seconds(performance.now() - begun)} after it was forced`);
      const events = await plane.kubectl(
        'get',
        'events',
        '-n',
        NAMESPACE,
        '-o',
        'jsonpath={range .items[?(@.reason=="NodeLeft")]}{.message}{end}',
      );
      assert.match(events.out, /lost-a1-n0 was given up by force: host ghost could not be asked.* may still run there/);
    });
  });

  test('in the end, what was put right runs, and nothing else is left', async () => {
    await settles(plane, 'after all that', ['harbor', 'repaired', 'kept']);
    await Promise.all(['repaired', 'kept'].map((name) => deleteCluster(plane, name)));
    await settles(plane, 'deleted', ['harbor']);
  });
});
