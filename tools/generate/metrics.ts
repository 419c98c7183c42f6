/**
 * Writes docs/reference/metrics.md from the catalog of metrics (src/model/metric-catalog.ts) and the limits of monitoring.
 *
 * `node tools/generate/metrics.ts` writes; a unit test fails when what is there differs from what would be written.
 */

import { writeFileSync } from 'node:fs';
import { resolve } from 'node:path';

import { LIMITS } from '../../src/model/limits.ts';
import { METRICS } from '../../src/model/metric-catalog.ts';
import type { MetricSource } from '../../src/model/metric-catalog.ts';

export const METRICS_PAGE = resolve(import.meta.dirname, '../../docs/reference/metrics.md');

const MINUTE_MS = 60_000;
const DAY_MS = 24 * 60 * MINUTE_MS;

export function metricsPage(): string {
  return [head(), reading(), labels(), tables(), bounds()].join('\n');
}

function head(): string {
  return `# Metrics

This page is made from \`src/model/metric-catalog.ts\`; tests hold it against what is really told. Units stand in the names, as Prometheus has it: seconds, bytes, days.

The service \`monitor\` of a cluster scrapes every ${LIMITS.scrapeEveryMs / 1000} s: each node of the cluster (by mutual TLS, on its peer port) and each connection server of the site (pinned TLS, with the site's account).
It keeps ${LIMITS.metricRetentionMs / DAY_MS} days of it in \`<node folder>/monitor/\`, at most ${LIMITS.metricStoreBytes / 2 ** 20} MiB, and ships it through \`connector-client\` to a director, which keeps ${LIMITS.metricRetentionMs / DAY_MS} days too.
A director that is away costs no sample: the newest round is shipped first when it is back, then what is missing, oldest first.
`;
}

function reading(): string {
  return `## Reading them

Whoever may \`get\` clusters in a namespace may read the samples of its clusters. Others get 403; each request leaves a line with \`"audit":true\` in the director's log.

### Newest samples, for Prometheus

\`GET /outrigger/v1/organizations/NAMESPACE/metrics[?cluster=NAME]\`: Prometheus' text format 0.0.4, each sample with its time, as Prometheus' \`/federate\` has it.
A cluster of which nothing has come for ${LIMITS.metricStaleMs / MINUTE_MS} minutes is left out. At most ${LIMITS.metricAnswerSamples} samples; beyond that 413, and each cluster is asked for by itself.

A Prometheus server logs in with the token of a ServiceAccount:

\`\`\`
kubectl create serviceaccount prometheus -n demo
kubectl create rolebinding prometheus -n demo --clusterrole=view --serviceaccount=demo:prometheus
kubectl create token prometheus -n demo --duration=8760h > token
\`\`\`

\`\`\`yaml
scrape_configs:
  - job_name: outrigger
    scheme: https
    metrics_path: /outrigger/v1/organizations/demo/metrics
    honor_labels: true
    authorization: { credentials_file: token }
    tls_config: { ca_file: ca.crt } # certificate-authority-data of the kubeconfig, decoded
    static_configs: [{ targets: ['director.example:7443'] }]
\`\`\`

### Over time

\`GET /outrigger/v1/organizations/NAMESPACE/query_range?metric=NAME&cluster=NAME&start=TIME&end=TIME&step=DURATION\`: JSON in the shape of Prometheus' \`query_range\`:

\`\`\`json
{ "status": "success", "data": { "resultType": "matrix", "result": [
  { "metric": { "__name__": "outrigger_node_machine_load1", "organization": "demo", "cluster": "harbor", "node": "harbor-a1-n0" }, "values": [[1893456000, "0.42"]] } ] } }
\`\`\`

\`start\` and \`end\`: seconds since 1970, or RFC 3339. \`step\`: seconds, or \`30s\`, \`5m\`, \`1h\`; at least a second. At each step the newest round counts that is not older than ${LIMITS.metricStaleMs / MINUTE_MS} minutes; a step without one is left out.
At most ${LIMITS.metricQueryPoints} steps and ${LIMITS.metricQuerySeries} series (400 and 413 say so).
`;
}

function labels(): string {
  return `## Labels

| label | added by | meaning |
| --- | --- | --- |
| \`organization\`, \`cluster\` | director | namespace and name of the cluster that shipped it, by its certificate |
| \`node\` | monitor | the node that told it |
| \`server\` | monitor | the connection server that told it |

What a target itself calls so is renamed \`exported_…\`. What the monitor tells of itself bears none of \`node\` and \`server\`.
`;
}

function tables(): string {
  return `## Nodes

On the peer port, \`/peer/v1/metrics\`, for nodes of the same cluster.

${table('node')}

## The monitor

${table('monitor')}

## Connection servers

[connection-server.md](connection-server.md); everything that one tells is taken.

${table('connectionServer')}

## Directors

\`GET /metrics\` of each director, with log-in; besides these the metrics of \`prom-client\` about its process (\`process_…\`, \`nodejs_…\`). They are not part of what an organization reads.

${table('director')}

## Extension servers

\`GET /metrics\` on the address of \`--health-listen\`, without log-in: plain HTTP on loopback, TLS elsewhere. \`/livez\` answers 200 while the loop goes round, \`/readyz\` when the copies are read and the Lease is shown; else 503 with what is missing.

${table('extension')}
`;
}

function bounds(): string {
  return `## Bounds

| what | bound | beyond it |
| --- | --- | --- |
| answer of a target | ${LIMITS.scrapeBytes / 2 ** 20} MiB, ${LIMITS.scrapeDeadlineMs / 1000} s, ${LIMITS.scrapeSamples} samples, and its share of the round | the target is down, or the rest of its samples is left out; \`outrigger_target_dropped_samples\` counts them |
| series of a cluster | ${LIMITS.metricSeriesPerCluster} in ${LIMITS.metricRetentionMs / DAY_MS + 1} days | samples of further series are not kept, and both sides say so |
| text of a series | ${LIMITS.metricSeriesChars} characters, ${LIMITS.metricLabels} labels | the line is left out |
| shipment | ${LIMITS.metricBatchRounds} rounds, ${LIMITS.metricBatchSamples} samples, ${LIMITS.metricShipmentsPerMinute} a minute and cluster | 400, 429 |
| time of a sample | ${LIMITS.metricAheadMs / MINUTE_MS} minutes ahead of the director, ${LIMITS.metricRetentionMs / DAY_MS} days behind | not kept, and said |

Values that are NaN or infinite are left out where they are read.
`;
}

function table(source: MetricSource): string {
  const rows = METRICS.filter((one) => one.source === source).map(({ name, type, labels, help }) => {
    const own = labels.length === 0 ? '' : labels.map((label) => `\`${label}\``).join(', ');
    return `| \`${name}\` | ${type} | ${own} | ${help} |`;
  });
  return ['| metric | type | labels | meaning |', '| --- | --- | --- | --- |', ...rows].join('\n');
}

if (import.meta.main) {
  writeFileSync(METRICS_PAGE, metricsPage());
  process.stdout.write(`Wrote ${METRICS_PAGE}.\n`);
}
