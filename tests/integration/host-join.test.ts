/**
 * A second host joins as a person would let it: a Host, a token, and the command that `outrigger token create` prints.
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { CLUSTERS, CLUSTER_NODES, HOSTS, VIRTUAL_DATA_CENTERS } from '../../src/model/addresses.ts';
import type { ClusterNode } from '../../src/model/cluster-node.ts';
import { conditionOf } from '../../src/model/condition.ts';
import { LEASES } from '../../src/model/core-kinds.ts';
import type { Host } from '../../src/model/host.ts';
import { directorApi } from '../../src/platform/api-client.ts';
import { parseAdminKubeconfig } from '../../src/platform/kubeconfig.ts';
import { programCommand } from '../../src/platform/program.ts';
import { systemRandom } from '../../src/platform/random.ts';
import type { DirectorApi } from '../../src/ports/director.ts';
import { eventually } from '../support/eventually.ts';
import { upRig } from '../support/up-rig.ts';

const UP = /Outrigger is up after [\d.]+ s/;
const never = new AbortController().signal;
const rig = upRig('host-join');
/** The second machine's own folder: it lies in the first one's, so that the rig cleans it up, and is told by its own mark. */
const second = `${rig.data}/second`;
let api: DirectorApi;
let host: ChildProcess | undefined;
let command = '';

function startHost(args: readonly string[]): { readonly child: ChildProcess; readonly output: () => string } {
  const [file, ...rest] = programCommand(args);
  const child = spawn(file, rest, { stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (output += chunk.toString('utf8')));
  return { child, output: () => output };
}

/** `outrigger host --a b` as arguments, for the second machine's folder. */
function argumentsOf(line: string): readonly string[] {
  return [...line.trim().split(' ').slice(1), '--data', second];
}

after(async () => {
  host?.kill('SIGKILL');
  api?.close();
  await rig.cleanup();
});

describe('a second host', () => {
  test('a token is refused for a Host that is not there, by a sentence', async () => {
    const run = rig.start(['--no-sample', '--extension-servers', '1']);
    await run.line(UP);
    const path = join(rig.data, 'kubeconfig');
    const { server, identity } = parseAdminKubeconfig(readFileSync(path, 'utf8'), path);
    api = directorApi({ directors: [server], identity, era: undefined }, systemRandom());
    const { code, err } = rig.run(['token', 'create', '--data', rig.data, '--host', 'rack1']);
    assert.equal(code, 3);
    assert.match(err, /^outrigger: There is no Host rack1 .*Create it first/);
    assert.equal(rig.run(['token', 'create', '--data', rig.data]).code, 2);
    assert.match(rig.run(['token', 'create', '--data', rig.data, '--host', 'a', '--node', 'b/c']).err, /either --host NAME or --node/);
  });

  test('the printed command joins it: certificate, Lease, Ready', async () => {
    const spec = { capacity: { nodes: 2, cpuMillis: 2000, memoryMiB: 2048 }, drivers: ['process'] };
    assert.ok((await api.create(HOSTS, '', { apiVersion: 'outrigger.dev/v1', kind: 'Host', metadata: { name: 'rack1' }, spec }, never)).ok);
    const made = rig.run(['token', 'create', '--data', rig.data, '--host', 'rack1', '--ttl', '5m']);
    assert.equal(made.code, 0, made.err);
    command = made.out;
    assert.match(
      command,
      /^outrigger host --host-name rack1 --server https:\/\/127\.0\.0\.1:\d+ --token outrigger-system\.[a-z0-9]{10}\.[a-z0-9]{32} --ca-hash sha256:[0-9a-f]{64}\n$/,
    );
    const started = startHost(argumentsOf(command));
    host = started.child;
    await eventually(
      'rack1 is Ready',
      async () => {
        const answer = await api.get<Host>(HOSTS, '', 'rack1', never);
        return answer.ok && conditionOf(answer.value.status?.conditions, 'Ready')?.status === 'True';
      },
      30_000,
      100,
    ).catch((cause: unknown) => {
      throw new Error(started.output(), { cause });
    });
    assert.ok((await api.get(LEASES, 'outrigger-system', 'host-rack1', never)).ok);
    assert.equal(statSync(join(second, 'host', 'identity', 'identity.json')).mode & 0o077, 0, 'its key is its own');
    assert.doesNotMatch(started.output(), new RegExp(command.split(' ')[7] ?? 'no token'), 'the token is in no log');
  });

  test('one host a folder', async () => {
    const { child, output } = startHost(argumentsOf(command));
    const [code] = (await once(child, 'exit')) as [number];
    assert.equal(code, 1);
    assert.match(output(), /A host daemon already runs in/);
  });

  test('it claims nodes of a VirtualDataCenter that names it, on a network of its own', async () => {
    const patched = await api.mergePatch(VIRTUAL_DATA_CENTERS, 'demo', 'main', { spec: { hosts: ['rack1'] } }, never);
    assert.ok(patched.ok);
    const spec = { virtualDataCenter: 'main', release: '1.0.0', workers: 0 };
    const pier = { apiVersion: 'outrigger.dev/v1', kind: 'Cluster', metadata: { name: 'pier', namespace: 'demo' }, spec };
    assert.ok((await api.create(CLUSTERS, 'demo', pier, never)).ok);
    const claimed = await eventually(
      'pier-a1-n0 runs on rack1',
      async () => {
        const answer = await api.get<ClusterNode>(CLUSTER_NODES, 'demo', 'pier-a1-n0', never);
        return answer.ok && answer.value.status?.infrastructure?.phase === 'Running' ? answer.value : undefined;
      },
      30_000,
      100,
    );
    assert.equal(claimed.spec.host, 'rack1');
    const local = await api.get<Host>(HOSTS, '', 'local', never);
    const rack = await api.get<Host>(HOSTS, '', 'rack1', never);
    assert.ok(local.ok && rack.ok);
    assert.notEqual(rack.value.status?.address, local.value.status?.address);
    const deleted = await api.delete(CLUSTERS, 'demo', 'pier', {}, never);
    assert.ok(deleted.ok);
    await eventually('pier is gone', async () => !(await api.get(CLUSTERS, 'demo', 'pier', never)).ok, 60_000, 100);
  });

  test('killed and started again it needs neither token nor address', async () => {
    host?.kill('SIGKILL');
    if (host !== undefined) await once(host, 'exit');
    const { child, output } = startHost(['host', '--data', second]);
    host = child;
    await eventually('it runs again', () => /The host daemon starts/.test(output()), 30_000);
    child.kill('SIGTERM');
    const [code] = (await once(child, 'exit')) as [number];
    assert.equal(code, 0, output());
  });

  test('a token works once: another machine is refused, with exit code 3', async () => {
    const third = `${rig.data}/third`;
    const { child, output } = startHost([...command.trim().split(' ').slice(1), '--data', third]);
    const [code] = (await once(child, 'exit')) as [number];
    assert.equal(code, 3, output());
    assert.match(output(), /outrigger: The join was refused: /);
    assert.equal(existsSync(join(third, 'host', 'identity', 'identity.json')), false);
  });

  test('a wrong CA hash: nothing is sent', async () => {
    const other = `sha256:${'0'.repeat(64)}`;
    const args = command
      .replace(/sha256:[0-9a-f]{64}/, other)
      .trim()
      .split(' ')
      .slice(1);
    const { child, output } = startHost([...args, '--data', `${rig.data}/fourth`]);
    const [code] = (await once(child, 'exit')) as [number];
    assert.equal(code, 3, output());
    assert.match(output(), /is not of the control plane with CA hash/);
  });
});
