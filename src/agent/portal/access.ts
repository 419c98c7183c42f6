/**
 * Who may use the portal: one password for the cluster, sessions in memory, and bounds for guessing.
 *
 * The password itself is nowhere: the record `portal` of the node store holds a scrypt hash. The owner of the machine makes one with
 * `outrigger portal password`, which writes that record; until then nobody can log in.
 *
 * I1: a session ends when it was unused for long, at its absolute end, at a log-out, and when the password is another one.
 * I2: after a few wrong passwords from one address that address waits; and only a few comparisons run at a time, whoever asks.
 * I3: session ids and CSRF tokens are 256 random bits; they are compared by looking them up, so timing tells nothing.
 */

import type { Json } from '../../model/json.ts';
import { LIMITS } from '../../model/limits.ts';
import type { Clock } from '../../ports/clock.ts';
import type { NodeStore } from '../../ports/node-store.ts';
import type { PasswordHash, Passwords } from '../../ports/passwords.ts';
import type { Random } from '../../ports/random.ts';

export const PORTAL_RECORD = 'portal';

export interface Session {
  readonly id: string;
  /** What a form must send back. */
  readonly csrf: string;
  readonly startedMs: number;
  readonly salt: string;
  usedMs: number;
}

/** `status`: of HTTP; `waitSeconds`: when to try again. */
export type LogIn =
  | { readonly ok: true; readonly session: Session }
  | { readonly ok: false; readonly status: 401 | 429 | 503; readonly message: string; readonly waitSeconds?: number };

export interface Access {
  logIn(address: string, password: string): Promise<LogIn>;
  /** The session with this id, used just now. */
  find(id: string | undefined): Promise<Session | undefined>;
  logOut(session: Session): void;
  /** Undefined: it is changed, and every other session has ended. Else why not. */
  changePassword(session: Session, address: string, current: string, next: string): Promise<string | undefined>;
}

export interface AccessParts {
  readonly store: NodeStore;
  readonly passwords: Passwords;
  readonly clock: Clock;
  readonly random: Random;
}

interface State extends AccessParts {
  readonly sessions: Map<string, Session>;
  /** Times of refused log-ins, by address. */
  readonly refused: Map<string, number[]>;
  underWay: number;
}

export function portalAccess(parts: AccessParts): Access {
  const state: State = { ...parts, sessions: new Map(), refused: new Map(), underWay: 0 };
  return {
    logIn: (address, password) => logIn(state, address, password),
    find: (id) => find(state, id),
    logOut: (session) => void state.sessions.delete(session.id),
    changePassword: (session, address, current, next) => changePassword(state, session, address, current, next),
  };
}

async function logIn(state: State, address: string, password: string): Promise<LogIn> {
  const known = await knownHash(state);
  if (known === undefined)
    return {
      ok: false,
      status: 503,
      message:
        'No password was made for this portal yet. Make one on this machine, as its owner: outrigger portal password CLUSTER -n NAMESPACE --data DIR',
    };
  const judged = await compared(state, address, password, known);
  if (judged !== 'right') return judged;
  return { ok: true, session: open(state, known.salt) };
}

/** Counts a wrong one. */
async function compared(
  state: State,
  address: string,
  password: string,
  known: PasswordHash,
): Promise<'right' | Extract<LogIn, { ok: false }>> {
  const waitMs = waitOf(state, address);
  if (waitMs > 0) return waiting(`Too many wrong passwords from ${address}`, Math.ceil(waitMs / 1000));
  if (state.underWay >= LIMITS.portalLoginsUnderWay) return waiting('Too many people log in at this moment', 1);
  state.underWay++;
  try {
    if (password.length <= LIMITS.portalPasswordChars && (await state.passwords.verify(password, known))) {
      state.refused.delete(address);
      return 'right';
    }
  } finally {
    state.underWay--;
  }
  noteRefused(state, address);
  return { ok: false, status: 401, message: 'That is not the password of this cluster.' };
}

function waiting(why: string, waitSeconds: number): Extract<LogIn, { ok: false }> {
  return { ok: false, status: 429, message: `${why}; try again in ${waitSeconds} s.`, waitSeconds };
}

function waitOf({ refused, clock }: State, address: string): number {
  const times = refused.get(address) ?? [];
  const oldest = times[times.length - LIMITS.portalLoginFailures];
  return oldest === undefined ? 0 : oldest + LIMITS.portalLoginWindowMs - clock.monotonicMs();
}

function noteRefused({ refused, clock }: State, address: string): void {
  const times = [...(refused.get(address) ?? []), clock.monotonicMs()].slice(-LIMITS.portalLoginFailures);
  refused.delete(address);
  refused.set(address, times);
  const oldest = refused.keys().next();
  if (refused.size > LIMITS.portalAddressesCounted && oldest.done !== true) refused.delete(oldest.value);
}

function open(state: State, salt: string): Session {
  const nowMs = state.clock.monotonicMs();
  const session = { id: secret(state), csrf: secret(state), startedMs: nowMs, usedMs: nowMs, salt };
  state.sessions.set(session.id, session);
  const oldest = state.sessions.keys().next();
  if (state.sessions.size > LIMITS.portalSessions && oldest.done !== true) state.sessions.delete(oldest.value);
  return session;
}

function secret({ random }: State): string {
  return [...random.bytes(32)].map((byte) => byte.toString(16).padStart(2, '0')).join('');
}

async function find(state: State, id: string | undefined): Promise<Session | undefined> {
  const session = id === undefined ? undefined : state.sessions.get(id);
  if (session === undefined) return undefined;
  const nowMs = state.clock.monotonicMs();
  const isOver = nowMs - session.usedMs > LIMITS.portalIdleMs || nowMs - session.startedMs > LIMITS.portalSessionMs;
  if (isOver || (await knownHash(state))?.salt !== session.salt) {
    state.sessions.delete(session.id);
    return undefined;
  }
  session.usedMs = nowMs;
  return session;
}

async function changePassword(state: State, session: Session, address: string, current: string, next: string): Promise<string | undefined> {
  const known = await knownHash(state);
  if (known === undefined) return 'No password was made for this portal yet.';
  if (next.length < LIMITS.portalPasswordMinChars || next.length > LIMITS.portalPasswordChars)
    return `The new password must have ${LIMITS.portalPasswordMinChars} to ${LIMITS.portalPasswordChars} characters.`;
  const judged = await compared(state, address, current, known);
  if (judged !== 'right') return judged.status === 401 ? 'The current password is not that.' : judged.message;
  const made = await state.passwords.hash(next);
  await state.store.write(PORTAL_RECORD, { password: made as unknown as Json });
  state.sessions.clear();
  state.sessions.set(session.id, { ...session, salt: made.salt });
  return undefined;
}

/** From the disk each time: the owner of the machine may have made another one. */
async function knownHash({ store }: State): Promise<PasswordHash | undefined> {
  const read = await store.read<{ password: PasswordHash } & { [name: string]: Json }>(PORTAL_RECORD);
  return read.state === 'found' ? read.body.password : undefined;
}
