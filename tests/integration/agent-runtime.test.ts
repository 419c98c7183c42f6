/**
 * The process runtime with real processes: pods outlive the agent, are found again, and end as a whole.
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { isFault } from '../../src/model/fault.ts';
import type { Container } from '../../src/model/pod.ts';
import { systemClock } from '../../src/platform/clock.ts';
import { boundLog } from '../../src/platform/pod-logs.ts';
import { processesMarked, processIdOf, sendSignal, statOf } from '../../src/platform/process-id.ts';
import { processRuntime } from '../../src/platform/process-runtime.ts';
import type { Log } from '../../src/ports/log.ts';
import type { Pod, PodKey, PodRuntime, PodStart } from '../../src/ports/runtime.ts';
import { endWithUs } from '../support/end-with-us.ts';
import { eventually } from '../support/eventually.ts';

const root = mkdtempSync(join(tmpdir(), 'outrigger-runtime-'));
endWithUs(root);
const never = new AbortController().signal;
const nodes: string[] = [];
const clock = systemClock();
const warnings: string[] = [];
const log: Log = {
  debug: () => {},
  info: () => {},
  warn: (m) => void warnings.push(m),
  error: (m) => void warnings.push(m),
  with: () => log,
};

after(() => {
  for (const node of nodes) for (const { id } of processesMarked({ OUTRIGGER_NODE: node })) sendSignal(id.pid, 'SIGKILL');
  rmSync(root, { recursive: true, force: true });
});

function newNode(): { node: string; open: () => PodRuntime } {
  const node = `node-${process.pid}-${nodes.length}`;
  nodes.push(node);
  const options = {
    nodeUid: node,
    podsFolder: join(root, node, 'pods'),
    logsFolder: join(root, node, 'logs'),
    environment: {},
    clock,
    log,
  };
  return { node, open: () => processRuntime(options) };
}

const key: PodKey = { service: 'hello', revisionHash: 'abc123' };

function container(script: string, more: Partial<Container> = {}): Container {
  return { name: 'main', command: ['sh', '-c', script], args: [], env: [], ports: [], ...more };
}

function pod(...containers: Container[]): PodStart {
  return {
    key,
    spec: { containers, restartPolicy: 'Always', terminationGracePeriodSeconds: 1 },
    env: { POD_IP: '127.0.0.1', PORT: '8080' },
  };
}

async function only(runtime: PodRuntime): Promise<Pod> {
  const pods = await runtime.list();
  assert.equal(pods.length, 1, JSON.stringify(pods));
  return pods[0]!;
}

async function pidsOf(runtime: PodRuntime): Promise<readonly number[]> {
  const { state } = await only(runtime);
  assert.equal(state.phase, 'Running');
  return state.phase === 'Running' ? state.pids : [];
}

const exitOf = (runtime: PodRuntime) =>
  eventually('the pod has exited', async () => {
    const { state } = await only(runtime);
    return state.phase === 'Exited' ? state : undefined;
  });

/** The program itself, once the shim has started it and it runs: marked, no leader of a session (the shim is), and with words of its own. */
const programOf = (runtime: PodRuntime, node: string) =>
  eventually('the program runs', async () => {
    const pid = (await pidsOf(runtime))[0] ?? 0;
    const isMarked = processesMarked({ OUTRIGGER_NODE: node }).some((one) => one.id.pid === pid);
    if (!isMarked || statOf(pid)?.sessionId === pid) return undefined;
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').startsWith('sh\0-c\0trap :') ? undefined : pid;
  });

function logOf(node: string, name = 'main'): string {
  return readFileSync(join(root, node, 'logs', 'hello', `${name}.log`), 'utf8');
}

test('a pod runs with its environment and arguments, and its exit code and time are known', async () => {
  const { node, open } = newNode();
  const runtime = open();
  const start = pod(
    container('', {
      command: ['sh', '-c', 'echo "$0 $1 $OWN $OUTRIGGER_POD"; sleep 0.3; exit 7', '$(POD_IP):$(PORT)'],
      args: ['$$(PORT) $(NONE)'],
      env: [{ name: 'OWN', value: 'at $(PORT)' }],
    }),
  );
  const before = clock.monotonicMs();
  await runtime.start(start, never);
  const { state } = await only(runtime);
  assert.ok(state.phase === 'Running' && Math.abs(state.startedMs - before) < 1_000, `${JSON.stringify(state)} started about ${before}`);
  const exit = await exitOf(runtime);
  assert.equal(exit.exitCode, 7);
  assert.ok(exit.ranMs >= 280 && exit.ranMs < 10_000, `ran ${exit.ranMs} ms`);
  assert.equal(logOf(node), `127.0.0.1:8080 $(PORT) $(NONE) at 8080 ${node}/hello/abc123\n`);
  await runtime.remove(key);
  assert.deepEqual(await runtime.list(), []);
  assert.ok(logOf(node).length > 0, 'its log stays');
});

test('I3: a program killed with kill -9 is noticed within 100 ms, also when the agent that started it is gone', async (t) => {
  const { node, open } = newNode();
  const noticedAfterKill = async (runtime: PodRuntime, victim: number): Promise<number> => {
    const stop = new AbortController();
    const hinted = new Promise<void>((done) => runtime.watch(done, stop.signal));
    const killedMs = performance.now();
    process.kill(victim, 'SIGKILL');
    await hinted;
    await exitOf(runtime);
    stop.abort();
    return performance.now() - killedMs;
  };
  const first = open();
  await first.start(pod(container('exec sleep 60')), never);
  const own = await noticedAfterKill(first, await programOf(first, node));
  assert.deepEqual((await exitOf(first)).signal, 'SIGKILL');

  await first.start(pod(container('exec sleep 60')), never);
  const pid = await programOf(first, node);
  const second = open();
  const adopted = await noticedAfterKill(second, pid);
  assert.deepEqual((await exitOf(second)).signal, 'SIGKILL');
  t.diagnostic(`noticed: own child ${own.toFixed(0)} ms, adopted ${adopted.toFixed(0)} ms (promised 100)`);
  assert.ok(own < 1_000 && adopted < 1_000);
});

test('a shim killed with kill -9 takes its program along, and the pod counts as killed', async () => {
  const { node, open } = newNode();
  const runtime = open();
  await runtime.start(pod(container('sleep 60 & exec sleep 61')), never);
  await programOf(runtime, node);
  const shim = processesMarked({ OUTRIGGER_NODE: node }).find((one) =>
    readFileSync(`/proc/${one.id.pid}/cmdline`, 'utf8').includes('trap :'),
  );
  process.kill(shim!.id.pid, 'SIGKILL');
  const exit = await exitOf(runtime);
  assert.deepEqual([exit.exitCode, exit.signal], [null, 'SIGKILL']);
  assert.equal(processesMarked({ OUTRIGGER_NODE: node }).length, 0, 'I2: nothing of it lives once it is reported as exited');
});

test('I2: what a program leaves behind when it exits is killed before the pod is reported as exited', async () => {
  const { node, open } = newNode();
  const runtime = open();
  await runtime.start(pod(container("trap '' TERM; sleep 60 & setsid sleep 61 & sleep 0.2; exit 0")), never);
  const exit = await exitOf(runtime);
  assert.equal(exit.exitCode, 0);
  assert.equal(processesMarked({ OUTRIGGER_NODE: node }).length, 0);
});

test('I1: a second pod of the same key is refused while the first lives, and replaces it when it has exited', async () => {
  const { node, open } = newNode();
  const runtime = open();
  await runtime.start(pod(container('exec sleep 60')), never);
  const pid = await programOf(runtime, node);
  await assert.rejects(runtime.start(pod(container('exec sleep 60')), never), (fault) => isFault(fault, 'AlreadyRunning'));
  await assert.rejects(open().start(pod(container('exec sleep 60')), never), (fault) => isFault(fault, 'AlreadyRunning'));
  assert.deepEqual(await pidsOf(runtime), [pid]);
  await assert.rejects(runtime.remove(key), (fault) => isFault(fault, 'AlreadyRunning'));
  process.kill(pid, 'SIGKILL');
  await exitOf(runtime);
  await runtime.start(pod(container('exec sleep 60')), never);
  assert.notEqual(await programOf(runtime, node), pid);
});

test('stop ends the whole family: TERM, then KILL after the grace', async () => {
  const { node, open } = newNode();
  const runtime = open();
  await runtime.start(
    pod(container("trap '' TERM; setsid sh -c \"trap '' TERM; sleep 60; sleep 60\" & sleep 61; sleep 62; sleep 63")),
    never,
  );
  await eventually('the family is there', () => processesMarked({ OUTRIGGER_NODE: node }).length >= 5 || undefined);
  const startedMs = performance.now();
  await runtime.stop(key, 300, never);
  assert.ok(performance.now() - startedMs >= 280);
  assert.equal(processesMarked({ OUTRIGGER_NODE: node }).length, 0);
  assert.equal((await exitOf(runtime)).exitCode === null, true);
  await runtime.stop(key, 300, never);
  await runtime.stop({ service: 'none', revisionHash: 'f' }, 300, never);
});

test('a polite program ends by TERM with its own exit code', async () => {
  const { node, open } = newNode();
  const runtime = open();
  await runtime.start(pod(container("trap 'exit 3' TERM; echo up; while :; do sleep 0.02; done")), never);
  await eventually('it has set its trap', () => logOf(node).includes('up') || undefined);
  await runtime.stop(key, 10_000, never);
  const exit = await exitOf(runtime);
  assert.deepEqual([exit.exitCode, exit.signal], [3, null]);
});

test('containers live and die together, by their restart policy', async () => {
  const { node, open } = newNode();
  const runtime = open();
  const two = (restartPolicy: 'Always' | 'OnFailure' | 'Never', code: number): PodStart => {
    const start = pod(container('exec sleep 60'), container(`sleep 0.2; exit ${code}`, { name: 'side' }));
    return { ...start, spec: { ...start.spec, restartPolicy } };
  };
  await runtime.start(two('Always', 0), never);
  await exitOf(runtime);
  assert.equal(processesMarked({ OUTRIGGER_NODE: node }).length, 0);

  await runtime.start(two('OnFailure', 4), never);
  assert.equal((await exitOf(runtime)).exitCode, 4);

  await runtime.start(two('OnFailure', 0), never);
  await eventually('the second container is gone', async () => (await pidsOf(runtime)).length === 1 || undefined);
  await runtime.stop(key, 100, never);
  assert.notEqual((await exitOf(runtime)).exitCode, 0);
});

test('a missing program is a sentence with its path, and nothing is started, also not the container before it', async () => {
  const { node, open } = newNode();
  const runtime = open();
  const start = pod(container('exec sleep 60'), container('', { name: 'side', command: ['/nowhere/$(PORT)'] }));
  await assert.rejects(runtime.start(start, never), (fault) => isFault(fault, 'ProgramMissing') && fault.message.includes('/nowhere/8080'));
  assert.deepEqual(await runtime.list(), []);
  assert.equal(processesMarked({ OUTRIGGER_NODE: node }).length, 0);
});

test('exec runs inside: environment and folder of the container, and never longer than allowed', async () => {
  const { node, open } = newNode();
  const runtime = open();
  await runtime.start(pod(container('echo here > mark; exec sleep 60', { env: [{ name: 'OWN', value: 'x' }] })), never);
  await programOf(runtime, node);
  const inside = await runtime.exec(
    key,
    'main',
    ['sh', '-c', 'until [ -s mark ]; do sleep 0.01; done; cat mark; echo $OWN; exit 4'],
    5_000,
    never,
  );
  assert.deepEqual(inside, { exitCode: 4, output: 'here\nx\n' });
  const startedMs = performance.now();
  const hung = await runtime.exec(key, 'main', ['sh', '-c', 'sleep 60 & sleep 61'], 200, never);
  assert.equal(hung.exitCode, null);
  assert.ok(performance.now() - startedMs < 5_000);
  assert.equal((await runtime.exec(key, 'other', ['true'], 1_000, never)).exitCode, null);
});

test('pods survive the kill of whoever started them, and keep their pid; exits in between are known', async () => {
  const { node, open } = newNode();
  const script = `
    const { processRuntime } = await import(${JSON.stringify(new URL('../../src/platform/process-runtime.ts', import.meta.url).href)});
    const log = { debug() {}, info() {}, warn() {}, error() {}, with: () => log };
    const runtime = processRuntime({ nodeUid: ${JSON.stringify(node)}, podsFolder: ${JSON.stringify(join(root, node, 'pods'))},
      logsFolder: ${JSON.stringify(join(root, node, 'logs'))}, environment: { OUTRIGGER_DATA: ${JSON.stringify(root)} }, clock: { nowMs: Date.now, monotonicMs: () => 0 }, log });
    await runtime.start(${JSON.stringify(pod(container('exec sleep 60')))}, new AbortController().signal);
    await runtime.start(${JSON.stringify({ ...pod(container('sleep 0.5; exit 9')), key: { service: 'short', revisionHash: 'f00' } })}, new AbortController().signal);
    console.log('up');
    setInterval(() => {}, 1000);`;
  const agent = spawn(process.execPath, ['--input-type=module', '-e', script], { stdio: ['ignore', 'pipe', 'inherit'] });
  await new Promise((done) => agent.stdout.once('data', done));
  const before = processesMarked({ OUTRIGGER_NODE: node, OUTRIGGER_POD: `${node}/hello/abc123` }).map((one) => one.id.pid);
  agent.kill('SIGKILL');
  await new Promise((done) => agent.once('exit', done));
  await eventually('the short one has ended', () => processesMarked({ OUTRIGGER_POD: `${node}/short/f00` }).length === 0 || undefined);
  const runtime = open();
  const pods = await runtime.list();
  assert.deepEqual(Object.fromEntries(pods.map((one) => [one.key.service, one.state.phase])), { hello: 'Running', short: 'Exited' });
  const short = pods.find((one) => one.key.service === 'short')!.state;
  assert.ok(short.phase === 'Exited' && short.exitCode === 9 && short.ranMs >= 450, JSON.stringify(short));
  const hello = pods.find((one) => one.key.service === 'hello')!.state;
  assert.ok(hello.phase === 'Running' && before.includes(hello.pids[0]!), `${JSON.stringify(hello)} among ${before.join()}`);
  await runtime.stop(key, 1_000, never);
  assert.equal(processesMarked({ OUTRIGGER_NODE: node }).length, 0);
});

test('I1: a crash between record and start, or a lost record, leaves no unknown process', async () => {
  const { node, open } = newNode();
  const first = open();
  await first.start(pod(container('exec sleep 60')), never);
  const pid = await programOf(first, node);
  const file = join(root, node, 'pods', 'hello--abc123', 'record.json');
  const { encodeRecord } = await import('../../src/platform/node-store.ts');
  const record = (JSON.parse(readFileSync(file, 'utf8')) as { body: { containers: object[] } }).body;
  writeFileSync(file, encodeRecord({ ...record, containers: [{ name: 'main' }] }));
  assert.deepEqual(await pidsOf(open()), [pid], 'found by its mark');

  writeFileSync(file, 'torn');
  assert.deepEqual(await pidsOf(open()), [pid], 'found by its mark although the record is damaged');

  rmSync(join(root, node, 'pods'), { recursive: true });
  assert.deepEqual(await open().list(), []);
  await eventually('nobody could find it again, so it is ended', () => processIdOf(pid) === undefined || undefined);
  assert.match(warnings.join('\n'), /runs without a record/);
});

test('I4: pods of an earlier boot have exited, and their pids mean nothing', async () => {
  const { node, open } = newNode();
  const first = open();
  await first.start(pod(container('exec sleep 60')), never);
  const pid = await programOf(first, node);
  const file = join(root, node, 'pods', 'hello--abc123', 'record.json');
  const { encodeRecord } = await import('../../src/platform/node-store.ts');
  const record = (JSON.parse(readFileSync(file, 'utf8')) as { body: object }).body;
  process.kill(pid, 'SIGKILL');
  await exitOf(first);
  rmSync(join(root, node, 'pods', 'hello--abc123', 'main.exit'));
  // The pid of somebody else who lives now.
  const stranger = { pid: process.pid, bootId: 'an earlier boot', startTicks: processIdOf(process.pid)!.startTicks };
  writeFileSync(file, encodeRecord({ ...record, bootId: 'an earlier boot', containers: [{ name: 'main', id: stranger }] }));
  const second = open();
  assert.deepEqual((await only(second)).state, { phase: 'Exited', exitCode: null, signal: null, ranMs: 0 });
  await second.stop(key, 0, never);
  assert.ok(processIdOf(process.pid), 'the stranger was not touched');
});

test('a log that grows beyond its bound is turned over while the pod writes on', async () => {
  const { node, open } = newNode();
  const runtime = open();
  await runtime.start(pod(container('n=0; while :; do n=$((n+1)); echo "line $n of a log that grows"; sleep 0.002; done')), never);
  const file = join(root, node, 'logs', 'hello', 'main.log');
  for (let turn = 0; turn < 3; turn++) {
    await eventually('the log is long', () => readFileSync(file).length > 2_000);
    assert.equal(boundLog(file, 2_000), undefined);
  }
  await eventually('it writes on', () => readFileSync(file).length > 100);
  const numbers = [`${file}.2`, `${file}.1`, file].flatMap((name) =>
    [...readFileSync(name, 'utf8').matchAll(/line (\d+)/g)].map((found) => Number(found[1])),
  );
  assert.ok(numbers.length > 100 && numbers.every((n, at) => at === 0 || n > numbers[at - 1]!), 'in order, nothing twice');
  assert.throws(() => readFileSync(`${file}.3`), 'three files, no more');
});
