/**
 * `outrigger license status`: how the universal license stands at each site, as the primaries say it.
 *
 * I1: a site that is not paired, has no license or was never heard of has a line too, which says so; nobody is let in there.
 */

import { clause } from '../base/clause.ts';
import { CLUSTERS, SITES } from '../model/addresses.ts';
import type { Cluster } from '../model/cluster.ts';
import { conditionOf } from '../model/condition.ts';
import type { ResourceAddress } from '../model/core-kinds.ts';
import { Fault } from '../model/fault.ts';
import type { ExitCode } from '../model/fault.ts';
import type { Site } from '../model/site.ts';
import type { EntityApi } from '../ports/api.ts';
import { renderTable } from './table.ts';

/** Times are license time. */
export interface LicenseLine {
  readonly site: string;
  readonly cluster: string;
  readonly license: string;
  readonly state: string;
  readonly severity: string;
  readonly refusesNewSessions: boolean;
  readonly daysLeft: number | undefined;
  /** In use of how many, of the kind that the license counts. */
  readonly seats: string;
  readonly peak: number | undefined;
  readonly lastSync: string;
  readonly nextSync: string;
  readonly message: string;
}

/** `namespace` undefined: all of them. Throws `Fault` DirectorRefused. */
export async function gatherLicenses(api: EntityApi, namespace: string | undefined, signal: AbortSignal): Promise<readonly LicenseLine[]> {
  const sites = await listOf<Site>(api, SITES, namespace, signal);
  const clusters = await listOf<Cluster>(api, CLUSTERS, namespace, signal);
  const byUid = new Map(clusters.map((cluster) => [cluster.metadata.uid, cluster]));
  return sites.map((site) => lineOf(site, byUid.get(site.status?.cluster?.uid ?? '')));
}

async function listOf<T>(
  api: EntityApi,
  address: ResourceAddress<T>,
  namespace: string | undefined,
  signal: AbortSignal,
): Promise<readonly T[]> {
  const answer = await api.list<T>(address, namespace === undefined ? {} : { namespace }, signal);
  if (answer.ok) return answer.value.items;
  throw new Fault('DirectorRefused', `${address.plural} are not shown: ${answer.message}`);
}

function lineOf(site: Site, cluster: Cluster | undefined): LicenseLine {
  const license = cluster?.status?.license;
  const [used, peak] = license?.model === 'Named' ? [license.named, license.peakNamed] : [license?.concurrent, license?.peakConcurrent];
  return {
    site: `${site.metadata.namespace ?? ''}/${site.metadata.name}`,
    cluster: site.status?.cluster?.name ?? '',
    license: license?.name ?? site.spec.license ?? '',
    state: license?.state ?? 'Unknown',
    severity: license?.severity ?? 'Info',
    // Without a license that somebody vouches for the front door lets nobody in.
    refusesNewSessions: license?.refusesNewSessions ?? true,
    daysLeft: license?.daysLeft,
    seats: license?.seats === undefined ? '' : `${used ?? '?'}/${license.seats}`,
    peak,
    lastSync: license?.lastSync ?? '',
    nextSync: license?.nextSync ?? '',
    message: messageOf(site, cluster),
  };
}

function messageOf(site: Site, cluster: Cluster | undefined): string {
  const { name } = site.metadata;
  if (site.status?.cluster === undefined)
    return `No cluster is paired with this site, so no new sessions are let in for it; name it in a cluster (spec.site: ${name}).`;
  if (site.spec.license === undefined && cluster?.status?.license?.name === undefined)
    return 'No license is assigned to this site, so no new sessions are let in; name a UniversalLicense in its spec.license.';
  const license = cluster?.status?.license;
  if (license === undefined)
    return `The primary of ${site.status.cluster.name} has not said anything of the license yet; without one no new sessions are let in.`;
  // The primary cannot say that it is silent.
  const silent = conditionOf(cluster?.status?.conditions, 'Reachable')?.status === 'False';
  const said = silent ? `Its primary is silent; this is what it said last: ${license.message}` : license.message;
  const { lastError } = license;
  // The sentence may have it already.
  return lastError === undefined || said.includes(clause(lastError)) ? said : `${said} Last sync: ${lastError}`;
}

/** For people. */
export function renderLicenses(lines: readonly LicenseLine[]): string {
  if (lines.length === 0) return 'No sites.\n';
  const titles = ['SITE', 'CLUSTER', 'LICENSE', 'STATE', 'DAYS LEFT', 'SEATS', 'PEAK', 'LAST SYNC', 'NEXT SYNC', 'MESSAGE'];
  return renderTable(
    titles,
    lines.map((line) => [
      line.site,
      line.cluster,
      line.license,
      line.state,
      String(line.daysLeft ?? ''),
      line.seats,
      String(line.peak ?? ''),
      line.lastSync,
      line.nextSync,
      line.message,
    ]),
  );
}

/** 1 when any site refuses new sessions, or has nothing by which it could let somebody in. */
export function licensesExit(lines: readonly LicenseLine[]): ExitCode {
  return lines.some((line) => line.refusesNewSessions) ? 1 : 0;
}
