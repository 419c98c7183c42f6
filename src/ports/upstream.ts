/**
 * The door to one server behind us that is known by its pinned certificate: calls and WebSockets over connections that are kept.
 *
 * I1: not one byte leaves on a connection before the certificate of its other end was judged.
 * I2: an answer that is larger than its bound, slower than its deadline or malformed is a `Fault`, never a partial answer.
 */

import type { Duplex } from 'node:stream';
import type { HttpHeaders } from './http.ts';
import type { MutualAnswer } from './mutual-http.ts';

export interface UpstreamOptions {
  /** https://host:port */
  readonly url: string;
  /** `sha256:<64 hex>` */
  readonly pin: string;
  /** Time by which dates in certificates are judged, ms since 1970. */
  readonly trustedNowMs: () => number;
}

export interface UpstreamCall {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  /** Path and query. */
  readonly target: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
  /** From now to the last byte of the answer. */
  readonly deadlineMs: number;
  readonly maxAnswerBytes: number;
}

export type UpstreamUpgrade =
  /** `headers`: those of the 101 that are the WebSocket's own. What follows is on `stream`. */
  | { readonly upgraded: true; readonly headers: HttpHeaders; readonly stream: Duplex }
  | { readonly upgraded: false; readonly answer: MutualAnswer };

export interface Upstream {
  /** Throws `Fault` PeerUnreachable, PeerUntrusted, PeerAnswerInvalid or DeadlineExceeded, with a sentence. */
  call(order: UpstreamCall, signal: AbortSignal): Promise<MutualAnswer>;
  /** Asks for a WebSocket with the client's own handshake headers. `deadlineMs` is for the head of the answer. Throws the same. */
  upgrade(target: string, headers: HttpHeaders, deadlineMs: number, signal: AbortSignal): Promise<UpstreamUpgrade>;
  /** Lets its connections go; WebSockets go on. */
  close(): void;
}

export type OpenUpstream = (options: UpstreamOptions) => Upstream;
