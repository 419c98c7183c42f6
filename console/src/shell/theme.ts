/**
 * Light or dark: as the machine has it, until a person chooses.
 */

import { useSyncExternalStore } from 'react';

type Theme = 'light' | 'dark';

const KEY = 'outrigger-theme';
const machine = window.matchMedia('(prefers-color-scheme: dark)');
const listeners = new Set<() => void>();

function chosen(): Theme | undefined {
  const text = localStorage.getItem(KEY);
  return text === 'light' || text === 'dark' ? text : undefined;
}

function current(): Theme {
  return chosen() ?? (machine.matches ? 'dark' : 'light');
}

function show(): void {
  document.documentElement.classList.toggle('pf-v6-theme-dark', current() === 'dark');
  document.documentElement.classList.toggle('pf-v6-theme-light', current() === 'light');
  for (const listener of listeners) listener();
}

/** Before anything is drawn. */
export function startTheme(): void {
  show();
  machine.addEventListener('change', show);
}

export function useTheme(): readonly [theme: Theme, choose: (theme: Theme) => void] {
  const theme = useSyncExternalStore((listener) => {
    listeners.add(listener);
    return () => listeners.delete(listener);
  }, current);
  return [
    theme,
    (next) => {
      localStorage.setItem(KEY, next);
      show();
    },
  ];
}
