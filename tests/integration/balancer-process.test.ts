/**
 * The balancer as a process of its own, in front of real processes that are killed.
 */
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { Agent, get } from 'node:http';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import type { TestContext } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import { shortHash } from '../../src/base/canonical.ts';
import { installedHaproxy } from '../../src/platform/haproxy-process.ts';
import { decodeRecord, nodeStore } from '../../src/platform/node-store.ts';
import { sendSignal } from '../../src/platform/process-id.ts';
import { programCommand } from '../../src/platform/program.ts';
import { roleEnvironment, systemProcesses } from '../../src/platform/spawn.ts';
import type { BalancerStatus, BalancerTable } from '../../src/ports/balancer.ts';
import type { StartedProcess } from '../../src/ports/processes.ts';
import { endWithUs } from '../support/end-with-us.ts';
import { eventually } from '../support/eventually.ts';
import { freePort } from '../support/free-port.ts';

const root = mkdtempSync(join(tmpdir(), 'outrigger-balancer-'));
endWithUs(root);
const processes = systemProcesses();
const started: number[] = [];
let count = 0;
after(() => {
  for (const pid of started) sendSignal(-pid, 'SIGKILL');
  rmSync(root, { recursive: true, force: true });
});

async function start(
  command: readonly [string, ...string[]],
  role: string,
  more: Record<string, string> = {},
): Promise<StartedProcess & { log: string }> {
  const log = join(root, `${role}-${count++}.log`);
  const environment = { ...roleEnvironment(process.env, { data: root, role }), ...more };
  const child = await processes.start({ command, environment, folder: root, logFile: log });
  started.push(child.id.pid);
  return { ...child, log };
}

async function startHello(name: string): Promise<StartedProcess & { address: string }> {
  const port = await freePort();
  const hello = join(import.meta.dirname, '..', '..', 'examples', 'hello.mjs');
  const child = await start([process.execPath, hello], 'pod', { PORT: String(port), POD_IP: '127.0.0.1', NODE_NAME: name });
  await eventually(`${name} listens`, () => readFileSync(child.log, 'utf8').includes('listens'));
  return { ...child, address: `127.0.0.1:${port}` };
}

interface Rig {
  readonly dir: string;
  readonly port: number;
  readonly tell: (...addresses: string[]) => Promise<BalancerTable>;
  readonly status: () => BalancerStatus | undefined;
  readonly run: (balancer?: string) => ReturnType<typeof start>;
}

async function rig(protocol: 'TCP' | 'HTTP' = 'HTTP'): Promise<Rig> {
  const dir = join(root, `node-${count++}`);
  mkdirSync(dir);
  const port = await freePort();
  return {
    dir,
    port,
    tell: async (...addresses) => {
      const endpoints = addresses.map((address) => ({ node: address, address, draining: false }));
      const table = { address: '127.0.0.1', node: 'here', services: [{ name: 'hello', port, protocol, endpoints }] };
      await nodeStore(dir).write('balancer', table);
      return table;
    },
    status: () => {
      try {
        const read = decodeRecord(readFileSync(join(dir, 'balancer-status.json'), 'utf8'), 'status');
        return read.state === 'found' ? (read.body as unknown as BalancerStatus) : undefined;
      } catch {
        return undefined;
      }
    },
    run: (balancer = 'relay') => start(programCommand(['balancer', '--dir', dir, '--balancer', balancer]), 'balancer'),
  };
}

function ask(port: number, agent: Agent | false = false): Promise<string> {
  return new Promise((done, failed) => {
    const request = get({ port, host: '127.0.0.1', path: '/', agent, timeout: 5_000 }, (response) => {
      let body = '';
      response.setEncoding('utf8').on('data', (chunk: string) => (body += chunk));
      response.once('error', failed).once('end', () => {
        if (response.statusCode === 200) done((JSON.parse(body) as { node: string }).node);
        else failed(new Error(`answered ${response.statusCode}`));
      });
    });
    request.once('error', failed).once('timeout', () => request.destroy(new Error('no answer within 5 s')));
  });
}

const answers = (port: number) => eventually('it answers', () => ask(port).catch(() => undefined));

test('it obeys its table, keeps the last good one, and is the only one for its node', async () => {
  const [one, two] = [await startHello('one'), await startHello('two')];
  const { dir, port, tell, status, run } = await rig();
  await tell(one.address);
  const balancer = await run();
  assert.equal(await answers(port), 'one');
  const table = await tell(two.address);
  await eventually('the new table holds', async () => (await ask(port)) === 'two');
  await eventually('it says so', () => status()?.table === shortHash(table) && status()?.listeners[0]?.listening);

  writeFileSync(join(dir, 'balancer.json'), '{"format":1,"crc":1,"body":{}}');
  await eventually('it says what is wrong', () => status()?.message?.includes('checksum') === true);
  assert.equal(await ask(port), 'two');
  rmSync(join(dir, 'balancer.json'));
  await eventually('it says what is wrong', () => status()?.message?.includes('no balancer.json') === true);
  assert.equal(await ask(port), 'two');

  const second = await run();
  assert.deepEqual(await second.exited, { exitCode: 1, signal: null });
  assert.match(readFileSync(second.log, 'utf8'), /runs already/);
  assert.equal(await ask(port), 'two');

  processes.signalGroup(balancer.id, 'SIGTERM');
  assert.deepEqual(await balancer.exited, { exitCode: 0, signal: null });
});

test('killed and started again it serves at once, though clients of its former life linger', async (t) => {
  const one = await startHello('one');
  const { port, tell, run } = await rig();
  await tell(one.address);
  const first = await run();
  await answers(port);
  const lingering = Array.from({ length: 5 }, () => connect({ port, host: '127.0.0.1' }).on('error', () => {}));
  await wait(50);
  processes.signalGroup(first.id, 'SIGKILL');
  await first.exited;
  const startedMs = performance.now();
  await run();
  assert.equal(await answers(port), 'one');
  t.diagnostic(`serves ${(performance.now() - startedMs).toFixed(0)} ms after it was started again`);
  for (const socket of lingering) socket.destroy();
});

test('it ends when the folder of its node is gone', async () => {
  const { dir, tell, run } = await rig();
  await tell();
  const balancer = await run();
  await wait(300);
  // Again when it wrote its status in between.
  rmSync(dir, { recursive: true, maxRetries: 20, retryDelay: 20 });
  assert.deepEqual(await Promise.race([balancer.exited, wait(20_000, undefined, { ref: false })]), { exitCode: 0, signal: null });
});

async function killedUnderLoad(t: TestContext, which: string): Promise<void> {
  const hellos = [await startHello('one'), await startHello('two')];
  const { port, tell, run, status } = await rig();
  await tell(...hellos.map((one) => one.address));
  const balancer = await run(which);
  await answers(port);
  const until = performance.now() + 4_000;
  const failures: string[] = [];
  const tally = { fresh: 0, kept: 0, keptFailed: 0 };
  const keepAliveClient = async (): Promise<void> => {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    while (performance.now() < until) {
      tally.kept++;
      await ask(port, agent).catch(() => tally.keptFailed++);
      await wait(2);
    }
    agent.destroy();
  };
  const freshClient = async (): Promise<void> => {
    while (performance.now() < until) {
      tally.fresh++;
      void ask(port).catch((error: unknown) => failures.push(String(error)));
      await wait(5);
    }
  };
  const load = Promise.all([...Array.from({ length: 8 }, keepAliveClient), freshClient()]);
  await wait(1_000);
  processes.signalGroup(hellos[0]!.id, 'SIGKILL');
  await load;
  await wait(200);
  const memory = readFileSync(`/proc/${balancer.id.pid}/status`, 'utf8').match(/VmRSS:\s+(\d+)/)?.[1] ?? '0';
  t.diagnostic(
    `${tally.fresh} new connections, ${failures.length} failed; ${tally.kept} requests of 8 keep-alive clients, ${tally.keptFailed} failed; ` +
      `balancer ${Math.round(Number(memory) / 1024)} MB RSS`,
  );
  assert.deepEqual(failures, [], 'no new connection fails');
  assert.equal(tally.keptFailed, 0, 'nor does a request of a kept connection');
  await eventually('it is left out', () => status()?.listeners[0]?.ejected.join() === hellos[0]!.address);
  assert.ok((status()?.listeners[0]?.retries ?? 0) > 0);
  assert.ok(tally.fresh > 200);
  processes.signalGroup(balancer.id, 'SIGTERM');
  await balancer.exited;
}

test('an instance is killed under load: no request fails, on new connections and on kept ones', (t) => killedUnderLoad(t, 'relay'));

const haproxyMissing = installedHaproxy() === undefined ? 'HAProxy is not installed (apt-get install haproxy)' : false;

test('the same with HAProxy', { skip: haproxyMissing }, (t) => killedUnderLoad(t, 'haproxy'));

test(
  'HAProxy is killed and is back; its supervisor is killed and HAProxy goes on, is found again, and never listens twice',
  { skip: haproxyMissing },
  async (t) => {
    const [one, two] = [await startHello('one'), await startHello('two')];
    const { dir, port, tell, run, status } = await rig();
    const haproxies = () => processes.find({ OUTRIGGER_ROLE: 'haproxy', PWD: dir }).map((found) => found.id);
    await tell(one.address);
    const first = await run('haproxy');
    assert.equal(await answers(port), 'one');
    const [before] = haproxies();
    const killedMs = performance.now();
    processes.signalOne(before!, 'SIGKILL');
    await eventually('another serves', () => haproxies().some((id) => id.pid !== before!.pid));
    assert.equal(await answers(port), 'one');
    t.diagnostic(`HAProxy serves ${(performance.now() - killedMs).toFixed(0)} ms after it was killed`);

    await eventually('it is said', () => status()?.listeners[0]?.listening);
    processes.signalOne(first.id, 'SIGKILL');
    await first.exited;
    assert.equal(await ask(port), 'one', 'nobody supervises it, and it serves');
    const [orphan] = haproxies();
    await tell(two.address);
    const second = await run('haproxy');
    await eventually('the new table holds', async () => (await ask(port)) === 'two');
    assert.deepEqual(haproxies(), [orphan], 'it was found, not replaced');

    processes.signalOne(second.id, 'SIGKILL');
    processes.signalOne(orphan!, 'SIGKILL');
    await second.exited;
    const third = await run('haproxy');
    assert.equal(await answers(port), 'two', 'both were killed');
    processes.signalOne(third.id, 'SIGKILL');
    await third.exited;
    const relay = await run('relay');
    await eventually('the relay has ended it', () => haproxies().length === 0);
    assert.equal(await answers(port), 'two');
    processes.signalGroup(relay.id, 'SIGTERM');
    await relay.exited;

    const last = await run('haproxy');
    assert.equal(await answers(port), 'two');
    processes.signalGroup(last.id, 'SIGTERM');
    assert.deepEqual(await last.exited, { exitCode: 0, signal: null });
    assert.deepEqual(haproxies(), [], 'who is asked to end takes HAProxy along');
  },
);
