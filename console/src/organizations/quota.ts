/**
 * The quota of a VirtualDataCenter, what of it is used, and what would be left. Pure.
 */

import type { VirtualDataCenter } from '../../../src/model/virtual-data-center.ts';

export interface QuotaLine {
  readonly what: 'Nodes' | 'CPU' | 'Memory' | 'Seats';
  readonly used: number;
  readonly quota: number;
}

export function quotaLines({ spec, status }: VirtualDataCenter): readonly QuotaLine[] {
  const { nodes = 0, cpuMillis = 0, memoryMiB = 0 } = status?.reserved ?? {};
  return [
    { what: 'Nodes', used: nodes, quota: spec.quota.nodes },
    { what: 'CPU', used: cpuMillis, quota: spec.quota.cpuMillis },
    { what: 'Memory', used: memoryMiB, quota: spec.quota.memoryMiB },
  ];
}

export function amountText(what: QuotaLine['what'], amount: number): string {
  if (what === 'Nodes' || what === 'Seats') return amount.toLocaleString();
  if (what === 'CPU') return `${round(amount / 1000)} CPU`;
  return amount < 1024 ? `${amount} MiB` : `${round(amount / 1024)} GiB`;
}

function round(value: number): string {
  return value.toLocaleString(undefined, { maximumFractionDigits: 1 });
}
