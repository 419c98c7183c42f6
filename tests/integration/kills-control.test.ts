/**
 * What dies of the control plane, by kill -9, while clusters are made, changed and deleted: extension servers (also paused ones that wake), the
 * director, PostgreSQL, everything at once. Each ends with all clusters Available and nothing left over.
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import { CLUSTERS, CLUSTER_NODES } from '../../src/model/addresses.ts';
import { sendSignal } from '../../src/platform/process-id.ts';
import { programCommand } from '../../src/platform/program.ts';
import type { DirectorApi } from '../../src/ports/director.ts';
import { keepWatch, settles } from '../support/census.ts';
import type { Watchman } from '../support/census.ts';
import { beginChronicle, openWatch } from '../support/chronicle.ts';
import type { Chronicle } from '../support/chronicle.ts';
import {
  ask,
  clusterOf,
  createCluster,
  deleteCluster,
  kill9,
  NAMESPACE,
  openApi,
  PATIENCE_MS,
  pidsOf,
  say,
  seconds,
  startControlPlane,
} from '../support/control-plane.ts';
import type { ControlPlane } from '../support/control-plane.ts';
import { eventually } from '../support/eventually.ts';

const EXTENSION_SERVERS = 3;
const SEED = Number(process.env['OUTRIGGER_SEED'] ?? Math.floor(Math.random() * 1_000_000));

/** Numbers from 0 to 1 that follow from the seed. */
function diceOf(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

async function harborPids(plane: ControlPlane): Promise<Readonly<Record<string, string>>> {
  const nodes = (await plane.list(CLUSTER_NODES)).filter((node) => node.spec.cluster === 'harbor');
  const uids = new Set(nodes.map((node) => node.metadata.uid));
  return pidsOf(plane, (one) => uids.has(one.node));
}

/** What extension servers tried on something that had changed meanwhile. */
function refusedWrites(plane: ControlPlane): number {
  const logs = plane.of('extension').map((_, index) => readFileSync(join(plane.data, 'logs', `extension-${index + 1}.log`), 'utf8'));
  return logs
    .join('')
    .split('\n')
    .filter((line) => /"message":"\w+ (Conflict|AlreadyExists|NotFound)"/.test(line)).length;
}

interface Assassin {
  /** Ends when it has had its victims; before that it waits for something to happen in the store between two. */
  readonly done: Promise<void>;
  readonly killed: string[];
}

/** Kills (or pauses, and wakes after a while) somebody each time something changed in the store, at a random moment soon after. */
function sendAssassin(plane: ControlPlane, role: string, victims: number, pauses: number, signal: AbortSignal): Assassin {
  const dice = diceOf(SEED + victims);
  const killed: string[] = [];
  const waking: Promise<void>[] = [];
  const strike = (): void => {
    const targets = plane.of(role).filter((one) => !paused.has(one.pid));
    const target = targets[Math.floor(dice() * targets.length)];
    if (target === undefined) return;
    if (waking.length < pauses && killed.length % 3 === 1) {
      const forMs = 5_000 + dice() * 5_000;
      sendSignal(target.pid, 'SIGSTOP');
      paused.add(target.pid);
      killed.push(`paused ${target.pid} for ${seconds(forMs)}`);
      waking.push(wait(forMs).then(() => void sendSignal(target.pid, 'SIGCONT')));
      return;
    }
    kill9(target.pid);
    killed.push(`killed ${target.pid}`);
  };
  const paused = new Set<number>();
  const work = async (): Promise<void> => {
    const list = async (): Promise<string> => (await plane.list(CLUSTER_NODES)).map((one) => one.metadata.resourceVersion).join();
    for (let known = await list(); killed.length < victims && !signal.aborted;) {
      const next = await list();
      if (next !== known) {
        await wait(dice() * 150);
        strike();
      }
      known = next;
      await wait(dice() * 400);
    }
    await Promise.all(waking);
  };
  return { done: work(), killed };
}

describe(`kill -9 in the control plane (OUTRIGGER_SEED=${SEED})`, () => {
  let plane: ControlPlane;
  let chronicle: Chronicle;
  let watchman: Watchman;

  before(async () => {
    plane = await startControlPlane('kills-control', EXTENSION_SERVERS);
    await settles(plane, 'harbor at the start', ['harbor']);
    chronicle = await beginChronicle(plane);
    watchman = keepWatch(plane);
  });
  after(async () => {
    watchman?.stop();
    await chronicle?.abandon();
    await plane.cleanup();
  });

  test('extension servers, killed and paused while clusters are made: all are made, once', async () => {
    const before = await harborPids(plane);
    const end = new AbortController();
    const assassin = sendAssassin(plane, 'extension', 10, 2, end.signal);
    const made = { k0: 0, k1: 1, k2: 2, k3: 1 };
    for (const [name, workers] of Object.entries(made)) await createCluster(plane, name, workers);
    const isAvailable = async (): Promise<boolean> => {
      const clusters = await plane.list(CLUSTERS);
      return Object.keys(made).every((name) => clusters.find((one) => one.metadata.name === name)?.status?.availableAt !== undefined);
    };
    await eventually('all are available', isAvailable, 2 * PATIENCE_MS, 200);
    end.abort();
    await assassin.done;
    say(assassin.killed.join(', '));
    assert.ok(assassin.killed.length >= 3, 'somebody was killed while they were made');
    await settles(plane, 'made under fire', ['harbor', ...Object.keys(made)]);
    const attempts = await Promise.all(Object.keys(made).map(async (name) => `${name} ${(await clusterOf(plane, name)).status?.attempt}`));
    say(`attempts: ${attempts.join(', ')}; writes of extension servers that came too late and were refused: ${refusedWrites(plane)}`);
    assert.deepEqual(await harborPids(plane), before, 'the other cluster was not touched');
  });

  test('extension servers, killed and paused while clusters are deleted, whole and half-made: nothing is left', async () => {
    const before = await harborPids(plane);
    const end = new AbortController();
    const assassin = sendAssassin(plane, 'extension', 5, 1, end.signal);
    // k3, there or not, is the one that stays.
    await createCluster(plane, 'k3', 1);
    await createCluster(plane, 'half', 2);
    await Promise.all(['k0', 'k1', 'k2'].map((name) => deleteCluster(plane, name)));
    await eventually(
      'half has a node',
      async () => (await plane.list(CLUSTER_NODES)).some((one) => one.spec.cluster === 'half'),
      PATIENCE_MS,
    );
    await deleteCluster(plane, 'half');
    const areGone = async (): Promise<boolean> => (await plane.list(CLUSTERS)).length === 2;
    await eventually('all are gone', areGone, 2 * PATIENCE_MS, 200);
    end.abort();
    await assassin.done;
    say(assassin.killed.join(', '));
    await settles(plane, 'deleted under fire', ['harbor', 'k3']);
    assert.deepEqual(await harborPids(plane), before, 'the other cluster was not touched');
  });

  test('the director, killed while a cluster is made and another one scaled', async () => {
    const before = await harborPids(plane);
    const end = new AbortController();
    await createCluster(plane, 'made', 1);
    await createCluster(plane, 'k3', 1);
    await plane.patch(CLUSTERS, NAMESPACE, 'k3', { spec: { workers: 2 } });
    const assassin = sendAssassin(plane, 'director', 3, 0, end.signal);
    await assassin.done;
    say(assassin.killed.join(', '));
    await settles(plane, 'made and scaled while the director died', ['harbor', 'k3', 'made']);
    assert.equal((await clusterOf(plane, 'made')).status?.attempt, 1);
    await Promise.all(['k3', 'made'].map((name) => deleteCluster(plane, name)));
    await settles(plane, 'deleted', ['harbor']);
    assert.deepEqual(await harborPids(plane), before, 'the other cluster was not touched');
  });

  for (const [what, signal] of [
    ['killed', 'SIGKILL'],
    ['stopped at once, as pg_ctl stop -m immediate does', 'SIGQUIT'],
  ] as const) {
    test(`PostgreSQL, ${what}: requests wait or get a sentence, nothing acknowledged is lost, watches go on`, async () => {
      const before = await harborPids(plane);
      const opened = chronicle.watches.map((one) => one.opened());
      const failuresBefore = chronicle.failures.length;
      const postmaster = plane.pidOf('postgres');
      const director = plane.pidOf('director');
      const acknowledged = chronicle.acknowledged();
      const begun = performance.now();
      sendSignal(postmaster, signal);
      const isAnother = (): boolean => ![-1, postmaster].includes(plane.pidOf('postgres'));
      await eventually('another PostgreSQL runs', isAnother, PATIENCE_MS);
      await eventually('writes are acknowledged again', () => chronicle.acknowledged() > acknowledged + 3, PATIENCE_MS);
      say(`writes again ${seconds(performance.now() - begun)} after PostgreSQL was ${what}`);
      const failures = chronicle.failures.slice(failuresBefore);
      for (const failure of failures)
        assert.match(failure, / answered 50[34] to PATCH \S+: \S.{20,}/, 'a failure is a 503 with a sentence');
      say(`failures meanwhile: ${failures.length}${failures.length > 0 ? `, such as: ${failures[0]}` : ''}`);
      assert.deepEqual(
        chronicle.watches.map((one) => one.opened()),
        opened,
        'watches went on',
      );
      await settles(plane, `PostgreSQL ${what}`, ['harbor']);
      assert.equal(plane.pidOf('director'), director, 'the director went on');
      assert.deepEqual(await harborPids(plane), before, 'no node was touched');
    });
  }

  test('PostgreSQL, gone for longer than anybody waits: reads and writes get a sentence, watches go on', async () => {
    const before = await harborPids(plane);
    const opened = chronicle.watches.map((one) => one.opened());
    const failuresBefore = chronicle.failures.length;
    const [up, director] = [plane.pidOf('up'), plane.pidOf('director')];
    const read = await closingAfter(openApi(plane.kubeconfig), async (api) => {
      // Nobody starts PostgreSQL again while up is stopped.
      sendSignal(up, 'SIGSTOP');
      try {
        sendSignal(plane.pidOf('postgres'), 'SIGKILL');
        await eventually('a write has failed', () => chronicle.failures.length > failuresBefore, PATIENCE_MS);
        return await api.get(CLUSTERS, NAMESPACE, 'harbor', AbortSignal.timeout(PATIENCE_MS)).then(
          () => 'an answer',
          (cause: Error) => cause.message,
        );
      } finally {
        sendSignal(up, 'SIGCONT');
      }
    });
    const acknowledged = chronicle.acknowledged();
    await eventually('writes are acknowledged again', () => chronicle.acknowledged() > acknowledged + 3, PATIENCE_MS);
    say(`a read meanwhile: ${read}`);
    assert.match(read, / answered 503 to GET \S+: \S.{20,}/);
    for (const failure of chronicle.failures.slice(failuresBefore)) {
      assert.match(failure, / answered (503 to PATCH \S+: .*nothing was written|504 to PATCH \S+: .*may have happened)/);
      assert.doesNotMatch(failure, /\.\.|nothing was written.*may have happened/, 'one sentence does not take back another');
    }
    say(`a write meanwhile: ${chronicle.failures[failuresBefore]}`);
    assert.deepEqual(
      chronicle.watches.map((one) => one.opened()),
      opened,
      'watches went on',
    );
    await settles(plane, 'PostgreSQL is back', ['harbor']);
    assert.equal(plane.pidOf('director'), director, 'the director went on');
    assert.deepEqual(await harborPids(plane), before, 'no node was touched');
  });

  test('with every extension server stopped: scale up, upgrade and scale down complete, and no request fails', async () => {
    const stopped = plane.of('extension').map((one) => one.pid);
    assert.equal(stopped.length, EXTENSION_SERVERS);
    for (const pid of stopped) sendSignal(pid, 'SIGSTOP');
    const url = `http://${(await clusterOf(plane, 'harbor')).status?.nodes?.['harbor-a1-n0']?.address}:8080/`;
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
    try {
      await plane.patch(CLUSTERS, NAMESPACE, 'harbor', { spec: { workers: 2 } });
      await settles(plane, 'scaled to two workers without extension servers', ['harbor']);
      await plane.patch(CLUSTERS, NAMESPACE, 'harbor', { spec: { release: '1.0.1' } });
      await settles(plane, 'upgraded to 1.0.1 without extension servers', ['harbor']);
      await plane.patch(CLUSTERS, NAMESPACE, 'harbor', { spec: { workers: 1 } });
      await settles(plane, 'scaled to one worker without extension servers', ['harbor']);
    } finally {
      isOver = true;
      await Promise.all(clients);
      for (const pid of stopped) sendSignal(pid, 'SIGCONT');
    }
    say(`${asked} new connections to the primary's balancer meanwhile, ${failed.length} failed`);
    assert.deepEqual(failed, []);
    assert.deepEqual(JSON.parse((await ask(url)).text).release, '1.0.1');
    assert.deepEqual(
      plane.of('extension').map((one) => one.pid),
      stopped,
      'nobody replaced them meanwhile',
    );
    await settles(plane, 'extension servers awake again', ['harbor']);
  });

  test('a second director on the same database: the same for kubectl, and writes of one are seen in order at the other', async () => {
    const other = await startSecondDirector(plane);
    try {
      const api = openApi(other.kubeconfig);
      const list = ['get', 'clusters,clusternodes,virtualdatacenters', '-A', '-o', 'json', '--sort-by=.metadata.uid'];
      const isSame = async (): Promise<boolean> => {
        const [one, two] = await Promise.all([plane.kubectl(...list), plane.kubectl(...list, '--kubeconfig', other.kubeconfig)]);
        assert.equal(one.code + two.code, 0, one.err + two.err);
        return one.out === two.out;
      };
      await eventually('kubectl shows the same at both', isSame, PATIENCE_MS, 100);
      const scribe = chronicle.watches[2];
      assert.ok(scribe !== undefined);
      const watch = openWatch(api, scribe.address, scribe.from);
      const acknowledged = chronicle.acknowledged();
      const has = (): boolean => watch.seen.some((one) => Number(one.count) > acknowledged + 20);
      await eventually('writes through one are seen at the other', has, PATIENCE_MS);
      await watch.close();
      api.close();
      const told = (seen: typeof watch.seen): readonly string[] =>
        seen.map((one) => `${one.revision} ${one.type} ${one.name} ${one.count}`);
      assert.deepEqual(told(watch.seen), told(scribe.seen).slice(0, watch.seen.length));
      say(`${watch.seen.length} events at the second director, the same in the same order`);
    } finally {
      kill9(other.pid);
    }
    await eventually('it is gone', () => plane.of('director').length === 1);
    await settles(plane, 'the second director gone', ['harbor']);
  });

  test('everything at once, as a reboot does: started again, all is there, under the same uids, once', async () => {
    const uids = async (): Promise<readonly string[]> =>
      [...(await plane.list(CLUSTERS)), ...(await plane.list(CLUSTER_NODES))].map((one) => `${one.metadata.name} ${one.metadata.uid}`);
    const before = await uids();
    const availableAt = (await clusterOf(plane, 'harbor')).status?.availableAt;
    const was = plane.living().map((one) => `${one.pid}@${one.startTicks}`);
    await plane.killAll();
    assert.deepEqual(plane.living(), []);
    const begun = performance.now();
    await plane.startAgain();
    await settles(plane, 'started again after everything was killed', ['harbor']);
    say(`all of it was up again after ${seconds(performance.now() - begun)}`);
    assert.deepEqual(await uids(), before);
    assert.equal((await clusterOf(plane, 'harbor')).status?.availableAt, availableAt);
    assert.equal((await clusterOf(plane, 'harbor')).status?.attempt, 1);
    assert.deepEqual(
      plane.living().filter((one) => was.includes(`${one.pid}@${one.startTicks}`)),
      [],
    );
  });

  test('all the while: no event lost or repeated, no acknowledged write lost, never two where one may be', async () => {
    assert.deepEqual(watchman.stop(), []);
    await chronicle.close();
  });
});

async function closingAfter<T>(api: DirectorApi, work: (api: DirectorApi) => Promise<T>): Promise<T> {
  try {
    return await work(api);
  } finally {
    api.close();
  }
}

async function startSecondDirector(plane: ControlPlane): Promise<{ readonly pid: number; readonly kubeconfig: string }> {
  const kubeconfig = join(plane.data, 'second.kubeconfig');
  const socket = join(plane.data, 'postgres', 'run');
  const args = ['director', '--data', plane.data, '--port', '0', '--kubeconfig', kubeconfig, '--database-socket', socket];
  const [program, ...rest] = programCommand(args);
  const marks = { OUTRIGGER_DATA: plane.data, OUTRIGGER_ROLE: 'director' };
  const child = spawn(program, rest, { env: { ...process.env, ...marks }, stdio: ['ignore', 'ignore', 'pipe'] });
  let log = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (log += text));
  const isReady = (): boolean => {
    if (child.exitCode !== null) throw new Error(`The second director ended:\n${log}`);
    return log.includes('The director is ready');
  };
  await eventually('the second director is ready', isReady, PATIENCE_MS);
  return { pid: child.pid ?? 0, kubeconfig };
}
