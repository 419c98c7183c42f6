/**
 * The supervisor's shell in virtual time, over a runtime that the test breaks.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { supervise } from '../../../src/agent/supervisor.ts';
import type { Supervisor } from '../../../src/agent/supervisor.ts';
import type { PlannedService } from '../../../src/decide/plan.ts';
import { Fault } from '../../../src/model/fault.ts';
import type { Log } from '../../../src/ports/log.ts';
import type { Pod, PodRuntime } from '../../../src/ports/runtime.ts';
import { service } from '../decide/fixtures.ts';
import { virtualClock } from '../../support/virtual-clock.ts';
import type { VirtualClock } from '../../support/virtual-clock.ts';

const quiet: Log = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {}, with: () => quiet };

function planned(name: string, hash: string): PlannedService {
  return {
    name,
    mode: 'Replicated',
    protocol: 'TCP',
    address: `10.0.0.2:${8000 + Number.parseInt(hash, 16)}`,
    podAddress: '10.0.0.2',
    pod: service(name).pod,
    env: {},
    desired: { hash, restartPolicy: 'Always', graceMs: 1_000, drainMs: 3_000, probes: [] },
  };
}

interface Bench {
  readonly clock: VirtualClock;
  readonly pods: Map<string, Pod>;
  readonly calls: string[];
  /** What each service's pod was last started with. */
  readonly environments: Map<string, Readonly<Record<string, string>>>;
  readonly supervisor: Supervisor;
  /** Called before each operation; a throw makes it fail. */
  breaks: (call: string) => void;
  hint(): void;
  exit(service: string): void;
}

function bench(t: TestContext, there: Pod[] = []): Bench {
  const clock = virtualClock();
  const stop = new AbortController();
  t.after(() => stop.abort());
  const pods = new Map(there.map((pod) => [pod.key.service, pod]));
  const calls: string[] = [];
  let hint = (): void => {};
  const op = (call: string): void => {
    calls.push(call);
    made.breaks(call);
  };
  const running = (name: string, revisionHash: string): Pod => ({
    key: { service: name, revisionHash },
    state: { phase: 'Running', pids: [1], startedMs: clock.monotonicMs() },
  });
  const exit = (name: string): void => {
    const pod = pods.get(name);
    if (pod !== undefined) pods.set(name, { ...pod, state: { phase: 'Exited', exitCode: 1, signal: null, ranMs: 100 } });
  };
  const runtime: PodRuntime = {
    list: async () => {
      made.breaks('list');
      return [...pods.values()];
    },
    start: async ({ key, env }) => {
      made.environments.set(key.service, env);
      op(`start ${key.service} ${key.revisionHash}`);
      assert.notEqual(pods.get(key.service)?.state.phase, 'Running', 'two pods of one service');
      pods.set(key.service, running(key.service, key.revisionHash));
    },
    stop: async (key) => {
      op(`stop ${key.service} ${key.revisionHash}`);
      exit(key.service);
    },
    remove: async (key) => {
      op(`remove ${key.service} ${key.revisionHash}`);
      pods.delete(key.service);
    },
    exec: () => Promise.resolve({ exitCode: 0, output: '' }),
    watch: (onChange) => (hint = onChange),
  };
  const prober = { ask: () => Promise.resolve({ ok: true }) };
  const random = { float: () => 0, uuid: () => '', bytes: () => new Uint8Array() };
  const supervisor = supervise(
    { runtime, frameworkMarks: { OUTRIGGER_NODE_FOLDER: '/node' }, prober, clock, random, log: quiet },
    {},
    stop.signal,
  );
  const made: Bench = { clock, pods, calls, environments: new Map(), supervisor, breaks: () => {}, hint: () => hint(), exit };
  return made;
}

const there = (name: string, revisionHash: string): Pod => ({
  key: { service: name, revisionHash },
  state: { phase: 'Running', pids: [9], startedMs: 1 },
});

test('starts what is wanted, keeps what runs already, and says where it listens', async (t) => {
  const { supervisor, clock, calls } = bench(t, [there('kept', 'a')]);
  supervisor.want([planned('kept', 'a'), planned('fresh', 'b')]);
  await clock.advance(10);
  assert.deepEqual(calls, ['start fresh b']);
  const fresh = supervisor.instances().get('fresh');
  assert.deepEqual([fresh?.report.phase, fresh?.report.ready, fresh?.address, fresh?.hash], ['Running', true, '10.0.0.2:8011', 'b']);
  assert.equal(supervisor.isIdle(), false);
});

test("only Outrigger's own services learn where the node lives", async (t) => {
  const { supervisor, clock, environments } = bench(t);
  supervisor.want([planned('hello', 'a'), { ...planned('monitor', 'b'), framework: 'monitor' }]);
  await clock.advance(10);
  assert.equal(environments.get('hello')?.['OUTRIGGER_NODE_FOLDER'], undefined);
  assert.equal(environments.get('monitor')?.['OUTRIGGER_NODE_FOLDER'], '/node');
});

test('a dead pod is started again at once on the hint of the runtime', async (t) => {
  const { supervisor, clock, calls, exit, hint } = bench(t);
  supervisor.want([planned('hello', 'a')]);
  await clock.advance(10);
  exit('hello');
  hint();
  await clock.advance(1);
  assert.deepEqual(calls, ['start hello a', 'remove hello a', 'start hello a']);
  assert.equal(supervisor.instances().get('hello')?.report.restarts, 1);
});

test('I1: an operation that fails is answered and tried again, later and later', async (t) => {
  const made = bench(t);
  let failures = 0;
  made.breaks = (call) => {
    if (call.startsWith('start') && failures++ < 3) throw new Fault('ProgramMissing', '/nowhere is missing.');
  };
  made.supervisor.want([planned('hello', 'a')]);
  await made.clock.advance(1);
  assert.equal(made.supervisor.instances().get('hello')?.report.message, '/nowhere is missing.');
  await made.clock.advance(60_000);
  assert.equal(made.calls.length, 4);
  assert.equal(made.supervisor.instances().get('hello')?.report.ready, true);
});

test('another template: drained under its old address, stopped, then started anew', async (t) => {
  const { supervisor, clock, calls } = bench(t);
  supervisor.want([planned('hello', 'a')]);
  await clock.advance(10);
  supervisor.want([planned('hello', 'b')]);
  await clock.advance(2_900);
  const draining = supervisor.instances().get('hello');
  assert.deepEqual([draining?.report.phase, draining?.address], ['Stopping', '10.0.0.2:8010']);
  assert.deepEqual(calls, ['start hello a']);
  await clock.advance(200);
  assert.deepEqual(calls, ['start hello a', 'stop hello a', 'remove hello a', 'start hello b']);
  assert.equal(supervisor.instances().get('hello')?.address, '10.0.0.2:8011');
});

test('I3: pods that nobody planned are let go, but only once something was planned', async (t) => {
  const { supervisor, clock, calls } = bench(t, [there('forgotten', 'f')]);
  await clock.advance(120_000);
  assert.equal(calls.length, 0);
  supervisor.want([planned('hello', 'a')]);
  await clock.advance(5_000);
  assert.ok(calls.includes('stop forgotten f') && calls.includes('remove forgotten f'), calls.join());
});

test('I3: a list that fails at first is tried until it succeeds', async (t) => {
  const made = bench(t, [there('forgotten', 'f')]);
  let failures = 0;
  made.breaks = (call) => {
    if (call === 'list' && failures++ < 4) throw new Fault('FolderUnwritable', 'not now');
  };
  made.supervisor.want([]);
  assert.equal(made.supervisor.isIdle(), false, 'it has not looked yet');
  await made.clock.advance(30_000);
  assert.ok(made.calls.includes('remove forgotten f'));
  assert.equal(made.supervisor.isIdle(), true);
});

test('nothing wanted: everything is drained, and then it is idle', async (t) => {
  const { supervisor, clock, pods } = bench(t);
  supervisor.want([planned('hello', 'a')]);
  await clock.advance(10);
  supervisor.want([]);
  await clock.advance(2_000);
  assert.equal(supervisor.isIdle(), false);
  await clock.advance(3_000);
  assert.deepEqual([supervisor.isIdle(), pods.size], [true, 0]);
});
