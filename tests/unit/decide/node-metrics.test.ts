/**
 * What nodes and directors tell, held against the catalog; and the page that is made from it.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { familyOf, readMetrics, readSeries } from '../../../src/decide/metric-text.ts';
import { nodeMetricsText } from '../../../src/decide/node-metrics.ts';
import type { NodeMetricFacts } from '../../../src/decide/node-metrics.ts';
import { viewLicense } from '../../../src/decide/universal-license.ts';
import { createMetrics } from '../../../src/director/api/metrics.ts';
import { METRICS } from '../../../src/model/metric-catalog.ts';
import type { MetricSource } from '../../../src/model/metric-catalog.ts';
import { machineLoads } from '../../../src/platform/machine-load.ts';
import { METRICS_PAGE, metricsPage } from '../../../tools/generate/metrics.ts';

const FACTS: NodeMetricFacts = {
  version: '0.1.0',
  release: '1.0.0',
  role: 'Primary',
  uptimeSeconds: 12.7,
  services: [
    { name: 'hello', phase: 'Running', ready: true, restarts: 2 },
    { name: 'ticker', phase: 'BackOff', ready: false, restarts: 9 },
  ],
  processes: [
    { role: 'pod', service: 'hello', cpuSeconds: 1.25, memoryBytes: 100 },
    { role: 'pod', service: 'hello', cpuSeconds: 0.5, memoryBytes: 50 },
    { role: 'agent', service: '', cpuSeconds: 3, memoryBytes: 7 },
  ],
  machine: { cpuSeconds: { user: 5, idle: 6 }, load1: 0.5, memoryBytes: 1000, memoryAvailableBytes: 400, diskBytes: 9, diskFreeBytes: 8 },
  balancer: {
    up: true,
    listeners: [
      {
        name: 'hello',
        connections: 1,
        accepted: 2,
        refused: 3,
        failed: 4,
        ejected: ['a'],
        retries: 5,
        ejections: 6,
        readmissions: 7,
        inBytes: 8,
        outBytes: 9,
        instances: [{ address: 'a', connections: 1 }],
      },
      // As a balancer of an older version tells it.
      { name: 'old', connections: 1, accepted: 2, refused: 3, failed: 4, ejected: [] },
    ],
  },
  peers: [
    { node: 'harbor-a1-n1', heard: true, silenceMs: 150 },
    { node: 'harbor-a1-n2', heard: false, silenceMs: undefined },
  ],
  tunnelUp: true,
  license: { ...viewLicense(undefined, 0), daysLeft: 12 },
};

/** Name, type and labels of each family that a text tells. */
function told(text: string): Map<string, { type: string; labels: string[] }> {
  const read = readMetrics(text, 10_000);
  assert.equal(read.dropped, 0, read.message);
  const families = new Map<string, { type: string; labels: string[] }>();
  for (const { series, type } of read.samples) {
    const { name, labels } = readSeries(series) ?? { name: series, labels: [] };
    const family = familyOf(name, type);
    const known = families.get(family)?.labels ?? [];
    const own = labels.map(([label]) => label).filter((label) => label !== 'le');
    families.set(family, { type, labels: [...new Set([...known, ...own])].toSorted() });
  }
  return families;
}

function catalogOf(source: MetricSource): Map<string, { type: string; labels: string[] }> {
  return new Map(
    METRICS.filter((one) => one.source === source).map(({ name, type, labels }) => [name, { type, labels: [...labels].toSorted() }]),
  );
}

function inOrder(families: Map<string, unknown>): [string, unknown][] {
  return [...families].toSorted(([a], [b]) => (a < b ? -1 : 1));
}

test('a node tells exactly what the catalog says, with its values', () => {
  const text = nodeMetricsText(FACTS);
  assert.deepEqual(inOrder(told(text)), inOrder(catalogOf('node')));
  const values = new Map(readMetrics(text, 1_000).samples.map(({ series, value }) => [series, value]));
  assert.equal(values.get('outrigger_node_process_memory_bytes{role="pod",service="hello"}'), 150);
  assert.equal(values.get('outrigger_node_process_cpu_seconds_total{role="agent"}'), 3);
  assert.equal(values.get('outrigger_node_pods{phase="BackOff"}'), 1);
  assert.equal(values.get('outrigger_node_license_state{state="Inactive"}'), 1);
  assert.equal(values.get('outrigger_node_license_left_days'), 12);
  assert.match(text, /# HELP outrigger_node_tunnel_up 1 while/);
});

test('I1: what is not known is not told', () => {
  const text = nodeMetricsText({ ...FACTS, machine: undefined, tunnelUp: undefined, license: viewLicense(undefined, 0) });
  assert.doesNotMatch(text, /machine_|disk_|tunnel_up|left_days/);
});

test('a director tells exactly what the catalog says, besides its process', async () => {
  const metrics = createMetrics({
    watches: () => 1,
    tunnels: () => 1,
    connections: () => 2,
    spansDropped: () => 0,
    revision: () => 3,
    ready: () => true,
    entities: () => [{ resource: 'clusters.outrigger.dev', count: 4 }],
  });
  metrics.count('get', 200, 3);
  const own = new Map([...told(await metrics.text())].filter(([name]) => name.startsWith('outrigger_')));
  assert.deepEqual(inOrder(own), inOrder(catalogOf('director')));
});

test('this machine tells how busy it is', async () => {
  const loads = machineLoads('/');
  const machine = await loads.machine();
  assert.ok(machine !== undefined && Object.values(machine).every((value) => typeof value === 'object' || Number.isFinite(value)));
  assert.ok((machine.cpuSeconds['user'] ?? 0) > 0 && machine.memoryBytes > machine.memoryAvailableBytes && machine.diskBytes > 0);
  const self = loads.process(process.pid);
  assert.ok(self !== undefined && self.memoryBytes > 10e6 && self.memoryBytes < 4e9);
  const rss = process.memoryUsage.rss();
  assert.ok(Math.abs(self.memoryBytes - rss) < rss / 2, `${self.memoryBytes} is about ${rss}`);
  assert.equal(loads.process(2 ** 30), undefined);
});

test('docs/reference/metrics.md is what the catalog says (node tools/generate/metrics.ts writes it)', () => {
  assert.equal(readFileSync(METRICS_PAGE, 'utf8'), metricsPage());
});
