/**
 * The machines that lend capacity: how each is, and what is free there.
 */

import { useMemo } from 'react';
import type { ClusterNode } from '../../../src/model/cluster-node.ts';
import type { Host } from '../../../src/model/host.ts';
import { listPath } from '../api/paths.ts';
import { amountText } from '../organizations/quota.ts';
import { PlaceLink } from '../shell/navigation.tsx';
import { ListPage } from '../table/list-page.tsx';
import type { ListColumn, ListFilter } from '../table/list-page.tsx';
import { useLive } from '../watch/live-kind.ts';
import { HostLabel } from './host-label.tsx';
import { HOST_STATES, hostRow } from './host-row.ts';
import type { HostRow } from './host-row.ts';

const COLUMNS: readonly ListColumn<HostRow>[] = [
  { id: 'name', label: 'Host', width: 20, cell: nameCell, rank: ({ name }) => name },
  { id: 'state', label: 'State', cell: ({ state }) => <HostLabel state={state} />, rank: ({ state }) => HOST_STATES.indexOf(state) },
  {
    id: 'nodes',
    label: 'Nodes',
    cell: ({ used, capacity }) => `${used.nodes} of ${capacity.nodes}`,
    rank: ({ used }) => used.nodes,
  },
  { id: 'cpu', label: 'CPU free', cell: (row) => amountText('CPU', free(row, 'cpuMillis')), rank: (row) => free(row, 'cpuMillis') },
  {
    id: 'memory',
    label: 'Memory free',
    cell: (row) => amountText('Memory', free(row, 'memoryMiB')),
    rank: (row) => free(row, 'memoryMiB'),
  },
  {
    id: 'says',
    label: 'What it says',
    width: 35,
    cell: ({ message }) => <span className="or-clamp">{message}</span>,
    rank: ({ message }) => message,
  },
];

const FILTER: ListFilter<HostRow> = {
  label: 'State',
  all: 'All states',
  options: HOST_STATES.map((state) => ({ value: state, label: state, passes: (row) => row.state === state })),
};

export function HostsPage() {
  const { objects, contact, complete } = useLive<Host>(listPath('hosts'));
  const nodes = useLive<ClusterNode>(listPath('clusternodes'));
  const rows = useMemo(() => {
    const byHost = nodes.complete ? Map.groupBy(nodes.objects.values(), (node) => node.spec.host ?? '') : undefined;
    return Array.from(objects.values(), (host) => hostRow(host, byHost === undefined ? undefined : (byHost.get(host.metadata.name) ?? [])));
  }, [objects, nodes]);
  const poor = rows.filter(({ state }) => state !== 'Ready' && state !== 'Cordoned').length;
  const count = rows.length === 1 ? '1 machine lends' : `${rows.length.toLocaleString()} machines lend`;
  return (
    <ListPage
      title="Hosts"
      what="hosts"
      hint="Name, address or state"
      summary={`${count} capacity${poor === 0 ? '' : `; ${poor} not ready`}`}
      rows={rows}
      live={{ contact, complete }}
      columns={COLUMNS}
      filter={FILTER}
      isOfOrganizations={false}
      empty={
        <>
          A machine lends capacity once <code>outrigger host</code> runs there.
        </>
      }
    />
  );
}

function nameCell({ name, address, unclaimed }: HostRow) {
  return (
    <>
      <PlaceLink place={{ page: 'host', name }}>{name}</PlaceLink>
      <span className="or-beside">
        {address === '' ? 'no address yet' : address}
        {unclaimed > 0 ? `, ${unclaimed} unclaimed` : ''}
      </span>
    </>
  );
}

function free({ used, capacity }: HostRow, what: 'cpuMillis' | 'memoryMiB'): number {
  return Math.max(0, capacity[what] - used[what]);
}
