/**
 * The services of a cluster that every node's balancer listens for, from its spec and the release that it runs.
 */

import { askedPath } from './drill.ts';
import type { DrillService } from './drill.ts';
import { servicesOf } from './plan.ts';
import type { Cluster } from '../model/cluster.ts';
import type { ClusterRelease } from '../model/cluster-release.ts';

export function balancedOf(cluster: Cluster, release: ClusterRelease): readonly DrillService[] {
  return servicesOf(cluster.spec, release).flatMap(({ name, mode, port, protocol, framework, pod }) =>
    mode === 'Replicated' && port !== undefined
      ? [{ name, port, protocol, path: askedPath(pod), ...(framework === undefined ? {} : { framework }) }]
      : [],
  );
}
