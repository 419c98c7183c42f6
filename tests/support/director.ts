/**
 * A real director for tests: the program itself as a process, on a free port, over a database of its own, with an admin's kubeconfig, and kubectl.
 *
 * It ends with the test process, also when that is killed (a small shell waits for that).
 */
import { execFile, spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { Agent, request as httpsRequest } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after } from 'node:test';
import { programCommand } from '../../src/platform/program.ts';
import { eventually } from './eventually.ts';
import { kubectlPath } from './kubectl.ts';
import type { KubectlMinor } from './kubectl.ts';
import { testPostgres } from './postgres.ts';
import type { TestDatabase } from './postgres.ts';

export interface CommandResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface HttpResult {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly text: string;
  /** The body as JSON. */
  json(): Record<string, unknown>;
}

export interface CallOptions {
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface TestDirector {
  readonly url: string;
  readonly port: number;
  /** Path of the admin's kubeconfig. */
  readonly kubeconfig: string;
  /** The data folder. */
  readonly data: string;
  readonly database: TestDatabase;
  readonly process: ChildProcess;
  /** Everything that it has logged so far. */
  log(): string;
  /** One HTTP/1.1 request as the admin; `body` is sent as JSON unless it is a text or bytes. */
  call(method: string, path: string, options?: CallOptions): Promise<HttpResult>;
  kubectl(minor: KubectlMinor, args: readonly string[], input?: string): Promise<CommandResult>;
  /** SIGTERM, and the exit code. */
  stop(): Promise<number | null>;
  kill(): Promise<void>;
}

export interface DirectorSetup {
  /** Another director's, to serve the same store. */
  readonly database?: TestDatabase;
  /** Another director's, to share its key file. */
  readonly data?: string;
  readonly port?: number;
}

const READY_MS = 30_000;
const running = new Set<TestDirector>();
after(async () => {
  await Promise.all(Array.from(running, (director) => director.kill()));
});

export async function startDirector(setup: DirectorSetup = {}): Promise<TestDirector> {
  const database = setup.database ?? (await (await testPostgres()).newDatabase());
  const data = setup.data ?? mkdtempSync(join(tmpdir(), 'director-'));
  const kubeconfig = join(mkdtempSync(join(tmpdir(), 'kubeconfig-')), 'config');
  const { host, user, database: name } = database.address;
  const url = `postgres://${user}@localhost/${name}?host=${encodeURIComponent(host)}`;
  const args = ['director', '--data', data, '--port', String(setup.port ?? 0), '--kubeconfig', kubeconfig, '--database-url', url];
  const [program, ...rest] = programCommand(args);
  const child = spawn(program, rest, { stdio: ['ignore', 'ignore', 'pipe'] });
  const lines: string[] = [];
  child.stderr.setEncoding('utf8').on('data', (text: string) => lines.push(text));
  endWithUs(child.pid ?? 0);
  const ready = await eventually('the director is ready', () => readyUrl(child, lines.join('')), READY_MS);
  const director = makeDirector({ child, url: ready, kubeconfig, data, database, log: () => lines.join('') });
  running.add(director);
  void exited(child).then(() => running.delete(director));
  return director;
}

function readyUrl(child: ChildProcess, log: string): string | undefined {
  if (child.exitCode !== null) throw new Error(`The director ended with ${child.exitCode}:\n${log}`);
  return /"url":"([^"]+)","message":"The director is ready/.exec(log)?.[1];
}

interface Parts {
  readonly child: ChildProcess;
  readonly url: string;
  readonly kubeconfig: string;
  readonly data: string;
  readonly database: TestDatabase;
  readonly log: () => string;
}

function makeDirector({ child, url, kubeconfig, data, database, log }: Parts): TestDirector {
  const cache = mkdtempSync(join(tmpdir(), 'kubectl-'));
  const agent = new Agent({ keepAlive: true, ...credentialsIn(kubeconfig) });
  const end = async (signal: NodeJS.Signals): Promise<number | null> => {
    agent.destroy();
    if (child.exitCode === null && child.signalCode === null) child.kill(signal);
    await exited(child);
    rmSync(cache, { recursive: true, force: true });
    return child.exitCode;
  };
  return {
    url,
    port: Number(new URL(url).port),
    kubeconfig,
    data,
    database,
    process: child,
    log,
    call: (method, path, options = {}) => call(agent, url, method, path, options),
    kubectl: (minor, args, input) => kubectl(kubectlPath(minor), ['--kubeconfig', kubeconfig, '--cache-dir', cache, ...args], input),
    stop: () => end('SIGTERM'),
    kill: async () => {
      await end('SIGKILL');
    },
  };
}

/** Client certificate, key and CA of a kubeconfig that a director wrote. */
export function credentialsIn(kubeconfig: string): { readonly cert: Buffer; readonly key: Buffer; readonly ca: Buffer } {
  const text = readFileSync(kubeconfig, 'utf8');
  const data = (field: string): Buffer => Buffer.from(new RegExp(`${field}: (.*)`).exec(text)?.[1] ?? '', 'base64');
  return { cert: data('client-certificate-data'), key: data('client-key-data'), ca: data('certificate-authority-data') };
}

function call(agent: Agent, url: string, method: string, path: string, { body, headers = {} }: CallOptions): Promise<HttpResult> {
  const bytes = body === undefined || typeof body === 'string' || Buffer.isBuffer(body) ? body : JSON.stringify(body);
  const type = bytes === undefined ? {} : { 'content-type': 'application/json' };
  return new Promise((resolve, reject) => {
    const sent = httpsRequest(url + path, { method, agent, headers: { ...type, ...headers } }, (answer) => {
      const chunks: Buffer[] = [];
      answer.on('data', (chunk: Buffer) => chunks.push(chunk));
      answer.on('end', () => {
        const text = Buffer.concat(chunks).toString('utf8');
        resolve({ status: answer.statusCode ?? 0, headers: answer.headers, text, json: () => JSON.parse(text) as Record<string, unknown> });
      });
      answer.on('error', reject);
    });
    sent.on('error', reject);
    sent.end(bytes);
  });
}

function kubectl(path: string, args: readonly string[], input: string | undefined): Promise<CommandResult> {
  return new Promise((resolve) => {
    const child = execFile(path, args, { timeout: 60_000, maxBuffer: 64 * 1024 * 1024 }, (error, stdout, stderr) => {
      const code = error === null ? 0 : typeof error.code === 'number' ? error.code : 1;
      resolve({ code, stdout, stderr });
    });
    child.stdin?.end(input ?? '');
  });
}

function exited(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve();
  return new Promise((resolve) => child.once('exit', () => resolve()));
}

/** A shell that waits for our death, then ends the process with that id, if it still is a director. */
function endWithUs(pid: number): void {
  const script = `
trap '' INT TERM HUP
while kill -0 "$1" 2>/dev/null && kill -0 "$2" 2>/dev/null; do sleep 0.3; done
tr '\\0' ' ' < "/proc/$2/cmdline" 2>/dev/null | grep -q ' director --data ' && kill -9 "$2"`;
  spawn('sh', ['-c', script, 'guard', String(process.pid), String(pid)], { detached: true, stdio: 'ignore', cwd: '/' }).unref();
}
