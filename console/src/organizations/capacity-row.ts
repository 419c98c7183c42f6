/**
 * Organizations and what each may use: a line for each VirtualDataCenter, and one for each organization that has none. Pure.
 */

import type { Namespace } from '../../../src/model/core-kinds.ts';
import type { VirtualDataCenter } from '../../../src/model/virtual-data-center.ts';
import type { ListRow } from '../table/list-view.ts';
import { quotaLines } from './quota.ts';
import type { QuotaLine } from './quota.ts';

export interface CapacityRow extends ListRow {
  readonly organization: string;
  /** '': it has none. */
  readonly name: string;
  readonly clusters: number;
  readonly lines: readonly QuotaLine[];
  /** Of the line that is used most, 0 to 1 and above. */
  readonly fullest: number;
  readonly hosts: readonly string[];
}

/** Of the system itself; people order nothing there. */
const SYSTEM = /^(outrigger|kube)-/;

/** `organizations` undefined: they are not shown to this person. */
export function capacityRows(
  organizations: Iterable<Namespace> | undefined,
  capacities: Iterable<VirtualDataCenter>,
): readonly CapacityRow[] {
  const rows = Array.from(capacities, capacityRow);
  const known = new Set(rows.map(({ organization }) => organization));
  const without = [...(organizations ?? [])].map(({ metadata }) => metadata.name).filter((name) => !known.has(name) && !SYSTEM.test(name));
  return [...rows, ...without.map(emptyRow)];
}

function capacityRow(capacity: VirtualDataCenter): CapacityRow {
  const { name, namespace = '' } = capacity.metadata;
  const lines = quotaLines(capacity);
  return {
    key: `${namespace}/${name}`,
    organization: namespace,
    name,
    clusters: reservedBy(capacity).length,
    lines,
    fullest: Math.max(...lines.map(({ used, quota }) => (quota === 0 ? 0 : used / quota))),
    hosts: capacity.spec.hosts,
    searched: `${namespace}/${name} ${capacity.spec.hosts.join(' ')}`.toLowerCase(),
  };
}

function emptyRow(organization: string): CapacityRow {
  return {
    key: `${organization}/`,
    organization,
    name: '',
    clusters: 0,
    lines: [],
    fullest: 0,
    hosts: [],
    searched: organization.toLowerCase(),
  };
}

export interface ReservedBy {
  readonly cluster: string;
  readonly nodes: number;
  readonly cpuMillis: number;
  readonly memoryMiB: number;
}

/** What each cluster has reserved, the largest first. */
export function reservedBy({ status }: VirtualDataCenter): readonly ReservedBy[] {
  const sums = new Map<string, ReservedBy>();
  for (const { cluster, cpuMillis, memoryMiB } of Object.values(status?.reservations ?? {})) {
    const { nodes = 0, cpuMillis: cpu = 0, memoryMiB: memory = 0 } = sums.get(cluster) ?? {};
    sums.set(cluster, { cluster, nodes: nodes + 1, cpuMillis: cpu + cpuMillis, memoryMiB: memory + memoryMiB });
  }
  return [...sums.values()].sort((a, b) => b.nodes - a.nodes || (a.cluster < b.cluster ? -1 : 1));
}
