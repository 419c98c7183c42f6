/**
 * The truth table of outages, failover None: a test a row, with its sentences, each with the load that "0 failed requests" is defined by on a living
 * node's balancer, and with its return to normal. Real processes; what was measured is printed.
 */
import assert from 'node:assert/strict';
import { after, afterEach, before, describe, test } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import { CLUSTERS, CLUSTER_NODES } from '../../src/model/addresses.ts';
import { calibrate, describeMachine } from '../../bench/calibration.ts';
import { renderFigures } from '../../bench/failover/figures.ts';
import { measureRow } from '../../bench/failover/measure.ts';
import { ROWS } from '../../bench/failover/rows.ts';
import { settles } from '../support/census.ts';
import {
  ask,
  createCluster,
  deleteCluster,
  kill9,
  mainOf,
  NAMESPACE,
  PATIENCE_MS,
  pidsOf,
  say,
  seconds,
  startControlPlane,
} from '../support/control-plane.ts';
import type { ControlPlane, Living } from '../support/control-plane.ts';
import { eventually } from '../support/eventually.ts';
import { administered, frontDoor, incarnations, isAnotherMain, licenseAt, nodesOfHarbor, serialAt } from '../support/outage-looks.ts';
import {
  conditionIn,
  freeze,
  killNode,
  memberOf,
  phasesOf,
  sayRow,
  startLoad,
  told,
  watchCluster,
  wholeAgain,
} from '../support/outage-rig.ts';
import type { ClusterWatch, Frozen, Member, RowLoad } from '../support/outage-rig.ts';
import { askPortal } from '../support/portal-client.ts';

/** Ten times the promises: restarted within 1 s, detected within 1.5 s. */
const RESTART_MS = 10_000;
const DETECT_MS = 15_000;
const DAY_MS = 2_000;
/** Three of these without a sign, and a node counts as silent at the center. */
const LEASE_RENEW_MS = 3_000;
/** An agent that is silent and idle for so long is restarted by its host. */
const NODE_SILENCE_MS = 3_000;
/** Longer than every timer of health. */
const LONGER_MS = 3 * LEASE_RENEW_MS + 4_000;
const TIMERS = { OUTRIGGER_LEASE_RENEW: `${LEASE_RENEW_MS}ms`, OUTRIGGER_NODE_SILENCE: `${NODE_SILENCE_MS}ms` };
const HARBOR = ['harbor'];

describe('the truth table, failover None', () => {
  let plane: ControlPlane;
  let watch: ClusterWatch;
  let primary: Member;
  let worker: Member;
  const frozen: Frozen[] = [];
  const loads: RowLoad[] = [];

  before(async () => {
    Object.assign(process.env, TIMERS);
    plane = await startControlPlane('truth-table', 2, ['--day', `${DAY_MS}ms`]);
    await settles(plane, 'harbor at the start', HARBOR);
    [primary, worker] = [await memberOf(plane, 0), await memberOf(plane, 1)];
    watch = watchCluster(plane);
    await wholeAgain(watch, 0);
    await eventually('the license is active', () => licenseAt(worker)?.state === 'Active', PATIENCE_MS);
  });
  /** Whatever a row left behind, so that the next one begins with a site that is whole. */
  afterEach(async () => {
    for (const one of frozen.splice(0)) one.thaw();
    for (const one of loads.splice(0)) await one.end();
    await settles(plane, 'between two rows', HARBOR);
  });
  after(async () => {
    watch?.close();
    for (const name of Object.keys(TIMERS)) delete process.env[name];
    await plane?.cleanup();
  });

  const loadOn = async (member: Member, what: string): Promise<RowLoad> => {
    const load = await startLoad(member, what);
    loads.push(load);
    return load;
  };
  const hold = (...pids: readonly number[]): Frozen => {
    const one = freeze(...pids);
    frozen.push(one);
    return one;
  };
  /** Its balancer and its pods, but for those of one service. */
  const podsOf = (member: Member, but?: string): Readonly<Record<string, string>> =>
    pidsOf(plane, (one) => one.node === member.uid && (one.role === 'balancer' || (one.role === 'pod' && one.service !== but)));
  const isAnother = (role: string, node: string, before: readonly number[]): boolean =>
    plane.of(role, node).some((one) => !before.includes(one.pid));
  const helloAnswers = async (member: Member): Promise<boolean> => (await ask(`${member.hello}healthz`)).status === 200;
  /** Nothing worse than Available was shown since. */
  const wasAvailable = (sinceMs: number): void => {
    assert.deepEqual(
      phasesOf(watch.since(sinceMs)).filter((phase) => phase !== 'Available'),
      [],
      told(watch.since(sinceMs).find((one) => one.status.phase !== 'Available')?.status ?? {}),
    );
  };
  /** A statement newer than the one at `since` reaches the worker. */
  const syncGoesOn = async (serial: number): Promise<void> => {
    await eventually('the license is synced again', () => serialAt(worker) > serial, 30_000, 50);
  };

  test('instance: one service instance dies: the other instance serves, dead one restarted ≤ 1 s; Available, Redundant=False meanwhile', async () => {
    const victim = mainOf(plane, primary.uid, 'hello');
    const load = await loadOn(primary, 'instance');
    const serial = serialAt(worker);
    const struckMs = performance.now();
    kill9(victim.pid);
    await eventually('hello is back', () => isAnotherMain(plane, primary, 'hello', victim), RESTART_MS, 5);
    await eventually('hello answers', () => helloAnswers(primary), RESTART_MS, 5);
    const backMs = performance.now();
    const thin = await watch.shows(
      'Redundant=False',
      struckMs,
      (status) => conditionIn(status, 'Redundant')?.status === 'False',
      DETECT_MS,
    );
    await wholeAgain(watch, thin.atMs);
    sayRow('instance', struckMs, thin.atMs, backMs);
    assert.ok(backMs - struckMs <= RESTART_MS);
    wasAvailable(struckMs);
    await syncGoesOn(serial);
    await load.mustBeClean();
  });

  test('instance: a singleton dies: restarted in place, and nothing else is touched', async () => {
    const victim = mainOf(plane, primary.uid, 'ticker');
    const others = (one: Living): boolean => one.pod !== victim.pod;
    const before = pidsOf(plane, others);
    const struckMs = performance.now();
    kill9(victim.pid);
    await eventually('ticker is back', () => isAnotherMain(plane, primary, 'ticker', victim), RESTART_MS, 5);
    sayRow('singleton', struckMs, undefined, performance.now());
    await wholeAgain(watch, performance.now());
    wasAvailable(struckMs);
    assert.deepEqual(pidsOf(plane, others), before);
  });

  for (const which of ['primary', 'worker'] as const) {
    test(`agent-crash: the ${which}'s agent crashes: replicated services go on serving, singletons go on; the license catches up; Available`, async () => {
      const member = which === 'primary' ? primary : worker;
      const load = await loadOn(member, `agent-crash of the ${which}`);
      const [pods, pids, serial] = [podsOf(member), plane.of('agent', member.uid).map((one) => one.pid), serialAt(worker)];
      const struckMs = performance.now();
      kill9(...pids);
      await eventually('another agent runs', () => isAnother('agent', member.uid, pids), RESTART_MS, 5);
      sayRow(`agent-crash of the ${which}`, struckMs, undefined, performance.now());
      await syncGoesOn(serial);
      await settles(plane, `after the crash of the ${which}'s agent`, HARBOR);
      assert.deepEqual(podsOf(member), pods, 'its pods and its balancer are the same');
      wasAvailable(struckMs);
      await load.mustBeClean();
    });
  }

  test('agent-hang: the agent hangs: replicated services go on serving, singletons go on; the license catches up; Available', async () => {
    const load = await loadOn(primary, 'agent-hang');
    const [pods, pids, serial] = [podsOf(primary), plane.of('agent', primary.uid).map((one) => one.pid), serialAt(worker)];
    const struckMs = performance.now();
    hold(...pids);
    await eventually('its host restarts it', () => isAnother('agent', primary.uid, pids), 10 * NODE_SILENCE_MS, 10);
    sayRow('agent-hang', struckMs, undefined, performance.now());
    await syncGoesOn(serial);
    await settles(plane, "after the primary's agent hung", HARBOR);
    assert.deepEqual(podsOf(primary), pods, 'its pods and its balancer are the same');
    wasAvailable(struckMs);
    await load.mustBeClean();
  });

  test('balancer: a balancer dies: clients of the living node notice nothing, it is restarted ≤ 1 s; Available', async () => {
    const load = await loadOn(worker, 'balancer');
    const own = await loadOn(primary, 'balancer (the one that dies)');
    const pids = plane.of('balancer', primary.uid).map((one) => one.pid);
    const struckMs = performance.now();
    kill9(...pids);
    await eventually('another balancer runs', () => isAnother('balancer', primary.uid, pids), RESTART_MS, 5);
    await eventually('it serves', async () => (await ask(primary.url)).status === 200, RESTART_MS, 5);
    sayRow('balancer', struckMs, undefined, performance.now());
    await settles(plane, 'after the death of a balancer', HARBOR);
    wasAvailable(struckMs);
    await load.mustBeClean();
    const seen = await own.end();
    say(
      `balancer: its own clients saw errors for ${seen.errors === undefined ? 'no time' : seconds(seen.errors.ms)}, ${seen.failed} failed`,
    );
  });

  test('worker: the worker node dies: replicated services run on the primary alone, scaled down, up again when it is back; singletons unaffected; sync goes on; Degraded', async () => {
    const load = await loadOn(primary, 'worker');
    const pods = podsOf(primary);
    const host = hold(plane.pidOf('host'));
    const struckMs = performance.now();
    killNode(plane, worker);
    const degraded = await watch.shows('Degraded', struckMs, ({ phase }) => phase === 'Degraded', DETECT_MS);
    const alone = await watch.shows(
      'everything runs on the primary alone',
      struckMs,
      ({ workers, services }) =>
        workers === 0 && Object.values(services ?? {}).every(({ ready, where }) => ready === 1 && where?.join() === primary.name),
      DETECT_MS,
    );
    assert.equal(conditionIn(alone.status, 'Redundant')?.status, 'False', told(alone.status));
    assert.equal(conditionIn(alone.status, 'Ready')?.status, 'True', told(alone.status));
    assert.equal(conditionIn(alone.status, 'MonitoringAvailable')?.status, 'True', 'singletons are unaffected');
    const serial = serialAt(primary);
    await eventually('the license is synced by the primary', () => serialAt(primary) > serial, 30_000, 50);
    assert.deepEqual(podsOf(primary), pods, 'the primary goes on as it is');
    assert.equal(
      (await nodesOfHarbor(plane)).find((one) => one.metadata.name === worker.name)?.spec.incarnation,
      1,
      'silence is not death',
    );
    const backMs = performance.now();
    host.thaw();
    await wholeAgain(watch, backMs);
    await settles(plane, 'the worker is back', HARBOR);
    sayRow('worker', struckMs, degraded.atMs, performance.now());
    assert.deepEqual(
      phasesOf(watch.since(struckMs)).filter((phase) => phase !== 'Available'),
      ['Degraded'],
    );
    await load.mustBeClean();
  });

  test("primary: the primary dies: the worker's instances go on serving; singletons down, three conditions False; sync stops, 25 days of grace; Error; portal 503; the center administers the site through the worker's tunnel", async () => {
    const load = await loadOn(worker, 'primary');
    const pods = podsOf(worker);
    const host = hold(plane.pidOf('host'));
    const struckMs = performance.now();
    killNode(plane, primary);
    const error = await watch.shows('Error', struckMs, ({ phase }) => phase === 'Error', DETECT_MS);
    say(`primary: Error was shown after ${seconds(error.atMs - struckMs)}`);
    const isDown = (type: 'BrokerAvailable' | 'MonitoringAvailable' | 'ImagesAvailable') => (status: Parameters<typeof conditionIn>[0]) => {
      const condition = conditionIn(status, type);
      return condition?.status === 'False' && condition.reason === 'PrimaryDown' && condition.message.includes(primary.name);
    };
    for (const type of ['BrokerAvailable', 'MonitoringAvailable', 'ImagesAvailable'] as const)
      await watch.shows(`${type}=False, PrimaryDown`, struckMs, isDown(type), DETECT_MS);
    assert.equal(watch.now().primary, primary.name, 'nobody took over');

    const portal = await askPortal(worker.address, 'GET', '/api/v1/state');
    assert.equal(portal.status, 503, portal.text);
    assert.match(portal.text, new RegExp(primary.name), 'it names the primary');

    await administered(plane, worker);

    await eventually('the sync is overdue', () => licenseAt(worker)?.state === 'SyncGrace', 30_000, 50);
    const license = licenseAt(worker);
    assert.ok((license?.daysLeft ?? 0) > 0 && (license?.daysLeft ?? 99) <= 25, JSON.stringify(license));
    assert.equal(license?.refusesNewSessions, false);
    const session = await frontDoor(worker);
    assert.equal(session.status, 201, `a session is let in: ${session.text}`);
    say(`primary: the license is in ${license?.state}, ${license?.daysLeft} days left, and a session was let in`);
    const stated = conditionIn(watch.now(), 'LicenseValid');
    assert.notEqual(stated?.status, 'False', 'the license is valid');
    assert.deepEqual(podsOf(worker), pods, 'the worker goes on as it is');
    assert.equal(
      plane.of('pod', worker.uid).some((one) => one.service === 'ticker'),
      false,
      'no singleton moved',
    );

    const backMs = performance.now();
    host.thaw();
    await wholeAgain(watch, backMs);
    await settles(plane, 'the primary is back', HARBOR);
    sayRow('primary', struckMs, error.atMs, performance.now());
    await eventually('the license is synced again', () => licenseAt(worker)?.state === 'Active', 30_000, 50);
    const monitored = (status: Parameters<typeof conditionIn>[0]): boolean => conditionIn(status, 'MonitoringAvailable')?.status === 'True';
    await watch.shows('monitoring is available again', backMs, monitored);
    await load.mustBeClean();
  });

  for (const [how, signal] of [
    ['hangs', 'SIGSTOP'],
    ['is dead', 'SIGKILL'],
  ] as const) {
    test(`director: the director ${how} for longer than every health timer: all goes on, the license is valid, nothing at the site stops, everything catches up`, async () => {
      const [pods, both] = [
        [podsOf(primary, 'hello'), podsOf(worker, 'hello')],
        [await loadOn(primary, `director ${how}`), await loadOn(worker, `director ${how}`)],
      ];
      const nodes = await incarnations(plane);
      const up = signal === 'SIGKILL' ? hold(plane.up().pid) : undefined;
      const director = plane.pidOf('director');
      const stopped = signal === 'SIGSTOP' ? hold(director) : undefined;
      if (signal === 'SIGKILL') kill9(director);
      const struckMs = performance.now();
      const victim = mainOf(plane, worker.uid, 'hello');
      await wait(1_500);
      kill9(victim.pid);
      await eventually('hello is restarted without a director', () => isAnotherMain(plane, worker, 'hello', victim), RESTART_MS, 5);
      await eventually('the sync is overdue', () => licenseAt(worker)?.state === 'SyncGrace', 30_000, 50);
      assert.equal((await frontDoor(worker)).status, 201, 'a session is let in');
      await wait(Math.max(0, LONGER_MS - (performance.now() - struckMs)));
      const backMs = performance.now();
      stopped?.thaw();
      up?.thaw();
      await settles(plane, `the director is back after ${seconds(backMs - struckMs)}`, HARBOR);
      await eventually('the license is synced again', () => licenseAt(worker)?.state === 'Active', 30_000, 50);
      sayRow(`director ${how}`, struckMs, undefined, performance.now());
      assert.deepEqual(await incarnations(plane), nodes, 'no node was replaced');
      assert.deepEqual([podsOf(primary, 'hello'), podsOf(worker, 'hello')], pods, 'nothing else was touched');
      for (const load of both) await load.mustBeClean();
    });
  }

  test('extension-servers: all extension servers are down: everything goes on, create waits', async () => {
    const load = await loadOn(primary, 'extension-servers');
    const [pods, serial] = [[podsOf(primary), podsOf(worker)], serialAt(worker)];
    const struckMs = performance.now();
    const up = hold(plane.up().pid);
    kill9(...plane.of('extension').map((one) => one.pid));
    await createCluster(plane, 'waiting', 0);
    await syncGoesOn(serial);
    assert.equal((await plane.get(CLUSTERS, NAMESPACE, 'waiting'))?.status?.attempt ?? 0, 0, 'create waits');
    assert.equal((await plane.list(CLUSTER_NODES)).filter((one) => one.spec.cluster === 'waiting').length, 0);
    wasAvailable(struckMs);
    up.thaw();
    const isBegun = async (): Promise<boolean> => (await plane.get(CLUSTERS, NAMESPACE, 'waiting'))?.status?.attempt === 1;
    await eventually('what waited is made', isBegun, PATIENCE_MS, 100);
    sayRow('extension-servers', struckMs, undefined, performance.now());
    await deleteCluster(plane, 'waiting');
    await settles(plane, 'the extension servers are back', HARBOR);
    assert.deepEqual([podsOf(primary), podsOf(worker)], pods, 'nothing was touched');
    wasAvailable(struckMs);
    await load.mustBeClean();
  });

  for (const which of ['worker', 'primary'] as const) {
    test(`reboot-${which}: a reboot of the ${which} without director: its services start again from the node store, the license too`, async () => {
      const [member, other] = which === 'primary' ? [primary, worker] : [worker, primary];
      const load = await loadOn(other, `reboot-${which}`);
      const expected = Object.keys(podsOf(member)).toSorted();
      const director = hold(plane.pidOf('director'));
      const struckMs = performance.now();
      kill9(plane.pidOf('host'));
      killNode(plane, member);
      await eventually('its own instance of hello answers', () => helloAnswers(member), PATIENCE_MS, 50);
      await eventually('its balancer serves', async () => (await ask(member.url)).status === 200, PATIENCE_MS, 50);
      await eventually('everything of it runs', () => Object.keys(podsOf(member)).toSorted().join() === expected.join(), PATIENCE_MS, 50);
      await eventually('its front door lets a session in', async () => (await frontDoor(member)).status === 201, PATIENCE_MS, 100);
      sayRow(`reboot-${which}`, struckMs, undefined, performance.now());
      director.thaw();
      await settles(plane, `after the reboot of the ${which}, with the director awake again`, HARBOR);
      await load.mustBeClean();
    });
  }

  test('the failover bench measures its rows', async () => {
    const rows = ROWS.filter(({ name }) => name === 'instance' || name === 'balancer');
    const figures = [];
    for (const row of rows) figures.push(await measureRow({ plane, watch, primary, worker }, row, 1));
    const table = renderFigures(figures, describeMachine(), [calibrate()]);
    console.log(table);
    assert.match(table, /^instance +1 +[\d,]+ .* 0 failed$/m);
    assert.match(table, /^balancer +1 +– /m);
    for (const { runs } of figures) assert.ok(runs.every((run) => run.attempts > 0 && run.failed === 0 && run.recoveredMs > 0));
  });
});
