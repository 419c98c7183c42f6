/**
 * A real director for tests: the program itself as a process, on a free port, over a database of its own, with an admin's kubeconfig, and kubectl.
 *
 * It ends with the test process, also when that is killed (a small shell waits for that).
 */
import { execFile, spawn, spawnSync } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import type { ClientRequest, IncomingMessage } from 'node:http';
import { Agent, request as httpsRequest } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
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

/** A watch, or any other answer that comes line by line. */
export interface LineStream {
  readonly status: number;
  readonly headers: HttpResult['headers'];
  /** The next line as JSON; undefined at the end. Fails when none comes in time. */
  next(withinMs?: number): Promise<WatchLine | undefined>;
  /** Stops reading, without closing: a peer that is stuck. Gives how to go on. */
  stall(): () => void;
  close(): void;
}

export interface WatchLine {
  readonly type: string;
  readonly object: {
    readonly kind: string;
    readonly metadata: { readonly name: string; readonly resourceVersion: string; readonly annotations?: Readonly<Record<string, string>> };
    readonly code?: number;
    readonly reason?: string;
    readonly rows?: { readonly cells: unknown[] }[];
    readonly columnDefinitions?: unknown[] | null;
  };
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
  /** A GET whose answer is read line by line, on a connection of its own. */
  lines(path: string, headers?: Readonly<Record<string, string>>): Promise<LineStream>;
  /** How many watches it serves right now. */
  watches(): Promise<number>;
  kubectl(minor: KubectlMinor, args: readonly string[], input?: string): Promise<CommandResult>;
  /** SIGTERM, and the exit code. */
  stop(): Promise<number | null>;
  kill(): Promise<void>;
}

export interface DirectorSetup {
  /** Another director's, to serve the same store. */
  readonly database?: TestDatabase;
  /** Where it keeps the admin's kubeconfig; a new folder unless told. */
  readonly kubeconfig?: string;
  /** Another director's, to share its key file. */
  readonly data?: string;
  readonly port?: number;
  /** Further flags. */
  readonly more?: readonly string[];
  /** How far its wall clock is off, as faketime writes it (`+380d`). */
  readonly clock?: string;
}

const READY_MS = 30_000;
const running = new Set<TestDirector>();
after(async () => {
  await Promise.all(Array.from(running, (director) => director.kill()));
});

export async function startDirector(setup: DirectorSetup = {}): Promise<TestDirector> {
  const database = setup.database ?? (await (await testPostgres()).newDatabase());
  const data = setup.data ?? mkdtempSync(join(tmpdir(), 'director-'));
  const kubeconfig = setup.kubeconfig ?? join(mkdtempSync(join(tmpdir(), 'kubeconfig-')), 'config');
  const { host, user, database: name } = database.address;
  const url = `postgres://${user}@localhost/${name}?host=${encodeURIComponent(host)}`;
  const args = [
    'director',
    '--data',
    data,
    '--port',
    String(setup.port ?? 0),
    '--kubeconfig',
    kubeconfig,
    '--database-url',
    url,
    ...(setup.more ?? []),
  ];
  const [program, ...rest] = programCommand(args);
  const child = spawn(program, rest, {
    stdio: ['ignore', 'ignore', 'pipe'],
    env: { ...process.env, ...(setup.clock === undefined ? {} : wrongClock(setup.clock)) },
  });
  const lines: string[] = [];
  child.stderr.setEncoding('utf8').on('data', (text: string) => lines.push(text));
  endWithUs(child.pid ?? 0);
  const ready = await eventually('the director is ready', () => readyUrl(child, lines.join('')), READY_MS);
  const director = makeDirector({ child, url: ready, kubeconfig, data, database, log: () => lines.join('') });
  running.add(director);
  void exited(child).then(() => running.delete(director));
  return director;
}

/** What a process needs in its environment to have a wall clock that is off by `shift` (`+380d`); durations stay true. */
export function wrongClock(shift: string): Readonly<Record<string, string>> {
  // The command itself would stand between us and the process; it tells where its library lies.
  const { stdout } = spawnSync('faketime', ['-f', shift, 'env'], { encoding: 'utf8' });
  const [, library] = /^LD_PRELOAD=(.+)$/m.exec(stdout ?? '') ?? [];
  if (library === undefined) throw new Error('faketime is not installed: apt-get install faketime');
  return { LD_PRELOAD: library, FAKETIME: shift, FAKETIME_DONT_FAKE_MONOTONIC: '1', DONT_FAKE_MONOTONIC: '1' };
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
    lines: (path, headers = {}) => lines(url, credentialsIn(kubeconfig), path, headers),
    watches: async () => {
      const { text } = await call(agent, url, 'GET', '/metrics', {});
      return Number(/^outrigger_watches (\d+)$/m.exec(text)?.[1]);
    },
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
  // Node sends a body with DELETE unframed, unless its length is given.
  const framing = bytes === undefined ? {} : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(bytes) };
  const { hostname, port } = new URL(url);
  return new Promise((resolve, reject) => {
    // The path as it is: a URL would tidy it up.
    const sent = httpsRequest({ hostname, port, path, method, agent, headers: { ...framing, ...headers } }, (answer) => {
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

function lines(
  url: string,
  identity: ReturnType<typeof credentialsIn>,
  path: string,
  headers: Readonly<Record<string, string>>,
): Promise<LineStream> {
  return new Promise((resolve, reject) => {
    const sent = httpsRequest(url + path, { agent: false, ...identity, headers }, (answer) => resolve(lineStream(sent, answer)));
    sent.on('error', reject);
    sent.end();
  });
}

function lineStream(sent: ClientRequest, answer: IncomingMessage): LineStream {
  const reader = createInterface({ input: answer, crlfDelay: Infinity })[Symbol.asyncIterator]();
  answer.on('error', () => undefined);
  return {
    status: answer.statusCode ?? 0,
    headers: answer.headers,
    next: async (withinMs = 10_000) => {
      const late = AbortSignal.timeout(withinMs);
      const line = await Promise.race([
        reader.next(),
        new Promise<never>((_, reject) => late.addEventListener('abort', () => reject(new Error(`No line came within ${withinMs} ms`)))),
      ]);
      return line.done === true ? undefined : (JSON.parse(line.value) as WatchLine);
    },
    stall: () => {
      answer.socket.pause();
      return () => void answer.socket.resume();
    },
    close: () => void sent.destroy(),
  };
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
