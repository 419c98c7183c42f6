/**
 * A table of any length: of 10,000 lines only those are drawn that are seen.
 *
 * I1: whoever listens to the table hears how many lines there are and which one this is, though most are not drawn.
 */

import { SortByDirection, Table, Tbody, Td, Th, Thead, Tr } from '@patternfly/react-table';
import type { ThProps } from '@patternfly/react-table';
import { useVirtualizer } from '@tanstack/react-virtual';
import { useRef } from 'react';
import type { ReactNode } from 'react';

export interface TableColumn<Row> {
  readonly id: string;
  readonly label: string;
  /** Share of the width, percent. */
  readonly width?: NonNullable<ThProps['width']>;
  readonly cell: (row: Row) => ReactNode;
}

export interface VirtualTableProps<Row> {
  readonly label: string;
  readonly columns: readonly TableColumn<Row>[];
  readonly rows: readonly Row[];
  /** Id of the column by which they are in order. */
  readonly sort: string;
  readonly descending: boolean;
  readonly onSort: (id: string, descending: boolean) => void;
}

const ROW_PX = 56;
/** Drawn beyond what is seen, so that scrolling shows no gap. */
const OVERSCAN = 12;

export function VirtualTable<Row extends { readonly key: string }>(props: VirtualTableProps<Row>) {
  const { label, columns, rows } = props;
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
    <div ref={scroller} className="or-scroll" role="region" aria-label={label} tabIndex={0}>
      <Table aria-label={label} aria-rowcount={rows.length + 1} variant="compact" isStickyHeader gridBreakPoint="grid-lg">
        <Heads {...props} />
        <Tbody>
          <Gap px={above} columns={columns.length} />
          {items.map(({ index, key }) => {
            const row = rows[index];
            return row === undefined ? null : (
              <Tr key={key} innerRef={virtual.measureElement} data-index={index} aria-rowindex={index + 2}>
                {columns.map((column) => (
                  <Td key={column.id} dataLabel={column.label}>
                    {column.cell(row)}
                  </Td>
                ))}
              </Tr>
            );
          })}
          <Gap px={below} columns={columns.length} />
        </Tbody>
      </Table>
    </div>
  );
}

function Heads<Row>({ columns, sort, descending, onSort }: VirtualTableProps<Row>) {
  const active = columns.findIndex(({ id }) => id === sort);
  return (
    <Thead>
      <Tr aria-rowindex={1}>
        {columns.map(({ id, label, width }, columnIndex) => (
          <Th
            key={id}
            modifier="nowrap"
            {...(width === undefined ? {} : { width })}
            sort={{
              columnIndex,
              sortBy: { index: active, direction: descending ? 'desc' : 'asc' },
              onSort: (_event, _index, direction) => onSort(id, direction === SortByDirection.desc),
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
function Gap({ px, columns }: { readonly px: number; readonly columns: number }) {
  return px <= 0 ? null : (
    <tr aria-hidden="true" className="or-table-gap">
      <td colSpan={columns} style={{ height: px }} />
    </tr>
  );
}
