/**
 * What dies at a node, by kill -9: a service, an agent, a balancer, the host daemon, the whole machine while the director is frozen.
 * Each ends with the cluster Available, one process of each kind where one belongs, nothing left over, and everything else untouched.
 */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { CLUSTERS, CLUSTER_NODES } from '../../src/model/addresses.ts';
import { LEASES } from '../../src/model/core-kinds.ts';
import { nodeLeaseName } from '../../src/model/labels.ts';
import { sendSignal } from '../../src/platform/process-id.ts';
import { keepWatch, settles } from '../support/census.ts';
import type { Watchman } from '../support/census.ts';
import { beginChronicle } from '../support/chronicle.ts';
import type { Chronicle } from '../support/chronicle.ts';
import { ask, kill9, mainOf, NAMESPACE, PATIENCE_MS, pidsOf, say, seconds, startControlPlane } from '../support/control-plane.ts';
import type { ControlPlane, Living } from '../support/control-plane.ts';
import { eventually } from '../support/eventually.ts';

/** Ten times the promise that the dead are restarted within a second. */
const RESTART_MS = 10_000;
const HARBOR = ['harbor'];

interface Member {
  readonly uid: string;
  readonly name: string;
  /** Where its balancer listens. */
  readonly url: string;
  /** Where its own instance of hello listens. */
  readonly hello: string;
}

async function member(plane: ControlPlane, index: number): Promise<Member> {
  const node = (await plane.list(CLUSTER_NODES)).find((one) => one.spec.cluster === 'harbor' && one.spec.index === index);
  const [address, hello] = [node?.status?.infrastructure?.address, node?.status?.agent?.services?.['hello']?.address];
  assert.ok(node !== undefined && address !== undefined && hello !== undefined, `node ${index} of harbor is there`);
  return { uid: node.metadata.uid, name: node.metadata.name, url: `http://${address}:8080/`, hello: `http://${hello}/` };
}

/** Clients that each make a new connection, again and again, until stopped; what failed. */
function keepAsking(url: string): { stop(): Promise<{ readonly asked: number; readonly failed: readonly string[] }> } {
  const failed: string[] = [];
  let [asked, isOver] = [0, false];
  const client = async (): Promise<void> => {
    while (!isOver) {
      const { status, text } = await ask(url);
      asked += 1;
      if (status !== 200) failed.push(`${status} ${text}`);
    }
  };
  const clients = [client(), client()];
  return {
    stop: async () => {
      isOver = true;
      await Promise.all(clients);
      return { asked, failed };
    },
  };
}

/** Kills, waits until `isBack`, prints how long that took and asserts the deadline; then everything but `pick` is who it was. */
async function killed(
  plane: ControlPlane,
  what: string,
  victims: readonly Living[],
  isBack: () => boolean | Promise<boolean>,
  pick: (one: Living) => boolean,
): Promise<void> {
  const others = (one: Living): boolean => !pick(one);
  const before = pidsOf(plane, others);
  assert.notEqual(victims.length, 0, `${what}: there is somebody to kill`);
  const begun = performance.now();
  kill9(...victims.map((one) => one.pid));
  await eventually(`${what} is back`, isBack, PATIENCE_MS);
  const tookMs = performance.now() - begun;
  say(`kill -9 of ${what}: back after ${seconds(tookMs)}`);
  assert.ok(tookMs <= RESTART_MS, `${what} was back after ${seconds(tookMs)}`);
  await settles(plane, `after the death of ${what}`, HARBOR);
  assert.deepEqual(pidsOf(plane, others), before, 'nobody else was touched');
}

describe('kill -9 at a node', () => {
  let plane: ControlPlane;
  let chronicle: Chronicle;
  let watchman: Watchman;
  let primary: Member;
  let worker: Member;

  before(async () => {
    plane = await startControlPlane('kills-node');
    await settles(plane, 'harbor at the start', HARBOR);
    [primary, worker] = [await member(plane, 0), await member(plane, 1)];
    chronicle = await beginChronicle(plane);
    watchman = keepWatch(plane);
  });
  after(async () => {
    watchman?.stop();
    await chronicle?.abandon();
    await plane.cleanup();
  });

  const isAnother = (role: string, node: string, before: readonly number[]): boolean =>
    plane.of(role, node).some((one) => !before.includes(one.pid));

  /** The process has renewed its Lease: it has looked around, found what it has, and reached the director. */
  const isHeard = async (namespace: string, lease: string, role: string, node: string): Promise<boolean> => {
    const holder = (await plane.get(LEASES, namespace, lease))?.spec.holderIdentity;
    return plane.of(role, node).some((one) => holder?.endsWith(`.${one.pid}.${one.startTicks}`) === true);
  };

  test('an instance of a replicated service: restarted in time, and no client of its node notices', async () => {
    const victim = mainOf(plane, primary.uid, 'hello');
    const clients = keepAsking(primary.url);
    const isBack = async (): Promise<boolean> => (await ask(`${primary.hello}healthz`)).status === 200;
    await killed(plane, 'hello on the primary', [victim], isBack, (one) => one.pod === victim.pod);
    const { asked, failed } = await clients.stop();
    say(`${asked} new connections to the primary's balancer meanwhile, ${failed.length} failed`);
    assert.deepEqual(failed, []);
    assert.notEqual(asked, 0);
  });

  test('the singleton: restarted in place, once', async () => {
    const victim = mainOf(plane, primary.uid, 'ticker');
    const isBack = (): boolean =>
      plane.of('pod', primary.uid).some((one) => one.service === 'ticker' && one.startTicks > victim.startTicks);
    await killed(plane, 'ticker', [victim], isBack, (one) => one.pod === victim.pod);
  });

  for (const which of ['primary', 'worker'] as const) {
    test(`the agent of the ${which}: pods and balancer go on, it finds them again`, async () => {
      const { uid } = which === 'primary' ? primary : worker;
      const victims = plane.of('agent', uid);
      const pids = victims.map((one) => one.pid);
      await killed(
        plane,
        `the agent of the ${which}`,
        victims,
        async () => isAnother('agent', uid, pids) && (await isHeard(NAMESPACE, nodeLeaseName(uid), 'agent', uid)),
        (one) => one.role === 'agent' && one.node === uid,
      );
    });

    test(`the balancer of the ${which}: back and serving`, async () => {
      const { uid, url } = which === 'primary' ? primary : worker;
      const victims = plane.of('balancer', uid);
      const pids = victims.map((one) => one.pid);
      const isBack = async (): Promise<boolean> => isAnother('balancer', uid, pids) && (await ask(url)).status === 200;
      await killed(plane, `the balancer of the ${which}`, victims, isBack, (one) => one.role === 'balancer' && one.node === uid);
    });
  }

  test('agent, balancer and service of one node at once: the other node serves', async () => {
    const isIts = (one: Living): boolean => one.node === worker.uid;
    const victims = plane.living().filter(isIts);
    const clients = keepAsking(primary.url);
    const isBack = async (): Promise<boolean> =>
      (await ask(worker.url)).status === 200 && (await ask(`${worker.hello}healthz`)).status === 200;
    await killed(plane, 'everything of the worker', victims, isBack, isIts);
    const { asked, failed } = await clients.stop();
    say(`${asked} new connections to the primary's balancer meanwhile, ${failed.length} failed`);
    assert.deepEqual(failed, []);
  });

  test('the host daemon: nodes go on, and are still deleted, also when it dies on the way', async () => {
    const victims = plane.of('host');
    const pids = victims.map((one) => one.pid);
    const isBack = async (): Promise<boolean> =>
      isAnother('host', '', pids) && (await isHeard('outrigger-system', 'host-local', 'host', ''));
    await killed(plane, 'the host daemon', victims, isBack, (one) => one.role === 'host');
    const isPrimary = (one: Living): boolean => one.node === primary.uid;
    const before = pidsOf(plane, isPrimary);
    await plane.patch(CLUSTERS, NAMESPACE, 'harbor', { spec: { workers: 0 } });
    await eventually('the worker is being stopped', () => plane.of('agent-stop', worker.uid).length > 0, PATIENCE_MS, 2);
    kill9(plane.pidOf('host'));
    await settles(plane, 'scaled to no worker, the host daemon killed while it stopped one', HARBOR);
    assert.deepEqual(pidsOf(plane, isPrimary), before, 'the primary was not touched');
    await plane.patch(CLUSTERS, NAMESPACE, 'harbor', { spec: { workers: 1 } });
    await eventually('the new worker is claimed', async () => await isClaimed(plane), PATIENCE_MS);
    kill9(plane.pidOf('host'));
    await settles(plane, 'scaled to one worker, the host daemon killed while it started one', HARBOR);
    assert.deepEqual(pidsOf(plane, isPrimary), before, 'the primary was not touched');
    worker = await member(plane, 1);
  });

  test('a machine that reboots while the director is frozen: everything comes back from the node store', async () => {
    const director = plane.pidOf('director');
    sendSignal(director, 'SIGSTOP');
    try {
      const victims = plane.living().filter((one) => one.node !== '' || one.role === 'host');
      const begun = performance.now();
      kill9(...victims.map((one) => one.pid));
      for (const [name, { url, hello }] of Object.entries({ primary, worker })) {
        await eventually(`hello of the ${name} is back`, async () => (await ask(`${hello}healthz`)).status === 200, PATIENCE_MS);
        await eventually(`the balancer of the ${name} serves`, async () => (await ask(url)).status === 200, PATIENCE_MS);
      }
      await eventually('ticker ticks', () => plane.of('pod', primary.uid).some((one) => one.service === 'ticker'), PATIENCE_MS);
      say(`a reboot with the director frozen: all services back after ${seconds(performance.now() - begun)}`);
      const survivors = victims.filter((victim) =>
        plane.living().some((one) => one.pid === victim.pid && one.startTicks === victim.startTicks),
      );
      assert.deepEqual(survivors, []);
    } finally {
      sendSignal(director, 'SIGCONT');
    }
    assert.equal(plane.pidOf('director'), director, 'it was frozen all the time, and nobody replaced it');
    await settles(plane, 'after the reboot, with the director awake again', HARBOR);
  });

  test('all the while: no event lost or repeated, no acknowledged write lost, never two where one may be', async () => {
    assert.deepEqual(watchman.stop(), []);
    await chronicle.close();
  });
});

async function isClaimed(plane: ControlPlane): Promise<boolean> {
  return (await plane.list(CLUSTER_NODES)).some((one) => one.spec.index === 1 && one.spec.host !== undefined);
}
