/**
 * A cluster that looks after itself: every extension server is dead and stays dead, clients ask the living node's balancer all the time, and the
 * manager alone resizes, repairs and upgrades, with 0 failed requests.
 *
 * Roll-back, upgrades that wait for a node, and the loss of the director during a change are in change.test.ts.
 */
import assert from 'node:assert/strict';
import { after, afterEach, before, describe, test } from 'node:test';
import { CLUSTERS, CLUSTER_NODES } from '../../src/model/addresses.ts';
import type { ClusterNode } from '../../src/model/cluster-node.ts';
import { ANNOTATION_CONFIRM_DEAD } from '../../src/model/labels.ts';
import { settles } from '../support/census.ts';
import { ask, clusterOf, kill9, NAMESPACE, PATIENCE_MS, pidsOf, say, seconds, startControlPlane } from '../support/control-plane.ts';
import type { ControlPlane } from '../support/control-plane.ts';
import { eventually } from '../support/eventually.ts';
import { freeze, killNode, memberOf, startLoad, watchCluster, wholeAgain } from '../support/outage-rig.ts';
import type { ClusterWatch, Frozen, Member, RowLoad } from '../support/outage-rig.ts';

describe('with every extension server dead', () => {
  let plane: ControlPlane;
  let watch: ClusterWatch;
  let primary: Member;
  let worker: Member;
  const frozen: Frozen[] = [];
  const loads: RowLoad[] = [];

  before(async () => {
    plane = await startControlPlane('self-managing', 1);
    await settles(plane, 'harbor at the start', ['harbor']);
    [primary, worker] = [await memberOf(plane, 0), await memberOf(plane, 1)];
    watch = watchCluster(plane);
    await wholeAgain(watch, 0);
    // Its supervisor stands still, so that nobody starts another.
    frozen.push(freeze(plane.up().pid));
    kill9(...plane.of('extension').map((one) => one.pid));
  });
  afterEach(async () => {
    for (const one of loads.splice(0)) await one.end();
  });
  after(async () => {
    for (const one of frozen) one.thaw();
    watch?.close();
    await plane?.cleanup();
  });

  const load = async (member: Member, what: string): Promise<RowLoad> => {
    const one = await startLoad(member, what);
    loads.push(one);
    return one;
  };
  const nodeAt = async (index: number): Promise<ClusterNode | undefined> =>
    (await plane.list(CLUSTER_NODES)).find((one) => one.spec.cluster === 'harbor' && one.spec.index === index);
  const podsOf = (member: Member): Readonly<Record<string, string>> =>
    pidsOf(plane, (one) => one.node === member.uid && (one.role === 'pod' || one.role === 'balancer'));

  test('workers are added and removed, drained first, by the manager alone', async () => {
    const clients = [await load(primary, 'scaling, primary'), await load(worker, 'scaling, worker')];
    const [pods, begunMs] = [[podsOf(primary), podsOf(worker)], performance.now()];
    await plane.patch(CLUSTERS, NAMESPACE, 'harbor', { spec: { workers: 2 } });
    const up = await watch.shows(
      'two workers and three instances of hello',
      begunMs,
      ({ workers, services }) => workers === 2 && services?.['hello']?.ready === 3,
    );
    say(`scaling up took ${seconds(up.atMs - begunMs)}`);
    const third = await memberOf(plane, 2);
    assert.equal((await ask(third.url)).status, 200, 'its balancer serves');
    const order: string[] = [];
    const downMs = performance.now();
    await plane.patch(CLUSTERS, NAMESPACE, 'harbor', { spec: { workers: 1 } });
    await eventually(
      'the second worker is gone',
      async () => {
        const node = await nodeAt(2);
        const stage =
          node === undefined ? 'gone' : node.status?.agent?.phase === 'Stopped' ? 'drained' : node.spec.retired ? 'retired' : 'there';
        if (order.at(-1) !== stage) order.push(stage);
        return stage === 'gone';
      },
      PATIENCE_MS,
    );
    const whole = await wholeAgain(watch, downMs);
    say(`scaling down took ${seconds(whole - downMs)}: ${order.join(', ')}`);
    assert.deepEqual(
      order.filter((stage) => stage !== 'there' && stage !== 'drained'),
      ['retired', 'gone'],
      'it was retired before it went',
    );
    assert.deepEqual([podsOf(primary), podsOf(worker)], pods, 'the others were not touched');
    for (const one of clients) await one.mustBeClean();
  });

  test("a worker's loss is repaired on proof, with a higher incarnation, and not before", async () => {
    const clients = await load(primary, 'repair');
    const [pods, struckMs] = [podsOf(primary), performance.now()];
    const host = freeze(plane.pidOf('host'));
    frozen.push(host);
    killNode(plane, worker);
    await watch.shows('Degraded', struckMs, ({ phase }) => phase === 'Degraded', 15_000);
    assert.equal((await nodeAt(1))?.spec.incarnation, 1, 'silence is not death');
    const provenMs = performance.now();
    await plane.patch(CLUSTER_NODES, NAMESPACE, worker.name, { metadata: { annotations: { [ANNOTATION_CONFIRM_DEAD]: '1' } } });
    await eventually('the manager replaces it', async () => (await nodeAt(1))?.spec.incarnation === 2, PATIENCE_MS);
    say(`repair: replaced ${seconds(performance.now() - provenMs)} after the proof`);
    host.thaw();
    await wholeAgain(watch, provenMs);
    say(`repair: whole ${seconds(performance.now() - provenMs)} after the proof`);
    assert.deepEqual(podsOf(primary), pods, 'the primary was not touched');
    worker = await memberOf(plane, 1);
    await clients.mustBeClean();
  });

  test('an upgrade to the next release: the worker first, then the primary, finished by the manager alone', async () => {
    const clients = [await load(primary, 'upgrade, primary'), await load(worker, 'upgrade, worker')];
    const begunMs = performance.now();
    await plane.patch(CLUSTERS, NAMESPACE, 'harbor', { spec: { release: '1.0.1' } });
    const order: string[] = [];
    const releaseOf = async (member: Member): Promise<string> =>
      /"release":"([^"]+)"/.exec((await ask(member.hello, 1_000)).text)?.[1] ?? 'none';
    await eventually(
      'both nodes run 1.0.1',
      async () => {
        const [first, second] = await Promise.all([releaseOf(worker), releaseOf(primary)]);
        if (first === '1.0.1' && !order.includes('worker')) order.push('worker');
        if (second === '1.0.1' && !order.includes('primary')) order.push('primary');
        return first === '1.0.1' && second === '1.0.1';
      },
      PATIENCE_MS,
      50,
    );
    assert.deepEqual(order, ['worker', 'primary']);
    const done = await watch.shows('the release is 1.0.1', begunMs, ({ release }) => release?.current === '1.0.1');
    await wholeAgain(watch, done.atMs);
    say(`upgrade: done after ${seconds(performance.now() - begunMs)}`);
    for (const one of clients) await one.mustBeClean();
  });

  test('afterwards an extension server finds nothing to do', async () => {
    assert.deepEqual(plane.of('extension'), [], 'none lived all the while');
    for (const one of frozen.splice(0)) one.thaw();
    const { metadata } = await clusterOf(plane, 'harbor');
    await eventually('an extension server lives', () => plane.of('extension').length === 1, PATIENCE_MS);
    await settles(plane, 'with an extension server again', ['harbor']);
    assert.equal((await clusterOf(plane, 'harbor')).metadata.uid, metadata.uid);
  });
});
