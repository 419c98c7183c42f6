/**
 * The commands for people, as people type them, on one control plane: a cluster is ordered, listed, scaled, upgraded, read and deleted; what cannot be is
 * refused with an exit code that says so; nothing is asked where there is no terminal, and no color is written.
 */
import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { after, before, test } from 'node:test';
import { CLUSTERS } from '../../src/model/addresses.ts';
import type { Cluster } from '../../src/model/cluster.ts';
import type { Json, JsonObject } from '../../src/model/json.ts';
import { programCommand } from '../../src/platform/program.ts';
import { NAMESPACE, PATIENCE_MS, startControlPlane } from '../support/control-plane.ts';
import type { CommandResult, ControlPlane } from '../support/control-plane.ts';
import { eventually } from '../support/eventually.ts';
import { PLAIN_RELEASE, plainRelease } from '../support/plain-release.ts';

const NEXT_RELEASE = '1.0.1-plain';

let plane: ControlPlane;
before(
  async () => {
    plane = await startControlPlane('cluster-cli');
    const made = await plane.apply(nextRelease());
    assert.equal(made.code, 0, made.err);
  },
  { timeout: 240_000 },
);
after(async () => plane.cleanup());

/** The plain release once more, as another version that can be reached from it. */
function nextRelease(): JsonObject {
  const release = plainRelease(NEXT_RELEASE) as JsonObject & {
    spec: JsonObject & { services: { pod: { containers: { env: Json[] }[] } }[] };
  };
  for (const { pod } of release.spec.services) for (const { env } of pod.containers) env.push({ name: 'AGAIN', value: '1' });
  return { ...release, spec: { ...release.spec, upgradesFrom: [PLAIN_RELEASE] } };
}

function outrigger(...args: readonly string[]): Promise<CommandResult> {
  return run([...args, '--data', plane.data]);
}

/** No pipe of it is a terminal. */
function run(args: readonly string[], env: NodeJS.ProcessEnv = process.env): Promise<CommandResult> {
  const [file, ...rest] = programCommand(args);
  return new Promise((resolve) => {
    const child = execFile(file, rest, { timeout: PATIENCE_MS, env }, (error, out, err) => {
      assert.ok(!`${out}${err}`.includes('\u001B'), 'no escape sequence is written where there is no terminal');
      resolve({ code: error === null ? 0 : typeof error.code === 'number' ? error.code : 1, out, err });
    });
    child.stdin?.end();
  });
}

async function pier(): Promise<Cluster | undefined> {
  return await plane.get(CLUSTERS, NAMESPACE, 'pier');
}

test('create: a dry run makes nothing, a refusal says why, and the real one tells its story until it is available', async () => {
  const dry = await outrigger('cluster', 'create', 'pier', '-n', NAMESPACE, '--release', PLAIN_RELEASE, '--dry-run', '-o', 'yaml');
  assert.equal(dry.code, 0, dry.err);
  assert.match(dry.out, /^apiVersion: outrigger\.dev\/v1\nkind: Cluster\nmetadata:\n {2}name: pier/);
  assert.equal(await pier(), undefined);
  const nameless = await outrigger('cluster', 'create', 'Pier', '-n', NAMESPACE, '--release', PLAIN_RELEASE, '--dry-run');
  assert.equal(nameless.code, 3, nameless.err);
  assert.equal((await outrigger('cluster', 'create', 'pier', '-n', 'nowhere')).code, 2);

  const made = await outrigger('cluster', 'create', 'pier', '-n', NAMESPACE, '--release', PLAIN_RELEASE, '--workers', '0');
  assert.equal(made.code, 0, made.err);
  for (const words of [
    /^Cluster demo\/pier: a primary and no worker, release 1\.0\.0-plain/,
    /Attempt 1 begins/,
    /PrimaryReady is done/,
    /pier is Available after \d+ s\./,
  ])
    assert.match(made.out, words);
  const again = await outrigger('cluster', 'create', 'pier', '-n', NAMESPACE, '--release', PLAIN_RELEASE);
  assert.deepEqual([again.code, /already exists/.test(again.err)], [3, true], again.err);
});

test('list: a table that lines up, or the objects', async () => {
  const { code, out } = await outrigger('cluster', 'list', '-n', NAMESPACE);
  assert.equal(code, 0);
  assert.match(
    out,
    /^NAMESPACE {2}NAME +PHASE +RELEASE +PRIMARY +WORKERS +SITE +LICENSE +AGE\ndemo +harbor .*\ndemo +pier +Available +1\.0\.0-plain +pier-a1-n0 +0\/0 +<none> +<none> +\d+s\n/,
  );
  const objects = JSON.parse((await outrigger('cluster', 'list', '-o', 'json')).out) as Cluster[];
  assert.deepEqual(
    objects.map(({ metadata }) => metadata.name),
    ['harbor', 'pier'],
  );
  assert.equal((await outrigger('cluster', 'list', '-o', 'xml')).code, 2);
});

test('kubectl: the pinned one where none is installed, with the credentials of the folder and its own exit codes', async () => {
  const bare = { ...process.env, PATH: '/nowhere', KUBECONFIG: '' };
  const got = await run(['kubectl', '--data', plane.data, 'get', 'cluster', 'pier', '-n', NAMESPACE, '-o', 'name'], bare);
  assert.deepEqual([got.code, got.out], [0, 'cluster.outrigger.dev/pier\n'], got.err);
  const none = await run(['kubectl', '--data', plane.data, 'get', 'cluster', 'nobody'], bare);
  assert.deepEqual([none.code, /NotFound/.test(none.err)], [1, true], none.err);
});

test('scale: waits until it is so; more than the quota holds ends with 1 and the reason', async () => {
  const up = await outrigger('cluster', 'scale', 'demo/pier', '--workers', '1', '-o', 'json');
  assert.equal(up.code, 0, up.err);
  assert.match(up.err, /pier has 1 worker\./);
  assert.equal((JSON.parse(up.out) as Cluster).status?.workers, 1);
  const short = await plane.kubectl('-n', NAMESPACE, 'patch', 'vdc', 'main', '--type=merge', '-p', '{"spec":{"quota":{"nodes":4}}}');
  assert.equal(short.code, 0, short.err);
  const much = await outrigger('cluster', 'scale', 'pier', '-n', NAMESPACE, '--workers', '3');
  assert.equal(much.code, 1, `${much.out}${much.err}`);
  const down = await outrigger('cluster', 'scale', 'pier', '-n', NAMESPACE, '--workers', '0');
  assert.equal(down.code, 0, down.err);
  assert.match(down.out, /is drained and let go[^]*pier has no worker\./);
  assert.equal((await outrigger('cluster', 'scale', 'pier', '-n', NAMESPACE, '--workers', '9')).code, 2);
});

test('upgrade: says which way there is, refuses where there is none, and goes node by node', async () => {
  assert.match(
    (await outrigger('cluster', 'upgrade', 'pier', '-n', NAMESPACE)).out,
    /^From 1\.0\.0-plain can be reached: 1\.0\.1-plain\.$/m,
  );
  const none = await outrigger('cluster', 'upgrade', 'pier', '-n', NAMESPACE, '--release', '9.9.9');
  assert.deepEqual([none.code, /There is no release 9\.9\.9/.test(none.err)], [3, true], none.err);
  const far = await outrigger('cluster', 'upgrade', 'pier', '-n', NAMESPACE, '--release', '1.0.1');
  assert.deepEqual(
    [far.code, /no way from release 1\.0\.0-plain to 1\.0\.1:.*can be reached: 1\.0\.1-plain/.test(far.err)],
    [3, true],
    far.err,
  );
  const done = await outrigger('cluster', 'upgrade', 'pier', '-n', NAMESPACE, '--release', NEXT_RELEASE);
  assert.equal(done.code, 0, `${done.out}${done.err}`);
  assert.match(done.out, /Every node of pier runs 1\.0\.1-plain\./);
});

test('logs: of all nodes with their names, of one as it is, and on and on until somebody has enough', async () => {
  const both = await eventually('both nodes are read', async () => {
    const read = await outrigger('cluster', 'logs', 'harbor', 'hello', '-n', NAMESPACE, '--tail', '5');
    return read.code === 0 && read.out.includes('harbor-a1-n0  ') && read.out.includes('harbor-a1-n1  ') && read;
  });
  assert.ok(both.out.split('\n').filter((line) => line.startsWith('harbor-a1-n0')).length <= 5);
  const choice = await outrigger('cluster', 'logs', 'harbor', '-n', NAMESPACE);
  assert.deepEqual([choice.code, /harbor runs .*hello.*ticker/.test(choice.err)], [2, true], choice.err);

  const [file, ...rest] = programCommand([
    'cluster',
    'logs',
    'harbor',
    'ticker',
    '-n',
    NAMESPACE,
    '--follow',
    '--tail',
    '0',
    '--data',
    plane.data,
  ]);
  const child = spawn(file, rest, { stdio: ['ignore', 'pipe', 'inherit'] });
  let out = '';
  child.stdout.on('data', (chunk: Buffer) => (out += chunk.toString('utf8')));
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
  await eventually('the log goes on', () => out.split('\n').length > 2);
  child.kill('SIGINT');
  assert.equal(await ended, 0);
});

test('delete: refused where nobody can be asked; with --yes it says what goes, and is gone', async () => {
  const refused = await outrigger('cluster', 'delete', 'pier', '-n', NAMESPACE);
  assert.deepEqual([refused.code, /no terminal/.test(refused.err)], [3, true], refused.err);
  assert.ok(await pier());
  const done = await outrigger('cluster', 'delete', 'pier', '-n', NAMESPACE, '--yes');
  assert.equal(done.code, 0, done.err);
  assert.match(done.out, /nodes +pier-a1-n0: drained[^]*pier is gone\./);
  assert.equal(await pier(), undefined);
  assert.equal((await outrigger('cluster', 'delete', 'pier', '-n', NAMESPACE, '--yes')).code, 2);
});
