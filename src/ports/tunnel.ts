/**
 * The door to tunnels: a TLS connection that a node dialed, on which the director then speaks HTTP/2 as client and the node as server.
 *
 * I1: a stream that is slow to be read holds only its own window, never the tunnel.
 * I2: a tunnel that is over ends every stream in it, and says why, once.
 */

import type { Duplex, Readable } from 'node:stream';
import type { Identity } from './director.ts';
import type { HttpHandler, HttpHeaders, UpgradeHandler } from './http.ts';

export interface TunnelOrder {
  readonly method: string;
  /** Path and query. */
  readonly target: string;
  readonly headers: HttpHeaders;
  /** Absent: none. */
  readonly body?: Readable;
  /** True: asks for a WebSocket (extended CONNECT, RFC 8441); then the stream of a 200 is that WebSocket's. */
  readonly webSocket: boolean;
  /** For the head of the answer. */
  readonly headMs: number;
}

export interface TunnelAnswer {
  readonly status: number;
  readonly headers: HttpHeaders;
  /** The body; of a WebSocket, both ways. */
  readonly stream: Duplex;
}

/** The director's end. */
export interface CenterTunnel {
  /** Rejects with `Fault` PeerUnreachable (the tunnel is over), DeadlineExceeded, or the signal's reason. */
  request(order: TunnelOrder, signal: AbortSignal): Promise<TunnelAnswer>;
  /** Requests under way. */
  streams(): number;
  /** Called once. */
  onEnd(listener: (why: string) => void): void;
  /** Takes nothing new; ends after its last request, at the latest after `graceMs`. The node is told `why`. */
  retire(graceMs: number, why?: string): void;
  /** Ends it, with a sentence for the node. */
  end(why: string): void;
}

/** What a director tells a node whose tunnel it retires because there is a newer one of that node. */
export const TUNNEL_REPLACED = 'a newer tunnel was opened with the certificate of this node';

export type OpenCenterTunnel = (socket: Duplex) => CenterTunnel;

export interface SiteTunnelOrder {
  /** https://host:port */
  readonly director: string;
  readonly identity: Identity;
  /** Time by which the director's certificate is judged, ms since 1970. */
  readonly trustedNowMs: number;
  /** What the director asks of this node. */
  readonly handler: HttpHandler;
  readonly onUpgrade: UpgradeHandler;
  readonly dialMs: number;
}

/** The node's end; it is open once the director has greeted. */
export interface SiteTunnel {
  readonly director: string;
  /** Ms since the last sign of life of the director, and how long its echoes take. */
  silentMs(): number;
  roundTripMs(): number;
  /** Something is under way in it. */
  busy(): boolean;
  /** The director has said that it will take nothing more: it stops. */
  leaving(): boolean;
  /** Called once. */
  onEnd(listener: (why: string) => void): void;
  /** Takes nothing new; ends after its last request, at the latest after `graceMs`. */
  retire(graceMs: number): void;
  /** Ends it now. */
  cut(why: string): void;
}

/** Rejects with `Fault` PeerUnreachable, PeerUntrusted, DeadlineExceeded or DirectorRefused (it took the connection, and said why not the tunnel). */
export type DialTunnel = (order: SiteTunnelOrder, signal: AbortSignal) => Promise<SiteTunnel>;

export interface JoinedStreams {
  /** From near to far, and back. */
  readonly inwardBytes: number;
  readonly outwardBytes: number;
}

/** Both ways between two streams, until both are closed; never rejects. */
export type JoinStreams = (near: Duplex, far: Duplex, idleMs: number) => Promise<JoinedStreams>;

/** Path of the greeting by which a director says that the tunnel is taken. */
export const TUNNEL_HELLO = '/hello';
