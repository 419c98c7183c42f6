/**
 * A host as it is shown: how it is, and how much of it is free. Pure.
 *
 * I1: what is free is counted from what the nodes take that it holds, where those are known; else from what the host itself says.
 * I2: a host in a boot that a person confirmed dead is Dead, whatever it said last.
 */

import { confirmedBoot } from '../../../src/decide/host-death.ts';
import type { ClusterNode } from '../../../src/model/cluster-node.ts';
import { conditionOf } from '../../../src/model/condition.ts';
import type { Host } from '../../../src/model/host.ts';
import type { ListRow } from '../table/list-view.ts';

export const HOST_STATES = ['Dead', 'Not ready', 'Unknown', 'Cordoned', 'Ready'] as const;
export type HostState = (typeof HOST_STATES)[number];

export interface HostRow extends ListRow {
  readonly name: string;
  readonly state: HostState;
  readonly message: string;
  readonly used: Amounts;
  readonly capacity: Amounts;
  readonly address: string;
  readonly unclaimed: number;
}

export interface Amounts {
  readonly nodes: number;
  readonly cpuMillis: number;
  readonly memoryMiB: number;
}

/** `nodes`: all that there are; undefined: they are not shown to this person. */
export function hostRow(host: Host, nodes: readonly ClusterNode[] | undefined): HostRow {
  const { metadata, spec, status = {} } = host;
  const { name } = metadata;
  const state = stateOf(host);
  const message =
    state === 'Dead'
      ? 'A person confirmed it dead in its last boot.'
      : (conditionOf(status.conditions, 'Ready')?.message ?? 'Its daemon never reported.');
  const address = status.address ?? '';
  return {
    key: name,
    name,
    state,
    message,
    used: nodes === undefined ? saidUsed(host) : countedUsed(nodes, name),
    capacity: spec.capacity,
    address,
    unclaimed: status.unclaimed?.length ?? 0,
    searched: `${name} ${address} ${state}`.toLowerCase(),
  };
}

export function stateOf(host: Host): HostState {
  const { bootId, conditions } = host.status ?? {};
  if (bootId !== undefined && confirmedBoot(host) === bootId) return 'Dead';
  const ready = conditionOf(conditions, 'Ready')?.status;
  if (ready === undefined || ready === 'Unknown') return 'Unknown';
  if (ready === 'False') return 'Not ready';
  return host.spec.cordoned ? 'Cordoned' : 'Ready';
}

function saidUsed({ status = {} }: Host): Amounts {
  return { nodes: status.nodes ?? 0, cpuMillis: status.used?.cpuMillis ?? 0, memoryMiB: status.used?.memoryMiB ?? 0 };
}

function countedUsed(nodes: readonly ClusterNode[], host: string): Amounts {
  const held = nodes.filter((node) => node.spec.host === host).map(({ spec }) => spec.resources);
  return {
    nodes: held.length,
    cpuMillis: held.reduce((sum, one) => sum + one.cpuMillis, 0),
    memoryMiB: held.reduce((sum, one) => sum + one.memoryMiB, 0),
  };
}
