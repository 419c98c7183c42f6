/**
 * Identity, marks and ends of real processes.
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { isFault } from '../../src/model/fault.ts';
import { LIMITS } from '../../src/model/limits.ts';
import { allPids, isAlive, parseProcessId, processesInSession, processIdOf, sendSignal } from '../../src/platform/process-id.ts';
import { roleEnvironment, systemProcesses } from '../../src/platform/spawn.ts';
import { endWithUs } from '../support/end-with-us.ts';
import { eventually } from '../support/eventually.ts';

const folder = mkdtempSync(join(tmpdir(), 'outrigger-processes-'));
endWithUs(folder);
const processes = systemProcesses();
const started: number[] = [];
const never = new AbortController().signal;
const PATH = process.env['PATH'] ?? '';
let count = 0;

async function startScript(script: string, environment: Record<string, string> = {}) {
  const logFile = join(folder, `${count++}.log`);
  const child = await processes.start({
    command: ['sh', '-c', script],
    environment: { PATH, OUTRIGGER_DATA: folder, ...environment },
    folder,
    logFile,
  });
  started.push(child.id.pid);
  return { ...child, logFile };
}

after(() => {
  for (const pid of started) sendSignal(-pid, 'SIGKILL');
  rmSync(folder, { recursive: true, force: true });
});

test('I1: an identity is alive only for its own process, and not for another boot, other ticks, or a zombie', async () => {
  const self = processes.self();
  assert.equal(isAlive(self), true);
  assert.equal(isAlive({ ...self, startTicks: self.startTicks + 1 }), false);
  assert.equal(isAlive({ ...self, bootId: 'another boot' }), false);
  assert.deepEqual(parseProcessId(JSON.parse(JSON.stringify(self))), self);
  assert.equal(parseProcessId({ pid: '5' }), undefined);

  // A zombie: the shell never waits for its child.
  const { logFile } = await startScript('sleep 0 & echo $!; exec sleep 60');
  const pid = await eventually('the child is a zombie', () => {
    const said = Number(readFileSync(logFile, 'utf8'));
    return said > 0 && allPids().includes(said) && processIdOf(said) === undefined ? said : undefined;
  });
  assert.equal(processIdOf(pid), undefined);
});

test('a command with spaces and parentheses in its name is read correctly', async () => {
  const script = join(folder, 'a) b (c');
  writeFileSync(script, '#!/bin/sh\nsleep 60\n', { mode: 0o755 });
  const child = await processes.start({ command: [script], environment: { PATH }, folder, logFile: join(folder, 'odd.log') });
  started.push(child.id.pid);
  assert.ok(child.id.startTicks > 0);
  assert.deepEqual(processIdOf(child.id.pid), child.id);
});

test('processes are found by marks in their environment, exactly', async () => {
  const data = join(folder, 'data');
  const { id } = await startScript('sleep 60', roleEnvironment({ PATH, NODE_TEST_CONTEXT: 'x' }, { data, role: 'pod' }));
  // The shell may fork its sleep: both carry the marks.
  const found = processes.find({ OUTRIGGER_DATA: data, OUTRIGGER_ROLE: 'pod' });
  assert.ok(found.some((one) => one.id.pid === id.pid));
  assert.ok(found.every((one) => one.environment['NODE_TEST_CONTEXT'] === undefined));
  assert.equal(processes.find({ OUTRIGGER_DATA: data.slice(0, -1) }).length, 0, 'a prefix of the value is not the value');
  assert.equal(processes.find({ OUTRIGGER_DATA: data, OUTRIGGER_ROLE: 'host' }).length, 0);
});

test('spawn I1: the child inherits no open file and reads nothing', async () => {
  const { logFile, exited } = await startScript('for fd in /proc/$$/fd/*; do readlink $fd; done; cat; echo read');
  await exited;
  const said = readFileSync(logFile, 'utf8').trim().split('\n');
  assert.deepEqual([...new Set(said)].sort(), ['/dev/null', logFile, 'read']);
});

test('spawn I2: the child lives on when its starter is killed, and is found again', async () => {
  const logFile = join(folder, 'orphan.log');
  const starter = spawn(
    process.execPath,
    [
      '--input-type=module',
      '-e',
      STARTER,
      JSON.stringify({ module: new URL('../../src/platform/spawn.ts', import.meta.url).href, folder, logFile, PATH }),
    ],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  const said = await new Promise<string>((done) => starter.stdout.once('data', (bytes: Buffer) => done(bytes.toString())));
  const id = parseProcessId(JSON.parse(said));
  assert.ok(id);
  started.push(id.pid);
  starter.kill('SIGKILL');
  await new Promise((done) => starter.once('exit', done));
  await eventually('the orphan still writes', () => readFileSync(logFile, 'utf8').includes('b') || undefined);
  assert.equal(isAlive(id), true);
  await processes.stop(id, 1_000, never);
  assert.equal(isAlive(id), false);
});

const STARTER = `
const { module, folder, logFile, PATH } = JSON.parse(process.argv[1]);
const { systemProcesses } = await import(module);
const child = await systemProcesses().start({ command: ['sh', '-c', 'echo a; sleep 1; echo b; sleep 60'], environment: { PATH }, folder, logFile });
console.log(JSON.stringify(child.id));
setInterval(() => {}, 1000);
`;

test('spawn I3: a missing program is a sentence with its path', async () => {
  const start = (program: string) =>
    processes.start({ command: [program], environment: { PATH }, folder, logFile: join(folder, 'none.log') });
  await assert.rejects(
    start('/nowhere/program'),
    (fault) => isFault(fault, 'ProgramMissing') && fault.message.includes('/nowhere/program'),
  );
  await assert.rejects(start('no-such-program-here'), (fault) => isFault(fault, 'ProgramMissing') && fault.message.includes('PATH'));
  writeFileSync(join(folder, 'plain.txt'), 'text');
  await assert.rejects(start(join(folder, 'plain.txt')), (fault) => isFault(fault, 'ProgramMissing'));
});

test('the exit code and signal reach the starter, also of one that ends at once', async () => {
  assert.deepEqual(await (await startScript('exit 7')).exited, { exitCode: 7, signal: null });
  assert.deepEqual(await (await startScript('kill -9 $$')).exited, { exitCode: null, signal: 'SIGKILL' });
});

test('stop ends a whole session: TERM is ignored, grandchildren fork, KILL comes after the grace', async () => {
  const { id } = await startScript("trap '' TERM; (trap '' TERM; sleep 61 & wait; sleep 62) & sleep 63 & wait; sleep 64");
  await eventually('the family is there', () => processesInSession(id).length >= 3 || undefined);
  const startedMs = performance.now();
  await processes.stop(id, 200, never);
  assert.ok(performance.now() - startedMs >= 150, 'the grace was given');
  assert.equal(processesInSession(id).length, 0);
  await processes.stop(id, 200, never);
  assert.equal(processes.signalGroup(id, 'SIGTERM'), false, 'nobody is left to be signaled');
});

test('stop ends a polite process within its grace', async () => {
  const { id, exited } = await startScript("trap 'exit 0' TERM; while :; do sleep 0.05; done");
  await processes.stop(id, 10_000, never);
  assert.equal(isAlive(id), false);
  assert.ok(['SIGTERM', null].includes((await exited).signal));
});

test('a log that is too long is turned over at the next start', async () => {
  const logFile = join(folder, 'long.log');
  writeFileSync(logFile, Buffer.alloc(LIMITS.podLogBytes, 'x'));
  writeFileSync(`${logFile}.1`, 'older');
  const child = await processes.start({ command: ['echo', 'new'], environment: { PATH }, folder, logFile });
  await child.exited;
  assert.equal(readFileSync(logFile, 'utf8'), 'new\n');
  assert.equal(readFileSync(`${logFile}.1`).length, LIMITS.podLogBytes);
  assert.equal(readFileSync(`${logFile}.2`, 'utf8'), 'older');
});
