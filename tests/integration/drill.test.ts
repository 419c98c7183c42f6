/**
 * Rehearsals of failures on the sample cluster, with real kills: each target once, one that is refused, one by kubectl, one whose promise is broken.
 *
 * Order and outcome are asserted, with ten times the promise; what was measured is printed. That numbers decide between Passed and Broken is
 * proved in tests/unit/decide/drill.test.ts; here that phase, exit code and numbers agree.
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { CLUSTERS, DRILLS } from '../../src/model/addresses.ts';
import type { Cluster } from '../../src/model/cluster.ts';
import { conditionOf } from '../../src/model/condition.ts';
import { CONFIG_MAPS } from '../../src/model/core-kinds.ts';
import type { Drill } from '../../src/model/drill.ts';
import { GROUP_VERSION } from '../../src/model/resource.ts';
import { directorApi } from '../../src/platform/api-client.ts';
import { parseAdminKubeconfig } from '../../src/platform/kubeconfig.ts';
import { programCommand } from '../../src/platform/program.ts';
import { systemRandom } from '../../src/platform/random.ts';
import type { DirectorApi } from '../../src/ports/director.ts';
import { eventually } from '../support/eventually.ts';
import { kubectlPath } from '../support/kubectl.ts';
import { UP_DEADLINE_MS, upRig } from '../support/up-rig.ts';

const MARGIN = 10;
const never = new AbortController().signal;
const rig = upRig('drill');
let api: DirectorApi;

interface Ended {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

async function run(command: readonly [string, ...string[]], input = ''): Promise<Ended> {
  const [file, ...args] = command;
  const child = spawn(file, args, { stdio: ['pipe', 'pipe', 'pipe'], timeout: UP_DEADLINE_MS, killSignal: 'SIGKILL' });
  let [out, err] = ['', ''];
  child.stdout.on('data', (bytes: Buffer) => (out += bytes.toString('utf8')));
  child.stderr.on('data', (bytes: Buffer) => (err += bytes.toString('utf8')));
  child.stdin.end(input);
  const code = await new Promise<number | null>((done) => child.once('close', done));
  return { code, out, err };
}

const outrigger = async (...args: string[]): Promise<Ended> => await run(programCommand([...args, '--data', rig.data]));
const kubectl = async (input: string, ...args: string[]): Promise<Ended> =>
  await run([kubectlPath(), '--kubeconfig', join(rig.data, 'kubeconfig'), '-n', 'demo', ...args], input);

async function calm(name: string, isRedundant = true): Promise<void> {
  await eventually(
    `${name} is Available, and nothing goes on`,
    async () => {
      const answer = await api.get<Cluster>(CLUSTERS, 'demo', name, never).catch(() => undefined);
      const status = answer?.ok === true ? answer.value.status : undefined;
      const says = (type: 'Redundant' | 'Progressing'): string | undefined => conditionOf(status?.conditions, type)?.status;
      return status?.phase === 'Available' && says('Progressing') === 'False' && (!isRedundant || says('Redundant') === 'True');
    },
    UP_DEADLINE_MS,
    100,
  );
}

/** What holds for every drill that killed something; prints what it measured. */
function proper({ spec, status }: Drill): NonNullable<Drill['status']> {
  const { phase, promise = {}, requests, detectedMs, recoveredMs, verdict = [] } = status ?? {};
  const numbers = verdict.map(({ what, measured }) => `${what.toLowerCase()} ${measured}`).join(', ');
  console.log(`# drill ${spec.target}: ${phase ?? 'none'}; ${numbers}`);
  assert.ok(phase === 'Passed' || phase === 'Broken', `${spec.target}: ${status?.message ?? 'no word'}`);
  assert.equal(phase === 'Passed', verdict.length > 0 && verdict.every(({ kept }) => kept));
  assert.ok(
    (status?.killed ?? []).some(({ pids }) => pids.length > 0),
    'it names what died',
  );
  assert.ok((status?.expected ?? '').length > 0);
  if (promise.failedRequests !== undefined) assert.equal(requests?.failed, 0, status?.message);
  if (spec.cluster !== undefined) assert.ok((requests?.total ?? 0) > 50, 'clients asked');
  for (const [ms, promised] of [[detectedMs, promise.detectedMs] as const, [recoveredMs, promise.recoveredMs] as const])
    if (ms !== undefined && promised !== undefined) assert.ok(ms <= MARGIN * promised, `${ms} ms of ${promised} ms`);
  assert.notEqual(recoveredMs, undefined, 'it came back');
  return status ?? {};
}

/** By the command; its exit code is that of the phase. */
async function drill(...args: string[]): Promise<{ readonly status: NonNullable<Drill['status']>; readonly said: string }> {
  const { code, out, err } = await outrigger('drill', ...args, '-n', 'demo', '--seconds', '5', '--json');
  assert.ok(code === 0 || code === 1, `${args.join(' ')} ended with ${code}: ${err}`);
  const status = proper(JSON.parse(out) as Drill);
  assert.equal(code, status.phase === 'Passed' ? 0 : 1);
  return { status, said: err };
}

before(async () => {
  const up = rig.start();
  await up.line(/Outrigger is up after/);
  const path = join(rig.data, 'kubeconfig');
  const { server, identity } = parseAdminKubeconfig(readFileSync(path, 'utf8'), path);
  api = directorApi({ directors: [server], identity, era: undefined }, systemRandom());
  const made = await api.create(CLUSTERS, 'demo', quay(), never);
  assert.ok(made.ok, made.ok ? '' : made.message);
  await calm('harbor');
});
after(async () => {
  api?.close();
  await rig.cleanup();
});

/** One node, and a service that takes three seconds until it serves. */
function quay(): object {
  const late = "setTimeout(() => require('http').createServer((q, s) => s.end('ok')).listen(+process.env.PORT, process.env.POD_IP), 3000)";
  const container = { name: 'late', command: ['node', '-e', late], readinessProbe: { httpGet: { path: '/', port: 8090 } } };
  const service = { name: 'late', mode: 'Replicated', protocol: 'HTTP', port: 8090, pod: { containers: [container] } };
  const spec = { virtualDataCenter: 'main', release: '1.0.0', workers: 0, services: [service] };
  return { apiVersion: GROUP_VERSION, kind: 'Cluster', metadata: { name: 'quay', namespace: 'demo' }, spec };
}

describe('at a site', () => {
  test('an instance, by kubectl create of the example', async () => {
    const example = readFileSync(new URL('../../examples/drill-instance.yaml', import.meta.url), 'utf8').replace(
      'seconds: 10',
      'seconds: 5',
    );
    const applied = await kubectl(example, 'create', '-f', '-', '-o', 'name');
    assert.equal(applied.code, 0, applied.err);
    const name = applied.out.trim().split('/')[1] ?? '';
    const ended = await eventually(
      'the drill has ended',
      async () => {
        const { out } = await kubectl('', 'get', 'odr', name, '-o', 'json');
        const seen = JSON.parse(out) as Drill;
        return seen.status?.endedAt === undefined ? undefined : seen;
      },
      UP_DEADLINE_MS,
      250,
    );
    const status = proper(ended);
    assert.equal(status.executor, 'harbor-a1-n0');
    assert.deepEqual(
      status.killed?.map(({ what }) => what),
      ['hello of harbor-a1-n1'],
    );
    assert.notEqual(status.detectedMs, undefined, 'the primary saw it');
    const changed = await kubectl('', 'patch', 'odr', name, '--type=merge', '-p', '{"spec":{"target":"Node"}}');
    assert.match(changed.err, /cannot be changed; make another drill instead/);
  });

  test('an agent: its services go on; the primary may be hit, too', async () => {
    await calm('harbor');
    const { status, said } = await drill('agent', 'harbor', '--node', 'harbor-a1-n0');
    assert.match(said, /^The agent of harbor-a1-n0 is killed/, 'what should happen is said first');
    assert.equal(status.executor, 'harbor-a1-n1', 'who survives it carries it out');
  });

  test('a balancer', async () => {
    await calm('harbor');
    const { status } = await drill('balancer', 'harbor');
    assert.deepEqual(
      status.killed?.map(({ what }) => what),
      ['balancer of harbor-a1-n1'],
    );
  });

  test('a node, whole', async () => {
    await calm('harbor');
    const { status } = await drill('node', 'harbor');
    const killed = (status.killed ?? []).map(({ what }) => what);
    for (const what of ['hello', 'balancer', 'agent'])
      assert.ok(killed.includes(`${what} of harbor-a1-n1`), `${what} in ${killed.join(', ')}`);
  });

  test('refused with the reason: the primary with its singletons, and a cluster of one node', async () => {
    await Promise.all([calm('harbor'), calm('quay', false)]);
    const [primary, alone] = await Promise.all([
      outrigger('drill', 'node', 'harbor', '-n', 'demo', '--node', 'harbor-a1-n0'),
      outrigger('drill', 'instance', 'quay', '-n', 'demo'),
    ]);
    assert.deepEqual([primary.code, alone.code], [3, 3]);
    assert.match(primary.out, /^Refused: .*ticker.* down\..*--accept-outage/s);
    assert.match(alone.out, /^Refused: Cluster quay is not redundant/);
    const record = { apiVersion: GROUP_VERSION, kind: 'Drill', metadata: { name: 'alone' }, spec: { target: 'Instance', cluster: 'quay' } };
    assert.equal((await kubectl(JSON.stringify(record), 'apply', '-f', '-')).code, 0);
    const { status } = await endOf('alone');
    assert.deepEqual([status?.phase, status?.killed], ['Refused', undefined]);
    assert.match(status?.message ?? '', /not redundant/);
  });

  test('a promise that is broken: a service that takes long until it serves', async () => {
    const { status } = await drill('instance', 'quay', '--service', 'late', '--accept-outage');
    assert.equal(status.phase, 'Broken');
    assert.ok((status.recoveredMs ?? 0) > 3_000);
    assert.match(status.message ?? '', /Recovered after .* instead of at most 1 s/);
    assert.equal(status.promise?.failedRequests, undefined, 'nobody else could have served');
  });
});

async function endOf(name: string): Promise<Drill> {
  return await eventually(
    `drill ${name} has ended`,
    async () => {
      const answer = await api.get<Drill>(DRILLS, 'demo', name, never);
      return answer.ok && answer.value.status?.endedAt !== undefined ? answer.value : undefined;
    },
    30_000,
    100,
  );
}

describe('of the control plane', () => {
  test('an extension server: the others take its work over', async () => {
    const { status } = await drill('extension-server');
    assert.match(status.killed?.[0]?.what ?? '', /^extension-\d$/);
  });

  test('the director, while a site is asked: the command waits for it', async () => {
    await calm('harbor');
    const { status, said } = await drill('director', 'harbor');
    assert.equal(status.verdict?.find(({ what }) => what === 'Acknowledged writes lost')?.kept, true);
    assert.match(said, /No director answers; waiting for one/);
  });

  test('the database: no acknowledged write is lost', async () => {
    const { status } = await drill('database');
    assert.deepEqual(
      status.killed?.map(({ what }) => what),
      ['postgres'],
    );
    assert.equal(status.verdict?.find(({ what }) => what === 'Acknowledged writes lost')?.measured, '0');
  });
});

test('nothing of the drills is left but their records', async () => {
  const listed = await outrigger('drill', 'list');
  assert.equal(listed.code, 0, listed.err);
  for (const target of ['Instance', 'Agent', 'Balancer', 'Node', 'ExtensionServer', 'Director', 'Database'])
    assert.match(listed.out, new RegExp(`demo/\\S+ +${target} `));
  await eventually('no process of a drill is left', () => rig.living().every((one) => !one.startsWith('drill ')));
  const nodes = join(rig.data, 'host', 'nodes');
  await eventually('no orders are left', () => readdirSync(nodes).every((node) => leftIn(join(nodes, node, 'drills')).length === 0));
  await eventually('what was made to measure is gone', async () => {
    const [clusters, maps] = [await api.list<Cluster>(CLUSTERS, {}, never), await api.list(CONFIG_MAPS, { namespace: 'demo' }, never)];
    assert.ok(clusters.ok && maps.ok);
    return [...clusters.value.items, ...maps.value.items].every(({ metadata }) => !metadata.name.startsWith('drill-'));
  });
});

function leftIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}
