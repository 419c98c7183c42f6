/**
 * The door to carrying a session: one WebSocket on one side, one TCP connection on the other.
 *
 * Binary frames are the bytes; the text frame `end` is TCP's half-close, which WebSockets lack. Close codes: docs/reference/connection-server.md.
 *
 * I1: whoever reads slowly slows the other side down: no more than `sessionUnsentBytes` and one frame wait in memory, each way.
 * I2: it ends: `finished` resolves once, with everything let go.
 */

import type { HttpUpgrade } from './http.ts';

/** A TCP connection that carries nothing yet. */
export interface Backend {
  destroy(): void;
}

/** Closed: both sides are done, or the client is. Lost: a side broke off. Cut: by `cut`. */
export type RelayEnd = 'Closed' | 'Lost' | 'Cut';

export interface CarriedSession {
  readonly finished: Promise<RelayEnd>;
  /** Ends it with a close code and a short reason for the client. */
  cut(code: number, reason: string): void;
}

export interface SessionRelay {
  /** Throws `Fault` PeerUnreachable or DeadlineExceeded. */
  dial(host: string, port: number, deadlineMs: number, signal: AbortSignal): Promise<Backend>;
  /** Answers the upgrade and carries bytes. `onBytes`: `in` goes to the back end. */
  carry(upgrade: HttpUpgrade, backend: Backend, onBytes: (direction: 'in' | 'out', bytes: number) => void): CarriedSession;
}
