/**
 * `outrigger up` with real processes: what it starts, keeps, stops and finds again. Without the sample cluster; that is up-harbor.test.ts.
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { preparePostgresHome } from '../../src/platform/postgres/home.ts';
import { sendSignal } from '../../src/platform/process-id.ts';
import { programCommand } from '../../src/platform/program.ts';
import { eventually } from '../support/eventually.ts';
import { UP_DEADLINE_MS, upRig } from '../support/up-rig.ts';
import type { UpRig, UpRun } from '../support/up-rig.ts';

const UP = /Outrigger is up after [\d.]+ s/;
const PARTS = ['director', 'extension-1', 'extension-2', 'host', 'postgres', 'up'];

interface StatusJson {
  readonly api: string;
  readonly parts: readonly { readonly part: string; readonly state: string; readonly pid: number }[];
  readonly clusters?: readonly unknown[];
}

function statusOf(rig: UpRig): StatusJson {
  const { code, out, err } = rig.run(['status', '--data', rig.data, '--json']);
  assert.equal(code, 0, `${out}${err}`);
  return JSON.parse(out) as StatusJson;
}

async function stop(run: UpRun): Promise<void> {
  sendSignal(run.pid, 'SIGINT');
  assert.equal(await run.ended, 0, run.output());
}

describe('a life of outrigger up', () => {
  const rig = upRig('up');
  after(() => rig.cleanup());
  let port = '';

  test('comes up, says where things are and three things to try, one of them a kill', async () => {
    const run = rig.start(['--no-sample']);
    await run.line(UP);
    // The card is written in pieces; Ctrl-C is its last line.
    await run.line(/Ctrl-C stops/);
    const output = run.output();
    for (const part of ['PostgreSQL', 'Director', 'Host daemon', 'Extension server 1', 'Extension server 2']) {
      assert.match(output, new RegExp(`ready ${part} +[\\d.]+ s`));
    }
    assert.match(output, /export KUBECONFIG=\S+\/kubeconfig/);
    const commands = output.split('\n').filter((line) => /^ {5}\S/.test(line));
    assert.equal(commands.length, 3, output);
    assert.equal(commands.filter((line) => line.includes('kill -9')).length >= 1, true);
    assert.ok(!output.includes('\u001B'), 'no escape sequences without a terminal');
    const status = statusOf(rig);
    assert.deepEqual(
      status.parts.map(({ part, state }) => `${part} ${state}`),
      PARTS.map((part) => `${part} Running`),
    );
    assert.deepEqual(status.clusters, []);
    port = new URL(status.api).port;
  });

  test('a second one is refused by a sentence that names the first', async () => {
    const { code, err } = rig.run(['up', '--data', rig.data, '--port', '0']);
    assert.equal(code, 1);
    assert.match(err, new RegExp(`^outrigger: An outrigger up with pid ${rig.pidOf('up')} already runs in ${rig.data}\\.`));
  });

  test('whatever dies is back: extension server, host daemon, director, PostgreSQL', async () => {
    for (const part of ['extension-1', 'host', 'director', 'postgres']) {
      const before = rig.pidOf(part);
      sendSignal(before, 'SIGKILL');
      await eventually(`${part} runs again`, () => existsSync(join(rig.data, 'run', `${part}.pid`)) && rig.pidOf(part) !== before, 30_000);
    }
    await eventually('the API answers', () => rig.run(['status', '--data', rig.data]).code === 0, 30_000, 200);
  });

  test('Ctrl-C stops all of it and leaves nothing', async () => {
    sendSignal(rig.pidOf('up'), 'SIGINT');
    await eventually('nothing lives', () => rig.living().length === 0, 30_000);
    const { code, out } = rig.run(['status', '--data', rig.data]);
    assert.equal(code, 4);
    assert.match(out, /Nothing runs here/);
  });

  test('started again it has the same port and what was written', async () => {
    const run = rig.start(['--no-sample']);
    await run.line(UP);
    assert.equal(new URL(statusOf(rig).api).port, port);
    assert.equal(existsSync(join(rig.data, 'host', 'join.json')), false, 'the host had joined already');
    rig.killAll();
    assert.notEqual(await run.ended, 0);
  });

  test('after kill -9 of everything it goes on where it was', async () => {
    const run = rig.start(['--no-sample']);
    await run.line(UP);
    assert.equal(new URL(statusOf(rig).api).port, port);
    sendSignal(run.pid, 'SIGKILL');
    await run.ended;
  });

  test('after kill -9 of up alone, orphans are adopted (PostgreSQL) and replaced (the others)', async () => {
    const before = Object.fromEntries(['postgres', 'director', 'host'].map((part) => [part, rig.pidOf(part)]));
    const run = rig.start(['--no-sample']);
    await run.line(UP);
    assert.equal(rig.pidOf('postgres'), before['postgres']);
    assert.notEqual(rig.pidOf('director'), before['director']);
    assert.notEqual(rig.pidOf('host'), before['host']);
    assert.equal(rig.living().filter((one) => /^(director|host) /.test(one)).length, 2, rig.living().join(', '));
    sendSignal(run.pid, 'SIGKILL');
    await run.ended;
  });

  test('down stops what a killed up left behind, and is content when there is nothing', () => {
    const first = rig.run(['down', '--data', rig.data]);
    assert.equal(first.code, 0, first.err);
    assert.deepEqual(rig.living(), []);
    assert.equal(rig.run(['down', '--data', rig.data]).code, 0);
  });

  test('a person wiped the database: a new control plane comes up, and the host of this machine joins it', async () => {
    rmSync(preparePostgresHome(rig.data).folder, { recursive: true });
    const run = rig.start(['--no-sample']);
    await run.line(UP);
    assert.deepEqual(statusOf(rig).clusters, []);
    sendSignal(run.pid, 'SIGINT');
    // A director that hangs, and a person who is tired of waiting: everything is killed, it says so, and still nothing is left.
    process.kill(rig.pidOf('director'), 'SIGSTOP');
    await run.line(/stopped Host daemon/);
    await eventually('it takes a further signal for one of its own', () => {
      sendSignal(run.pid, 'SIGINT');
      return /told to stop at once/.test(run.output());
    });
    await run.ended;
    assert.match(run.output(), /killed Director/);
    assert.deepEqual(rig.living(), []);
  });

  test('Ctrl-C at a whole process group, whose starter passes it on late, is one Ctrl-C', async () => {
    const [node, ...rest] = programCommand(['up', '--data', rig.data, '--port', '0', '--no-sample']);
    // As npm does on older Nodes: it lives between the terminal and us, and hands on what the group got already.
    const between = `
      const child = require('node:child_process').spawn(${JSON.stringify(node)}, ${JSON.stringify(rest)}, { stdio: 'inherit' });
      process.on('SIGINT', () => { for (const ms of [0, 300, 700]) setTimeout(() => child.kill('SIGINT'), ms); });
      child.on('exit', (code) => process.exit(code ?? 99));`;
    const child = spawn(process.execPath, ['-e', between], { stdio: ['ignore', 'pipe', 'inherit'], detached: true });
    let output = '';
    child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString('utf8')));
    const ended = new Promise((done) => child.once('exit', done));
    await eventually('it is up', () => UP.test(output), UP_DEADLINE_MS);
    // It takes longer to stop than the copies take to arrive.
    const director = rig.pidOf('director');
    process.kill(director, 'SIGSTOP');
    setTimeout(() => process.kill(director, 'SIGCONT'), 2_000);
    process.kill(-(child.pid ?? 0), 'SIGINT');
    assert.equal(await ended, 0, output);
    assert.match(output, /stopped Director[^]*stopped PostgreSQL[^]*Stopped\. Everything is kept/);
    assert.doesNotMatch(output, /  killed |told to stop at once/);
    assert.deepEqual(rig.living(), []);
  });

  test('logs are there for each part, and hold no secret', () => {
    for (const part of ['director', 'extension-1', 'host']) {
      const text = readFileSync(join(rig.data, 'logs', `${part}.log`), 'utf8');
      assert.ok(text.length > 0);
      assert.doesNotMatch(text, /PRIVATE KEY|eyJ[\w-]{20,}\./, `${part} logs no key and no token`);
    }
  });
});

describe('what stands in its way gets a sentence', () => {
  const rig = upRig('up-refused');
  after(() => rig.cleanup());

  test('a taken port names who has it', async () => {
    const server = createServer();
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
    const { port } = server.address() as AddressInfo;
    const { code, err } = rig.run(['up', '--data', rig.data, '--port', String(port)]);
    server.close();
    assert.equal(code, 1);
    assert.match(
      err,
      new RegExp(`^outrigger: Port ${port} is taken by node \\(pid ${process.pid}\\)\\. Stop it, or choose another port with --port`),
    );
    assert.deepEqual(rig.living(), []);
  });

  test('a folder that cannot be written', () => {
    const file = `${rig.data}-file`;
    writeFileSync(file, '');
    const { code, err } = rig.run(['up', '--data', `${file}/below`]);
    assert.equal(code, 1);
    assert.match(err, /^outrigger: .*-file\/below cannot be written: a file stands in its way\. Choose another folder with --data/);
    const proc = rig.run(['up', '--data', '/proc/outrigger']);
    assert.equal(proc.code, 1);
    assert.match(proc.err, /^outrigger: \/proc\/outrigger cannot be written/);
  });

  test('unknown settings, flags and values end with code 2 and suggest the nearest', () => {
    const misspelled = ['OUTRIGGER', 'PROT'].join('_');
    const variable = rig.run(['up', '--data', rig.data], { [misspelled]: '1' });
    assert.deepEqual(
      [variable.code, variable.err],
      [2, `outrigger: The variable ${misspelled} is no setting of Outrigger. Did you mean OUTRIGGER_PORT?\n`],
    );
    const flag = rig.run(['up', '--extension-server', '3']);
    assert.equal(flag.code, 2);
    assert.match(flag.err, /Did you mean --extension-servers\?/);
    const fresh = `${rig.data}-never-made`;
    const value = rig.run(['up', '--data', fresh, '--port', '99999']);
    assert.deepEqual([value.code, value.err], [2, 'outrigger: --port must be a whole number from 0 to 65535, not "99999".\n']);
    assert.equal(existsSync(fresh), false, 'nothing was made');
  });

  test('stopped while it comes up, it leaves nothing', async () => {
    const run = rig.start();
    await run.line(/ready PostgreSQL/);
    await stop(run);
    assert.match(run.output(), /Stopped\. Everything is kept in/);
    assert.deepEqual(rig.living(), []);
  });
});
