/**
 * The door to a load: many small clients that ask one address again and again, and what they saw of it.
 */

import type { LoadReport } from '../decide/load-tally.ts';

/** `Http`: GET by HTTP/1.1, well is any 2xx. `Tcp`: well is a connection, with `firstByte` one byte of the other end. */
export type LoadRequest = { readonly kind: 'Http'; readonly path: string } | { readonly kind: 'Tcp'; readonly firstByte: boolean };

export interface LoadOrder {
  /** A node's balancer. */
  readonly host: string;
  readonly port: number;
  readonly request: LoadRequest;
  /** Clients that keep their connection. Absent: LIMITS.loadKeptClients. With Tcp there are none. */
  readonly keptClients?: number;
  /** How long each of them waits between an answer and its next request. Absent: LIMITS.loadKeptPauseMs. */
  readonly keptPauseMs?: number;
  /** New connections a second, sent when due whether others were answered or not. Absent: LIMITS.loadFreshPerSecond. */
  readonly freshPerSecond?: number;
  /** What was not answered well by then has failed. Absent: LIMITS.loadTimeoutMs. */
  readonly timeoutMs?: number;
}

/** A load that runs until its signal aborts. */
export interface Load {
  /** Everything since it began, or since the last `take`. */
  report(): LoadReport;
  /** The same, and counting begins anew; an attempt that is under way counts in the stretch in which it ends. */
  take(): LoadReport;
  /** Resolves after the signal, once no attempt is under way, with what stands since the last `take`. Never rejects. */
  readonly ended: Promise<LoadReport>;
}

export interface LoadGenerator {
  start(order: LoadOrder, signal: AbortSignal): Load;
}
