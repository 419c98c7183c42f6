/**
 * What the bench of the balancer runs: two back ends, and the balancer's own process once with the relay and once with HAProxy, each behind TCP and HTTP.
 *
 * Balancers have one core for themselves, everything else has the other: so that what is measured is the balancer, and not who is scheduled when.
 */

import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { connect } from 'node:net';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { installedHaproxy } from '../../src/platform/haproxy-process.ts';
import { nodeStore } from '../../src/platform/node-store.ts';
import { programCommand } from '../../src/platform/program.ts';
import { roleEnvironment } from '../../src/platform/spawn.ts';
import { freePort } from '../../tests/support/free-port.ts';

const TICKS_PER_SECOND = 100;
const isPinned = availableParallelism() >= 2;
const pinned = (core: number, command: readonly string[]): string[] => [...(isPinned ? ['taskset', '-c', String(core)] : []), ...command];

/** Ports where the same is answered: by the back end itself, and through a balancer. */
export interface Way {
  readonly name: string;
  readonly small: number;
  readonly bulk: number;
  /** Processor time of its balancer so far, in seconds. */
  readonly cpuSeconds: () => number;
}

export interface Rig {
  readonly ways: readonly Way[];
  stop(): void;
}

/** Runs a generator of load beside the back ends, to its end; what it prints. */
export async function runLoad(command: readonly string[]): Promise<string> {
  const [program = '', ...args] = pinned(1, command);
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  let said = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (said += text));
  await new Promise((done) => child.once('close', done));
  return said;
}

export async function startRig(): Promise<Rig> {
  const program = installedHaproxy();
  if (program === undefined) throw new Error('HAProxy is the reference of this bench: apt-get install haproxy wrk');
  const root = mkdtempSync(join(tmpdir(), 'outrigger-bench-balancer-'));
  const children: ChildProcess[] = [];
  const start = (core: number, command: readonly string[], role: string): void => {
    const [first = '', ...args] = pinned(core, command);
    const env = roleEnvironment(process.env, { data: root, role });
    children.push(spawn(first, args, { stdio: 'ignore', detached: true, env, cwd: root }));
  };
  const [small, bulk] = [await freePort(), await freePort()];
  writeFileSync(join(root, 'back.cfg'), backEnd(small));
  start(1, [program, '-q', '-db', '-f', join(root, 'back.cfg')], 'bench');
  start(1, [process.execPath, join(import.meta.dirname, 'bulk', 'main.ts'), 'source', String(bulk)], 'bench');
  const ways: Way[] = [{ name: 'direct', small, bulk, cpuSeconds: () => 0 }];
  for (const balancer of ['relay', 'haproxy'] as const) {
    const dir = join(root, balancer);
    mkdirSync(dir);
    const services = await tableOf(small, bulk);
    await nodeStore(dir).write('balancer', { address: '127.0.0.1', node: 'bench', services });
    start(0, programCommand(['balancer', '--dir', dir, '--balancer', balancer]), 'balancer');
    const [tcpSmall = 0, tcpBulk = 0, httpSmall = 0, httpBulk = 0] = services.map((one) => one.port);
    const cpuSeconds = (): number => cpuOf(balancer === 'relay' ? `${dir} --balancer relay` : `PWD=${dir}`);
    const name = balancer === 'relay' ? 'relay' : 'HAProxy';
    ways.push({ name: `${name} TCP`, small: tcpSmall, bulk: tcpBulk, cpuSeconds });
    ways.push({ name: `${name} HTTP`, small: httpSmall, bulk: httpBulk, cpuSeconds });
  }
  const stop = (): void => {
    for (const child of children) if (child.pid !== undefined) process.kill(-child.pid, 'SIGTERM');
    for (const pid of marked(`OUTRIGGER_DATA=${root}`)) process.kill(pid, 'SIGKILL');
    rmSync(root, { recursive: true, force: true });
  };
  try {
    for (const way of ways) for (const port of [way.small, way.bulk]) await untilOpen(port);
  } catch (cause) {
    stop();
    throw cause;
  }
  return { ways, stop };
}

async function tableOf(small: number, bulk: number) {
  const service = async (name: string, protocol: 'TCP' | 'HTTP', to: number) => ({
    name,
    protocol,
    port: await freePort(),
    endpoints: [{ node: 'bench', address: `127.0.0.1:${to}`, draining: false }],
  });
  return [
    await service('tcp-small', 'TCP', small),
    await service('tcp-bulk', 'TCP', bulk),
    await service('http-small', 'HTTP', small),
    await service('http-bulk', 'HTTP', bulk),
  ];
}

/** Answers each request with a few bytes, faster than any balancer asks. */
function backEnd(port: number): string {
  return `global
  nbthread 1
  maxconn 10000
  no strict-limits
defaults
  mode http
  timeout connect 1s
  timeout client 60s
  timeout server 60s
frontend back
  bind 127.0.0.1:${port}
  http-request return status 200 content-type text/plain string hello
`;
}

/** Pids of processes whose environment or command line holds `mark`. */
function marked(mark: string): number[] {
  return readdirSync('/proc')
    .map(Number)
    .filter((pid) => {
      try {
        const [line, environment] = ['cmdline', 'environ'].map((file) =>
          readFileSync(`/proc/${pid}/${file}`, 'utf8').replaceAll('\0', ' '),
        );
        return pid !== process.pid && (`${line}`.includes(mark) || ` ${environment}`.includes(` ${mark} `));
      } catch {
        return false;
      }
    });
}

function cpuOf(mark: string): number {
  return marked(mark).reduce((sum, pid) => {
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
    return sum + (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
  }, 0);
}

async function untilOpen(port: number): Promise<void> {
  for (const until = performance.now() + 15_000; performance.now() < until; await wait(20)) {
    const isOpen = await new Promise<boolean>((done) => {
      const socket = connect({ port, host: '127.0.0.1' });
      socket.once('connect', () => (socket.destroy(), done(true))).once('error', () => done(false));
    });
    if (isOpen) return;
  }
  throw new Error(`nobody listens on port ${port} within 15 s`);
}
