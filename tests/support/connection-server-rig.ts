/**
 * Real connection servers for tests: the process as a site runs it, real TLS, in front of the real back end of examples/. Nothing is left afterwards.
 */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { Agent, request } from 'node:https';
import type { IncomingMessage } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { WebSocket } from 'ws';
import { sendSignal } from '../../src/platform/process-id.ts';
import { programCommand } from '../../src/platform/program.ts';
import { roleEnvironment, systemProcesses } from '../../src/platform/spawn.ts';
import type { ProcessExit } from '../../src/ports/processes.ts';
import { endWithUs } from './end-with-us.ts';
import { eventually } from './eventually.ts';
import { freePort } from './free-port.ts';

export const RIG_ACCOUNT = { username: 'outrigger', password: 'a long password' } as const;

export interface RunningProcess {
  readonly pid: number;
  readonly exited: Promise<ProcessExit>;
  log(): string;
}

export interface RunningServer extends RunningProcess {
  readonly port: number;
  readonly url: string;
  readonly data: string;
  /** `sha256:<hex>`, as it logged it. */
  readonly thumbprint: string;
  ask(method: string, path: string, options?: AskOptions): Promise<Asked>;
  /** Makes a session; its id. */
  session(user?: string): Promise<string>;
  connect(id: string): Promise<TestSession>;
}

export interface AskOptions {
  readonly body?: string | Buffer | object;
  /** `user:password`; false: none. Without it: the right one. */
  readonly auth?: string | false;
  readonly headers?: Readonly<Record<string, string>>;
  /** Address that the connection comes from. */
  readonly from?: string;
  /** Where the server is; 127.0.0.1 unless told. */
  readonly host?: string;
}

export interface Asked {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly text: string;
  readonly json: Readonly<Record<string, unknown>>;
}

/** A WebSocket that keeps what it gets. */
export interface TestSession {
  readonly socket: WebSocket;
  bytes(): Buffer;
  texts(): readonly string[];
  readonly closed: Promise<{ readonly code: number; readonly reason: string }>;
}

export interface ConnectionServerRig {
  readonly root: string;
  backend(name: string, port?: number): Promise<RunningProcess & { readonly port: number }>;
  /** `args` beyond data, backend, port and password. */
  server(name: string, backendPort: number, args?: readonly string[], port?: number): Promise<RunningServer>;
  /** Runs the command until it ends by itself. */
  refused(
    args: readonly string[],
    environment?: Readonly<Record<string, string>>,
  ): Promise<{ readonly exit: ProcessExit; readonly log: string }>;
  cleanup(): void;
}

export function connectionServerRig(): ConnectionServerRig {
  const root = mkdtempSync(join(tmpdir(), 'outrigger-connection-server-'));
  endWithUs(root);
  const processes = systemProcesses();
  const pids: number[] = [];
  const passwordFile = join(root, 'password');
  writeFileSync(passwordFile, `${RIG_ACCOUNT.password}\n`, { mode: 0o600 });
  let count = 0;
  const start = async (
    command: readonly [string, ...string[]],
    role: string,
    more: Readonly<Record<string, string>> = {},
  ): Promise<RunningProcess> => {
    const logFile = join(root, `${role}-${count++}.log`);
    const environment = { ...roleEnvironment(process.env, { data: root, role }), ...more };
    const started = await processes.start({ command, environment, folder: root, logFile });
    pids.push(started.id.pid);
    return { pid: started.id.pid, exited: started.exited, log: () => readFileSync(logFile, 'utf8') };
  };
  return {
    root,
    backend: async (name, wanted) => {
      const port = wanted ?? (await freePort());
      const desktop = join(import.meta.dirname, '..', '..', 'examples', 'desktop.mjs');
      const running = await start([process.execPath, desktop, '--port', String(port), '--name', name], 'desktop');
      await eventually(`${name} listens`, () => running.log().includes('listens'));
      return { ...running, port };
    },
    server: async (name, backendPort, args = [], wanted = 0) => {
      const data = join(root, name);
      mkdirSync(data, { recursive: true });
      const command = ['connection-server', '--data', data, '--port', String(wanted), '--backend', `127.0.0.1:${backendPort}`];
      const running = await start(
        programCommand([...command, '--name', name, '--account-password-file', passwordFile, ...args]),
        'connection-server',
      );
      const ready = await eventually(`${name} is ready`, () => readyLine(running), 30_000);
      return serverOf(running, data, Number(ready['port']), String(ready['thumbprint']));
    },
    refused: async (args, environment = {}) => {
      const running = await start(programCommand(['connection-server', ...args]), 'connection-server', environment);
      const exit = await running.exited;
      return { exit, log: running.log() };
    },
    cleanup: () => {
      for (const pid of pids) sendSignal(-pid, 'SIGKILL');
      rmSync(root, { recursive: true, force: true });
    },
  };
}

function readyLine(running: RunningProcess): Readonly<Record<string, unknown>> | undefined {
  const line = running
    .log()
    .split('\n')
    .find((one) => one.includes('"The connection server is ready."'));
  return line === undefined ? undefined : (JSON.parse(line) as Record<string, unknown>);
}

function serverOf(running: RunningProcess, data: string, port: number, thumbprint: string): RunningServer {
  const url = `https://127.0.0.1:${port}`;
  const asker = (method: string, path: string, options: AskOptions = {}): Promise<Asked> => ask(port, method, path, options);
  return {
    ...running,
    port,
    url,
    data,
    thumbprint,
    ask: asker,
    session: async (user = 'ann') => String((await asker('POST', '/v1/sessions', { body: { user } })).json['id']),
    connect: (id) => connectSession(`wss://127.0.0.1:${port}/v1/sessions/${id}/connect`),
  };
}

/** One HTTPS request to a port of this machine. */
/** One request, of whatever certificate; by the rig's account unless told otherwise. */
export async function ask(port: number, method: string, path: string, { body, auth, headers, from, host }: AskOptions): Promise<Asked> {
  const account = auth ?? `${RIG_ACCOUNT.username}:${RIG_ACCOUNT.password}`;
  const bytes = body === undefined || typeof body === 'string' || Buffer.isBuffer(body) ? body : JSON.stringify(body);
  const incoming = await new Promise<IncomingMessage>((done, failed) => {
    const outgoing = request({
      host: host ?? '127.0.0.1',
      port,
      method,
      path,
      agent: new Agent({ keepAlive: false }),
      rejectUnauthorized: false,
      ...(from === undefined ? {} : { localAddress: from }),
      ...(account === false ? {} : { auth: account }),
      headers: { ...headers, ...(bytes === undefined ? {} : { 'content-length': Buffer.byteLength(bytes) }) },
    });
    outgoing.on('response', done);
    outgoing.on('error', failed);
    outgoing.end(bytes);
  });
  let text = '';
  for await (const chunk of incoming) text += String(chunk);
  return { status: incoming.statusCode ?? 0, headers: incoming.headers, text, json: parsed(text) };
}

function parsed(text: string): Readonly<Record<string, unknown>> {
  try {
    return JSON.parse(text) as Record<string, unknown>;
  } catch {
    return {};
  }
}

/** Rejects with `refused 404` and so on when it is not answered with 101. */
export async function connectSession(url: string): Promise<TestSession> {
  const socket = new WebSocket(url, { rejectUnauthorized: false, perMessageDeflate: false });
  const chunks: Buffer[] = [];
  const texts: string[] = [];
  socket.on('message', (data: Buffer, isBinary: boolean) => (isBinary ? chunks.push(data) : texts.push(data.toString())));
  const closed = new Promise<{ code: number; reason: string }>((done) => {
    socket.on('close', (code, reason) => done({ code, reason: reason.toString() }));
  });
  await new Promise<void>((done, failed) => {
    socket.once('open', done);
    socket.once('error', failed);
    socket.once('unexpected-response', (_request, response) => {
      response.resume();
      failed(new Error(`refused ${response.statusCode}`));
    });
  });
  socket.on('error', () => undefined);
  return { socket, bytes: () => Buffer.concat(chunks), texts: () => texts, closed };
}
