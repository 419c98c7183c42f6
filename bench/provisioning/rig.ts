/**
 * A control plane for measuring extension servers: one director over an embedded PostgreSQL, N extension servers, and hollow hosts with hollow agents,
 * each a process of its own on this machine.
 */

import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

import { createJoinToken } from '../../src/client/join-token.ts';
import { CLUSTER_RELEASES, HOSTS, VIRTUAL_DATA_CENTERS } from '../../src/model/addresses.ts';
import { NAMESPACES } from '../../src/model/core-kinds.ts';
import { isJsonObject } from '../../src/model/json.ts';
import { directorApi } from '../../src/platform/api-client.ts';
import { certificates } from '../../src/platform/certificate.ts';
import { newJoinSecret } from '../../src/platform/join-secret.ts';
import { tokenKubeconfig } from '../../src/platform/kubeconfig.ts';
import { programCommand } from '../../src/platform/program.ts';
import { systemRandom } from '../../src/platform/random.ts';
import type { Answer } from '../../src/ports/api.ts';
import type { DirectorApi } from '../../src/ports/director.ts';
import { plainRelease } from '../../tests/support/plain-release.ts';
import { startBenchDirector } from '../director/target.ts';
import type { BenchDirector } from '../director/target.ts';
import { profiling } from '../profiling.ts';

export const NAMESPACE = 'bench';
const SYSTEM_NAMESPACE = 'outrigger-system';
const HOLLOW = resolve(import.meta.dirname, '../hollow/main.ts');
/** The most that a Host may lend. */
const HOST_NODES = 1000;
const CALL_MS = 30_000;

export interface BenchPlane {
  readonly api: DirectorApi;
  readonly director: BenchDirector;
  /** The VirtualDataCenters, each with a host of its own. */
  readonly homes: readonly string[];
  /** By name: director, postgres, hollow, extension-1 …; what stands for each is a root of its processes. */
  pids(): Readonly<Record<string, number>>;
  /** One more extension server, by the program itself; of a flag of `args` that is said already the last one counts. */
  startServer(name: string, ...args: readonly string[]): ChildProcess;
  /** Ends the hollow hosts: nobody claims anything from here on. */
  stopHosts(): Promise<void>;
  /** What an extension server logs in with. */
  readonly kubeconfig: string;
  stop(): Promise<void>;
}

export interface PlaneOptions {
  readonly homes: number;
  /** How long a hollow machine takes to start, and its services to be ready. */
  readonly machineMs: number;
  readonly servicesMs: number;
  /** False: nobody claims anything. */
  readonly hosts: boolean;
}

export async function startPlane(options: PlaneOptions): Promise<BenchPlane> {
  const director = await startBenchDirector();
  const { origin, ca, cert, key } = director.target;
  const identity = { certificate: cert, privateKey: key, authority: ca };
  const api = directorApi({ directors: [origin], identity, era: undefined }, systemRandom());
  const folder = mkdtempSync(join(tmpdir(), 'outrigger-bench-provisioning-'));
  const children = new Map<string, ChildProcess>();
  const stop = async (): Promise<void> => {
    await Promise.all([...children.values()].map(ended));
    api.close();
    await director.stop();
    rmSync(folder, { recursive: true, force: true });
    process.removeListener('SIGTERM', told);
    process.removeListener('SIGINT', told);
  };
  // Also when the bench is told to end nothing of it is left behind.
  const told = (): void => void stop().finally(() => process.exit(1));
  process.once('SIGTERM', told);
  process.once('SIGINT', told);
  try {
    const homes = Array.from({ length: options.homes }, (_, i) => `home-${i + 1}`);
    const hosts = await furnish(api, homes);
    if (options.hosts) children.set('hollow', startHollow(origin, ca, options, hosts));
    const kubeconfig = await extensionKubeconfig(api, origin, ca, folder);
    const startServer = (name: string, ...more: readonly string[]): ChildProcess => {
      const args = ['extension', '--kubeconfig', kubeconfig, '--identity', name, '--log-level', 'warn', ...more];
      const [node, ...command] = programCommand(args);
      const child = spawn(node, [...profiling(name), ...command], { stdio: ['ignore', 'inherit', 'inherit'] });
      children.set(name, child);
      return child;
    };
    const pids = (): Record<string, number> => {
      const [directorPid = 0, postgres = 0] = director.pids();
      const others = [...children].map(([name, child]): [string, number] => [name, child.pid ?? 0]);
      return { director: directorPid, postgres, ...Object.fromEntries(others) };
    };
    const stopHosts = async (): Promise<void> => {
      const hollow = children.get('hollow');
      if (hollow !== undefined) await ended(hollow);
      children.delete('hollow');
    };
    return { api, director, homes, pids, startServer, stopHosts, kubeconfig, stop };
  } catch (cause) {
    await stop();
    throw cause;
  }
}

interface HostToken {
  readonly name: string;
  readonly token: string;
}

async function furnish(api: DirectorApi, homes: readonly string[]): Promise<readonly HostToken[]> {
  await made(api.create(NAMESPACES, '', { apiVersion: 'v1', kind: 'Namespace', metadata: { name: NAMESPACE } }, within()));
  await made(api.create(CLUSTER_RELEASES, '', plainRelease(), within()));
  const tokens: HostToken[] = [];
  for (const home of homes) {
    const name = `host-of-${home}`;
    const room = { nodes: HOST_NODES, cpuMillis: 1_000_000_000, memoryMiB: 1_000_000_000 };
    const head = { apiVersion: 'outrigger.dev/v1' };
    await made(api.create(HOSTS, '', { ...head, kind: 'Host', metadata: { name }, spec: { capacity: room } }, within()));
    const spec = { quota: room, hosts: [name] };
    const vdc = { ...head, kind: 'VirtualDataCenter', metadata: { name: home, namespace: NAMESPACE }, spec };
    await made(api.create(VIRTUAL_DATA_CENTERS, NAMESPACE, vdc, within()));
    const order = { namespace: SYSTEM_NAMESPACE, bearer: { kind: 'host', name }, nowMs: Date.now() } as const;
    tokens.push({ name, token: await made(createJoinToken(api, newJoinSecret, order, within())) });
  }
  return tokens;
}

function startHollow(origin: string, ca: string, { machineMs, servicesMs }: PlaneOptions, hosts: readonly HostToken[]): ChildProcess {
  const child = spawn(process.execPath, [...profiling('hollow'), HOLLOW], { stdio: ['pipe', 'inherit', 'inherit', 'ipc'] });
  const caHash = certificates().publicKeyHash(ca);
  child.stdin?.end(JSON.stringify({ directors: [origin], caHash, hosts, machineMs, servicesMs, leaseRenewMs: 60_000 }));
  return child;
}

async function extensionKubeconfig(api: DirectorApi, origin: string, ca: string, folder: string): Promise<string> {
  const path = `/api/v1/namespaces/${SYSTEM_NAMESPACE}/serviceaccounts/extension/token`;
  const request = { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec: { audiences: [], expirationSeconds: 24 * 3600 } };
  const answer = await made(api.post(path, request, within()));
  const status = isJsonObject(answer) ? answer['status'] : undefined;
  const token = isJsonObject(status ?? null) ? (status as { token?: unknown }).token : undefined;
  if (typeof token !== 'string') throw new Error('the director gave no token for the extension servers');
  const [tokenFile, file] = [join(folder, 'token'), join(folder, 'kubeconfig')];
  writeFileSync(tokenFile, token, { mode: 0o600 });
  writeFileSync(file, tokenKubeconfig(origin, ca, tokenFile), { mode: 0o600 });
  return file;
}

function within(): AbortSignal {
  return AbortSignal.timeout(CALL_MS);
}

export async function made<T>(call: Promise<Answer<T>>): Promise<T> {
  const answer = await call;
  if (!answer.ok) throw new Error(answer.message);
  return answer.value;
}

/** Told to end, and ended. */
export async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = new Promise<void>((done) => child.once('exit', () => done()));
  child.kill('SIGTERM');
  const hard = setTimeout(() => child.kill('SIGKILL'), 10_000);
  await gone;
  clearTimeout(hard);
}

/** CPU seconds that a process has used. */
export function cpuSeconds(pid: number): number {
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
      .replace(/^.*\) /, '')
      .split(' ');
    return (Number(fields[11]) + Number(fields[12])) / 100;
  } catch {
    return 0;
  }
}
