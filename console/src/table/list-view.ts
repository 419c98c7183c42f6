/**
 * Which lines of a list are shown, and in which order; and that as the part of the address behind the `?`, so that a view can be sent to somebody.
 *
 * I1: `readListView` undoes `writeListView`.
 * I2: the order is total: equal lines stand by their keys, so that nothing jumps while the list changes.
 */

export interface ListView {
  readonly search: string;
  /** Only this one is asked for; '': all of them. */
  readonly organization: string;
  /** One of the list's own filters; '': none. */
  readonly filter: string;
  /** Id of a column; '': the first. */
  readonly sort: string;
  readonly descending: boolean;
}

export interface ListRow {
  readonly key: string;
  /** Lower case. */
  readonly searched: string;
}

const TEXTS = ['search', 'organization', 'filter', 'sort'] as const;

export function writeListView(view: ListView): string {
  const query = new URLSearchParams();
  for (const key of TEXTS) if (view[key] !== '') query.set(key, view[key]);
  if (view.descending) query.set('order', 'descending');
  return query.toString();
}

export function readListView(text: string): ListView {
  const query = new URLSearchParams(text);
  const part = (key: string): string => query.get(key) ?? '';
  return {
    search: part('search'),
    organization: part('organization'),
    filter: part('filter'),
    sort: part('sort'),
    descending: part('order') === 'descending',
  };
}

/** `rank`: by what a line stands in its place; `passes`: whether the list's own filter lets it through. */
export function shownRows<Row extends ListRow>(
  rows: readonly Row[],
  view: Pick<ListView, 'search' | 'descending'>,
  rank: (row: Row) => number | string,
  passes: (row: Row) => boolean,
): readonly Row[] {
  const words = view.search
    .toLowerCase()
    .split(/\s+/)
    .filter((word) => word !== '');
  const turn = view.descending ? -1 : 1;
  return rows
    .filter((row) => words.every((word) => row.searched.includes(word)) && passes(row))
    .map((row) => ({ row, by: rank(row) }))
    .sort((a, b) => turn * compare(a.by, b.by) || compare(a.row.key, b.row.key))
    .map(({ row }) => row);
}

function compare(one: number | string, other: number | string): number {
  return one < other ? -1 : one > other ? 1 : 0;
}
