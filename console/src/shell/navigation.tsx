/**
 * Moving between pages without loading anything: the address changes, the watches stay.
 */

import { useSyncExternalStore } from 'react';
import type { MouseEvent, ReactNode } from 'react';
import { addressOf, placeOf } from './place.ts';
import type { Place } from './place.ts';

const listeners = new Set<() => void>();

function tell(): void {
  for (const listener of listeners) listener();
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  window.addEventListener('popstate', listener);
  return () => {
    listeners.delete(listener);
    window.removeEventListener('popstate', listener);
  };
}

/** `search`: what stands behind the `?`. */
export function go(place: Place, search = ''): void {
  history.pushState(null, '', `${addressOf(place)}${search === '' ? '' : `?${search}`}`);
  window.scrollTo(0, 0);
  tell();
}

export function usePlace(): Place {
  const path = useSyncExternalStore(subscribe, () => location.pathname);
  return placeOf(path);
}

/** What stands behind `?` in the address, and how to change it without a step in the history. */
export function useSearch(): readonly [text: string, change: (text: string) => void] {
  const text = useSyncExternalStore(subscribe, () => location.search);
  return [
    text,
    (next) => {
      history.replaceState(null, '', `${location.pathname}${next === '' ? '' : `?${next}`}`);
      tell();
    },
  ];
}

export function PlaceLink({
  place,
  children,
  className,
}: {
  readonly place: Place;
  readonly children: ReactNode;
  readonly className?: string;
}) {
  const follow = (event: MouseEvent): void => {
    // A new tab stays a new tab.
    if (event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
    event.preventDefault();
    go(place);
  };
  return (
    <a href={addressOf(place)} onClick={follow} className={className}>
      {children}
    </a>
  );
}
