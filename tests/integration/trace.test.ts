/**
 * One creation of a two-node cluster is one tree of spans, told to a collector by director, extension server, host and agents. The logs of host and
 * agents bear the cluster, its attempt and the node.
 */

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { after, test } from 'node:test';

import { CLUSTERS } from '../../src/model/addresses.ts';
import type { Cluster } from '../../src/model/cluster.ts';
import { spanIdOf, traceIdOf } from '../../src/decide/trace.ts';
import { directorApi } from '../../src/platform/api-client.ts';
import { parseAdminKubeconfig } from '../../src/platform/kubeconfig.ts';
import { systemRandom } from '../../src/platform/random.ts';
import { eventually } from '../support/eventually.ts';
import { upRig } from '../support/up-rig.ts';

interface ToldSpan {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly name: string;
  readonly startTimeUnixNano: string;
  readonly endTimeUnixNano: string;
  readonly attributes: readonly { readonly key: string; readonly value: object }[];
}

interface Told {
  readonly service: string;
  readonly span: ToldSpan;
}

const rig = upRig('trace');
const told: Told[] = [];
const collector = createServer((request, response) => {
  const chunks: Buffer[] = [];
  request.on('data', (chunk: Buffer) => chunks.push(chunk));
  request.on('end', () => {
    assert.equal(request.url, '/v1/traces');
    take(Buffer.concat(chunks).toString('utf8'));
    response.writeHead(200, { 'content-type': 'application/json' }).end('{}');
  });
});

after(async () => {
  await rig.cleanup();
  collector.close();
  collector.closeAllConnections();
});

test('a creation is one tree across director, extension server, host and agents', { timeout: 180_000 }, async (t) => {
  await new Promise<void>((done) => collector.listen(0, '127.0.0.1', done));
  const { port } = collector.address() as AddressInfo;
  const run = rig.start(['--extension-servers', '2', '--otlp-endpoint', `http://127.0.0.1:${port}`]);
  await run.line(/Outrigger is up after [\d.]+ s/);
  const cluster = await harbor();
  const traced = { clusterUid: cluster.metadata.uid, cluster: 'demo/harbor', attempt: cluster.status?.attempt ?? 0 };
  const own = [
    'creation of a cluster',
    ...(cluster.status?.attempts?.at(-1)?.steps ?? []).map(({ name }) => `step ${name}`),
    ...['host: claim a node', 'host: prepare a machine', 'host: start a machine', 'agent: join', 'agent: become ready'].flatMap((name) => [
      name,
      name,
    ]),
  ];
  const spans = (): ReadonlyMap<string, Told> => new Map(told.map((one) => [one.span.spanId, one]));
  const named = (name: string): Told[] => [...spans().values()].filter(({ span }) => span.name === name);
  const isWhole = (): boolean =>
    own.every((name) => named(name).length === own.filter((one) => one === name).length) && orphans(spans()).length === 0;
  await eventually('all spans are told, each below another', isWhole, 30_000, 50).catch(() => undefined);
  assert.deepEqual(
    [...spans().values()]
      .map(({ span }) => span.name)
      .filter((name) => !/^(write|director:) /.test(name))
      .toSorted(),
    own.toSorted(),
  );
  assert.deepEqual(orphans(spans()), [], 'each but the root hangs below one that was told');
  assert.deepEqual([...new Set(told.map(({ span }) => span.traceId))], [traceIdOf(traced)]);
  const root = spanIdOf(traced, '');
  assert.deepEqual(
    [...spans().values()].filter(({ span }) => span.parentSpanId === undefined).map(({ span }) => span.spanId),
    [root],
  );
  for (const { span } of told) assert.ok(BigInt(span.endTimeUnixNano) >= BigInt(span.startTimeUnixNano), span.name);
  assertTree(spans());
  t.diagnostic(`\n${drawn(spans(), root, '')}`);
  assertLogs();
});

/** Who tells what, below what. */
function assertTree(spans: ReadonlyMap<string, Told>): void {
  const parentName = ({ span }: Told): string => spans.get(span.parentSpanId ?? '')?.span.name ?? '';
  const of = (pattern: RegExp): Told[] => [...spans.values()].filter(({ span }) => pattern.test(span.name));
  const told = (pattern: RegExp, service: string, parent: RegExp, least: number): void => {
    const found = of(pattern);
    assert.ok(found.length >= least, `${String(pattern)}: ${found.length} of ${least}`);
    for (const one of found) {
      assert.equal(one.service, `outrigger-${service}`, one.span.name);
      assert.match(parentName(one), parent, one.span.name);
    }
  };
  const root = /^creation of a cluster$/;
  told(/^step /, 'extension', root, 6);
  told(/^write /, 'extension', /^(step |creation of a cluster)/, 8);
  told(/^host: /, 'host', root, 6);
  told(/^agent: /, 'agent', root, 4);
  told(/^director: create clusters$/, 'director', root, 1);
  told(/^director: create clusternodes$/, 'director', /^write CreateNode$/, 2);
  told(/^director: patch clusters\/status$/, 'director', /^write PatchClusterStatus$/, 5);
  told(/^director: patch clusternodes$/, 'director', /^host: claim a node$/, 2);
  told(/^director: create secrets$/, 'director', /^host: prepare a machine$/, 2);
  told(/^director: patch clusternodes\/status$/, 'director', /^(host: prepare a machine|agent: become ready)$/, 4);
  told(/^director: POST \/outrigger\/v1\/join$/, 'director', /^agent: join$/, 2);
}

/** Names of those whose parent was not told. */
function orphans(spans: ReadonlyMap<string, Told>): string[] {
  return [...spans.values()].flatMap(({ span }) => (span.parentSpanId === undefined || spans.has(span.parentSpanId) ? [] : [span.name]));
}

function drawn(spans: ReadonlyMap<string, Told>, id: string, indent: string): string {
  const here = spans.get(id);
  const below = [...spans.values()]
    .filter(({ span }) => span.parentSpanId === id)
    .toSorted((a, b) => Number(BigInt(a.span.startTimeUnixNano) - BigInt(b.span.startTimeUnixNano)));
  const line = `${indent}${here?.service.replace('outrigger-', '') ?? '?'} · ${here?.span.name ?? id}\n`;
  return line + below.map(({ span }) => drawn(spans, span.spanId, `${indent}  `)).join('');
}

/** Host and agents: what they say of the cluster can be selected. */
function assertLogs(): void {
  const isOf = (line: Record<string, unknown>): boolean =>
    line['cluster'] === 'demo/harbor' &&
    line['attempt'] === 1 &&
    /^harbor-a1-n[01]$/.test(String(line['node'])) &&
    typeof line['nodeUid'] === 'string' &&
    line['incarnation'] === 1;
  const host = linesOf(join(rig.data, 'logs', 'host.log')).filter((line) => line['message'] === 'A node is started');
  assert.equal(host.length, 2);
  assert.ok(host.every(isOf), JSON.stringify(host));
  for (const { nodeUid } of host as { nodeUid: string }[]) {
    const agent = linesOf(join(rig.data, 'host', 'nodes', nodeUid, 'logs', 'agent.log'));
    assert.ok(agent.some((line) => line['message'] === 'This node has joined.'));
    assert.deepEqual(
      agent.filter((line) => !isOf(line)),
      [],
    );
  }
}

function linesOf(file: string): Record<string, unknown>[] {
  return readFileSync(file, 'utf8')
    .split('\n')
    .flatMap((line) => (line.startsWith('{') ? [JSON.parse(line) as Record<string, unknown>] : []));
}

function take(body: string): void {
  interface Resource {
    readonly resource: { readonly attributes: readonly { readonly key: string; readonly value: { readonly stringValue: string } }[] };
    readonly scopeSpans: readonly { readonly spans: readonly ToldSpan[] }[];
  }
  const { resourceSpans } = JSON.parse(body) as { readonly resourceSpans: readonly Resource[] };
  for (const { resource, scopeSpans } of resourceSpans) {
    const service = resource.attributes.find(({ key }) => key === 'service.name')?.value.stringValue ?? '';
    for (const { spans } of scopeSpans) for (const span of spans) told.push({ service, span });
  }
}

async function harbor(): Promise<Cluster> {
  const path = join(rig.data, 'kubeconfig');
  const { server, identity } = parseAdminKubeconfig(readFileSync(path, 'utf8'), path);
  const api = directorApi({ directors: [server], identity, era: undefined }, systemRandom());
  const answer = await api.get<Cluster>(CLUSTERS, 'demo', 'harbor', AbortSignal.timeout(10_000));
  api.close();
  assert.ok(answer.ok);
  return answer.value;
}
