/**
 * The HTTP server: one TLS port, HTTP/1.1 and HTTP/2 told apart by ALPN.
 *
 * An `https.Server` accepts everything, so its limits (connections, header sizes, slow senders) hold; connections that asked for `h2` are handed
 * to Node's HTTP/2 instead of to its HTTP/1.1 parser. Client certificates are asked for and passed on unverified: who is who is decided above.
 *
 * I1: a peer that sends slowly, too much or nonsense loses its connection; the process goes on.
 * I2: `close` ends within its grace: answers under way finish, the rest is cut, also connections that became something else (WebSockets, tunnels).
 */

import type { IncomingMessage, RequestListener, Server as PlainServer, ServerOptions, ServerResponse } from 'node:http';
import { performServerHandshake } from 'node:http2';
import type { ServerHttp2Session } from 'node:http2';
import { createServer as createTlsServer, Server as TlsServer } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { Fault } from '../model/fault.ts';
import { LIMITS } from '../model/limits.ts';
import { Http1Request, Http1Response } from './http-1.ts';
import { Http2Request, Http2Response } from './http-2.ts';
import { Http1Upgrade } from './http-upgrade.ts';
import { createServer as createPlainServer, STATUS_CODES } from './node-http.ts';
import { TUNNEL_PROTOCOL } from '../ports/http.ts';
import type { HttpHandler, HttpPeer, HttpServer, HttpServerOptions, TlsIdentity } from '../ports/http.ts';

/** A bigger window than HTTP/2's 64 kB, so that a list does not wait for the peer at every step. */
const STREAM_WINDOW_BYTES = 1024 * 1024;

/** Who has a port is what people ask first. */
const ANOTHER_HAS_IT = 'see which one (ss -ltnp), and stop it';

/** How often connections that have become idle are closed while stopping. */
const CLOSE_SWEEP_MS = 50;

const SERVER_OPTIONS: ServerOptions = {
  maxHeaderSize: LIMITS.requestHeaderBytes,
  headersTimeout: LIMITS.requestHeadDeadlineMs,
  requestTimeout: LIMITS.requestReceiveDeadlineMs,
  keepAliveTimeout: LIMITS.connectionIdleMs,
  connectionsCheckingInterval: 5_000,
  noDelay: true,
  // A peer that vanished without a word is found by the kernel, also where only a watch is open.
  keepAlive: true,
  keepAliveInitialDelay: 30_000,
  insecureHTTPParser: false,
};

const H2_OPTIONS = {
  maxSessionMemory: 32,
  maxHeaderListPairs: LIMITS.requestHeaders,
  settings: {
    maxConcurrentStreams: LIMITS.streamsPerConnection,
    initialWindowSize: STREAM_WINDOW_BYTES,
    maxHeaderListSize: LIMITS.requestHeaderBytes,
    enablePush: false,
  },
};

interface Open {
  readonly sessions: Set<ServerHttp2Session>;
  /** Connections that became something else. */
  readonly taken: Set<Socket>;
}

/** Starts to listen. Throws `Fault` PortTaken when somebody else has the port. */
export async function listenHttp(options: HttpServerOptions): Promise<HttpServer> {
  const peers = new WeakMap<Socket, HttpPeer>();
  const open: Open = { sessions: new Set(), taken: new Set() };
  const onRequest = http1Listener(options.handler, peers);
  // Without a taker Node answers such requests as if they had not asked.
  const http1Options: ServerOptions = { ...SERVER_OPTIONS, shouldUpgradeCallback: isWebSocket };
  const server =
    options.tls === undefined ? createPlainServer(http1Options, onRequest) : tlsServer(options, options.tls, http1Options, onRequest, open);
  const { onUpgrade } = options;
  if (onUpgrade !== undefined) {
    server.on('upgrade', (incoming: IncomingMessage, socket: Socket, head: Buffer) => {
      take(open, socket);
      if (head.length > 0) socket.unshift(head);
      onUpgrade(new Http1Upgrade(incoming, socket, peerFor(peers, socket, 'http/1.1')));
    });
  }
  server.maxConnections = LIMITS.connections;
  server.maxHeadersCount = LIMITS.requestHeaders;
  server.on('clientError', refuseMalformed);
  await listening(server, options);
  server.on('error', options.onError);
  let shown = options.tls;
  return {
    port: (server.address() as AddressInfo).port,
    replaceTls: (identity) => {
      // Callers come whenever anything of theirs has changed; a context is 100 kB that the collector does not see, and forgets all TLS sessions.
      if (!(server instanceof TlsServer) || isSame(shown, identity)) return;
      server.setSecureContext(contextOptions(identity));
      shown = identity;
    },
    connections: () => (server as unknown as { _connections?: number })._connections ?? 0,
    close: (graceMs) => closeServer(server, open, graceMs),
  };
}

function http1Listener(handler: HttpHandler, peers: WeakMap<Socket, HttpPeer>): RequestListener {
  return (incoming: IncomingMessage, outgoing: ServerResponse) => {
    const peer = peerFor(peers, incoming.socket, 'http/1.1');
    handler(new Http1Request(incoming, peer), new Http1Response(incoming, outgoing));
  };
}

function peerFor(peers: WeakMap<Socket, HttpPeer>, socket: Socket, protocol: HttpPeer['protocol']): HttpPeer {
  let peer = peers.get(socket);
  if (peer === undefined) peers.set(socket, (peer = peerOf(socket, protocol)));
  return peer;
}

function isWebSocket(incoming: IncomingMessage): boolean {
  return incoming.headers.upgrade?.toLowerCase() === 'websocket';
}

/** From now on the connection is not HTTP/1.1 any more, so Node's server would not end it. */
function take(open: Open, socket: Socket): void {
  open.taken.add(socket);
  socket.once('close', () => open.taken.delete(socket));
  // Whoever takes it listens too; before and after that, a peer that vanishes must not end the process.
  socket.on('error', () => socket.destroy());
}

function tlsServer(
  options: HttpServerOptions,
  tls: TlsIdentity,
  http1Options: ServerOptions,
  onRequest: RequestListener,
  open: Open,
): TlsServer {
  const { onTunnel } = options;
  const server = createTlsServer(
    {
      ...http1Options,
      ...contextOptions(tls),
      ALPNProtocols: ['h2', 'http/1.1', ...(onTunnel === undefined ? [] : [TUNNEL_PROTOCOL])],
      requestCert: true,
      rejectUnauthorized: false,
      handshakeTimeout: LIMITS.handshakeDeadlineMs,
      minVersion: 'TLSv1.2',
    },
    onRequest,
  );
  // https.Server parses HTTP/1.1 on every connection; ours look at what the peer asked for first.
  const http1 = server.listeners('secureConnection') as ((this: TlsServer, socket: TLSSocket) => void)[];
  server.removeAllListeners('secureConnection');
  server.on('secureConnection', (socket: TLSSocket) => {
    if (socket.alpnProtocol === 'h2') http2Connection(socket, options.handler, open.sessions);
    else if (socket.alpnProtocol === TUNNEL_PROTOCOL && onTunnel !== undefined) {
      take(open, socket);
      socket.setNoDelay(true);
      onTunnel(socket, peerOf(socket, 'tunnel'));
    } else for (const listener of http1) listener.call(server, socket);
  });
  server.on('tlsClientError', (_error, socket) => socket.destroy());
  return server;
}

function isSame(one: TlsIdentity | undefined, other: TlsIdentity): boolean {
  return one?.certificate === other.certificate && one.key === other.key && one.clientCa === other.clientCa;
}

function contextOptions(tls: TlsIdentity): { cert: string; key: string; ca?: string } {
  return { cert: tls.certificate, key: tls.key, ...(tls.clientCa === undefined ? {} : { ca: tls.clientCa }) };
}

function http2Connection(socket: TLSSocket, handler: HttpHandler, sessions: Set<ServerHttp2Session>): void {
  const session = performServerHandshake(socket, H2_OPTIONS);
  const peer = peerOf(socket, 'h2');
  sessions.add(session);
  session.on('close', () => sessions.delete(session));
  // A peer that breaks the protocol or vanishes ends its session; there is nobody to tell.
  session.on('error', () => session.destroy());
  session.setTimeout(LIMITS.connectionIdleMs, () => idleSession(session));
  session.on('stream', (stream, headers) => {
    stream.on('error', () => undefined);
    stream.setTimeout(0);
    handler(new Http2Request(stream, headers, peer), new Http2Response(stream, headers[':method'] ?? ''));
  });
}

/** Quiet for long: asks the peer to go, which it does unless a watch is open; then the session stays until that ends. */
function idleSession(session: ServerHttp2Session): void {
  if (!session.closed) session.close();
}

function peerOf(socket: Socket, protocol: HttpPeer['protocol']): HttpPeer {
  const certificate = 'getPeerCertificate' in socket ? (socket as TLSSocket).getPeerCertificate(false).raw : undefined;
  return {
    address: socket.remoteAddress ?? '',
    protocol,
    certificate,
    cut: () => void socket.destroy(),
    onClosed: (listener) => onceClosed(socket, listener),
  };
}

/** Any connection's end, also when it is over already. */
function onceClosed(socket: Socket, listener: () => void): void {
  if (socket.closed) listener();
  else socket.once('close', listener);
}

/** Requests that the parser refuses get a sentence, when the connection still takes one. */
function refuseMalformed(error: Error & { code?: string }, socket: Socket): void {
  if (!socket.writable || socket.bytesWritten > 0) {
    socket.destroy();
    return;
  }
  const status = error.code === 'HPE_HEADER_OVERFLOW' ? 431 : error.code === 'ERR_HTTP_REQUEST_TIMEOUT' ? 408 : 400;
  const why =
    status === 431
      ? `The headers of the request are larger than ${LIMITS.requestHeaderBytes} bytes.`
      : status === 408
        ? 'The request did not arrive in time.'
        : 'This is not a well-formed HTTP/1.1 request.';
  const head = `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}\r\nconnection: close\r\ncontent-type: text/plain\r\n`;
  socket.end(`${head}content-length: ${Buffer.byteLength(why)}\r\n\r\n${why}`);
}

function listening(server: PlainServer | TlsServer, options: HttpServerOptions): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (cause: Error & { code?: string }) => reject(listenFault(cause, options)));
    server.listen({ host: options.host, port: options.port, backlog: 1024 }, () => {
      server.removeAllListeners('error');
      resolve();
    });
  });
}

function listenFault(cause: Error & { code?: string }, { host, port, remedy = ANOTHER_HAS_IT }: HttpServerOptions): Fault {
  if (cause.code === 'EADDRINUSE') {
    return new Fault('PortTaken', `Port ${port} on ${host} is taken by another program; ${remedy}.`, { cause });
  }
  if (cause.code === 'EACCES') {
    return new Fault('PortTaken', `Port ${port} on ${host} may not be used by this user; it takes one above 1023.`, { cause });
  }
  return new Fault('PortTaken', `Listening on ${host}:${port} failed (${cause.code ?? cause.message}); choose another address or port.`, {
    cause,
  });
}

async function closeServer(server: PlainServer | TlsServer, { sessions, taken }: Open, graceMs: number): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  for (const session of sessions) session.close();
  // A connection that was busy becomes idle and would be kept for the next request, which will not be answered here.
  const sweep = setInterval(() => server.closeIdleConnections(), CLOSE_SWEEP_MS);
  server.closeIdleConnections();
  const cut = setTimeout(() => {
    for (const session of sessions) session.destroy();
    for (const socket of taken) socket.destroy();
    server.closeAllConnections();
  }, graceMs);
  await closed;
  clearInterval(sweep);
  clearTimeout(cut);
}
