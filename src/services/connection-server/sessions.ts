/**
 * Which sessions there are, who is connected, and when they end. Time comes in as ms of the machine's monotonic clock.
 *
 * I1: there are never more sessions than the capacity; while draining none is made, and none is ended for it.
 * I2: at most one connection holds a session; one that was lost leaves the session waiting for `sessionReconnectMs`.
 * I3: whatever ends, ends once and is counted once.
 */

import { LIMITS } from '../../model/limits.ts';

export const END_REASONS = ['Closed', 'Deleted', 'Idle', 'NotConnected', 'Stopped'] as const;
export type EndReason = (typeof END_REASONS)[number];

export interface SessionOptions {
  readonly capacity: number;
  readonly idleTimeoutMs: number;
}

export interface SessionCounts {
  readonly sessions: number;
  readonly connected: number;
  readonly peak: number;
  readonly made: number;
  readonly ended: Readonly<Record<EndReason, number>>;
}

export type Opened = 'Opened' | 'Draining' | 'AtCapacity';
export type Attached = 'Attached' | 'NotFound' | 'AlreadyConnected';

export interface SessionTable {
  /** `userHash` counts the user among those seen. */
  open(id: string, userHash: string, nowMs: number): Opened;
  has(id: string): boolean;
  /** Takes the session for one connection. */
  attach(id: string, nowMs: number): Attached;
  /** The connection was lost; the session waits for another. */
  detach(id: string, nowMs: number): void;
  /** Bytes went over it. */
  touch(id: string, nowMs: number): void;
  /** False: there was none. */
  end(id: string, reason: EndReason): boolean;
  /** Ends what has waited or been silent for too long, and says what. */
  sweep(nowMs: number): readonly string[];
  setDraining(draining: boolean): void;
  draining(): boolean;
  counts(): SessionCounts;
  ids(): readonly string[];
  /** Hashes of users, the newest last. */
  usersSeen(): readonly string[];
}

interface Session {
  connected: boolean;
  /** Since when it is silent, or waits for a connection. */
  sinceMs: number;
}

export function createSessions({ capacity, idleTimeoutMs }: SessionOptions): SessionTable {
  const sessions = new Map<string, Session>();
  const users = new Set<string>();
  const ended: Record<EndReason, number> = { Closed: 0, Deleted: 0, Idle: 0, NotConnected: 0, Stopped: 0 };
  let [draining, peak, made] = [false, 0, 0];
  const end = (id: string, reason: EndReason): boolean => {
    const there = sessions.delete(id);
    if (there) ended[reason]++;
    return there;
  };
  const set = (id: string, connected: boolean, sinceMs: number): void => {
    const session = sessions.get(id);
    if (session === undefined) return;
    session.connected = connected;
    session.sinceMs = sinceMs;
  };
  return {
    open: (id, userHash, nowMs) => {
      if (draining) return 'Draining';
      if (sessions.size >= capacity) return 'AtCapacity';
      sessions.set(id, { connected: false, sinceMs: nowMs });
      remember(users, userHash);
      made++;
      peak = Math.max(peak, sessions.size);
      return 'Opened';
    },
    has: (id) => sessions.has(id),
    attach: (id, nowMs) => {
      const session = sessions.get(id);
      if (session === undefined) return 'NotFound';
      if (session.connected) return 'AlreadyConnected';
      set(id, true, nowMs);
      return 'Attached';
    },
    detach: (id, nowMs) => set(id, false, nowMs),
    touch: (id, nowMs) => {
      const session = sessions.get(id);
      if (session?.connected === true) session.sinceMs = nowMs;
    },
    end,
    sweep: (nowMs) =>
      [...sessions].flatMap(([id, session]) => {
        const reason = overdue(session, idleTimeoutMs, nowMs);
        return reason !== undefined && end(id, reason) ? [id] : [];
      }),
    setDraining: (now) => void (draining = now),
    draining: () => draining,
    counts: () => ({
      sessions: sessions.size,
      connected: [...sessions.values()].filter((session) => session.connected).length,
      peak,
      made,
      ended: { ...ended },
    }),
    ids: () => [...sessions.keys()],
    usersSeen: () => [...users],
  };
}

function overdue({ connected, sinceMs }: Session, idleTimeoutMs: number, nowMs: number): EndReason | undefined {
  if (connected) return nowMs - sinceMs >= idleTimeoutMs ? 'Idle' : undefined;
  return nowMs - sinceMs >= LIMITS.sessionReconnectMs ? 'NotConnected' : undefined;
}

/** The one seen longest ago makes room. */
function remember(users: Set<string>, hash: string): void {
  users.delete(hash);
  users.add(hash);
  const [oldest] = users;
  if (users.size > LIMITS.sessionUsersSeen && oldest !== undefined) users.delete(oldest);
}
