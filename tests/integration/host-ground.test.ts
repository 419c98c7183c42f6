/**
 * The ground under up and host on a real machine: clock, log, small files, locks by name, loopback networks, ports.
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { appendFileSync, mkdtempSync, openSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { Fault, isFault } from '../../src/model/fault.ts';
import { systemClock } from '../../src/platform/clock.ts';
import { readYamlFile } from '../../src/platform/config-file.ts';
import { systemFiles } from '../../src/platform/files.ts';
import { createLog } from '../../src/platform/log.ts';
import { loopbackNetworks } from '../../src/platform/loopback.ts';
import { nameLocks } from '../../src/platform/name-lock.ts';
import { tcpPorts } from '../../src/platform/tcp-ports.ts';

const folder = mkdtempSync(join(tmpdir(), 'outrigger-ground-'));
const never = new AbortController().signal;

after(() => rmSync(folder, { recursive: true, force: true }));

describe('clock', () => {
  test('I1, I3: never falls, and agrees with /proc/uptime to 20 ms', () => {
    const clock = systemClock();
    let last = clock.monotonicMs();
    for (let i = 0; i < 10_000; i++) {
      const now = clock.monotonicMs();
      assert.ok(now >= last, `${now} after ${last}`);
      last = now;
    }
    const uptimeMs = Number.parseFloat(readFileSync('/proc/uptime', 'utf8')) * 1000;
    assert.ok(Math.abs(clock.monotonicMs() - uptimeMs) < 20, `${clock.monotonicMs()} and ${uptimeMs}`);
  });

  test('sleep ends by time or with the reason of its signal', async () => {
    const clock = systemClock();
    const startedMs = clock.monotonicMs();
    await clock.sleep(30, never);
    assert.ok(clock.monotonicMs() - startedMs >= 29);
    const stop = new AbortController();
    const slept = clock.sleep(60_000, stop.signal);
    stop.abort(new Fault('Aborted', 'enough'));
    await assert.rejects(slept, (error) => isFault(error, 'Aborted'));
    await assert.rejects(clock.sleep(1, stop.signal), (error) => isFault(error, 'Aborted'));
  });
});

describe('log', () => {
  const write = (name: string, maxBytes: number) => {
    const file = join(folder, name);
    return { file, log: createLog({ role: 'test', descriptor: openSync(file, 'a'), maxBytes }) };
  };
  const entries = (file: string) =>
    readFileSync(file, 'utf8')
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>);

  test('I2: secrets are replaced, faults keep code and cause', () => {
    const { file, log } = write('secrets.log', 1e6);
    log.info('said', {
      token: 'geheim',
      join: { token: 'geheim' },
      error: new Fault('DiskFull', 'It is full.', { cause: new Error('ENOSPC') }),
    });
    const text = readFileSync(file, 'utf8');
    assert.doesNotMatch(text, /geheim/);
    const [entry] = entries(file);
    const error = entry?.['error'] as { code: string; message: string; cause: { message: string } };
    assert.deepEqual([entry?.['message'], error.code, error.message, error.cause.message], ['said', 'DiskFull', 'It is full.', 'ENOSPC']);
  });

  test('I1, I3: the file stays within bounds, every entry is whole, and the newest are there', () => {
    const maxBytes = 20_000;
    const { file, log } = write('bounded.log', maxBytes);
    for (let i = 0; i < 2_000; i++) log.with({ part: 'x' }).info('entry', { i });
    assert.ok(statSync(file).size < 2 * maxBytes + 65_536, `${statSync(file).size} bytes`);
    assert.ok(statSync(`${file}.1`).size < 2 * maxBytes + 65_536);
    assert.equal(entries(file).at(-1)?.['i'], 1_999);
    assert.equal(entries(`${file}.1`).length > 0, true);
  });

  test('I1: another who appends to the same file goes on in it', () => {
    const { file, log } = write('shared.log', 1_000);
    for (let i = 0; i < 50; i++) log.info('entry', { i });
    appendFileSync(file, '{"message":"from another"}\n');
    log.info('last');
    const all = [...entries(`${file}.1`), ...(statSync(file).size === 0 ? [] : entries(file))];
    assert.deepEqual(
      all.slice(-2).map((entry) => entry['message']),
      ['from another', 'last'],
    );
  });
});

describe('files', () => {
  const files = systemFiles();

  test('written whole, read back, listed, removed', () => {
    const path = join(folder, 'sub', 'a.json');
    files.ensureFolder(join(folder, 'sub'), 0o700);
    files.writeText(path, 'one', 0o600);
    files.writeText(path, 'two', 0o600);
    assert.equal(files.readText(path), 'two');
    assert.equal(statSync(path).mode & 0o777, 0o600);
    assert.deepEqual(files.list(join(folder, 'sub')), ['a.json'], 'nothing else is left beside it');
    files.remove(path);
    files.remove(path);
    assert.equal(files.readText(path), undefined);
    assert.deepEqual(files.list(join(folder, 'never')), []);
  });

  test('what stands in the way is said', () => {
    writeFileSync(join(folder, 'file'), '');
    assert.throws(
      () => files.ensureFolder(join(folder, 'file', 'below'), 0o700),
      (error) => isFault(error, 'FolderUnwritable') && /a file stands in its way/.test(error.message),
    );
    assert.throws(
      () => files.ensureFolder(join(folder, 'file'), 0o700),
      (error) => isFault(error, 'FolderUnwritable'),
    );
    assert.throws(
      () => files.ensureFolder('/proc/outrigger/data', 0o700),
      (error) => isFault(error, 'FolderUnwritable'),
    );
  });

  test('config files: absent, good, bad', () => {
    const path = join(folder, 'config.yaml');
    assert.equal(readYamlFile(path), undefined);
    writeFileSync(path, 'port: 1\n');
    assert.deepEqual(readYamlFile(path)?.content, { port: 1 });
    writeFileSync(path, 'port: [1\n');
    assert.throws(
      () => readYamlFile(path),
      (error) => isFault(error, 'SettingInvalid') && error.message.startsWith(`${path} is no YAML`),
    );
  });
});

describe('locks by name', () => {
  test('held by one; free again when released, or when its holder is killed', async () => {
    const locks = nameLocks();
    const name = `test/${process.pid}`;
    const held = await locks.hold(name);
    assert.ok(held);
    assert.equal(await locks.hold(name), undefined);
    held.release();
    const script = `import { nameLocks } from '${new URL('../../src/platform/name-lock.ts', import.meta.url).pathname}';
      await nameLocks().hold('${name}'); console.log('held'); setInterval(() => undefined, 1000);`;
    const child = spawn(process.execPath, ['--input-type=module-typescript', '-e', script], { stdio: ['ignore', 'pipe', 'inherit'] });
    await once(child.stdout, 'data');
    assert.equal(await locks.hold(name), undefined, 'held by another process');
    child.kill('SIGKILL');
    await once(child, 'exit');
    assert.ok(await locks.hold(name), 'a killed holder holds nothing');
  });

  test('a folder has one name, by whatever path', () => {
    const locks = nameLocks();
    assert.equal(locks.nameOfFolder(folder), locks.nameOfFolder(`${folder}/../${folder.split('/').at(-1)}`));
    assert.notEqual(locks.nameOfFolder(folder), locks.nameOfFolder(tmpdir()));
  });
});

describe('loopback networks', () => {
  const networks = loopbackNetworks(nameLocks());

  test('I1: two claims get two networks; a released one may be had again', async () => {
    const first = await networks.claim(undefined, false);
    const second = await networks.claim(first.network, false);
    assert.notEqual(first.network, second.network);
    first.release();
    const third = await networks.claim(first.network, false);
    assert.equal(third.network, first.network);
    second.release();
    third.release();
  });

  test('a network on which somebody listens is passed over, unless it is our own', async () => {
    const claim = await networks.claim(undefined, false);
    claim.release();
    const server = createServer();
    await new Promise<void>((done) => server.listen(0, `127.77.${claim.network}.10`, done));
    assert.deepEqual(networks.listening(claim.network), [10]);
    const other = await networks.claim(claim.network, false);
    assert.notEqual(other.network, claim.network);
    const own = await networks.claim(claim.network, true);
    assert.equal(own.network, claim.network);
    other.release();
    own.release();
    server.close();
  });
});

test('ports: free, taken, and by whom', async () => {
  const ports = tcpPorts();
  const server = createServer();
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const { port } = server.address() as AddressInfo;
  assert.equal(await ports.isFree('127.0.0.1', port), false);
  assert.equal(ports.holderOf(port), `node (pid ${process.pid})`);
  server.close();
  await once(server, 'close');
  assert.equal(await ports.isFree('127.0.0.1', port), true);
  assert.equal(ports.holderOf(port), undefined);
  assert.equal(await ports.isFree('127.0.0.1', await ports.pickFree('127.0.0.1')), true);
});
