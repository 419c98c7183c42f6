/**
 * One cluster: what needs a person, and its tabs.
 */

import { Alert, Breadcrumb, BreadcrumbItem, EmptyState, EmptyStateBody, Flex, FlexItem, PageSection, Title } from '@patternfly/react-core';
import { lazy, useMemo, useState } from 'react';
import type { ReactNode } from 'react';
import type { ClusterNode } from '../../../src/model/cluster-node.ts';
import type { Cluster } from '../../../src/model/cluster.ts';
import { CLUSTERS_PATH, clustersPath, NODE_SELECTOR_LABEL, nodesPath } from '../api/paths.ts';
import { fleetRow } from '../fleet/fleet-row.ts';
import { PhaseLabel } from '../fleet/phase-label.tsx';
import { ContactBanner } from '../shell/contact-banner.tsx';
import { PlaceLink } from '../shell/navigation.tsx';
import { useTitle } from '../shell/title.ts';
import { Waiting } from '../shell/waiting.tsx';
import { isWatched, useLive } from '../watch/live-kind.ts';
import type { Contact } from '../watch/live-set.ts';
import { Actions } from './actions.tsx';
import { ClusterTabs } from './cluster-tabs.tsx';
import type { Tab } from './cluster-tabs.tsx';
import { drawnNodes } from './drawn-node.ts';
import { Overview } from './overview.tsx';
import { StoryTab } from './story-card.tsx';

const DrillsTab = lazy(async () => ({ default: (await import('./drills/drills-tab.tsx')).DrillsTab }));
const ChartsTab = lazy(async () => ({ default: (await import('./charts/charts-tab.tsx')).ChartsTab }));
const LogsTab = lazy(async () => ({ default: (await import('./logs/logs-tab.tsx')).LogsTab }));

export function ClusterPage({ namespace, name }: { readonly namespace: string; readonly name: string }) {
  useTitle(`${namespace}/${name}`);
  // From the fleet its own watch goes on; whoever comes by a link needs no other organization's clusters.
  const [path] = useState(() => (isWatched(CLUSTERS_PATH) ? CLUSTERS_PATH : clustersPath(namespace)));
  const { objects, contact, complete } = useLive<Cluster>(path);
  const cluster = objects.get(`${namespace}/${name}`);
  return (
    <>
      <ContactBanner contact={contact} />
      <PageSection variant="secondary">
        <Breadcrumb aria-label="Breadcrumb">
          <BreadcrumbItem>
            <PlaceLink place={{ page: 'fleet' }}>Fleet</PlaceLink>
          </BreadcrumbItem>
          <BreadcrumbItem isActive>{name}</BreadcrumbItem>
        </Breadcrumb>
        <Flex justifyContent={{ default: 'justifyContentSpaceBetween' }} alignItems={{ default: 'alignItemsCenter' }} className="or-above">
          <FlexItem>
            <Title headingLevel="h1">
              <span className="or-break">{name}</span> {cluster !== undefined && <PhaseLabel phase={fleetRow(cluster).phase} />}
            </Title>
            <span className="or-quiet">in {namespace}</span>
          </FlexItem>
          <FlexItem>{cluster !== undefined && <Actions cluster={cluster} />}</FlexItem>
        </Flex>
      </PageSection>
      <PageSection isFilled>
        {cluster === undefined ? (
          <NotThere contact={contact} complete={complete} namespace={namespace} name={name} />
        ) : (
          <Inside cluster={cluster} />
        )}
      </PageSection>
    </>
  );
}

interface NotThereProps {
  readonly contact: Contact;
  readonly complete: boolean;
  readonly namespace: string;
  readonly name: string;
}

function NotThere({ contact, complete, namespace, name }: NotThereProps) {
  if (contact.state === 'refused')
    return (
      <Alert component="p" isInline variant="danger" title="This cluster cannot be shown">
        {contact.why}
      </Alert>
    );
  if (!complete) return <Waiting what="the cluster" />;
  return (
    <EmptyState titleText={`There is no cluster ${name} in ${namespace}`} headingLevel="h2">
      <EmptyStateBody>
        It was deleted, or never was. <PlaceLink place={{ page: 'fleet' }}>Back to the fleet</PlaceLink>
      </EmptyStateBody>
    </EmptyState>
  );
}

function Inside({ cluster }: { readonly cluster: Cluster }) {
  const { name, namespace = '' } = cluster.metadata;
  const live = useLive<ClusterNode>(nodesPath(namespace), `${NODE_SELECTOR_LABEL}=${name}`);
  const nodes = useMemo(() => drawnNodes(cluster, live.objects.values()), [cluster, live.objects]);
  const { concerns } = fleetRow(cluster);
  const parts: Readonly<Record<Tab, () => ReactNode>> = {
    overview: () => <Overview cluster={cluster} live={live} nodes={nodes} />,
    story: () => <StoryTab cluster={cluster} />,
    drills: () => <DrillsTab cluster={cluster} live={live} />,
    charts: () => <ChartsTab cluster={cluster} />,
    logs: () => <LogsTab cluster={cluster} nodes={nodes} />,
  };
  return (
    <>
      {concerns.map(({ gravity, message }) => (
        <Alert
          key={message}
          isInline
          variant={gravity === 'Broken' ? 'danger' : 'warning'}
          title={message}
          className="or-gap"
          component="h2"
        />
      ))}
      <ClusterTabs parts={parts} />
    </>
  );
}
