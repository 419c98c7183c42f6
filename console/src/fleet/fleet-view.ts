/**
 * Which lines of the fleet are shown, and in which order; and that as the part of the address behind the `?`, so that a view can be sent to somebody.
 *
 * I1: `readView` undoes `writeView`, and reads anything else as the plain view.
 * I2: the order is total: equal lines stand by their names, so that nothing jumps while the fleet changes.
 */

import { PHASES } from '../../../src/model/cluster.ts';
import type { Phase } from '../../../src/model/cluster.ts';
import type { FleetRow } from './fleet-row.ts';

export const SORTS = ['attention', 'name', 'phase', 'license', 'release', 'nodes'] as const;
export type Sort = (typeof SORTS)[number];

export interface FleetView {
  readonly search: string;
  /** Only this one is asked for; '': all of them. */
  readonly organization: string;
  readonly phase: Phase | undefined;
  /** Only what needs a person. */
  readonly needy: boolean;
  readonly sort: Sort;
  readonly descending: boolean;
}

export const PLAIN_VIEW: FleetView = { search: '', organization: '', phase: undefined, needy: false, sort: 'attention', descending: false };

export function writeView({ search, organization, phase, needy, sort, descending }: FleetView): string {
  const query = new URLSearchParams();
  if (search !== '') query.set('search', search);
  if (organization !== '') query.set('organization', organization);
  if (phase !== undefined) query.set('phase', phase);
  if (needy) query.set('needy', 'yes');
  if (sort !== PLAIN_VIEW.sort) query.set('sort', sort);
  if (descending) query.set('order', 'descending');
  return query.toString();
}

export function readView(text: string): FleetView {
  const query = new URLSearchParams(text);
  return {
    search: query.get('search') ?? '',
    organization: query.get('organization') ?? '',
    phase: PHASES.find((one) => one === query.get('phase')),
    needy: query.get('needy') === 'yes',
    sort: SORTS.find((one) => one === query.get('sort')) ?? PLAIN_VIEW.sort,
    descending: query.get('order') === 'descending',
  };
}

export function rowsOf(rows: readonly FleetRow[], view: FleetView): readonly FleetRow[] {
  const words = view.search
    .toLowerCase()
    .split(/\s+/)
    .filter((word) => word !== '');
  const shown = rows.filter(
    ({ searched, phase, concerns }) =>
      words.every((word) => searched.includes(word)) &&
      (view.phase === undefined || phase === view.phase) &&
      (!view.needy || concerns.length > 0),
  );
  const turn = view.descending ? -1 : 1;
  const rank = RANKS[view.sort];
  return shown
    .map((row) => ({ row, by: rank(row) }))
    .sort((a, b) => turn * compare(a.by, b.by) || byName(a.row, b.row))
    .map(({ row }) => row);
}

/** What a line is sorted by; text by its characters, numbers by size. */
const RANKS: Readonly<Record<Sort, (row: FleetRow) => number | string>> = {
  attention: ({ concerns }) => (concerns.length === 0 ? 2 : concerns[0]?.gravity === 'Broken' ? 0 : 1),
  name: ({ key }) => key,
  phase: ({ phase }) => PHASES.indexOf(phase),
  license: ({ licenseDays }) => licenseDays ?? Number.MAX_SAFE_INTEGER,
  release: ({ release }) => release,
  nodes: ({ nodesReady, nodesWanted }) => nodesReady - nodesWanted,
};

function compare(one: number | string, other: number | string): number {
  return one < other ? -1 : one > other ? 1 : 0;
}

function byName(one: FleetRow, other: FleetRow): number {
  return compare(one.key, other.key);
}
