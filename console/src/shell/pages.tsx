/**
 * The page of a place. All but the fleet are loaded when they are first asked for.
 */

import { PageSection } from '@patternfly/react-core';
import { lazy, Suspense } from 'react';
import { FleetPage } from '../fleet/fleet-page.tsx';
import type { Place } from './place.ts';
import { Waiting } from './waiting.tsx';

const ClusterPage = lazy(async () => ({ default: (await import('../cluster/cluster-page.tsx')).ClusterPage }));

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
    default:
      return <FleetPage />;
  }
}
