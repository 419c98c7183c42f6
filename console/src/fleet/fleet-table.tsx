/**
 * The table of the fleet: of 10,000 lines only those are drawn that are seen.
 *
 * I1: whoever listens to the table hears how many lines there are and which one this is, though most are not drawn.
 */

import { SortByDirection, Table, Tbody, Td, Th, Thead, Tr } from '@patternfly/react-table';
import { useVirtualizer } from '@tanstack/react-virtual';
import { useRef } from 'react';
import { PlaceLink } from '../shell/navigation.tsx';
import { Concerned } from './concerned.tsx';
import type { FleetRow } from './fleet-row.ts';
import type { FleetView, Sort } from './fleet-view.ts';
import { PhaseLabel } from './phase-label.tsx';

const COLUMNS: readonly (readonly [sort: Sort, label: string])[] = [
  ['name', 'Cluster'],
  ['phase', 'Phase'],
  ['attention', 'Needs a person'],
  ['license', 'License'],
  ['release', 'Release'],
  ['nodes', 'Nodes'],
];
const ROW_PX = 56;
/** Drawn beyond what is seen, so that scrolling shows no gap. */
const OVERSCAN = 12;

export interface FleetTableProps {
  readonly rows: readonly FleetRow[];
  readonly view: FleetView;
  readonly change: (part: Partial<FleetView>) => void;
}

export function FleetTable({ rows, view, change }: FleetTableProps) {
  const scroller = useRef<HTMLDivElement>(null);
  const virtual = useVirtualizer({
    count: rows.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => ROW_PX,
    getItemKey: (index) => rows[index]?.key ?? index,
    overscan: OVERSCAN,
  });
  const items = virtual.getVirtualItems();
  const above = items[0]?.start ?? 0;
  const below = virtual.getTotalSize() - (items.at(-1)?.end ?? 0);
  return (
    <div ref={scroller} className="or-scroll" role="region" aria-label="Clusters" tabIndex={0}>
      <Table aria-label="Clusters" aria-rowcount={rows.length + 1} variant="compact" isStickyHeader gridBreakPoint="grid-lg">
        <Heads view={view} change={change} />
        <Tbody>
          <Gap px={above} />
          {items.map(({ index, key }) => {
            const row = rows[index];
            return row === undefined ? null : <Line key={key} row={row} index={index} measure={virtual.measureElement} />;
          })}
          <Gap px={below} />
        </Tbody>
      </Table>
    </div>
  );
}

function Heads({ view, change }: Pick<FleetTableProps, 'view' | 'change'>) {
  const active = COLUMNS.findIndex(([sort]) => sort === view.sort);
  return (
    <Thead>
      <Tr aria-rowindex={1}>
        {COLUMNS.map(([sort, label], columnIndex) => (
          <Th
            key={sort}
            {...(sort === 'name' ? { width: 20 } : sort === 'attention' ? { width: 35 } : {})}
            sort={{
              columnIndex,
              sortBy: { index: active, direction: view.descending ? 'desc' : 'asc' },
              onSort: (_event, _index, direction) => change({ sort, descending: direction === SortByDirection.desc }),
            }}
          >
            {label}
          </Th>
        ))}
      </Tr>
    </Thead>
  );
}

/** Stands for the lines that are not drawn. */
function Gap({ px }: { readonly px: number }) {
  return px <= 0 ? null : (
    <tr aria-hidden="true" className="or-table-gap">
      <td colSpan={COLUMNS.length} style={{ height: px }} />
    </tr>
  );
}

interface LineProps {
  readonly row: FleetRow;
  readonly index: number;
  readonly measure: (element: Element | null) => void;
}

function Line({ row, index, measure }: LineProps) {
  const { namespace, name, phase, release, nodesReady, nodesWanted, site } = row;
  return (
    <Tr innerRef={measure} data-index={index} aria-rowindex={index + 2}>
      <Td dataLabel="Cluster">
        <PlaceLink place={{ page: 'cluster', namespace, name }}>{name}</PlaceLink>
        <span className="or-beside">
          {namespace}
          {site === '' ? '' : `, site ${site}`}
        </span>
      </Td>
      <Td dataLabel="Phase">
        <PhaseLabel phase={phase} />
      </Td>
      <Td dataLabel="Needs a person">
        <Concerned concerns={row.concerns} />
      </Td>
      <Td dataLabel="License">{licenseText(row)}</Td>
      <Td dataLabel="Release">{release}</Td>
      <Td dataLabel="Nodes">
        {nodesReady} of {nodesWanted}
      </Td>
    </Tr>
  );
}

function licenseText({ licenseState, licenseDays }: FleetRow): string {
  if (licenseState === undefined) return 'None';
  if (licenseDays === undefined) return licenseState;
  return `${licenseState}, ${licenseDays} day${licenseDays === 1 ? '' : 's'}`;
}
