/**
 * Entities and views for the tests of the thinking: valid by the schemas, each with what the test wants changed.
 */

import assert from 'node:assert/strict';

import type { ClusterView, Decision } from '../../../src/decide/cluster-view.ts';
import { NO_OBSERVATIONS } from '../../../src/decide/observation.ts';
import type { Observations } from '../../../src/decide/observation.ts';
import type { ClusterNode, ClusterNodeStatus } from '../../../src/model/cluster-node.ts';
import type { ClusterRelease } from '../../../src/model/cluster-release.ts';
import type { Cluster, ClusterSpec, ClusterStatus } from '../../../src/model/cluster.ts';
import { FINALIZER_CLUSTER, FINALIZER_NODE, nodeName, reservationKey } from '../../../src/model/labels.ts';
import type { Service } from '../../../src/model/pod.ts';
import { GROUP_VERSION } from '../../../src/model/resource.ts';
import { DEFAULT_SERVER_CONFIG } from '../../../src/model/server-config.ts';
import type { VirtualDataCenter } from '../../../src/model/virtual-data-center.ts';

export const T0 = Date.parse('2030-01-01T00:00:00.000Z');
export const UID = 'c1-uid';

export function service(name: string, more: Partial<Service> = {}): Service {
  const container = { name: 'main', command: ['run', name], args: [], env: [], ports: [] };
  return {
    name,
    mode: 'Replicated',
    protocol: 'TCP',
    pod: { containers: [container], restartPolicy: 'Always', terminationGracePeriodSeconds: 10 },
    ...more,
  };
}

export function release(
  services: Service[] = [service('hello', { port: 8080 }), service('ticker', { mode: 'Singleton' })],
): ClusterRelease {
  return {
    apiVersion: GROUP_VERSION,
    kind: 'ClusterRelease',
    metadata: { name: '1.0.0', uid: 'r-uid', resourceVersion: '5', creationTimestamp: '2030-01-01T00:00:00Z' },
    spec: { version: '1.0.0', services, upgradesFrom: [] },
  };
}

export interface ClusterChange {
  readonly spec?: Partial<ClusterSpec>;
  readonly status?: ClusterStatus;
  readonly generation?: number;
  readonly deleted?: boolean;
  readonly finalizers?: readonly string[];
  readonly annotations?: Readonly<Record<string, string>>;
  readonly uid?: string;
}

export function cluster(change: ClusterChange = {}): Cluster {
  return {
    apiVersion: GROUP_VERSION,
    kind: 'Cluster',
    metadata: {
      name: 'harbor',
      namespace: 'demo',
      uid: change.uid ?? UID,
      resourceVersion: '10',
      generation: change.generation ?? 1,
      creationTimestamp: '2030-01-01T00:00:00Z',
      finalizers: change.finalizers ?? [FINALIZER_CLUSTER],
      ...(change.deleted === true ? { deletionTimestamp: '2030-01-01T01:00:00Z' } : {}),
      ...(change.annotations === undefined ? {} : { annotations: change.annotations }),
    },
    spec: {
      virtualDataCenter: 'lab',
      release: '1.0.0',
      nodes: 'Provisioned',
      workers: 1,
      resources: { cpuMillis: 500, memoryMiB: 256 },
      services: [],
      availability: { failover: 'None', nodeRestart: 'Medium' },
      upgrade: { readySeconds: 300, whenNodeDown: 'Wait' },
      autoRepairOnErrors: true,
      ...change.spec,
    },
    ...(change.status === undefined ? {} : { status: change.status }),
  };
}

export interface NodeChange {
  readonly attempt?: number;
  readonly incarnation?: number;
  readonly machine?: 'Provisioned' | 'Joined';
  readonly host?: string;
  readonly retired?: boolean;
  readonly deleted?: boolean;
  readonly finalizers?: readonly string[];
  readonly annotations?: Readonly<Record<string, string>>;
  readonly status?: ClusterNodeStatus;
  readonly clusterUid?: string;
}

export function node(index: number, change: NodeChange = {}): ClusterNode {
  const attempt = change.attempt ?? 1;
  const name = nodeName('harbor', attempt, index);
  return {
    apiVersion: GROUP_VERSION,
    kind: 'ClusterNode',
    metadata: {
      name,
      namespace: 'demo',
      uid: `${name}-uid`,
      resourceVersion: '20',
      creationTimestamp: '2030-01-01T00:00:00Z',
      finalizers: change.finalizers ?? [FINALIZER_NODE],
      ...(change.deleted === true ? { deletionTimestamp: '2030-01-01T01:00:00Z' } : {}),
      ...(change.annotations === undefined ? {} : { annotations: change.annotations }),
    },
    spec: {
      cluster: 'harbor',
      clusterUid: change.clusterUid ?? UID,
      virtualDataCenter: 'lab',
      attempt,
      index,
      role: index === 0 ? 'Primary' : 'Worker',
      incarnation: change.incarnation ?? 1,
      resources: { cpuMillis: 500, memoryMiB: 256 },
      ...(change.machine === undefined ? {} : { machine: change.machine }),
      ...(change.host === undefined ? {} : { host: change.host }),
      ...(change.retired === undefined ? {} : { retired: change.retired }),
    },
    ...(change.status === undefined ? {} : { status: change.status }),
  };
}

/** A node that is up, with all services of `services` ready. */
export function readyNode(
  index: number,
  services: readonly string[] = index === 0 ? ['hello', 'ticker'] : ['hello'],
  change: NodeChange = {},
): ClusterNode {
  const incarnation = change.incarnation ?? 1;
  return node(index, {
    host: 'h1',
    status: {
      infrastructure: { incarnation, phase: 'Running', address: `127.77.0.${10 * (index + 1)}` },
      agent: {
        incarnation,
        phase: 'Ready',
        release: '1.0.0',
        observedGeneration: 1,
        services: Object.fromEntries(
          services.map((name) => [name, { phase: 'Running', ready: true, address: `127.77.0.${10 * (index + 1) + 1}:8080` }]),
        ),
      },
    },
    ...change,
  });
}

export interface DataCenterChange {
  readonly hosts?: string[];
  readonly quotaNodes?: number;
  readonly reservations?: NonNullable<VirtualDataCenter['status']>['reservations'];
}

export function dataCenter(change: DataCenterChange = {}): VirtualDataCenter {
  return {
    apiVersion: GROUP_VERSION,
    kind: 'VirtualDataCenter',
    metadata: {
      name: 'lab',
      namespace: 'demo',
      uid: 'v-uid',
      resourceVersion: '30',
      generation: 1,
      creationTimestamp: '2030-01-01T00:00:00Z',
    },
    spec: {
      quota: { nodes: change.quotaNodes ?? 10, cpuMillis: 64000, memoryMiB: 65536 },
      hosts: change.hosts ?? ['h1', 'h2'],
      nodeDriver: 'process',
    },
    ...(change.reservations === undefined ? {} : { status: { reservations: change.reservations } }),
  };
}

/** Entries for `indexes` of attempt `attempt`, as they are made for cluster `harbor` under generation `generation`. */
export function reservations(indexes: readonly number[], attempt = 1, generation = 1): NonNullable<DataCenterChange['reservations']> {
  return Object.fromEntries(
    indexes.map((index) => [
      reservationKey(UID, index),
      { cluster: 'harbor', node: nodeName('harbor', attempt, index), generation, cpuMillis: 500, memoryMiB: 256 },
    ]),
  );
}

/** Status of a cluster whose attempt `number` is at step `step` since T0. */
export function atStep(
  step: NonNullable<NonNullable<ClusterStatus['attempts']>[number]['step']>,
  number = 1,
  more: ClusterStatus = {},
): ClusterStatus {
  const startedAt = new Date(T0).toISOString();
  return {
    attempt: number,
    autoRepair: 'Armed',
    attempts: [{ number, startedAt, generation: 1, step, stepStartedAt: startedAt, steps: [] }],
    ...more,
  };
}

/** Status of a cluster that became available in attempt 1. */
export function wasAvailable(more: ClusterStatus = {}): ClusterStatus {
  const startedAt = new Date(T0).toISOString();
  return {
    attempt: 1,
    autoRepair: 'Disarmed',
    availableAt: startedAt,
    primary: 'harbor-a1-n0',
    term: 1,
    attempts: [{ number: 1, startedAt, endedAt: startedAt, generation: 1, step: 'PairSite', outcome: 'Available', steps: [] }],
    ...more,
  };
}

/** A view of the default world, with `change`. A key given as undefined is left out. */
export function view(change: { [K in keyof ClusterView]?: ClusterView[K] | undefined } & { afterMs?: number } = {}): ClusterView {
  const { afterMs = 0, ...rest } = change;
  const whole = {
    live: true,
    cluster: cluster(),
    nodes: [],
    virtualDataCenter: dataCenter(),
    release: release(),
    config: DEFAULT_SERVER_CONFIG,
    nowMs: T0 + afterMs,
    monotonicMs: 1_000_000 + afterMs,
    seen: NO_OBSERVATIONS,
    dice: 0,
    ...rest,
  };
  return Object.fromEntries(Object.entries(whole).filter(([, value]) => value !== undefined)) as unknown as ClusterView;
}

/** Observations in which every key of `keys` has been seen for `ms` at `afterMs`. */
export function seenFor(keys: readonly string[], ms: number, afterMs: number): Observations {
  return new Map(keys.map((key) => [key, 1_000_000 + afterMs - ms]));
}

/** What a decision does, besides what it tells. */
export function kinds(decision: Decision): string[] {
  return decision.effects.map((effect) => effect.kind).filter((kind) => kind !== 'RecordEvent');
}

/** The status that a decision writes; it must write one. */
export function statusOf(decision: Decision): ClusterStatus {
  const patch = decision.effects.find((effect) => effect.kind === 'PatchClusterStatus');
  assert.ok(patch?.kind === 'PatchClusterStatus', `no status is written: ${JSON.stringify(decision)}`);
  return patch.status;
}
