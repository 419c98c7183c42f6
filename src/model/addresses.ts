/**
 * Where the API serves Outrigger's own kinds, typed by their objects.
 */

import { clusterKind } from './cluster.ts';
import type { Cluster } from './cluster.ts';
import { clusterNodeKind } from './cluster-node.ts';
import type { ClusterNode } from './cluster-node.ts';
import { clusterReleaseKind } from './cluster-release.ts';
import type { ClusterRelease } from './cluster-release.ts';
import type { ResourceAddress } from './core-kinds.ts';
import { drillKind } from './drill.ts';
import type { Drill } from './drill.ts';
import { hostKind } from './host.ts';
import type { Host } from './host.ts';
import { API_GROUP, API_VERSION } from './resource.ts';
import type { KindDefinition } from './resource.ts';
import { serverConfigKind } from './server-config.ts';
import type { ServerConfig } from './server-config.ts';
import { siteKind } from './site.ts';
import type { Site } from './site.ts';
import { universalLicenseKind } from './universal-license.ts';
import type { UniversalLicense } from './universal-license.ts';
import { virtualDataCenterKind } from './virtual-data-center.ts';
import type { VirtualDataCenter } from './virtual-data-center.ts';

function addressOf<T>(definition: KindDefinition): ResourceAddress<T> {
  return { group: API_GROUP, version: API_VERSION, plural: definition.plural, kind: definition.kind, scope: definition.scope };
}

export const CLUSTERS = addressOf<Cluster>(clusterKind);
export const CLUSTER_NODES = addressOf<ClusterNode>(clusterNodeKind);
export const CLUSTER_RELEASES = addressOf<ClusterRelease>(clusterReleaseKind);
export const DRILLS = addressOf<Drill>(drillKind);
export const HOSTS = addressOf<Host>(hostKind);
export const SERVER_CONFIGS = addressOf<ServerConfig>(serverConfigKind);
export const SITES = addressOf<Site>(siteKind);
export const UNIVERSAL_LICENSES = addressOf<UniversalLicense>(universalLicenseKind);
export const VIRTUAL_DATA_CENTERS = addressOf<VirtualDataCenter>(virtualDataCenterKind);
