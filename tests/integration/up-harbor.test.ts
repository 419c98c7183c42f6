/**
 * The sample cluster of `outrigger up`, with real processes: it becomes Available, survives what a person does to it, and goes when it is told to.
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { CLUSTERS, CLUSTER_NODES, HOSTS, SITES } from '../../src/model/addresses.ts';
import type { ClusterNode } from '../../src/model/cluster-node.ts';
import type { Cluster } from '../../src/model/cluster.ts';
import type { Host } from '../../src/model/host.ts';
import type { Site } from '../../src/model/site.ts';
import { directorApi } from '../../src/platform/api-client.ts';
import { parseAdminKubeconfig } from '../../src/platform/kubeconfig.ts';
import { processIdOf, sendSignal } from '../../src/platform/process-id.ts';
import { systemRandom } from '../../src/platform/random.ts';
import type { DirectorApi } from '../../src/ports/director.ts';
import { ask as askServer, connectSession } from '../support/connection-server-rig.ts';
import { eventually } from '../support/eventually.ts';
import { UP_DEADLINE_MS, upRig } from '../support/up-rig.ts';
import type { UpRun } from '../support/up-rig.ts';

const UP = /Outrigger is up after [\d.]+ s/;
const AVAILABLE = /Cluster {2}demo\/harbor: Available, primary harbor-a1-n0, workers 1\/1, .*hello 2\/2, .*ticker 1\/1/;
const NODES = ['harbor-a1-n0', 'harbor-a1-n1'];
const never = new AbortController().signal;

const rig = upRig('harbor');
let api: DirectorApi | undefined;
let run: UpRun;
let uid = '';

function connect(): DirectorApi {
  if (api !== undefined) return api;
  const path = join(rig.data, 'kubeconfig');
  const { server, identity } = parseAdminKubeconfig(readFileSync(path, 'utf8'), path);
  api = directorApi({ directors: [server], identity, era: undefined }, systemRandom());
  return api;
}

async function harbor(): Promise<Cluster | undefined> {
  const answer = await connect().get<Cluster>(CLUSTERS, 'demo', 'harbor', never);
  return answer.ok ? answer.value : undefined;
}

async function node(name: string): Promise<ClusterNode> {
  const answer = await connect().get<ClusterNode>(CLUSTER_NODES, 'demo', name, never);
  assert.ok(answer.ok, name);
  return answer.value;
}

const agentPid = (name: string): number => rig.pidOf(`demo.${name}`);
const agentPids = (): number[] => NODES.map(agentPid);
const podPids = (): string[] => rig.living().filter((one) => /^(pod|balancer) /.test(one));

/** What an HTTP client gets: who answered. */
async function ask(address: string): Promise<string> {
  const response = await fetch(`http://${address}:8080/`, { headers: { connection: 'close' } });
  return /harbor-a1-n\d/.exec(await response.text())?.[0] ?? 'nobody';
}

/** Each node answers on its address; with nothing to do, its balancer takes the instance beside it. */
async function allAnswer(): Promise<void> {
  for (const name of NODES) {
    const address = (await node(name)).status?.infrastructure?.address ?? '';
    await eventually(`${name} answers on ${address}`, async () => (await ask(address).catch(() => 'nobody')) === name, 30_000, 50);
  }
}

async function available(): Promise<void> {
  await eventually(
    'demo/harbor is Available with all services ready',
    async () => {
      const status = (await harbor().catch(() => undefined))?.status;
      return (
        status?.phase === 'Available' &&
        status.workers === 1 &&
        status.services?.['hello']?.ready === 2 &&
        status.services['ticker']?.ready === 1
      );
    },
    UP_DEADLINE_MS,
    100,
  );
}

/** After the third thing to try: the second worker comes, and goes again. */
async function backToOneWorker(): Promise<void> {
  await run.line(/demo\/harbor is Available, primary harbor-a1-n0, workers 2\/2, .*hello 3\/3/);
  const patched = await connect().mergePatch<Cluster>(CLUSTERS, 'demo', 'harbor', { spec: { workers: 1 } }, never);
  assert.ok(patched.ok);
  await available();
  await eventually(
    'the second worker is gone',
    async () => !(await connect().get(CLUSTER_NODES, 'demo', 'harbor-a1-n2', never)).ok,
    60_000,
    100,
  );
}

async function site(): Promise<Site | undefined> {
  const answer = await connect().get<Site>(SITES, 'demo', 'harbor', never);
  return answer.ok ? answer.value : undefined;
}

const portOfServer = (name: string): number =>
  (JSON.parse(readFileSync(join(rig.data, 'endpoints.json'), 'utf8')) as { site: Record<string, { port: number }> }).site[name]?.port ?? 0;

after(async () => {
  api?.close();
  await rig.cleanup();
});

describe('the sample cluster', () => {
  test('becomes Available, and both nodes answer', async () => {
    run = rig.start();
    await run.line(UP);
    assert.match(run.output(), AVAILABLE);
    await allAnswer();
    uid = (await harbor())?.metadata.uid ?? '';
    assert.notEqual(uid, '');
  });

  test('its site is paired with both connection servers, which hold its license, and a session goes through the front door', async () => {
    assert.equal((await site())?.status?.pairing?.state, 'Paired');
    assert.match(run.output(), /Site {5}demo\/harbor: Paired\. 2 connection servers paired/);
    await eventually('the license is active', async () => (await harbor())?.status?.license?.state === 'Active', 30_000, 100);
    const password = readFileSync(join(rig.data, 'connection-servers', 'password'), 'utf8').trim();
    assert.equal(statSync(join(rig.data, 'connection-servers', 'password')).mode & 0o777, 0o600);
    for (const name of ['connection-server-1', 'connection-server-2']) {
      await eventually(
        `${name} holds the license`,
        async () =>
          (await askServer(portOfServer(name), 'GET', '/v1/license', { auth: `outrigger:${password}` })).json['verified'] === true,
        30_000,
        100,
      );
    }
    const { address = '' } = Object.values((await harbor())?.status?.nodes ?? {})[0] ?? {};
    const made = await eventually(
      'the front door takes a session',
      async () => {
        const asked = await askServer(8443, 'POST', '/v1/sessions', { host: address, auth: false, body: { user: 'ann' } });
        return asked.status === 201 ? asked.json : undefined;
      },
      30_000,
      100,
    );
    const session = await connectSession(`wss://${address}:8443${String(made['connect'])}`);
    session.socket.send(Buffer.from('hello'));
    session.socket.send('end');
    assert.equal((await session.closed).code, 1000);
    assert.match(session.bytes().toString(), /^desktop harbor ready, session \d+\nhello$/);
  });

  test('the three scenes work when they are copied', async () => {
    const commands = run
      .output()
      .split('\n')
      .filter((line) => /^ {5}\S/.test(line))
      .map((line) => line.trim());
    const shell = (command = '') => {
      const done = spawnSync('sh', ['-c', command], { encoding: 'utf8' });
      assert.equal(done.status, 0, `${command}: ${done.stdout}${done.stderr}`);
      return done.stdout;
    };
    assert.match(shell(commands[0]), /harbor has 2 workers\./);
    await backToOneWorker();
    const before = agentPid('harbor-a1-n0');
    const pods = podPids();
    assert.match(shell(commands[1]), /"node":"harbor-a1-n\d/);
    await eventually(
      "the primary's agent runs again",
      () => agentPid('harbor-a1-n0') !== before && processIdOf(agentPid('harbor-a1-n0')) !== undefined,
    );
    assert.deepEqual(podPids(), pods, 'pods and balancers went on');
    await allAnswer();
    // Drills have tests of their own, and take their time.
    const [readiness = '', drill = ''] = (commands[2] ?? '').split('; ');
    assert.match(spawnSync('sh', ['-c', readiness], { encoding: 'utf8' }).stdout, /harbor/);
    assert.match(drill, / drill instance harbor -n demo /);
  });

  test('kill -9 of the host daemon leaves agents alone; its next life keeps them', async () => {
    const agents = agentPids();
    const before = rig.pidOf('host');
    sendSignal(before, 'SIGKILL');
    await eventually(
      'the host daemon runs again',
      () => existsSync(join(rig.data, 'run', 'host.pid')) && rig.pidOf('host') !== before,
      30_000,
    );
    assert.deepEqual(agentPids(), agents);
    await run.line(/Host daemon is back after/);
    sendSignal(agentPid('harbor-a1-n0'), 'SIGKILL');
    await eventually("the primary's agent is started by the new host daemon", () => agentPid('harbor-a1-n0') !== agents[0], 30_000);
    await available();
  });

  test('Ctrl-C stops nodes too; started again the same cluster is Available, and its site as it was', async () => {
    const before = (await site())?.spec;
    sendSignal(run.pid, 'SIGINT');
    assert.equal(await run.ended, 0, run.output());
    assert.deepEqual(rig.living(), []);
    run = rig.start();
    await run.line(UP);
    await available();
    assert.equal((await harbor())?.metadata.uid, uid);
    assert.deepEqual((await site())?.spec, before);
    await allAnswer();
  });

  test('kill -9 of up alone: nodes are left alone by the next one', async () => {
    const agents = agentPids();
    const pods = podPids();
    sendSignal(run.pid, 'SIGKILL');
    await run.ended;
    run = rig.start();
    await run.line(UP);
    assert.deepEqual(agentPids(), agents);
    assert.deepEqual(podPids(), pods);
    await available();
  });

  test('kill -9 of everything: the same cluster is Available again', async () => {
    rig.killAll();
    await run.ended;
    run = rig.start();
    await run.line(UP);
    await available();
    assert.equal((await harbor())?.metadata.uid, uid);
    await allAnswer();
  });

  test('unplugged and deleted: its folders and processes go, the host is empty, and no later start brings it back', async () => {
    const unplugged = await connect().mergePatch<Cluster>(CLUSTERS, 'demo', 'harbor', { spec: { site: null } }, never);
    assert.ok(unplugged.ok);
    await eventually('the site is free', async () => (await site())?.status?.cluster === undefined, 30_000, 100);
    const deleted = await connect().delete(CLUSTERS, 'demo', 'harbor', {}, never);
    assert.ok(deleted.ok);
    await eventually('demo/harbor is gone', async () => (await harbor()) === undefined, UP_DEADLINE_MS, 100);
    assert.deepEqual(
      rig.living().filter((one) => /^(agent|balancer|pod|agent-stop) /.test(one)),
      [],
    );
    assert.deepEqual(readdirSync(join(rig.data, 'host', 'nodes')), []);
    await eventually('the host reports no nodes', async () => {
      const host = await connect().get<Host>(HOSTS, '', 'local', never);
      return host.ok && host.value.status?.nodes === 0;
    });
    await run.line(/demo\/harbor is gone/);
    sendSignal(run.pid, 'SIGINT');
    assert.equal(await run.ended, 0, run.output());
    run = rig.start();
    await run.line(UP);
    assert.equal(await harbor(), undefined);
    sendSignal(run.pid, 'SIGTERM');
    assert.equal(await run.ended, 0, run.output());
    assert.deepEqual(rig.living(), []);
  });
});
