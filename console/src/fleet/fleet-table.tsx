/**
 * The table of the fleet.
 */

import { PlaceLink } from '../shell/navigation.tsx';
import { VirtualTable } from '../table/virtual-table.tsx';
import type { TableColumn } from '../table/virtual-table.tsx';
import { Concerned } from './concerned.tsx';
import type { FleetRow } from './fleet-row.ts';
import { SORTS } from './fleet-view.ts';
import type { FleetView, Sort } from './fleet-view.ts';
import { PhaseLabel } from './phase-label.tsx';

interface FleetColumn extends TableColumn<FleetRow> {
  readonly id: Sort;
}

const COLUMNS: readonly FleetColumn[] = [
  { id: 'name', label: 'Cluster', width: 20, cell: nameCell },
  { id: 'phase', label: 'Phase', cell: ({ phase }) => <PhaseLabel phase={phase} /> },
  { id: 'attention', label: 'Needs a person', width: 35, cell: ({ concerns }) => <Concerned concerns={concerns} /> },
  { id: 'license', label: 'License', cell: licenseText },
  { id: 'release', label: 'Release', cell: ({ release }) => release },
  { id: 'nodes', label: 'Nodes', cell: ({ nodesReady, nodesWanted }) => `${nodesReady} of ${nodesWanted}` },
];

export interface FleetTableProps {
  readonly rows: readonly FleetRow[];
  readonly view: FleetView;
  readonly change: (part: Partial<FleetView>) => void;
}

export function FleetTable({ rows, view, change }: FleetTableProps) {
  return (
    <VirtualTable
      label="Clusters"
      columns={COLUMNS}
      rows={rows}
      sort={view.sort}
      descending={view.descending}
      onSort={(id, descending) => change({ sort: SORTS.find((one) => one === id) ?? view.sort, descending })}
    />
  );
}

function nameCell({ namespace, name, site }: FleetRow) {
  return (
    <>
      <PlaceLink place={{ page: 'cluster', namespace, name }}>{name}</PlaceLink>
      <span className="or-beside">
        {namespace}
        {site === '' ? '' : `, site ${site}`}
      </span>
    </>
  );
}

function licenseText({ licenseState, licenseDays }: FleetRow): string {
  if (licenseState === undefined) return 'None';
  if (licenseDays === undefined) return licenseState;
  return `${licenseState}, ${licenseDays} day${licenseDays === 1 ? '' : 's'}`;
}
