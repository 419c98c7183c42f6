/**
 * Where sites bring their samples: POST /outrigger/v1/metrics, by a node's certificate. Shapes: src/model/metric.ts.
 *
 * I1: a node brings samples of its own cluster and no other: which one that is follows from its certificate, never from what it says.
 * I2: what a site sends is bounded in rounds, samples, series and calls; what cannot be kept is told, so that no site sends it for ever.
 * I3: at most one shipment of a cluster is under way here, so that no site takes the database for itself.
 */

import { isSeries, readShipment } from '../../decide/metric-shipment.ts';
import { isFault } from '../../model/fault.ts';
import type { JsonObject } from '../../model/json.ts';
import { LIMITS } from '../../model/limits.ts';
import type { MetricReceipt, Round } from '../../model/metric.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Log } from '../../ports/log.ts';
import type { MetricStore } from '../../ports/metric-store.ts';
import { badRequestStatus, forbiddenStatus, methodStatus, tooManyStatus, unauthorizedStatus } from '../auth/answer.ts';
import { isRefused } from '../auth/identity.ts';
import type { AuthAnswer, Authenticator, Identity, OwnRequest } from '../auth/identity.ts';
import type { NodeFacts, Relations } from '../auth/relations.ts';
import { createRateLimit } from '../license/rate-limit.ts';
import type { RateLimit } from '../license/rate-limit.ts';

export interface MetricDeskParts {
  readonly metrics: MetricStore;
  readonly authenticator: Authenticator;
  readonly relations: Relations;
  readonly clock: Clock;
  readonly log: Log;
}

export interface MetricDesk {
  take(request: OwnRequest, signal: AbortSignal): Promise<AuthAnswer>;
  /** Sweeps what is older than the retention, until the signal aborts. */
  run(signal: AbortSignal): Promise<void>;
}

interface Desk extends MetricDeskParts {
  readonly limit: RateLimit;
  /** uids of clusters. */
  readonly underWay: Set<string>;
}

export function createMetricDesk(parts: MetricDeskParts): MetricDesk {
  const desk: Desk = { ...parts, limit: createRateLimit(parts.clock, LIMITS.metricShipmentsPerMinute), underWay: new Set() };
  return { take: (request, signal) => take(desk, request, signal), run: (signal) => sweepForever(desk, signal) };
}

async function take(desk: Desk, request: OwnRequest, signal: AbortSignal): Promise<AuthAnswer> {
  if (request.method !== 'POST') return methodStatus('POST');
  const identity = await desk.authenticator.authenticate(request.credentials);
  if (isRefused(identity)) return unauthorizedStatus(identity.refused);
  const node = senderOf(desk.relations, identity);
  if (typeof node === 'string') return forbiddenStatus(node);
  const { clusterUid } = node;
  const waitSeconds = desk.limit(clusterUid);
  if (waitSeconds > 0) return tooManyStatus(`The cluster ${node.cluster} has sent samples too often; wait.`, waitSeconds);
  if (desk.underWay.has(clusterUid)) return tooManyStatus(`A shipment of the cluster ${node.cluster} is being written; wait for it.`, 1);
  const read = readShipment(request.body);
  if (!read.ok) return badRequestStatus(`Samples of ${node.cluster} cannot be read: ${read.message}.`);
  desk.underWay.add(clusterUid);
  try {
    const receipt = await keep(desk, clusterUid, read.rounds, signal);
    if (receipt.dropped > 0)
      desk.log.warn('Samples of a site are not kept.', {
        cluster: `${node.namespace}/${node.cluster}`,
        dropped: receipt.dropped,
        why: receipt.message,
      });
    return { status: 200, body: receipt as unknown as JsonObject };
  } finally {
    desk.underWay.delete(clusterUid);
  }
}

/** The node that sends, or why it may not. */
function senderOf(relations: Relations, { node: bearer }: Identity): NodeFacts | string {
  if (bearer === undefined) return 'Samples are sent by nodes of a cluster, with the certificate of the node.';
  const node = relations.node(bearer.uid);
  if (node === undefined) return `This director knows no ClusterNode with uid ${bearer.uid}; keep the samples and try again.`;
  if (node.incarnation === bearer.incarnation) return node;
  return `The certificate is that of incarnation ${bearer.incarnation} of ${node.name}, which is replaced by incarnation ${node.incarnation}.`;
}

async function keep(desk: Desk, clusterUid: string, rounds: readonly Round[], signal: AbortSignal): Promise<MetricReceipt> {
  const nowMs = Math.round(desk.clock.nowMs());
  const [oldestMs, latestMs] = [nowMs - LIMITS.metricRetentionMs, nowMs + LIMITS.metricAheadMs];
  const judged = new Map<string, boolean>();
  const isKnown = (series: string): boolean => {
    const known = judged.get(series);
    if (known !== undefined) return known;
    const verdict = isSeries(series);
    judged.set(series, verdict);
    return verdict;
  };
  const why: string[] = [];
  let dropped = 0;
  const kept = rounds.flatMap((round): Round[] => {
    if (round.atMs < oldestMs || round.atMs > latestMs) {
      dropped += round.samples.length;
      why.push(`of ${timeOf(round.atMs)}, which is ${round.atMs > latestMs ? 'in the future' : 'longer ago than samples are kept'}`);
      return [];
    }
    const samples = round.samples.filter(({ series }) => isKnown(series));
    dropped += round.samples.length - samples.length;
    if (samples.length < round.samples.length) why.push('of series whose text is none, or that name an organization or cluster');
    return [{ ...round, samples }];
  });
  const written = kept.length === 0 ? { kept: 0, dropped: 0 } : await desk.metrics.write(clusterUid, kept, signal);
  const refused = why[0] === undefined ? undefined : `Samples ${why[0]}, are not kept.`;
  const message = [written.message, refused].filter((part) => part !== undefined).join(' ');
  return { kept: written.kept, dropped: dropped + written.dropped, ...(message === '' ? {} : { message }), nowMs };
}

function timeOf(ms: number): string {
  // Whatever number a site sends; a Date takes no more than 8.64e15.
  return ms > 8.64e15 ? `${ms} ms` : new Date(ms).toISOString();
}

async function sweepForever({ metrics, clock, log }: Desk, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    try {
      const gone = await metrics.sweep(clock.nowMs() - LIMITS.metricRetentionMs, LIMITS.metricSweepRows, signal);
      if (gone >= LIMITS.metricSweepRows) continue;
    } catch (error) {
      if (!isFault(error)) throw error;
      if (!signal.aborted) log.warn('Old samples cannot be swept; it is tried again.', { error });
    }
    await clock.sleep(LIMITS.metricSweepMs, signal).catch(() => undefined);
  }
}
