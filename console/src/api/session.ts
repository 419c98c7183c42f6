/**
 * Who is logged in: a bearer token in memory and in this tab's sessionStorage, so that a reload keeps it and closing the tab does not
 * (docs/decisions/0020-console.md says why it is no cookie).
 *
 * I1: the one-time code leaves the address bar before anything else is done with it.
 */

import { useSyncExternalStore } from 'react';

export interface Session {
  readonly token: string;
  readonly user: string;
  /** RFC 3339; undefined: the token itself knows. */
  readonly expiresAt?: string;
}

export interface SessionState {
  readonly session: Session | undefined;
  /** Why somebody who was logged in is no more. */
  readonly ended: string | undefined;
}

const KEY = 'outrigger-session';
let state: SessionState = { session: stored(), ended: undefined };
const listeners = new Set<() => void>();

function stored(): Session | undefined {
  try {
    const text = sessionStorage.getItem(KEY);
    return text === null ? undefined : (JSON.parse(text) as Session);
  } catch {
    return undefined;
  }
}

function change(next: SessionState): void {
  state = next;
  if (next.session === undefined) sessionStorage.removeItem(KEY);
  else sessionStorage.setItem(KEY, JSON.stringify(next.session));
  for (const listener of listeners) listener();
}

export function currentSession(): Session | undefined {
  return state.session;
}

export function beginSession(session: Session): void {
  change({ session, ended: undefined });
}

/** `ended`: a sentence; undefined: the person wanted it. */
export function endSession(ended?: string): void {
  if (state.session !== undefined) change({ session: undefined, ended });
}

export function useSession(): SessionState {
  return useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => state,
  );
}

/** The code of a one-time link in the address, once: afterwards it stands there no more. */
export function takeLinkCode(): string | undefined {
  const code = /^#code=([\w.]+)$/.exec(location.hash)?.[1];
  if (code !== undefined) history.replaceState(null, '', location.pathname + location.search);
  return code;
}
