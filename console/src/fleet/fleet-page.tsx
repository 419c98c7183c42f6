/**
 * The fleet: every cluster that this person may see, what needs somebody first.
 */

import { Button, Content, EmptyState, EmptyStateBody, Flex, FlexItem, PageSection, Title } from '@patternfly/react-core';
import { useDeferredValue, useMemo } from 'react';
import type { Cluster } from '../../../src/model/cluster.ts';
import { clustersPath } from '../api/paths.ts';
import { ContactBanner } from '../shell/contact-banner.tsx';
import { go, PlaceLink, useSearch } from '../shell/navigation.tsx';
import { useTitle } from '../shell/title.ts';
import { Waiting } from '../shell/waiting.tsx';
import { Narrow } from '../table/narrow.tsx';
import { useLive } from '../watch/live-kind.ts';
import { fleetRow } from './fleet-row.ts';
import type { FleetRow } from './fleet-row.ts';
import { FleetTable } from './fleet-table.tsx';
import { FleetToolbar } from './fleet-toolbar.tsx';
import { readView, rowsOf, writeView } from './fleet-view.ts';
import type { FleetView } from './fleet-view.ts';

export function FleetPage() {
  useTitle('Fleet');
  const [search, setSearch] = useSearch();
  const view = useMemo(() => readView(search), [search]);
  const { objects, contact, complete } = useLive<Cluster>(clustersPath(view.organization === '' ? undefined : view.organization));
  // Typing is never held up by sorting 10,000 lines.
  const shownView = useDeferredValue(view);
  const all = useMemo(() => Array.from(objects.values(), fleetRow), [objects]);
  const rows = useMemo(() => rowsOf(all, shownView), [all, shownView]);
  const change = (part: Partial<FleetView>): void => setSearch(writeView({ ...view, ...part }));
  return (
    <>
      <ContactBanner contact={contact} />
      <PageSection variant="secondary">
        <Flex justifyContent={{ default: 'justifyContentSpaceBetween' }} alignItems={{ default: 'alignItemsCenter' }}>
          <FlexItem>
            <Title headingLevel="h1">Fleet</Title>
            <Content component="p">{complete ? summaryOf(all) : 'Clusters of all organizations'}</Content>
          </FlexItem>
          <FlexItem>
            <Button onClick={() => go({ page: 'create' })}>Create a cluster</Button>
          </FlexItem>
        </Flex>
      </PageSection>
      <PageSection isFilled className="or-fleet">
        {(contact.state === 'refused' || view.organization !== '') && (
          <Narrow
            why={contact.state === 'refused' ? contact.why : undefined}
            organization={view.organization}
            choose={(organization) => change({ organization })}
          />
        )}
        {!complete && contact.state !== 'refused' && <Waiting what="the fleet" />}
        {complete && all.length > 0 && <FleetToolbar view={view} change={change} shown={rows.length} total={all.length} />}
        {complete && rows.length > 0 && <FleetTable rows={rows} view={view} change={change} />}
        {complete && rows.length === 0 && <Nothing total={all.length} />}
      </PageSection>
    </>
  );
}

function summaryOf(rows: readonly FleetRow[]): string {
  const needy = rows.filter(({ concerns }) => concerns.length > 0).length;
  const count = rows.length === 1 ? '1 cluster' : `${rows.length.toLocaleString()} clusters`;
  if (rows.length === 0) return 'No cluster yet';
  return needy === 0 ? `${count}; none needs a person` : `${count}; ${needy.toLocaleString()} need${needy === 1 ? 's' : ''} a person`;
}

function Nothing({ total }: { readonly total: number }) {
  return total > 0 ? (
    <EmptyState titleText="No cluster is like that" headingLevel="h2">
      <EmptyStateBody>Search for less, or take a filter away.</EmptyStateBody>
    </EmptyState>
  ) : (
    <EmptyState titleText="There is no cluster yet" headingLevel="h2">
      <EmptyStateBody>
        <PlaceLink place={{ page: 'create' }}>Create one</PlaceLink>, or with kubectl:{' '}
        <code>kubectl apply -f examples/cluster-harbor.yaml</code>. It appears here by itself.
      </EmptyStateBody>
    </EmptyState>
  );
}
