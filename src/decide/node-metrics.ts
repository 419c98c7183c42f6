/**
 * What a node tells of itself to the monitor of its cluster: facts in, samples out. Names and meaning: src/model/metric-catalog.ts.
 *
 * I1: a fact that is not known makes no sample; no sample is made up.
 */

import { metricHelp, METRICS } from '../model/metric-catalog.ts';
import type { MetricType, Sample } from '../model/metric.ts';
import { seriesText, writeMetrics } from './metric-text.ts';
import type { LicenseView } from './universal-license.ts';

export interface NodeMetricFacts {
  readonly version: string;
  readonly release: string | undefined;
  readonly role: string | undefined;
  readonly uptimeSeconds: number;
  readonly services: readonly { readonly name: string; readonly phase: string; readonly ready: boolean; readonly restarts: number }[];
  readonly processes: readonly {
    readonly role: string;
    readonly service: string;
    readonly cpuSeconds: number;
    readonly memoryBytes: number;
  }[];
  readonly machine:
    | {
        readonly cpuSeconds: Readonly<Record<string, number>>;
        readonly load1: number;
        readonly memoryBytes: number;
        readonly memoryAvailableBytes: number;
        readonly diskBytes: number;
        readonly diskFreeBytes: number;
      }
    | undefined;
  readonly balancer: {
    readonly up: boolean;
    readonly listeners: readonly {
      readonly name: string;
      readonly connections: number;
      readonly accepted: number;
      readonly refused: number;
      readonly failed: number;
      readonly ejected: readonly string[];
      /** Absent: a balancer of an older version runs. */
      readonly retries?: number;
      readonly ejections?: number;
      readonly readmissions?: number;
      readonly inBytes?: number;
      readonly outBytes?: number;
      readonly instances?: readonly { readonly address: string; readonly connections: number }[];
    }[];
  };
  /** The other members. `silenceMs`: undefined: not heard in this life of the agent. */
  readonly peers: readonly { readonly node: string; readonly heard: boolean; readonly silenceMs: number | undefined }[];
  /** Undefined: this node runs no connector-client. */
  readonly tunnelUp: boolean | undefined;
  readonly license: LicenseView;
}

type Labels = Readonly<Record<string, string>>;
type Row = readonly [name: string, value: number | undefined, labels?: Labels];

const TYPES: ReadonlyMap<string, MetricType> = new Map(METRICS.map(({ name, type }) => [name, type]));

/** In Prometheus' text format. */
export function nodeMetricsText(facts: NodeMetricFacts): string {
  const rows = [
    ...ownRows(facts),
    ...facts.services.flatMap(serviceRows),
    ...phaseRows(facts.services),
    ...processRows(facts.processes),
    ...machineRows(facts.machine),
    ...facts.balancer.listeners.flatMap(listenerRows),
    ...facts.peers.flatMap(peerRows),
  ];
  return writeMetrics(rows.flatMap(sampleOf), metricHelp);
}

function sampleOf([name, value, labels = {}]: Row): Sample[] {
  if (value === undefined || !Number.isFinite(value)) return [];
  const full = `outrigger_node_${name}`;
  return [{ series: seriesText({ name: full, labels: Object.entries(labels) }), type: TYPES.get(full) ?? 'untyped', value }];
}

function ownRows({ version, release, role, uptimeSeconds, balancer, tunnelUp, license }: NodeMetricFacts): Row[] {
  return [
    ['info', 1, { version, release: release ?? '', role: role ?? '' }],
    ['uptime_seconds', Math.floor(uptimeSeconds)],
    ['balancer_up', flag(balancer.up)],
    ['tunnel_up', flag(tunnelUp)],
    ['license_state', 1, { state: license.state }],
    ['license_left_days', license.daysLeft],
    ['license_refuses_sessions', flag(license.refusesNewSessions)],
  ];
}

function serviceRows({ name, ready, restarts }: NodeMetricFacts['services'][number]): Row[] {
  const labels = { service: name };
  return [
    ['service_ready', flag(ready), labels],
    ['service_restarts_total', restarts, labels],
  ];
}

function phaseRows(services: NodeMetricFacts['services']): Row[] {
  const counts = new Map<string, number>();
  for (const { phase } of services) counts.set(phase, (counts.get(phase) ?? 0) + 1);
  return [...counts].map(([phase, count]) => ['pods', count, { phase }]);
}

/** Those of one role and service together: pids come and go. */
function processRows(processes: NodeMetricFacts['processes']): Row[] {
  const sums = new Map<string, { labels: Labels; count: number; cpuSeconds: number; memoryBytes: number }>();
  for (const { role, service, cpuSeconds, memoryBytes } of processes) {
    const key = `${role}/${service}`;
    const sum = sums.get(key) ?? { labels: { role, service }, count: 0, cpuSeconds: 0, memoryBytes: 0 };
    sums.set(key, { ...sum, count: sum.count + 1, cpuSeconds: sum.cpuSeconds + cpuSeconds, memoryBytes: sum.memoryBytes + memoryBytes });
  }
  return [...sums.values()].flatMap(({ labels, count, cpuSeconds, memoryBytes }): Row[] => [
    ['process_count', count, labels],
    ['process_cpu_seconds_total', Math.round(cpuSeconds * 100) / 100, labels],
    ['process_memory_bytes', memoryBytes, labels],
  ]);
}

function machineRows(machine: NodeMetricFacts['machine']): Row[] {
  if (machine === undefined) return [];
  return [
    ...Object.entries(machine.cpuSeconds).map(([mode, seconds]): Row => ['machine_cpu_seconds_total', seconds, { mode }]),
    ['machine_load1', machine.load1],
    ['machine_memory_bytes', machine.memoryBytes],
    ['machine_memory_available_bytes', machine.memoryAvailableBytes],
    ['disk_bytes', machine.diskBytes],
    ['disk_free_bytes', machine.diskFreeBytes],
  ];
}

function listenerRows(listener: NodeMetricFacts['balancer']['listeners'][number]): Row[] {
  const labels = { service: listener.name };
  return [
    ['balancer_connections', listener.connections, labels],
    ['balancer_accepted_total', listener.accepted, labels],
    ['balancer_refused_total', listener.refused, labels],
    ['balancer_failed_total', listener.failed, labels],
    ['balancer_retries_total', listener.retries, labels],
    ['balancer_ejected', listener.ejected.length, labels],
    ['balancer_ejections_total', listener.ejections, labels],
    ['balancer_readmissions_total', listener.readmissions, labels],
    ['balancer_bytes_total', listener.inBytes, { ...labels, direction: 'in' }],
    ['balancer_bytes_total', listener.outBytes, { ...labels, direction: 'out' }],
    ...(listener.instances ?? []).map(({ address, connections }): Row => [
      'balancer_instance_connections',
      connections,
      { ...labels, instance: address },
    ]),
  ];
}

function peerRows({ node, heard, silenceMs }: NodeMetricFacts['peers'][number]): Row[] {
  return [
    ['peer_heard', flag(heard), { node }],
    ['peer_silence_seconds', silenceMs === undefined ? undefined : silenceMs / 1000, { node }],
  ];
}

function flag(value: boolean | undefined): number | undefined {
  return value === undefined ? undefined : value ? 1 : 0;
}
