/**
 * What an organization reads of its clusters' samples:
 *
 * GET /outrigger/v1/organizations/NAMESPACE/metrics[?cluster=NAME]: the newest samples of every cluster, in Prometheus' text format, each with its
 * time, as Prometheus' own /federate has it. GET …/query_range?metric=&cluster=&start=&end=&step=: one metric over time, as JSON in the shape of
 * Prometheus' query_range. docs/reference/metrics.md.
 *
 * A Prometheus server logs in with the token of a ServiceAccount that may get clusters in that namespace.
 *
 * I1: who may not `get` clusters in the namespace is refused before anything is looked up, whether the namespace is there or not.
 * I2: nothing older than LIMITS.metricStaleMs is called newest; a cluster that is not heard is left out, never repeated.
 * I3: answers are bounded; what is more is refused with a sentence that says how to ask for less.
 * I4: each request leaves one line in the log: who, what, where from, how it ended.
 */

import { readSeries, seriesText, writeMetrics } from '../../decide/metric-text.ts';
import type { TimedSample } from '../../decide/metric-text.ts';
import type { JsonObject } from '../../model/json.ts';
import { LIMITS } from '../../model/limits.ts';
import { API_GROUP } from '../../model/resource.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Log } from '../../ports/log.ts';
import type { MetricStore } from '../../ports/metric-store.ts';
import type { EntityStore, StoredEntity } from '../../ports/store.ts';
import type { PageHandler, PageRequest } from '../api/pages.ts';
import type { Query } from '../api/query.ts';
import { jsonReply } from '../api/reply.ts';
import type { Reply } from '../api/reply.ts';
import { accepted, badRequest, methodNotAllowed, notFound, refused } from '../api/status.ts';
import type { Outcome, Refused } from '../api/status.ts';
import type { Authorizer } from '../auth/identity.ts';
import { withLabels } from './series-name.ts';

export interface OrganizationPageParts {
  readonly metrics: MetricStore;
  readonly store: Pick<EntityStore, 'get' | 'list'>;
  readonly authorizer: Authorizer;
  readonly clock: Clock;
  readonly log: Log;
}

const PATH = /^\/outrigger\/v1\/organizations\/([^/]+)\/(metrics|query_range)$/;
const TEXT_FORMAT = 'text/plain; version=0.0.4; charset=utf-8';
const METRIC_NAME = /^[a-zA-Z_:][a-zA-Z0-9_:]{0,255}$/;

export function createOrganizationPages(parts: OrganizationPageParts): PageHandler {
  return {
    serves: (path) => PATH.test(path),
    answer: async (request, signal) => {
      const answer = await judged(parts, request, signal);
      const { identity, path, remoteAddress } = request;
      parts.log.info('Samples of an organization were asked for.', {
        audit: true,
        user: identity.name,
        path,
        query: Object.fromEntries(request.query),
        remoteAddress,
        status: answer.ok ? 200 : answer.code,
        bytes: answer.ok && answer.value.kind === 'bytes' ? answer.value.body.length : 0,
      });
      return answer;
    },
  };
}

async function judged(parts: OrganizationPageParts, request: PageRequest, signal: AbortSignal): Promise<Outcome<Reply>> {
  const [, namespace = '', page] = PATH.exec(request.path) ?? [];
  const attributes = { verb: 'get', group: API_GROUP, version: 'v1', resource: 'clusters', namespace, name: '' };
  const decision = parts.authorizer.authorize(request.identity, attributes);
  if (!decision.allowed) return refused(403, 'Forbidden', decision.reason);
  if (request.method !== 'GET') return methodNotAllowed(`${request.method} is not supported on ${request.path}; supported: GET`);
  if (parts.store.get({ group: '', resource: 'namespaces', namespace: '', name: namespace }) === undefined)
    return notFound({ group: '', resource: 'namespaces', name: namespace });
  return page === 'metrics' ? await newest(parts, namespace, request.query, signal) : await range(parts, namespace, request.query, signal);
}

// ---- newest -----------------------------------------------------------------------------------------------------------------------------

async function newest(parts: OrganizationPageParts, namespace: string, query: Query, signal: AbortSignal): Promise<Outcome<Reply>> {
  const wanted = query.get('cluster');
  const clusters = wanted === undefined ? parts.store.list(API_GROUP, 'clusters', namespace) : [clusterOf(parts, namespace, wanted)];
  const names = new Map<string, string>();
  for (const cluster of clusters) {
    if (!('uid' in cluster)) return cluster;
    names.set(cluster.uid, cluster.key.name);
  }
  const nowMs = Math.round(parts.clock.nowMs());
  const bounds = [nowMs - LIMITS.metricStaleMs, nowMs + LIMITS.metricAheadMs, LIMITS.metricAnswerSamples] as const;
  const found = await parts.metrics.newest([...names.keys()], ...bounds, signal);
  if (found === 'too-many')
    return tooMuch(
      `there are more than ${LIMITS.metricAnswerSamples} samples in ${namespace}; ask for each cluster by itself, ?cluster=NAME`,
    );
  const samples = found.map(({ clusterUid, series, type, value, atMs }): TimedSample => {
    const labels = ownLabels(namespace, names.get(clusterUid) ?? '');
    return { series: withLabels(series, labels), type, value, atMs };
  });
  const body = Buffer.from(writeMetrics(samples), 'utf8');
  return accepted({ kind: 'bytes', code: 200, type: TEXT_FORMAT, body });
}

function clusterOf({ store }: OrganizationPageParts, namespace: string, name: string): StoredEntity | Refused {
  return (
    store.get({ group: API_GROUP, resource: 'clusters', namespace, name }) ?? notFound({ group: API_GROUP, resource: 'clusters', name })
  );
}

/** As they stand between the braces of a series. Names of namespaces and clusters need no escaping. */
function ownLabels(namespace: string, cluster: string): string {
  return `cluster="${cluster}",organization="${namespace}"`;
}

// ---- over time --------------------------------------------------------------------------------------------------------------------------

interface Asked {
  readonly metric: string;
  readonly cluster: string;
  readonly startMs: number;
  readonly endMs: number;
  readonly stepMs: number;
}

async function range(parts: OrganizationPageParts, namespace: string, query: Query, signal: AbortSignal): Promise<Outcome<Reply>> {
  const asked = readAsked(query);
  if (typeof asked === 'string') return badRequest(asked);
  const cluster = clusterOf(parts, namespace, asked.cluster);
  if (!('uid' in cluster)) return cluster;
  const { metric, startMs, endMs, stepMs } = asked;
  const about = { clusterUid: cluster.uid, name: metric, startMs, endMs, stepMs, lookbackMs: LIMITS.metricStaleMs };
  const points = Math.floor((endMs - startMs) / stepMs) + 1;
  const maxSeries = Math.min(LIMITS.metricQuerySeries, Math.floor(LIMITS.metricAnswerSamples / points));
  const curves = await parts.metrics.range(about, maxSeries, signal);
  if (curves === 'too-many') return tooMuch(`${metric} has more than ${maxSeries} series at so many steps; take a longer step`);
  const result = curves.map(({ series, points: own }): JsonObject => {
    const { name = metric, labels = [] } = readSeries(series) ?? {};
    return {
      metric: { __name__: name, organization: namespace, cluster: asked.cluster, ...Object.fromEntries(labels) },
      values: own.map(([atMs, value]) => [atMs / 1000, String(value)]),
    };
  });
  return accepted(jsonReply(200, { status: 'success', data: { resultType: 'matrix', result } }));
}

/** A string says what is wrong. */
function readAsked(query: Query): Asked | string {
  const metric = query.get('metric') ?? '';
  if (!METRIC_NAME.test(metric) || seriesText({ name: metric, labels: [] }) !== metric)
    return 'metric must be the name of a metric, for example outrigger_node_machine_load1';
  const cluster = query.get('cluster') ?? '';
  if (cluster === '') return 'cluster must be the name of a cluster';
  const [startMs, endMs] = [timeOf(query.get('start')), timeOf(query.get('end'))];
  if (startMs === undefined || endMs === undefined) return 'start and end must be times, in seconds since 1970 or as 2030-01-31T08:00:00Z';
  const stepMs = stepOf(query.get('step'));
  if (stepMs === undefined) return 'step must be a time of at least a second, in seconds or as 30s, 5m, 1h';
  if (endMs < startMs) return 'end must not lie before start';
  if ((endMs - startMs) / stepMs >= LIMITS.metricQueryPoints)
    return `from start to end there are more than ${LIMITS.metricQueryPoints} steps; take a longer step`;
  return { metric, cluster, startMs, endMs, stepMs };
}

/** As Prometheus takes them: seconds since 1970 with a fraction, or RFC 3339. */
function timeOf(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const ms = /^\d{1,11}(?:\.\d{1,9})?$/.test(text) ? Number(text) * 1000 : /^\d{4}-\d\d-\d\dT/.test(text) ? Date.parse(text) : Number.NaN;
  return Number.isFinite(ms) && ms >= 0 ? Math.round(ms) : undefined;
}

const UNITS_MS: Readonly<Record<string, number>> = { '': 1000, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

function stepOf(text: string | undefined): number | undefined {
  const [, count, unit = ''] = /^(\d{1,7}(?:\.\d{1,3})?)([smhd]?)$/.exec(text ?? '') ?? [];
  const ms = Math.round(Number(count) * (UNITS_MS[unit] ?? Number.NaN));
  return ms >= 1000 ? ms : undefined;
}

function tooMuch(message: string): Refused {
  return refused(413, 'RequestEntityTooLarge', message);
}
