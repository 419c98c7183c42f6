/**
 * The page of a place. All but the fleet are loaded when they are first asked for.
 */

import { PageSection } from '@patternfly/react-core';
import { lazy, Suspense } from 'react';
import { FleetPage } from '../fleet/fleet-page.tsx';
import type { Place } from './place.ts';
import { Waiting } from './waiting.tsx';

const ClusterPage = lazy(async () => ({ default: (await import('../cluster/cluster-page.tsx')).ClusterPage }));

const CreatePage = lazy(async () => ({ default: (await import('../create/create-page.tsx')).CreatePage }));
const HostsPage = lazy(async () => ({ default: (await import('../hosts/hosts-page.tsx')).HostsPage }));
const HostPage = lazy(async () => ({ default: (await import('../hosts/host-page.tsx')).HostPage }));
const SitesPage = lazy(async () => ({ default: (await import('../sites/sites-page.tsx')).SitesPage }));
const SitePage = lazy(async () => ({ default: (await import('../sites/site-page.tsx')).SitePage }));
const LicensesPage = lazy(async () => ({ default: (await import('../licenses/licenses-page.tsx')).LicensesPage }));
const LicensePage = lazy(async () => ({ default: (await import('../licenses/license-page.tsx')).LicensePage }));
const OrganizationsPage = lazy(async () => ({ default: (await import('../organizations/organizations-page.tsx')).OrganizationsPage }));
const CapacityPage = lazy(async () => ({ default: (await import('../organizations/capacity-page.tsx')).CapacityPage }));
const ConfigurationPage = lazy(async () => ({ default: (await import('../configuration/configuration-page.tsx')).ConfigurationPage }));
const RightsPage = lazy(async () => ({ default: (await import('../rights/rights-page.tsx')).RightsPage }));

export function PageOf({ place }: { readonly place: Place }) {
  return (
    <Suspense
      fallback={
        <PageSection>
          <Waiting what="the page" />
        </PageSection>
      }
    >
      {inside(place)}
    </Suspense>
  );
}

function inside(place: Place) {
  switch (place.page) {
    case 'cluster':
      return <ClusterPage key={`${place.namespace}/${place.name}`} namespace={place.namespace} name={place.name} />;
    case 'create':
      return <CreatePage />;
    case 'hosts':
      return <HostsPage />;
    case 'host':
      return <HostPage key={place.name} name={place.name} />;
    case 'sites':
      return <SitesPage />;
    case 'site':
      return <SitePage key={`${place.namespace}/${place.name}`} namespace={place.namespace} name={place.name} />;
    case 'licenses':
      return <LicensesPage />;
    case 'license':
      return <LicensePage key={`${place.namespace}/${place.name}`} namespace={place.namespace} name={place.name} />;
    case 'organizations':
      return <OrganizationsPage />;
    case 'capacity':
      return <CapacityPage key={`${place.namespace}/${place.name}`} namespace={place.namespace} name={place.name} />;
    case 'configuration':
      return <ConfigurationPage />;
    case 'rights':
      return <RightsPage />;
    default:
      return <FleetPage />;
  }
}
