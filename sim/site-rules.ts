/**
 * What a director refuses people about Sites (src/director/admission/sites.ts): one cluster a site, and nothing is deleted that is plugged in.
 *
 * A copy that is behind may let two clusters name one Site at the same moment; so only some worlds have the rule about naming.
 */

import { isForced } from '../src/decide/site-release.ts';
import type { Cluster } from '../src/model/cluster.ts';
import type { Site } from '../src/model/site.ts';
import type { Stored } from './stored.ts';

type List = (plural: string) => readonly Stored[];

/** Why a cluster must not name the site that it names; undefined: it may. */
export function refusedNaming(old: Cluster | undefined, next: Cluster, list: List): string | undefined {
  const { site } = next.spec;
  if (site === undefined || old?.spec.site === site) return undefined;
  const other = (list('clusters') as readonly Cluster[]).find((one) => one.spec.site === site && one.metadata.name !== next.metadata.name);
  if (other !== undefined) return `cluster ${other.metadata.name} names site ${site} already`;
  const plugged = (list('sites') as readonly Site[]).find((one) => one.metadata.name === site)?.status?.cluster;
  return plugged === undefined || plugged.uid === next.metadata.uid
    ? undefined
    : `cluster ${plugged.name} is still plugged into site ${site}`;
}

/** Why a cluster or a site must not be deleted; undefined: it may. */
export function refusedRemoval(plural: string, old: Stored, list: List): string | undefined {
  if (isForced(old.metadata.annotations) || old.metadata.deletionTimestamp !== undefined) return undefined;
  const sites = list('sites') as readonly Site[];
  const clusters = list('clusters') as readonly Cluster[];
  if (plural === 'clusters')
    return sites.some((site) => site.status?.cluster?.uid === old.metadata.uid) ? 'it is plugged into a site' : undefined;
  if (plural !== 'sites') return undefined;
  const isNamed = clusters.some((cluster) => cluster.spec.site === old.metadata.name);
  return isNamed || (old as Site).status?.cluster !== undefined ? 'a cluster names it or is plugged in' : undefined;
}

/** The CEL of src/model/site.ts. */
export function siteRule(old: Site, next: Site): string | undefined {
  const [was, is] = [old.status?.cluster, next.status?.cluster];
  return was === undefined || is === undefined || was.uid === is.uid ? undefined : 'another cluster is plugged into this site';
}
