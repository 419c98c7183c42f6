/**
 * What the bench of the balancer runs: the instances, and the balancer's own process once with the relay and once with HAProxy, each by TCP and by HTTP.
 * Both get the same instances:
 *
 *   service  examples/hello.mjs, an HTTP server on Node, as the services of a release are. What a client of a site gets.
 *   lean     HAProxy that answers by itself, for as little work as there is. What the balancers differ in shows most.
 *   bulk     bodies that never end (bulk/main.ts).
 *
 * There are two of each, as a pair of nodes has, and as many as the cores of the smallest machine; none is pinned. Client, instances and balancer share
 * all cores, as on a node of a site. HAProxy has its default, which a node's balancer does not change: a thread for each core. The relay has its one. A
 * balancer pinned to a core, with all else on another, would be measured as no site runs it: its sockets' work in the kernel would fall to the other
 * core's processes or to its own, as the pinning happens to have it.
 */

import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { connect } from 'node:net';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { installedHaproxy } from '../../src/platform/haproxy-process.ts';
import { nodeStore } from '../../src/platform/node-store.ts';
import { packageFile, programCommand } from '../../src/platform/program.ts';
import { roleEnvironment } from '../../src/platform/spawn.ts';
import { freePort } from '../../tests/support/free-port.ts';

const TICKS_PER_SECOND = 100;
/** Of each service. */
const INSTANCES = 2;

/** Kinds of instances. */
const KINDS = ['service', 'lean', 'bulk'] as const;
export type Kind = (typeof KINDS)[number];

/** Ports where the same is answered: by an instance itself, and through a balancer. */
export interface Way {
  readonly name: string;
  readonly ports: Readonly<Record<Kind, number>>;
  /** Processor time of its balancer so far, in seconds. */
  readonly cpuSeconds: () => number;
  /** Memory that its balancer has to itself now, in MB: of the relay's process, or of the same process and HAProxy (USS). */
  readonly ownMB: () => number;
}

export interface Rig {
  readonly ways: readonly Way[];
  stop(): void;
}

/** Runs a generator of load to its end; what it prints. */
export async function runLoad(command: readonly string[]): Promise<string> {
  const [program = '', ...args] = command;
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
  const start = (command: readonly string[], role: string, more: Readonly<Record<string, string>> = {}): void => {
    const [first = '', ...args] = command;
    const env = { ...roleEnvironment(process.env, { data: root, role }), ...more };
    children.push(spawn(first, args, { stdio: 'ignore', detached: true, env, cwd: root }));
  };
  const instances = { service: await freePorts(INSTANCES), lean: await freePorts(INSTANCES), bulk: await freePorts(INSTANCES) };
  for (const port of instances.service) start([process.execPath, packageFile('examples/hello.mjs')], 'bench', { PORT: String(port) });
  for (const port of instances.lean) {
    writeFileSync(join(root, `${port}.cfg`), leanInstance(port));
    start([program, '-q', '-db', '-f', join(root, `${port}.cfg`)], 'bench');
  }
  for (const port of instances.bulk)
    start([process.execPath, join(import.meta.dirname, 'bulk', 'main.ts'), 'source', String(port)], 'bench');
  const ways: Way[] = [{ name: 'direct', ports: portsOf((kind) => instances[kind][0]), cpuSeconds: () => 0, ownMB: () => 0 }];
  for (const balancer of ['relay', 'haproxy'] as const) {
    const dir = join(root, balancer);
    mkdirSync(dir);
    const services = await tableOf(instances);
    await nodeStore(dir).write('balancer', { address: '127.0.0.1', node: 'bench', services });
    start(programCommand(['balancer', '--dir', dir, '--balancer', balancer]), 'balancer');
    const cpuSeconds = (): number => cpuOf(balancer === 'relay' ? `${dir} --balancer relay` : `PWD=${dir}`);
    const ownMB = (): number => ownMBOf([`${dir} --balancer`, `PWD=${dir}`]);
    for (const protocol of ['TCP', 'HTTP']) {
      const ports = portsOf((kind) => services.find((one) => one.name === `${protocol}-${kind}`.toLowerCase())?.port);
      ways.push({ name: `${balancer === 'relay' ? 'relay' : 'HAProxy'} ${protocol}`, ports, cpuSeconds, ownMB });
    }
  }
  // Relay and HAProxy of a mode stand side by side: what else the machine does then meets both.
  ways.sort((a, b) => Number(a.name.endsWith('HTTP')) - Number(b.name.endsWith('HTTP')));
  const stop = (): void => {
    for (const child of children) if (child.pid !== undefined) process.kill(-child.pid, 'SIGTERM');
    for (const pid of marked(`OUTRIGGER_DATA=${root}`)) process.kill(pid, 'SIGKILL');
    rmSync(root, { recursive: true, force: true });
  };
  try {
    for (const way of ways) for (const kind of KINDS) await untilOpen(way.ports[kind]);
  } catch (cause) {
    stop();
    throw cause;
  }
  return { ways, stop };
}

async function freePorts(count: number): Promise<number[]> {
  const ports: number[] = [];
  while (ports.length < count) ports.push(await freePort());
  return ports;
}

function portsOf(portOf: (kind: Kind) => number | undefined): Record<Kind, number> {
  return { service: portOf('service') ?? 0, lean: portOf('lean') ?? 0, bulk: portOf('bulk') ?? 0 };
}

async function tableOf(instances: Readonly<Record<Kind, readonly number[]>>) {
  const services = [];
  for (const protocol of ['TCP', 'HTTP'] as const) {
    for (const kind of KINDS) {
      const endpoints = instances[kind].map((port) => ({ node: 'bench', address: `127.0.0.1:${port}`, draining: false }));
      services.push({ name: `${protocol}-${kind}`.toLowerCase(), protocol, port: await freePort(), endpoints });
    }
  }
  return services;
}

/** Answers each request with a few bytes. */
function leanInstance(port: number): string {
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

function ownMBOf(marks: readonly string[]): number {
  const pids = new Set(marks.flatMap(marked));
  return [...pids].reduce((sum, pid) => {
    const rollup = readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8');
    return sum + [...rollup.matchAll(/^Private_\w+: +(\d+) kB/gm)].reduce((kB, [, part]) => kB + Number(part), 0) / 1024;
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
