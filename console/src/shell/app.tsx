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
  Page,
  PageSection,
  SkipToContent,
  Toolbar,
  ToolbarContent,
  ToolbarGroup,
  ToolbarItem,
} from '@patternfly/react-core';
import { MoonIcon } from '@patternfly/react-icons/dist/esm/icons/moon-icon';
import { SunIcon } from '@patternfly/react-icons/dist/esm/icons/sun-icon';
import { useQueryClient } from '@tanstack/react-query';
import { lazy, Suspense, useEffect } from 'react';
import { CONSOLE_SESSION_PATH } from '../../../src/model/console-session.ts';
import { call } from '../api/request.ts';
import { endSession, useSession } from '../api/session.ts';
import type { Session } from '../api/session.ts';
import { FleetPage } from '../fleet/fleet-page.tsx';
import { forgetKinds } from '../watch/live-kind.ts';
import { LogIn } from './log-in.tsx';
import { PlaceLink, usePlace } from './navigation.tsx';
import { useTheme } from './theme.ts';
import { Waiting } from './waiting.tsx';

const ClusterPage = lazy(async () => ({ default: (await import('../cluster/cluster-page.tsx')).ClusterPage }));

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
  const key = place.page === 'cluster' ? `${place.namespace}/${place.name}` : '';
  return (
    <Page
      masthead={<Top session={session} />}
      mainContainerId="main"
      skipToContent={<SkipToContent href="#main">Skip to content</SkipToContent>}
    >
      {place.page === 'fleet' ? (
        <FleetPage />
      ) : (
        <Suspense
          fallback={
            <PageSection>
              <Waiting what="the page" />
            </PageSection>
          }
        >
          <ClusterPage key={key} namespace={place.namespace} name={place.name} />
        </Suspense>
      )}
    </Page>
  );
}

function Top({ session }: { readonly session: Session }) {
  return (
    <Masthead>
      <MastheadMain>
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
