/**
 * A rig of connection servers that misbehave, each in one way, over real TLS: what clients of connection servers must get through with a
 * sentence, within their deadline, and without sending what they should not.
 *
 *   const server = await badConnectionServer('floods');
 *   ... speak to server.url, pinned to server.pin ...
 *   assert.deepEqual(server.requests(), []);   // nothing was sent
 *   await server.close();
 *
 * `normal` answers as docs/reference/connection-server.md says, for the account outrigger / right-password.
 */
import { createServer as createTcpServer } from 'node:net';
import type { AddressInfo, Server, Socket } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import { thumbprintOf } from '../../src/platform/mutual-http.ts';
import { certificateIssuer } from '../../src/platform/x509.ts';

export const BAD_BEHAVIORS = [
  /** Answers well, with a self-signed certificate that `pin` names. */
  'normal',
  /** Shows another certificate than the one that `pin` names. */
  'wrong-certificate',
  /** Its certificate, the pinned one, ended yesterday. */
  'expired',
  /** Its certificate, the pinned one, begins tomorrow. */
  'not-yet-valid',
  /** Takes the connection and never says a word of TLS. */
  'hangs-before-handshake',
  /** Takes requests and never answers. */
  'hangs-after-handshake',
  /** Announces 1,000 bytes more than it sends, then ends. */
  'length-too-long',
  /** Announces 10 bytes and sends many more. */
  'length-too-short',
  /** Answers for ever, as fast as it is read. */
  'floods',
  /** Sends half of what it announced, then resets. */
  'closes-in-the-middle',
  /** Answers something that is no HTTP. */
  'garbage',
  /** 302 to `https://127.0.0.1:1/`. */
  'redirects',
  /** 401 to everything. */
  'unauthorized',
  /** 1 MiB of headers. */
  'huge-headers',
  /** 256 kB that become 256 MiB, content-encoding: gzip. */
  'gzip-bomb',
  /** One byte a second. */
  'drips',
] as const;
export type BadBehavior = (typeof BAD_BEHAVIORS)[number];

export const BAD_SERVER_ACCOUNT = { username: 'outrigger', password: 'right-password' } as const;

export interface BadConnectionServer {
  readonly port: number;
  /** https://127.0.0.1:port */
  readonly url: string;
  /** What a person has pinned for it: `sha256:<hex>`. */
  readonly pin: string;
  /** What it really shows: another one for `wrong-certificate` only. */
  readonly shown: string;
  readonly certificatePem: string;
  /** `GET /v1/version` of each request that arrived, also of those that get no answer. */
  requests(): readonly string[];
  /** Bytes that were written for answers; what the client's kernel did not take is not counted. */
  sentBytes(): number;
  /** Connections that are open now. */
  connections(): number;
  close(): Promise<void>;
}

const DAY_MS = 24 * 3600 * 1000;
const FLOOD_CHUNK = Buffer.alloc(64 * 1024, 0x61);
const BOMB_BYTES = 256 * 1024 * 1024;

interface Rig {
  readonly behavior: BadBehavior;
  readonly requests: string[];
  readonly timers: Set<NodeJS.Timeout>;
  readonly sockets: Set<Socket>;
  sent: number;
}

/** `host` must be an address of this machine; the certificate names it and localhost. */
export async function badConnectionServer(behavior: BadBehavior, host = '127.0.0.1'): Promise<BadConnectionServer> {
  const shown = await certificateFor(behavior, host);
  const pinned = behavior === 'wrong-certificate' ? await certificateFor(behavior, host) : shown;
  // Now, and beside the event loop: a client of this process has a deadline.
  if (behavior === 'gzip-bomb') bomb ??= await promisify(gzip)(Buffer.alloc(BOMB_BYTES));
  const rig: Rig = { behavior, requests: [], timers: new Set(), sockets: new Set(), sent: 0 };
  const server =
    behavior === 'hangs-before-handshake'
      ? createTcpServer((socket) => void socket.resume().on('error', () => undefined))
      : createTlsServer({ cert: shown.certificatePem, key: shown.privateKeyPem, minVersion: 'TLSv1.2' }, (socket) => serve(rig, socket));
  server.on('connection', (socket: Socket) => {
    rig.sockets.add(socket);
    socket.on('close', () => rig.sockets.delete(socket));
  });
  server.on('tlsClientError', (_error: Error, socket: Socket) => socket.destroy());
  await new Promise<void>((done, failed) => {
    server.once('error', failed);
    server.listen(0, host, done);
  });
  const { port } = server.address() as AddressInfo;
  return {
    port,
    url: `https://${host.includes(':') ? `[${host}]` : host}:${port}`,
    pin: pinned.thumbprint,
    shown: shown.thumbprint,
    certificatePem: shown.certificatePem,
    requests: () => rig.requests,
    sentBytes: () => rig.sent,
    connections: () => rig.sockets.size,
    close: () => closeRig(rig, server),
  };
}

interface Shown {
  readonly certificatePem: string;
  readonly privateKeyPem: string;
  readonly thumbprint: string;
}

async function certificateFor(behavior: BadBehavior, host: string): Promise<Shown> {
  const now = Date.now();
  const [notBeforeMs, notAfterMs] =
    behavior === 'expired'
      ? [now - 365 * DAY_MS, now - DAY_MS]
      : behavior === 'not-yet-valid'
        ? [now + DAY_MS, now + 365 * DAY_MS]
        : [now - DAY_MS, now + 365 * DAY_MS];
  const made = await certificateIssuer().createSelfSigned({
    commonName: 'bad-connection-server',
    names: [host, 'localhost'],
    notBeforeMs,
    notAfterMs,
  });
  return { ...made, thumbprint: thumbprintOf(derOf(made.certificatePem)) };
}

function derOf(pem: string): Buffer {
  return Buffer.from(pem.replace(/-----[^-]+-----/g, ''), 'base64');
}

async function closeRig(rig: Rig, server: Server): Promise<void> {
  for (const timer of rig.timers) clearInterval(timer);
  for (const socket of rig.sockets) socket.destroy();
  await new Promise<void>((done) => server.close(() => done()));
}

/** Requests of one connection, one after the other; each answer ends it. */
function serve(rig: Rig, socket: Socket): void {
  let received = '';
  socket.on('error', () => socket.destroy());
  socket.on('data', (chunk: Buffer) => {
    received += chunk.toString('latin1');
    const end = received.indexOf('\r\n\r\n');
    if (end < 0) return;
    const head = received.slice(0, end);
    const length = Number(/^content-length: *(\d+)/im.exec(head)?.[1] ?? 0);
    if (received.length < end + 4 + length) return;
    const [method = '', target = ''] = head.split(' ', 2);
    rig.requests.push(`${method} ${target}`);
    received = '';
    answer(rig, socket, method, target, /^authorization: *(.+)$/im.exec(head)?.[1]?.trim());
  });
}

function answer(rig: Rig, socket: Socket, method: string, target: string, authorization: string | undefined): void {
  const send = (data: string | Buffer): boolean => {
    rig.sent += Buffer.byteLength(data);
    return socket.write(data);
  };
  switch (rig.behavior) {
    case 'hangs-before-handshake':
    case 'hangs-after-handshake':
      return;
    case 'length-too-long':
      send(`${head(200, { 'content-length': '1013' })}{"name":"bad"}`);
      socket.end();
      return;
    case 'length-too-short':
      send(`${head(200, { 'content-length': '10' })}{"name":"${'x'.repeat(5_000)}"}`);
      socket.end();
      return;
    case 'floods':
      send(head(200, {}));
      flood(socket, send);
      return;
    case 'closes-in-the-middle':
      send(`${head(200, { 'content-length': '200' })}${' '.repeat(100)}`);
      later(rig, 50, () => void socket.destroy());
      return;
    case 'garbage':
      send('220 mail.example ESMTP ready\r\n\u0000\u0001\u0002 what do you want?\r\n');
      return;
    case 'redirects':
      send(head(302, { location: `https://127.0.0.1:1${target}`, 'content-length': '0' }));
      socket.end();
      return;
    case 'unauthorized':
      whole(socket, send, 401, { code: 'LogInNeeded', message: 'Wrong user name or password.' });
      return;
    case 'huge-headers':
      send(`HTTP/1.1 200 OK\r\n`);
      for (let i = 0; i < 1024; i++) send(`x-${i}: ${'y'.repeat(1_000)}\r\n`);
      send('content-length: 2\r\n\r\n{}');
      socket.end();
      return;
    case 'gzip-bomb':
      sendBomb(socket, send);
      return;
    case 'drips':
      send(head(200, { 'content-length': '1000' }));
      every(rig, 1_000, () => void send('x'));
      return;
    default:
      answerWell(socket, send, method, target, authorization);
  }
}

function head(status: number, headers: Readonly<Record<string, string>>): string {
  const lines = Object.entries({ 'content-type': 'application/json', connection: 'close', ...headers });
  return `HTTP/1.1 ${status} ${status === 200 ? 'OK' : 'Other'}\r\n${lines.map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n`;
}

function whole(socket: Socket, send: (data: string) => boolean, status: number, body: unknown): void {
  const text = JSON.stringify(body);
  send(`${head(status, { 'content-length': String(Buffer.byteLength(text)) })}${text}`);
  socket.end();
}

function flood(socket: Socket, send: (data: Buffer) => boolean): void {
  const more = (): void => {
    while (!socket.destroyed && send(FLOOD_CHUNK));
  };
  socket.on('drain', more);
  more();
}

let bomb: Buffer | undefined;

function sendBomb(socket: Socket, send: (data: string | Buffer) => boolean): void {
  if (bomb === undefined) throw new Error('the bomb was not made');
  send(head(200, { 'content-encoding': 'gzip', 'content-length': String(bomb.length) }));
  send(bomb);
  socket.end();
}

function answerWell(
  socket: Socket,
  send: (data: string) => boolean,
  method: string,
  target: string,
  authorization: string | undefined,
): void {
  const { username, password } = BAD_SERVER_ACCOUNT;
  const [path = ''] = target.split('?');
  const right = authorization === `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;
  if (!right && path !== '/v1/health') {
    whole(socket, send, 401, { code: 'LogInNeeded', message: 'Wrong user name or password.' });
    return;
  }
  const answers: Readonly<Record<string, unknown>> = {
    'GET /v1/version': {
      product: 'outrigger-connection-server',
      name: 'rig',
      // Each its own, as real ones have.
      instance: String(socket.localPort).padStart(16, '0'),
      version: '0.1.0',
      api: ['v1'],
    },
    'GET /v1/health': { status: 'Ok', message: 'It takes sessions.' },
    'GET /v1/capacity': { capacity: 100, used: 0, free: 100, draining: false },
    'GET /v1/sessions': { concurrent: 0, connected: 0, peakConcurrent: 0, users: [] },
    'PUT /v1/license': { serial: 1, state: 'Active', verified: false, token: '' },
  };
  const found = answers[`${method} ${path}`];
  if (found === undefined) whole(socket, send, 404, { code: 'NotFound', message: `There is no ${method} ${path} here.` });
  else whole(socket, send, 200, found);
}

function later(rig: Rig, ms: number, run: () => void): void {
  const timer = setTimeout(() => {
    rig.timers.delete(timer);
    run();
  }, ms);
  rig.timers.add(timer);
}

function every(rig: Rig, ms: number, run: () => void): void {
  rig.timers.add(setInterval(run, ms));
}
