/**
 * The way to every page. On narrow screens it is folded away, and folds itself again when a page was chosen.
 */

import { Nav, NavItem, NavList, PageSidebar, PageSidebarBody } from '@patternfly/react-core';
import { go } from './navigation.tsx';
import { addressOf } from './place.ts';
import type { Place, PlainPage } from './place.ts';

const ENTRIES: readonly (readonly [page: PlainPage, label: string])[] = [
  ['fleet', 'Fleet'],
  ['hosts', 'Hosts'],
  ['sites', 'Sites'],
  ['licenses', 'Licenses'],
  ['organizations', 'Organizations'],
  ['configuration', 'Configuration'],
  ['rights', 'Who may do what'],
];

/** Under which entry a page stands. */
const ABOVE: Readonly<Record<string, PlainPage>> = {
  cluster: 'fleet',
  create: 'fleet',
  host: 'hosts',
  site: 'sites',
  license: 'licenses',
  capacity: 'organizations',
};

/** From here on there is room for both (PatternFly's xl). */
const WIDE = '(min-width: 75rem)';

export function hasRoomForSidebar(): boolean {
  return window.matchMedia(WIDE).matches;
}

/** Whenever the window becomes wide enough, or too narrow. Returns how to stop it. */
export function onRoomForSidebar(tell: (hasRoom: boolean) => void): () => void {
  const wide = window.matchMedia(WIDE);
  const follow = (): void => tell(wide.matches);
  wide.addEventListener('change', follow);
  return () => wide.removeEventListener('change', follow);
}

export interface SidebarProps {
  readonly place: Place;
  readonly isOpen: boolean;
  readonly close: () => void;
}

export function Sidebar({ place, isOpen, close }: SidebarProps) {
  const active = ABOVE[place.page] ?? place.page;
  return (
    <PageSidebar isSidebarOpen={isOpen} id="sidebar">
      <PageSidebarBody>
        <Nav aria-label="Pages">
          <NavList>
            {ENTRIES.map(([page, label]) => (
              <NavItem
                key={page}
                itemId={page}
                to={addressOf({ page })}
                isActive={page === active}
                onClick={(event) => {
                  // A new tab stays a new tab.
                  const { metaKey, ctrlKey, shiftKey, altKey } = event.nativeEvent as MouseEvent;
                  if (metaKey || ctrlKey || shiftKey || altKey) return;
                  event.preventDefault();
                  go({ page });
                  if (!hasRoomForSidebar()) close();
                }}
              >
                {label}
              </NavItem>
            ))}
          </NavList>
        </Nav>
      </PageSidebarBody>
    </PageSidebar>
  );
}
