/**
 * One watch a kind for all who look at it: begins with the first, ends some seconds after the last, and tells them of changes in batches.
 */

import { useSyncExternalStore } from 'react';
import { browserWorld } from '../api/request.ts';
import { emptySet } from './live-set.ts';
import type { LiveSet, Watched } from './live-set.ts';
import { runWatch } from './watch-loop.ts';

/** From page to page the watch goes on. */
const LINGER_MS = 5_000;
/** A burst of changes is drawn once. */
const BATCH_MS = 50;

interface Kind<T> {
  set: LiveSet<T>;
  readonly subscribe: (listener: () => void) => () => void;
}

const kinds = new Map<string, Kind<never>>();

/** Everything that is known is forgotten: another person logs in. */
export function forgetKinds(): void {
  for (const stop of stops) stop();
  kinds.clear();
}

/** Whether somebody looks at all of it already, or did a moment ago. */
export function isWatched(path: string): boolean {
  return kinds.get(`${path} `)?.set.complete === true;
}

const stops = new Set<() => void>();

export function useLive<T extends Watched>(path: string, labelSelector?: string): LiveSet<T> {
  const key = `${path} ${labelSelector ?? ''}`;
  const kind = kindOf<T>(key, path, labelSelector);
  return useSyncExternalStore(kind.subscribe, () => kind.set);
}

function kindOf<T extends Watched>(key: string, path: string, labelSelector: string | undefined): Kind<T> {
  const known = kinds.get(key) as Kind<T> | undefined;
  if (known !== undefined) return known;
  const made: Kind<T> = createKind<T>(path, labelSelector, () => {
    if (kinds.get(key) === (made as unknown)) kinds.delete(key);
  });
  kinds.set(key, made as unknown as Kind<never>);
  return made;
}

function createKind<T extends Watched>(path: string, labelSelector: string | undefined, onIdle: () => void): Kind<T> {
  const listeners = new Set<() => void>();
  let pending: LiveSet<T> = emptySet();
  let batch: ReturnType<typeof setTimeout> | undefined;
  let running: AbortController | undefined;
  let linger: ReturnType<typeof setTimeout> | undefined;
  const tell = (): void => {
    batch = undefined;
    kind.set = pending;
    for (const listener of listeners) listener();
  };
  const stop = (): void => {
    running?.abort();
    running = undefined;
    clearTimeout(batch);
    stops.delete(stop);
    onIdle();
  };
  const start = (): void => {
    running = new AbortController();
    stops.add(stop);
    const change = (step: (set: LiveSet<T>) => LiveSet<T>): void => {
      pending = step(pending);
      if (pending !== kind.set) batch ??= setTimeout(tell, BATCH_MS);
    };
    const { world, onUnauthorized } = browserWorld();
    void runWatch<T>(world, { path, change, onUnauthorized, ...(labelSelector === undefined ? {} : { labelSelector }) }, running.signal);
  };
  const kind: Kind<T> = {
    set: pending,
    subscribe: (listener) => {
      listeners.add(listener);
      clearTimeout(linger);
      if (running === undefined) start();
      return () => {
        listeners.delete(listener);
        if (listeners.size === 0) linger = setTimeout(stop, LINGER_MS);
      };
    },
  };
  return kind;
}
