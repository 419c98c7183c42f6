/**
 * Liveness of Sites: left alone, a Site is free or plugged into the cluster that names it; who may be paired is; and who waits says truly why.
 */

import { pairedCondition } from '../src/decide/site-standing.ts';
import type { Cluster } from '../src/model/cluster.ts';
import { conditionOf } from '../src/model/condition.ts';
import type { Site } from '../src/model/site.ts';
import { primaryOf } from './site-checks.ts';
import type { World } from './world.ts';

/** What is not as asked. */
export function sitesUnsettled(world: World): string[] {
  const clusters = world.store.list('clusters') as readonly Cluster[];
  const sites = world.store.list('sites') as readonly Site[];
  return [...sites.flatMap((site) => plugIs(world, site, clusters)), ...clusters.flatMap((cluster) => clusterIs(world, cluster, sites))];
}

function plugIs(world: World, { metadata, status }: Site, clusters: readonly Cluster[]): string[] {
  const plugged = status?.cluster;
  if (plugged === undefined) return [];
  const owner = clusters.find((cluster) => cluster.metadata.uid === plugged.uid);
  if (owner === undefined) return [`site ${metadata.name} is not free, and ${plugged.name} is gone`];
  // Without its agent nobody but a person frees it.
  if (owner.spec.site === metadata.name || primaryOf(world, owner) === undefined) return [];
  return [`${plugged.name} is plugged into site ${metadata.name} and does not name it`];
}

function clusterIs(world: World, cluster: Cluster, sites: readonly Site[]): string[] {
  const { name, uid } = cluster.metadata;
  const site = sites.find((one) => one.metadata.name === cluster.spec.site);
  if (cluster.spec.site === undefined || primaryOf(world, cluster) === undefined) return [];
  if (site !== undefined && site.status?.cluster === undefined)
    return [`${name} could be plugged into site ${cluster.spec.site}, and is not`];
  const said = conditionOf(cluster.status?.conditions, 'Paired');
  const [, status, reason] = pairedCondition(cluster, site);
  const isSaid = cluster.status?.availableAt === undefined || (said?.status === status && said.reason === reason);
  const wrong = isSaid ? [] : [`${name} says Paired ${said?.status} ${said?.reason}, and it is ${status} ${reason}`];
  if (site === undefined || site.status?.cluster?.uid !== uid) return wrong;
  const { pairing } = site.status;
  const isPaired = pairing?.state === 'Paired' && pairing.generation === site.metadata.generation;
  if (troubleOf(world, site) === undefined && !isPaired) return [...wrong, `${name} could be paired, and is not: ${pairing?.message}`];
  return wrong;
}

/** Why the connection servers of a site cannot be paired with now. */
export function troubleOf(world: World, site: Site): 'Unpinned' | 'Broken' | undefined {
  const servers = site.spec.connectionServers.map(({ url, pin }) => ({ pin, server: world.connectionServers.get(new URL(url).hostname) }));
  const nowMs = world.scheduler.nowMs();
  const isSecretMissing =
    site.spec.credentials !== undefined &&
    world.store.get('secrets', site.metadata.namespace ?? '', site.spec.credentials.secret) === undefined;
  const isBroken = servers.some(
    ({ pin, server }) =>
      server === undefined ||
      server.downUntilMs > nowMs ||
      server.illUntilMs > nowMs ||
      (pin !== undefined && pin !== server.thumbprint) ||
      (server.asksLogIn && site.spec.credentials === undefined),
  );
  if (isBroken || isSecretMissing) return 'Broken';
  return servers.some(({ pin }) => pin === undefined) ? 'Unpinned' : undefined;
}

/** Reasons to wait in the last step of creation, and whether they are true. */
export const SITE_REASONS: Readonly<Record<string, (world: World, cluster: Cluster) => boolean>> = {
  SiteNotFound: (world, cluster) => siteOf(world, cluster) === undefined,
  SiteTaken: (world, cluster) => ![undefined, cluster.metadata.uid].includes(siteOf(world, cluster)?.status?.cluster?.uid),
  ThumbprintNotAccepted: (world, cluster) => {
    const site = siteOf(world, cluster);
    return site !== undefined && site.spec.connectionServers.some(({ pin }) => pin === undefined);
  },
  PairingFailed: (world, cluster) => {
    const site = siteOf(world, cluster);
    return site !== undefined && troubleOf(world, site) === 'Broken';
  },
};

function siteOf(world: World, cluster: Cluster): Site | undefined {
  return world.store.get('sites', cluster.metadata.namespace ?? '', cluster.spec.site ?? '') as Site | undefined;
}
