/**
 * Organizations, their VirtualDataCenters, and how much of each quota is used.
 */

import { Flex, FlexItem, Progress, ProgressMeasureLocation } from '@patternfly/react-core';
import { useMemo, useState } from 'react';
import type { Namespace } from '../../../src/model/core-kinds.ts';
import { virtualDataCenterKind } from '../../../src/model/virtual-data-center.ts';
import type { VirtualDataCenter } from '../../../src/model/virtual-data-center.ts';
import { useWhyNot } from '../api/access.ts';
import { listPath, NAMESPACES_PATH } from '../api/paths.ts';
import { ObjectDialog } from '../form/object-dialog.tsx';
import { Action } from '../shell/action.tsx';
import { PlaceLink } from '../shell/navigation.tsx';
import { ListPage, useListView } from '../table/list-page.tsx';
import type { ListColumn, ListFilter } from '../table/list-page.tsx';
import { useLive } from '../watch/live-kind.ts';
import { capacityRows } from './capacity-row.ts';
import type { CapacityRow } from './capacity-row.ts';
import { OrganizationDialog } from './organization-dialog.tsx';
import { amountText } from './quota.ts';
import type { QuotaLine } from './quota.ts';

const COLUMNS: readonly ListColumn<CapacityRow>[] = [
  { id: 'organization', label: 'Organization', width: 20, cell: ({ organization }) => organization, rank: ({ key }) => key },
  { id: 'capacity', label: 'VirtualDataCenter', width: 20, cell: nameCell, rank: ({ name }) => name },
  { id: 'clusters', label: 'Clusters', cell: ({ clusters }) => clusters.toLocaleString(), rank: ({ clusters }) => clusters },
  { id: 'nodes', label: 'Nodes', cell: (row) => shareCell(row, 'Nodes'), rank: (row) => shareOf(row, 'Nodes') },
  { id: 'cpu', label: 'CPU', cell: (row) => shareCell(row, 'CPU'), rank: (row) => shareOf(row, 'CPU') },
  { id: 'memory', label: 'Memory', cell: (row) => shareCell(row, 'Memory'), rank: (row) => shareOf(row, 'Memory') },
];

const NEARLY_FULL = 0.9;

const FILTER: ListFilter<CapacityRow> = {
  label: 'Use',
  all: 'All',
  options: [
    { value: 'full', label: 'Nearly used up', passes: ({ fullest }) => fullest >= NEARLY_FULL },
    { value: 'none', label: 'Without capacity', passes: ({ name }) => name === '' },
  ],
};

export function OrganizationsPage() {
  const [{ organization }] = useListView();
  const capacities = useLive<VirtualDataCenter>(listPath('virtualdatacenters', organization));
  const namespaces = useLive<Namespace>(NAMESPACES_PATH);
  const [isAdding, setAdding] = useState<'organization' | 'capacity' | undefined>();
  const mayNotCapacity = useWhyNot({ verb: 'create', resource: 'virtualdatacenters', namespace: organization, name: '' });
  const mayNotOrganization = useWhyNot({ verb: 'create', group: '', resource: 'namespaces', namespace: '', name: '' });
  const isAll = organization === '' && namespaces.complete;
  const rows = useMemo(
    () => capacityRows(isAll ? namespaces.objects.values() : undefined, capacities.objects.values()),
    [isAll, namespaces.objects, capacities.objects],
  );
  const count = new Set(rows.map((row) => row.organization)).size;
  const isReady = capacities.complete && (namespaces.complete || namespaces.contact.state === 'refused' || organization !== '');
  const close = (): void => setAdding(undefined);
  return (
    <>
      <ListPage
        title="Organizations"
        what="organizations"
        hint="Organization, VirtualDataCenter or host"
        summary={count === 1 ? '1 organization' : `${count.toLocaleString()} organizations`}
        rows={rows}
        live={{ contact: capacities.contact, complete: isReady }}
        columns={COLUMNS}
        filter={FILTER}
        isOfOrganizations
        actions={
          <Flex gap={{ default: 'gapSm' }}>
            <FlexItem>
              <Action variant="primary" whyNot={mayNotOrganization} onClick={() => setAdding('organization')}>
                Add an organization
              </Action>
            </FlexItem>
            <FlexItem>
              <Action variant="secondary" whyNot={mayNotCapacity} onClick={() => setAdding('capacity')}>
                Add capacity
              </Action>
            </FlexItem>
          </Flex>
        }
        empty="An organization orders clusters; its capacity comes from VirtualDataCenters."
      />
      {isAdding === 'organization' && <OrganizationDialog close={close} />}
      {isAdding === 'capacity' && (
        <ObjectDialog
          title="Add capacity"
          kind={virtualDataCenterKind}
          initial={{ metadata: { namespace: organization }, spec: { quota: {}, hosts: [] } }}
          close={close}
        />
      )}
    </>
  );
}

function nameCell({ organization, name, hosts }: CapacityRow) {
  if (name === '') return <span className="or-quiet">None: nothing can be created there</span>;
  return (
    <>
      <PlaceLink place={{ page: 'capacity', namespace: organization, name }}>{name}</PlaceLink>
      <span className="or-beside">{hosts.length === 0 ? 'no host' : hosts.length === 1 ? hosts[0] : `${hosts.length} hosts`}</span>
    </>
  );
}

function lineOf({ lines }: CapacityRow, what: QuotaLine['what']): QuotaLine | undefined {
  return lines.find((line) => line.what === what);
}

function shareOf(row: CapacityRow, what: QuotaLine['what']): number {
  const line = lineOf(row, what);
  return line === undefined || line.quota === 0 ? 0 : line.used / line.quota;
}

function shareCell(row: CapacityRow, what: QuotaLine['what']) {
  const line = lineOf(row, what);
  if (line === undefined) return '';
  const text = `${amountText(what, line.used)} of ${amountText(what, line.quota)}`;
  return (
    <>
      {text}
      <Progress
        aria-label={`${what} of ${row.key}`}
        value={Math.min(100, Math.round(100 * shareOf(row, what)))}
        valueText={text}
        size="sm"
        measureLocation={ProgressMeasureLocation.none}
        {...(line.used > line.quota
          ? { variant: 'danger' as const }
          : shareOf(row, what) >= NEARLY_FULL
            ? { variant: 'warning' as const }
            : {})}
      />
    </>
  );
}
