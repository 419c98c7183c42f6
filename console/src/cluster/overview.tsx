/**
 * A cluster at a glance: as it is now, what would happen if something died, its release, its license and its portal.
 */

import { Alert, Grid, GridItem } from '@patternfly/react-core';
import type { ClusterNode } from '../../../src/model/cluster-node.ts';
import type { Cluster } from '../../../src/model/cluster.ts';
import type { LiveSet } from '../watch/live-set.ts';
import { Drawing } from './drawing.tsx';
import type { DrawnNode } from './drawn-node.ts';
import { LicenseFacts } from './license-facts.tsx';
import { Part } from './part.tsx';
import { PortalCard } from './portal-card.tsx';
import { ReadinessTable } from './readiness/readiness-table.tsx';
import { ReleaseFacts } from './release/release-facts.tsx';

export interface OverviewProps {
  readonly cluster: Cluster;
  readonly live: LiveSet<ClusterNode>;
  readonly nodes: readonly DrawnNode[];
}

export function Overview({ cluster, live, nodes }: OverviewProps) {
  return (
    <Grid hasGutter>
      <GridItem>
        <Part title="As it is now">
          {live.contact.state === 'refused' && (
            <Alert component="p" isInline variant="warning" title="Its nodes cannot be shown">
              {live.contact.why}
            </Alert>
          )}
          {nodes.length === 0 ? (
            <p>It has no node{live.complete ? ' yet' : ' that is known here yet'}.</p>
          ) : (
            <Drawing cluster={cluster} nodes={nodes} />
          )}
        </Part>
      </GridItem>
      <GridItem lg={6}>
        <Part title="Release">
          <ReleaseFacts cluster={cluster} />
        </Part>
      </GridItem>
      <GridItem lg={6}>
        <Part title="License">
          <LicenseFacts license={cluster.status?.license} />
        </Part>
      </GridItem>
      <GridItem>
        <Part title="If something died now">
          <ReadinessTable cluster={cluster} nodes={live} />
        </Part>
      </GridItem>
      <GridItem>
        <Part title="Portal">
          <PortalCard cluster={cluster} nodes={nodes} />
        </Part>
      </GridItem>
    </Grid>
  );
}
