/**
 * Record `site` of the node store: the site that the cluster is plugged into (src/agent/site-memory.ts says how it comes and goes).
 */

import type { FrameworkSite } from '../model/framework.ts';

export interface SiteRecord {
  /** Generation of the Cluster whose spec named the site. */
  readonly generation: number;
  readonly current?: FrameworkSite;
  /** Being unplugged: framework services do not know it any more, its servers still hold something. */
  readonly leaving?: FrameworkSite;
}
