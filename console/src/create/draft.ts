/**
 * A cluster as it stands in the wizard, and the object that comes of it. Pure.
 *
 * I1: what a person did not choose is not in the object: the API fills in its own defaults, here as for kubectl.
 */

import { GROUP_VERSION } from '../../../src/model/resource.ts';
import { numberTyped } from '../form/number-text.ts';

export interface Draft {
  readonly organization: string;
  readonly name: string;
  readonly virtualDataCenter: string;
  readonly release: string;
  readonly nodes: string;
  /** As typed; so are the other numbers. */
  readonly workers: string;
  readonly cpuMillis: string;
  readonly memoryMiB: string;
  readonly failover: string;
  readonly nodeRestart: string;
  readonly site: string;
  readonly autoRepair: boolean;
}

export const EMPTY_DRAFT: Draft = {
  organization: '',
  name: '',
  virtualDataCenter: '',
  release: '',
  nodes: 'Provisioned',
  workers: '1',
  cpuMillis: '500',
  memoryMiB: '256',
  failover: 'None',
  nodeRestart: 'Medium',
  site: '',
  autoRepair: true,
};

/** Where the API speaks of it. */
export const FIELDS: Readonly<Record<keyof Draft, string>> = {
  organization: 'metadata.namespace',
  name: 'metadata.name',
  virtualDataCenter: 'spec.virtualDataCenter',
  release: 'spec.release',
  nodes: 'spec.nodes',
  workers: 'spec.workers',
  cpuMillis: 'spec.resources.cpuMillis',
  memoryMiB: 'spec.resources.memoryMiB',
  failover: 'spec.availability.failover',
  nodeRestart: 'spec.availability.nodeRestart',
  site: 'spec.site',
  autoRepair: 'spec.autoRepairOnErrors',
};

export function manifestOf(draft: Draft): object {
  const changed = (key: keyof Draft, value: unknown): unknown => (draft[key] === EMPTY_DRAFT[key] ? undefined : value);
  const resources = {
    cpuMillis: changed('cpuMillis', numberTyped(draft.cpuMillis)),
    memoryMiB: changed('memoryMiB', numberTyped(draft.memoryMiB)),
  };
  const availability = { failover: changed('failover', draft.failover), nodeRestart: changed('nodeRestart', draft.nodeRestart) };
  return {
    apiVersion: GROUP_VERSION,
    kind: 'Cluster',
    metadata: { name: draft.name, namespace: draft.organization },
    spec: {
      virtualDataCenter: draft.virtualDataCenter,
      release: draft.release,
      nodes: changed('nodes', draft.nodes),
      workers: numberTyped(draft.workers),
      resources: someOf(resources),
      availability: someOf(availability),
      site: changed('site', draft.site),
      autoRepairOnErrors: changed('autoRepair', draft.autoRepair),
    },
  };
}

/** Undefined where nothing is said. */
function someOf(part: Readonly<Record<string, unknown>>): object | undefined {
  return Object.values(part).every((one) => one === undefined) ? undefined : part;
}

export interface Amount {
  readonly nodes: number;
  readonly cpuMillis: number;
  readonly memoryMiB: number;
}

/** What it takes from the quota; what is no number counts as nothing. */
export function amountOf({ workers, cpuMillis, memoryMiB }: Draft): Amount {
  const count = (text: string): number => Math.max(0, Number(numberTyped(text)) || 0);
  const nodes = count(workers) + 1;
  return { nodes, cpuMillis: nodes * count(cpuMillis), memoryMiB: nodes * count(memoryMiB) };
}
