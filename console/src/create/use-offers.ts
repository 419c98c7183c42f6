/**
 * What a cluster may be made of: organizations, VirtualDataCenters, releases and sites, as they are this second. Undefined: the API does not show them to
 * this person, and the name is typed.
 */

import { useMemo } from 'react';
import type { ClusterRelease } from '../../../src/model/cluster-release.ts';
import type { Namespace } from '../../../src/model/core-kinds.ts';
import type { Site } from '../../../src/model/site.ts';
import type { VirtualDataCenter } from '../../../src/model/virtual-data-center.ts';
import { listPath, NAMESPACES_PATH } from '../api/paths.ts';
import { useLive } from '../watch/live-kind.ts';
import type { Contact, LiveSet, Watched } from '../watch/live-set.ts';

export interface Offers {
  readonly organizations: readonly string[] | undefined;
  readonly virtualDataCenters: readonly VirtualDataCenter[] | undefined;
  readonly releases: readonly ClusterRelease[] | undefined;
  readonly sites: readonly Site[] | undefined;
  readonly contact: Contact;
}

/** Nobody's: for watches of an organization that is not chosen yet. */
const NO_ORGANIZATION = 'none';
/** Organizations of the system itself hold no clusters of people. */
const SYSTEM = /^(outrigger|kube)-/;

export function useOffers(organization: string): Offers {
  const within = organization === '' ? NO_ORGANIZATION : organization;
  const namespaces = useLive<Namespace>(NAMESPACES_PATH);
  const virtualDataCenters = useLive<VirtualDataCenter>(listPath('virtualdatacenters', within));
  const releases = useLive<ClusterRelease>(listPath('clusterreleases'));
  const sites = useLive<Site>(listPath('sites', within));
  const names = useMemo(
    () =>
      shown(namespaces)
        ?.map(({ metadata }) => metadata.name)
        .filter((name) => !SYSTEM.test(name)),
    [namespaces],
  );
  return {
    organizations: names,
    virtualDataCenters: useMemo(() => shown(virtualDataCenters), [virtualDataCenters]),
    releases: useMemo(() => shown(releases)?.toReversed(), [releases]),
    sites: useMemo(() => shown(sites), [sites]),
    contact: namespaces.contact.state === 'refused' ? releases.contact : namespaces.contact,
  };
}

/** By name; undefined: they are not shown. */
function shown<T extends Watched>({ objects, contact }: LiveSet<T>): readonly T[] | undefined {
  if (contact.state === 'refused') return undefined;
  return [...objects.values()].sort((a, b) => a.metadata.name.localeCompare(b.metadata.name, undefined, { numeric: true }));
}
