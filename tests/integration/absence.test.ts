/**
 * Silence is not death, and absence is no command: a director that is gone for longer than every health timer, one that was restored from an older copy of
 * its database, and a cluster that was deleted by force while the host of its node was away. Nothing is destroyed that nobody asked to go, and each ends with
 * a person knowing what to do, and doing it.
 */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import { CLUSTER_NODES, CLUSTER_RELEASES, CLUSTERS, HOSTS } from '../../src/model/addresses.ts';
import type { ClusterNode } from '../../src/model/cluster-node.ts';
import { conditionOf } from '../../src/model/condition.ts';
import type { Condition } from '../../src/model/condition.ts';
import type { Host } from '../../src/model/host.ts';
import { ANNOTATION_FORCE_DELETE } from '../../src/model/labels.ts';
import { programCommand } from '../../src/platform/program.ts';
import { sendSignal } from '../../src/platform/process-id.ts';
import {
  clusterOf,
  createCluster,
  deleteCluster,
  NAMESPACE,
  PATIENCE_MS,
  patiently,
  pidsOf,
  say,
  seconds,
  startControlPlane,
} from '../support/control-plane.ts';
import type { CommandResult, ControlPlane } from '../support/control-plane.ts';
import { eventually } from '../support/eventually.ts';
import { copyDatabase, killCenter, restoreDatabase } from '../support/older-copy.ts';
import { PLAIN_RELEASE, plainRelease } from '../support/plain-release.ts';
import { spawnSync } from 'node:child_process';

const HOST = 'local';
const [OLD, NEW] = ['1.0.0-dock', '1.0.1-dock'];
/** Three of these without a sign, and a node counts as silent. */
const LEASE_RENEW_MS = 1_000;
/** Longer than every timer of health. */
const LONGER_MS = 2 * 3 * LEASE_RENEW_MS + 1_000;

describe('absence', () => {
  let plane: ControlPlane;

  before(async () => {
    process.env['OUTRIGGER_LEASE_RENEW'] = `${LEASE_RENEW_MS}ms`;
    plane = await startControlPlane('absence', 1, ['--no-sample']);
    for (const [name, from] of [
      [OLD, NEW],
      [NEW, OLD],
    ] as const) {
      const release = plainRelease(name) as { spec: { upgradesFrom: string[] } };
      release.spec.upgradesFrom = [from];
      const made = await patiently(`create release ${name}`, () =>
        plane.api.create(CLUSTER_RELEASES, '', release, AbortSignal.timeout(PATIENCE_MS)),
      );
      assert.ok(made.ok, made.ok ? '' : made.message);
    }
  });
  after(async () => {
    delete process.env['OUTRIGGER_LEASE_RENEW'];
    await plane?.cleanup();
  });

  /** Every process of these clusters' pods, of `names` or of all: which one it is. */
  const pods = (...names: string[]): Readonly<Record<string, string>> =>
    pidsOf(plane, (one) => one.role === 'pod' && (names.length === 0 || names.includes(one.cluster.replace(`${NAMESPACE}/`, ''))));
  const outrigger = (...args: string[]): CommandResult => {
    const [file, ...rest] = programCommand(args);
    const done = spawnSync(file, [...rest, '--kubeconfig', plane.kubeconfig], { encoding: 'utf8', timeout: PATIENCE_MS, input: '' });
    return { code: done.status ?? -1, out: done.stdout, err: done.stderr };
  };
  const conditionIs = async (name: string, type: Condition['type'], reason: string): Promise<Condition> =>
    await eventually(
      `${name}: ${type} ${reason}`,
      async () => {
        const found = conditionOf((await clusterOf(plane, name)).status?.conditions, type);
        return found?.reason === reason ? found : undefined;
      },
      // Seen 19 s after the start, and 75 s on a loaded machine.
      3 * PATIENCE_MS,
      200,
    );
  const isSteady = async (name: string, workers: number, release: string): Promise<unknown> =>
    await eventually(
      `${name} has ${workers} workers and runs ${release}`,
      async () => {
        const nodes = (await plane.list(CLUSTER_NODES)).filter((node) => node.spec.cluster === name);
        const ready = nodes.filter((node) => node.status?.agent?.phase === 'Ready' && node.status.agent.release === release);
        return nodes.length === workers + 1 && ready.length === nodes.length && ready.every(hasReadyServices);
      },
      PATIENCE_MS,
      200,
    );
  const hasReadyServices = (node: ClusterNode): boolean => Object.values(node.status?.agent?.services ?? {}).every((one) => one.ready);
  const unclaimed = async (): Promise<readonly NonNullable<NonNullable<Host['status']>['unclaimedNodes']>[number][]> =>
    (await plane.get(HOSTS, '', HOST))?.status?.unclaimedNodes ?? [];

  test('nothing is destroyed, and a person can end each of it', async () => {
    // What the copy shows: quay with one worker, dock with the old release, and one that goes afterwards.
    await Promise.all([
      createCluster(plane, 'quay', 1),
      createCluster(plane, 'dock', 0, { release: OLD }),
      createCluster(plane, 'gone', 0),
    ]);
    await isSteady('quay', 1, PLAIN_RELEASE);
    await isSteady('dock', 0, OLD);
    await isSteady('gone', 0, PLAIN_RELEASE);
    await killCenter(plane);
    const copy = copyDatabase(plane);
    const born = pods('quay', 'dock', 'gone');
    await plane.startAgain();

    // What came after it.
    await plane.patch(CLUSTERS, NAMESPACE, 'quay', { spec: { workers: 2 } });
    await plane.patch(CLUSTERS, NAMESPACE, 'dock', { spec: { release: NEW } });
    await createCluster(plane, 'pier', 0);
    await deleteCluster(plane, 'gone');
    await isSteady('quay', 2, PLAIN_RELEASE);
    await isSteady('dock', 0, NEW);
    await isSteady('pier', 0, PLAIN_RELEASE);
    await eventually('gone is gone', async () => (await plane.get(CLUSTERS, NAMESPACE, 'gone')) === undefined, PATIENCE_MS, 200);
    const known = Object.entries(born).filter(([name]) => pods('quay')[name] !== undefined);
    for (const [name, pid] of known) assert.equal(pods('quay')[name], pid, 'a copy and a scale-up restart nothing');

    // (a) The director is gone for longer than every health timer.
    const running = pods('quay', 'dock', 'pier');
    await killCenter(plane);
    await wait(LONGER_MS);
    assert.deepEqual(pods(), running, 'nothing at the site stopped, and nothing was replaced');

    // (b) It is restored from the older copy.
    restoreDatabase(plane, copy);
    const begun = performance.now();
    await plane.startAgain();
    const [quay, dock] = [await conditionIs('quay', 'Progressing', 'SpecOlder'), await conditionIs('dock', 'Progressing', 'SpecOlder')];
    const strays = await eventually(
      'the host says what it runs',
      async () => {
        const all = await unclaimed();
        return all.length === 2 ? all : undefined;
      },
      PATIENCE_MS,
      200,
    );
    say(`a director restored from an older copy: all of it was said ${seconds(performance.now() - begun)} after its start`);
    for (const [name, said] of [
      ['quay', quay],
      ['dock', dock],
    ] as const)
      assert.match(said.message, new RegExp(`restored from an older copy.*outrigger cluster accept ${name} -n ${NAMESPACE}`, 's'));
    const stray = (cluster: string) => strays.find((one) => one.cluster === cluster);
    assert.deepEqual([stray('quay')?.name, stray('quay')?.why, stray('quay')?.clusterKnown], ['quay-a1-n2', 'Unknown', true]);
    assert.deepEqual([stray('pier')?.name, stray('pier')?.clusterKnown], ['pier-a1-n0', false]);
    const host = await plane.get(HOSTS, '', HOST);
    assert.equal(conditionOf(host?.status?.conditions, 'Ready')?.reason, 'Unclaimed');
    assert.equal((await plane.kubectl('get', 'events', '-A')).out.match(/NodeUnclaimed/g)?.length, 2, 'a Warning for each');
    // Every timer once more, with the older copy at work.
    await wait(LONGER_MS);
    assert.deepEqual(pods('quay', 'dock', 'pier'), running, 'the older copy destroyed nothing and restarted nothing');

    // A person looks, and decides.
    const refused = outrigger('cluster', 'accept', 'dock', '-n', NAMESPACE);
    assert.deepEqual(
      [refused.code, /release: 1\.0\.1-dock now, 1\.0\.0-dock asked for/.test(refused.out)],
      [3, true],
      refused.out + refused.err,
    );
    assert.deepEqual(pods('quay', 'dock', 'pier'), running);
    const adopted = outrigger('node', 'adopt', 'quay-a1-n2', '-n', NAMESPACE, '--host', HOST, '--scale');
    assert.equal(adopted.code, 0, adopted.out + adopted.err);
    await isSteady('quay', 2, PLAIN_RELEASE);
    await eventually(
      'quay obeys its spec again',
      async () => !isOlder((await clusterOf(plane, 'quay')).status?.conditions),
      PATIENCE_MS,
      200,
    );
    assert.deepEqual(pods('quay', 'dock', 'pier'), running, 'taken back as it ran');
    const orphan = outrigger('node', 'adopt', 'pier-a1-n0', '-n', NAMESPACE, '--host', HOST);
    assert.equal(orphan.code, 3, orphan.out + orphan.err);
    assert.match(orphan.err, /knows no Cluster demo\/pier/);
    const discarded = outrigger('node', 'discard', stray('pier')?.uid ?? '', '--host', HOST);
    assert.equal(discarded.code, 0, discarded.out + discarded.err);
    assert.deepEqual(pods('pier'), {});
    const accepted = outrigger('cluster', 'accept', 'dock', '-n', NAMESPACE, '--yes');
    assert.equal(accepted.code, 0, accepted.out + accepted.err);
    await isSteady('dock', 0, OLD);
    assert.deepEqual(await unclaimed(), []);
    const before = Object.fromEntries(Object.entries(running).filter(([name]) => pods('quay')[name] !== undefined));
    assert.deepEqual(pods('quay'), before);
  });

  test('a cluster that was deleted by force while the host of its node was away: when it is back, it stops the node for its tombstone', async () => {
    await createCluster(plane, 'ferry', 0);
    await isSteady('ferry', 0, PLAIN_RELEASE);
    const node = (await plane.list(CLUSTER_NODES)).find((one) => one.spec.cluster === 'ferry');
    const away = [plane.pidOf('host'), ...plane.of('agent', node?.metadata.uid).map((one) => one.pid)];
    // Its agent would stop it by itself, had it seen the deletion.
    for (const pid of away) sendSignal(pid, 'SIGSTOP');
    try {
      await plane.patch(CLUSTERS, NAMESPACE, 'ferry', { metadata: { annotations: { [ANNOTATION_FORCE_DELETE]: 'true' } } });
      await deleteCluster(plane, 'ferry');
      await eventually('ferry is gone', async () => (await plane.get(CLUSTERS, NAMESPACE, 'ferry')) === undefined, PATIENCE_MS, 200);
      assert.notDeepEqual(pods('ferry'), {}, 'its node still runs');
    } finally {
      for (const pid of away) sendSignal(pid, 'SIGCONT');
    }
    const begun = performance.now();
    await eventually('its node is stopped', () => Object.keys(pods('ferry')).length === 0, PATIENCE_MS, 50);
    say(`a node of a cluster that was deleted by force was stopped ${seconds(performance.now() - begun)} after its host was back`);
    assert.equal((await unclaimed()).length, 0);
  });
});

function isOlder(conditions: readonly Condition[] | undefined): boolean {
  return conditionOf(conditions, 'Progressing')?.reason === 'SpecOlder';
}
