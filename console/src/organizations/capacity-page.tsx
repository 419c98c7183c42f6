/**
 * One VirtualDataCenter: its quota, who uses it, and which hosts serve it.
 */

import { DescriptionList, Flex, FlexItem, Grid, GridItem } from '@patternfly/react-core';
import { useMemo, useState } from 'react';
import { virtualDataCenterKind } from '../../../src/model/virtual-data-center.ts';
import type { VirtualDataCenter } from '../../../src/model/virtual-data-center.ts';
import { useWhyNot } from '../api/access.ts';
import { listPath } from '../api/paths.ts';
import { Fact } from '../cluster/fact.tsx';
import { ObjectDialog } from '../form/object-dialog.tsx';
import { Action } from '../shell/action.tsx';
import { PlaceLink } from '../shell/navigation.tsx';
import { ObjectPage, Part } from '../shell/object-page.tsx';
import { VirtualTable } from '../table/virtual-table.tsx';
import type { TableColumn } from '../table/virtual-table.tsx';
import { useLive } from '../watch/live-kind.ts';
import { reservedBy } from './capacity-row.ts';
import type { ReservedBy } from './capacity-row.ts';
import { QuotaBars } from './quota-bars.tsx';
import { amountText } from './quota.ts';

const ABOVE = { page: 'organizations', label: 'Organizations' } as const;

export function CapacityPage({ namespace, name }: { readonly namespace: string; readonly name: string }) {
  const { objects, contact, complete } = useLive<VirtualDataCenter>(listPath('virtualdatacenters', namespace));
  const capacity = objects.get(`${namespace}/${name}`);
  const [isChanging, setChanging] = useState(false);
  const mayNot = useWhyNot({ verb: 'patch', resource: 'virtualdatacenters', namespace, name });
  return (
    <ObjectPage
      above={ABOVE}
      what="VirtualDataCenter"
      name={name}
      organization={namespace}
      live={{ contact, complete }}
      isThere={capacity !== undefined}
      actions={
        <Action variant="secondary" whyNot={mayNot} onClick={() => setChanging(true)}>
          Change
        </Action>
      }
    >
      {capacity !== undefined && (
        <Grid hasGutter>
          <GridItem>
            <Part title="Quota">
              <QuotaBars virtualDataCenter={capacity} />
            </Part>
          </GridItem>
          <GridItem>
            <Part title="Served by">
              <Served capacity={capacity} />
            </Part>
          </GridItem>
          <GridItem>
            <Part title="Reserved by">
              <Reserved capacity={capacity} />
            </Part>
          </GridItem>
        </Grid>
      )}
      {isChanging && capacity !== undefined && (
        <ObjectDialog title={`Change ${name}`} kind={virtualDataCenterKind} existing={capacity} close={() => setChanging(false)} />
      )}
    </ObjectPage>
  );
}

function Served({ capacity: { spec } }: { readonly capacity: VirtualDataCenter }) {
  return (
    <DescriptionList isCompact isHorizontal horizontalTermWidthModifier={{ default: '12ch' }}>
      <Fact term="Nodes are">{spec.nodeDriver === 'joined' ? 'Machines that people join' : 'Made by its hosts'}</Fact>
      <Fact term="Hosts">
        {spec.hosts.length === 0 ? (
          'None: nothing is claimed there'
        ) : (
          <Flex gap={{ default: 'gapSm' }}>
            {spec.hosts.map((host) => (
              <FlexItem key={host}>
                <PlaceLink place={{ page: 'host', name: host }}>{host}</PlaceLink>
              </FlexItem>
            ))}
          </Flex>
        )}
      </Fact>
    </DescriptionList>
  );
}

interface ReservedRow extends ReservedBy {
  readonly key: string;
  readonly namespace: string;
}

const COLUMNS: readonly (TableColumn<ReservedRow> & { readonly rank: (row: ReservedRow) => number | string })[] = [
  {
    id: 'cluster',
    label: 'Cluster',
    cell: ({ namespace, cluster }) => <PlaceLink place={{ page: 'cluster', namespace, name: cluster }}>{cluster}</PlaceLink>,
    rank: ({ cluster }) => cluster,
  },
  { id: 'nodes', label: 'Nodes', cell: ({ nodes }) => nodes, rank: ({ nodes }) => nodes },
  { id: 'cpu', label: 'CPU', cell: ({ cpuMillis }) => amountText('CPU', cpuMillis), rank: ({ cpuMillis }) => cpuMillis },
  { id: 'memory', label: 'Memory', cell: ({ memoryMiB }) => amountText('Memory', memoryMiB), rank: ({ memoryMiB }) => memoryMiB },
];

function Reserved({ capacity }: { readonly capacity: VirtualDataCenter }) {
  const [order, setOrder] = useState({ sort: 'nodes', descending: true });
  const { namespace = '' } = capacity.metadata;
  const rows = useMemo(() => {
    const rank = COLUMNS.find(({ id }) => id === order.sort)?.rank ?? (() => 0);
    const turn = order.descending ? -1 : 1;
    return reservedBy(capacity)
      .map((one): ReservedRow => ({ ...one, key: one.cluster, namespace }))
      .sort((a, b) => turn * (rank(a) < rank(b) ? -1 : rank(a) > rank(b) ? 1 : 0) || (a.cluster < b.cluster ? -1 : 1));
  }, [capacity, namespace, order]);
  if (rows.length === 0) return <p>Nobody has reserved anything.</p>;
  return (
    <VirtualTable
      label="Reserved by"
      columns={COLUMNS}
      rows={rows}
      {...order}
      onSort={(sort, descending) => setOrder({ sort, descending })}
    />
  );
}
