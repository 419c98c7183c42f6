/**
 * The frame of all pages: who is logged in, which theme, and the page that the address means.
 */

import {
  Button,
  Content,
  Masthead,
  MastheadBrand,
  MastheadContent,
  MastheadMain,
  MastheadToggle,
  Page,
  PageToggleButton,
  SkipToContent,
  Toolbar,
  ToolbarContent,
  ToolbarGroup,
  ToolbarItem,
} from '@patternfly/react-core';
import { MoonIcon } from '@patternfly/react-icons/dist/esm/icons/moon-icon';
import { SunIcon } from '@patternfly/react-icons/dist/esm/icons/sun-icon';
import { useQueryClient } from '@tanstack/react-query';
import { useEffect, useState } from 'react';
import { CONSOLE_SESSION_PATH } from '../../../src/model/console-session.ts';
import { call } from '../api/request.ts';
import { endSession, useSession } from '../api/session.ts';
import type { Session } from '../api/session.ts';
import { forgetKinds } from '../watch/live-kind.ts';
import { LogIn } from './log-in.tsx';
import { PlaceLink, usePlace } from './navigation.tsx';
import { PageOf } from './pages.tsx';
import { hasRoomForSidebar, onRoomForSidebar, Sidebar } from './sidebar.tsx';
import { useTheme } from './theme.ts';

export function App() {
  const { session } = useSession();
  const queries = useQueryClient();
  useEffect(() => {
    // What one person saw is not for the next.
    if (session === undefined) {
      forgetKinds();
      queries.clear();
    }
  }, [session, queries]);
  return session === undefined ? <LogIn /> : <Inside session={session} />;
}

function Inside({ session }: { readonly session: Session }) {
  const place = usePlace();
  const [isOpen, setOpen] = useState(hasRoomForSidebar);
  useEffect(() => onRoomForSidebar(setOpen), []);
  return (
    <Page
      masthead={<Top session={session} isOpen={isOpen} toggle={() => setOpen(!isOpen)} />}
      sidebar={<Sidebar place={place} isOpen={isOpen} close={() => setOpen(false)} />}
      mainContainerId="main"
      skipToContent={<SkipToContent href="#main">Skip to content</SkipToContent>}
    >
      <PageOf place={place} />
    </Page>
  );
}

interface TopProps {
  readonly session: Session;
  readonly isOpen: boolean;
  readonly toggle: () => void;
}

function Top({ session, isOpen, toggle }: TopProps) {
  return (
    <Masthead>
      <MastheadMain>
        <MastheadToggle>
          <PageToggleButton
            isHamburgerButton
            id="toggle-sidebar"
            aria-label="Pages"
            aria-controls="sidebar"
            isSidebarOpen={isOpen}
            onSidebarToggle={toggle}
          />
        </MastheadToggle>
        <MastheadBrand>
          <PlaceLink place={{ page: 'fleet' }} className="or-brand">
            <img src="/console/outrigger.svg" alt="" width="28" height="28" />
            <span>Outrigger</span>
          </PlaceLink>
        </MastheadBrand>
      </MastheadMain>
      <MastheadContent>
        <Toolbar isStatic>
          <ToolbarContent>
            <ToolbarGroup align={{ default: 'alignEnd' }} gap={{ default: 'gapSm' }}>
              <ToolbarItem visibility={{ default: 'hidden', md: 'visible' }} alignSelf="center">
                <Content component="small">{session.user}</Content>
              </ToolbarItem>
              <ToolbarItem>
                <ThemeButton />
              </ToolbarItem>
              <ToolbarItem>
                <Button variant="secondary" onClick={() => void logOut()}>
                  Log out
                </Button>
              </ToolbarItem>
            </ToolbarGroup>
          </ToolbarContent>
        </Toolbar>
      </MastheadContent>
    </Masthead>
  );
}

function ThemeButton() {
  const [theme, choose] = useTheme();
  const other = theme === 'dark' ? 'light' : 'dark';
  return (
    <Button
      variant="plain"
      aria-label={`Change to the ${other} theme`}
      icon={theme === 'dark' ? <SunIcon /> : <MoonIcon />}
      onClick={() => choose(other)}
    />
  );
}

/** How long a director may take to end a session before it is forgotten here all the same. */
const LOG_OUT_MS = 3_000;

/** A ServiceAccount's token is no session: it is only forgotten here. A session that no director was told of ends when it expires. */
async function logOut(): Promise<void> {
  const patience = new Promise((resolve) => setTimeout(resolve, LOG_OUT_MS));
  await Promise.race([call('DELETE', CONSOLE_SESSION_PATH).catch(() => undefined), patience]);
  endSession();
}
