/**
 * `outrigger up` with real processes: what it starts, keeps, stops and finds again. Without the sample cluster; that is up-harbor.test.ts.
 */
import assert from 'node:assert/strict';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { preparePostgresHome } from '../../src/platform/postgres/home.ts';
import { sendSignal } from '../../src/platform/process-id.ts';
import { eventually } from '../support/eventually.ts';
import { upRig } from '../support/up-rig.ts';
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
    // A person who is tired of waiting: everything is killed, and still nothing is left.
    await run.line(/Stopping Outrigger/);
    sendSignal(run.pid, 'SIGINT');
    await run.ended;
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
