/**
 * The door to passing a request on by HTTP/1.1, as it comes: head, body and answer in pieces, WebSockets as raw bytes.
 *
 * I1: not one byte leaves for a destination of kind `node` before it has been judged.
 * I2: what breaks before the head of the answer is a `Fault`; what breaks after it breaks the stream.
 */

import type { Duplex, Readable } from 'node:stream';
import type { Identity } from './director.ts';
import type { HttpHeaders } from './http.ts';
import type { Trust } from './mutual-http.ts';

export type Destination =
  | { readonly kind: 'plain'; readonly host: string; readonly port: number; /** For people. */ readonly name?: string }
  /** TLS, whoever shows whatever certificate: a service of the customer, which has one of its own. */
  | { readonly kind: 'tls'; readonly host: string; readonly port: number; /** For people. */ readonly name?: string }
  /** A node of ours. Its connections are kept. */
  | {
      readonly kind: 'node';
      readonly host: string;
      readonly port: number;
      readonly identity: () => Identity;
      readonly trust: () => Trust;
      readonly trustedNowMs: () => number;
    };

export interface ForwardOrder {
  readonly method: string;
  /** Path and query. */
  readonly target: string;
  /** With `host`; without what holds for one connection. */
  readonly headers: HttpHeaders;
  readonly body?: Readable;
  readonly headMs: number;
}

export interface ForwardAnswer {
  readonly status: number;
  readonly headers: HttpHeaders;
  readonly body: Readable;
}

/** `upgraded`: what follows is the WebSocket's. */
export type UpgradeAnswer =
  | { readonly upgraded: true; readonly headers: HttpHeaders; readonly stream: Duplex }
  | ({ readonly upgraded: false } & ForwardAnswer);

export interface Forwarder {
  /** Rejects with `Fault` PeerUnreachable, PeerUntrusted, PeerAnswerInvalid or DeadlineExceeded. */
  send(order: ForwardOrder, signal: AbortSignal): Promise<ForwardAnswer>;
  upgrade(order: ForwardOrder, signal: AbortSignal): Promise<UpgradeAnswer>;
  /** Lets idle connections go. */
  close(): void;
}

export type ForwardTo = (destination: Destination) => Forwarder;
