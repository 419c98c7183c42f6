/**
 * The door to HTTP on the server's side: what a handler sees of a request, and what it may answer. HTTP/1.1 and HTTP/2 look alike here.
 *
 * Headers travel as flat lists (name, value, name, value): that is what both protocols take without another object in between.
 *
 * I1: a request is answered exactly once, by `send` or by `stream`.
 * I2: a body beyond the bound is never held in memory; the caller learns that it was too large.
 * I3: nothing that a peer sends, and no way in which it vanishes, throws into the handler.
 */

import type { Duplex, Readable } from 'node:stream';

/** One connection. The same object for all its requests, so it may carry a cache (WeakMap). */
export interface HttpPeer {
  readonly address: string;
  readonly protocol: 'http/1.1' | 'h2' | 'tunnel';
  /** The client's certificate in DER, unverified; the same bytes object for the whole connection. */
  readonly certificate: Uint8Array | undefined;
  /** Ends the connection at once, with everything on it. */
  cut(): void;
  /** Called once, when the connection is closed; at once when it is closed already. */
  onClosed(listener: () => void): void;
}

/** `too-large`: more than the bound; the connection will be closed after the answer. `aborted`: the peer went away; nobody reads the answer. */
export type BodyRead = { readonly ok: true; readonly bytes: Buffer } | { readonly ok: false; readonly reason: 'too-large' | 'aborted' };

export interface HttpRequest {
  readonly method: string;
  /** Path and query as sent, not decoded. */
  readonly target: string;
  readonly peer: HttpPeer;
  /** `name` in lower case. */
  header(name: string): string | undefined;
  /** All of them, as sent; names in lower case. */
  headers(): HttpHeaders;
  /** The whole body. Call it at most once, and not beside `bodyStream`. */
  body(maxBytes: number): Promise<BodyRead>;
  /** Whether a body was announced. */
  hasBody(): boolean;
  /** The body as it comes. Whoever takes it sees to its bound, its deadline and its errors. */
  bodyStream(): Readable;
}

/** A request to speak another protocol (WebSocket) on this connection. */
export interface HttpUpgrade {
  readonly method: string;
  /** Path and query as sent, not decoded. */
  readonly target: string;
  readonly peer: HttpPeer;
  header(name: string): string | undefined;
  headers(): HttpHeaders;
  /** The connection itself: what the peer sent after its head, and whatever is written. Its errors are the taker's; nobody reads them otherwise. */
  readonly stream: Duplex;
  /** Changes to the other protocol; `headers` besides those that say so. From now on the stream is the other protocol's. */
  accept(headers: HttpHeaders): Duplex;
  /** Answers with HTTP instead, and ends the connection. */
  refuse(status: number, headers: HttpHeaders, body: Buffer): void;
}

/** Flat: name, value, name, value. Names in lower case. */
export type HttpHeaders = readonly string[];

export interface HttpResponse {
  /** The whole answer. `content-length` is added. */
  send(status: number, headers: HttpHeaders, body: Buffer): void;
  /**
   * Begins an answer whose body follows in pieces; the head leaves at once. `body`: its length where that is known, or `gzip`, to compress it
   * on the way (fast rather than small).
   */
  stream(status: number, headers: HttpHeaders, body?: number | 'gzip'): HttpStream;
  /**
   * An answer that somebody else makes: its head, then `source` to its end, as fast as the peer reads. Both are ended when either breaks, or
   * when nothing moves for `idleMs`.
   */
  relay(status: number, headers: HttpHeaders, source: Readable, idleMs: number): Promise<Relayed>;
  /** Calls `listener` once when the connection or stream is gone before the answer was complete. */
  onAbandoned(listener: () => void): void;
}

export interface Relayed {
  readonly bytes: number;
  /** All of it was sent. */
  readonly complete: boolean;
}

export interface HttpStream {
  /** False when the peer reads slower than we write: wait for `onDrain`. Writing on is allowed, and costs memory. */
  write(chunk: Buffer): boolean;
  /** Bytes that wait in memory for the peer to read. */
  unsentBytes(): number;
  /** Replaces the listener for "all was sent". */
  onDrain(listener: () => void): void;
  /** True once nothing can be sent any more. */
  closed(): boolean;
  end(): void;
  /** Cuts the connection (HTTP/2: the stream), for a peer that stopped reading. */
  destroy(): void;
}

export type HttpHandler = (request: HttpRequest, response: HttpResponse) => void;
export type UpgradeHandler = (upgrade: HttpUpgrade) => void;
/** A connection that asked for TUNNEL_PROTOCOL: all of it is the taker's. */
export type TunnelHandler = (socket: Duplex, peer: HttpPeer) => void;
/** ALPN name of a connection on which the dialed side then speaks HTTP/2 as client. */
export const TUNNEL_PROTOCOL = 'outrigger-tunnel/1';

/** PEM texts. `clientCa`: names shown to clients when a certificate is asked for; verification is the handler's. */
export interface TlsIdentity {
  readonly certificate: string;
  readonly key: string;
  readonly clientCa?: string;
}

export interface HttpServerOptions {
  readonly host: string;
  /** 0: a free one. */
  readonly port: number;
  /** What to do when another program has the port, as a part of a sentence; absent: the port is told from elsewhere, so the other one has to go. */
  readonly remedy?: string;
  /** Absent: plain HTTP/1.1 (health endpoints on loopback, tests). */
  readonly tls?: TlsIdentity;
  readonly handler: HttpHandler;
  /** Takes requests of HTTP/1.1 for `Upgrade: websocket`. Absent: they are answered as plain requests. */
  readonly onUpgrade?: UpgradeHandler;
  /** Takes tunnels. Absent: the protocol is not offered. Needs `tls`. */
  readonly onTunnel?: TunnelHandler;
  /** A broken promise of a handler, or a failure that no request can be told of. */
  readonly onError: (error: unknown) => void;
}

export interface HttpServer {
  readonly port: number;
  /** New handshakes use `identity`. */
  replaceTls(identity: TlsIdentity): void;
  connections(): number;
  /** Takes no more connections, lets answers under way finish for at most `graceMs`, then cuts the rest. */
  close(graceMs: number): Promise<void>;
}

/** Throws `Fault` PortTaken when somebody else listens there. */
export type ListenHttp = (options: HttpServerOptions) => Promise<HttpServer>;
