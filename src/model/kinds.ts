/**
 * The list of Outrigger's own kinds. Adding a kind is adding its file and a row here.
 */

import { clusterKind } from './cluster.ts';
import { clusterNodeKind } from './cluster-node.ts';
import { clusterReleaseKind } from './cluster-release.ts';
import { drillKind } from './drill.ts';
import { hostKind } from './host.ts';
import type { KindDefinition } from './resource.ts';
import { serverConfigKind } from './server-config.ts';
import { siteKind } from './site.ts';
import { universalLicenseKind } from './universal-license.ts';
import { virtualDataCenterKind } from './virtual-data-center.ts';

export const KINDS: readonly KindDefinition[] = [
  clusterKind,
  clusterNodeKind,
  virtualDataCenterKind,
  hostKind,
  clusterReleaseKind,
  serverConfigKind,
  siteKind,
  universalLicenseKind,
  drillKind,
];
