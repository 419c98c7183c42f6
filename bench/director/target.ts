/**
 * The director that the bench measures: a process of its own over an embedded PostgreSQL, as `outrigger up` starts them.
 */

import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

import { parse } from 'yaml';

import { startEmbeddedPostgres, stopEmbeddedPostgres } from '../../src/platform/postgres/embedded.ts';
import { createLog } from '../../src/platform/log.ts';
import { profiling } from '../profiling.ts';
import type { Target } from './client.ts';

export interface BenchDirector {
  readonly target: Target;
  /** The roots of what is measured: the director and PostgreSQL's postmaster. */
  pids(): number[];
  readonly readySeconds: number;
  stop(): Promise<void>;
}

const PROGRAM = resolve(import.meta.dirname, '../../src/main/outrigger.ts');
const READY_DEADLINE_MS = 30_000;

export async function startBenchDirector(): Promise<BenchDirector> {
  const data = mkdtempSync(join(tmpdir(), 'outrigger-bench-'));
  mkdirSync(join(data, 'logs'));
  const log = createLog({ role: 'bench', level: 'error' });
  const postgres = await startEmbeddedPostgres({ dataFolder: data, log }, AbortSignal.timeout(READY_DEADLINE_MS));
  const port = await freePort();
  const kubeconfig = join(data, 'kubeconfig');
  const begin = performance.now();
  const where = ['--data', data, '--port', String(port), '--kubeconfig', kubeconfig, '--database-socket', postgres.address.host];
  const director = spawn(process.execPath, [...profiling('director'), PROGRAM, 'director', ...where, '--log-level', 'warn'], {
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  const stop = async (): Promise<void> => {
    await ended(director);
    await stopEmbeddedPostgres(postgres.folder);
    rmSync(data, { recursive: true, force: true });
  };
  try {
    const target = await untilReady(kubeconfig, director);
    return { target, pids: () => [director.pid ?? 0, postgres.process.pid], readySeconds: (performance.now() - begin) / 1000, stop };
  } catch (cause) {
    await stop();
    throw cause;
  }
}

async function untilReady(kubeconfig: string, director: ChildProcess): Promise<Target> {
  const deadline = performance.now() + READY_DEADLINE_MS;
  while (performance.now() < deadline && director.exitCode === null) {
    try {
      return targetOf(readFileSync(kubeconfig, 'utf8'));
    } catch {
      await new Promise((done) => setTimeout(done, 10));
    }
  }
  throw new Error('the director of the bench did not become ready; its own words stand above');
}

/** The kubeconfig is written when the port is open. */
function targetOf(kubeconfig: string): Target {
  const config = parse(kubeconfig) as {
    clusters: { cluster: { server: string; 'certificate-authority-data': string } }[];
    users: { user: { 'client-certificate-data': string; 'client-key-data': string } }[];
  };
  const cluster = config.clusters[0]?.cluster;
  const user = config.users[0]?.user;
  if (cluster === undefined || user === undefined) throw new Error('the kubeconfig is not whole yet');
  const decoded = (text: string): string => Buffer.from(text, 'base64').toString();
  return {
    origin: cluster.server,
    ca: decoded(cluster['certificate-authority-data']),
    cert: decoded(user['client-certificate-data']),
    key: decoded(user['client-key-data']),
  };
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null) return;
  const gone = new Promise<void>((done) => child.once('exit', () => done()));
  child.kill('SIGTERM');
  const hard = setTimeout(() => child.kill('SIGKILL'), 10_000);
  await gone;
  clearTimeout(hard);
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const address = server.address();
  await new Promise<void>((done) => server.close(() => done()));
  return typeof address === 'object' && address !== null ? address.port : 0;
}
