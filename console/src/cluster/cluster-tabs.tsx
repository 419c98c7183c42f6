/**
 * The tabs of a cluster. Which one is open stands in the address; only that one is drawn, and watches what it shows.
 */

import { Tab as TabOf, Tabs, TabTitleText } from '@patternfly/react-core';
import { Suspense } from 'react';
import type { KeyboardEvent, MouseEvent, ReactNode } from 'react';
import { useSearch } from '../shell/navigation.tsx';
import { Waiting } from '../shell/waiting.tsx';

const TABS = [
  ['overview', 'Overview'],
  ['story', 'Story'],
  ['drills', 'Drills'],
  ['logs', 'Logs'],
  ['charts', 'Charts'],
] as const;

export type Tab = (typeof TABS)[number][0];

export function ClusterTabs({ parts }: { readonly parts: Readonly<Record<Tab, () => ReactNode>> }) {
  const [search, setSearch] = useSearch();
  const asked = new URLSearchParams(search).get('tab');
  const [open] = TABS.find(([tab]) => tab === asked) ?? TABS[0];
  return (
    <Tabs
      activeKey={open}
      onSelect={(_event, tab) => setSearch(tab === TABS[0][0] ? '' : new URLSearchParams({ tab: String(tab) }).toString())}
      aria-label="Parts of the cluster"
      onKeyDown={moveByArrows}
      mountOnEnter
      unmountOnExit
    >
      {TABS.map(([tab, title]) => (
        <TabOf key={tab} eventKey={tab} title={<TabTitleText>{title}</TabTitleText>}>
          <div className="or-above">{tab === open && <Suspense fallback={<Waiting what={title} />}>{parts[tab]()}</Suspense>}</div>
        </TabOf>
      ))}
    </Tabs>
  );
}

/** A way to another tab from within one; `more`: what that tab reads from the address. Keyboard and eye go along. */
export function TabLink({ tab, more, children }: { readonly tab: Tab; readonly more: URLSearchParams; readonly children: ReactNode }) {
  const [, setSearch] = useSearch();
  const search = new URLSearchParams([['tab', tab], ...more]).toString();
  const follow = (event: MouseEvent): void => {
    // A new tab of the browser stays one.
    if (event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
    event.preventDefault();
    setSearch(search);
    requestAnimationFrame(() => document.querySelector<HTMLElement>('[role=tab][aria-selected=true]')?.focus());
  };
  return (
    <a href={`?${search}`} onClick={follow}>
      {children}
    </a>
  );
}

/** As whoever hears "tab, 1 of 5" expects. The Tab key goes through them as well. */
function moveByArrows(event: KeyboardEvent<HTMLElement>): void {
  const tabs = [...event.currentTarget.querySelectorAll<HTMLElement>('[role=tab]')];
  const at = tabs.findIndex((tab) => tab === document.activeElement);
  const to = { ArrowLeft: at - 1, ArrowRight: at + 1, Home: 0, End: tabs.length - 1 }[event.key];
  if (at === -1 || to === undefined) return;
  event.preventDefault();
  tabs.at(to % tabs.length)?.focus();
}
