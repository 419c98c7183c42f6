/**
 * The trace of one attempt at creating a cluster: its spans, and how they are named so that no part hands anything to another.
 *
 * I1: trace and span ids follow from the Cluster's uid, the attempt and what the span is of: every part finds the same ones, and a span that is told twice
 *     is the same span.
 * I2: the attempt's own span is the root, and every other one hangs below it: steps and what hosts and agents do as its children, each write of an
 *     extension server below the step that was at work, each request that a director answered below what sent it.
 * I3: spans hold names and times of the record, and nothing that is secret.
 * I4: a header `traceparent` is taken when it is of the form that W3C gives it and says that it is sampled; any other one is as good as none.
 */

import { shortHash } from '../base/canonical.ts';
import type { Attempt, Step } from '../model/attempt.ts';
import type { Cluster } from '../model/cluster.ts';
import { attemptNews } from './attempt-news.ts';

/** Which attempt a span is of. */
export interface TracedAttempt {
  readonly clusterUid: string;
  /** `<namespace>/<name>` */
  readonly cluster: string;
  readonly attempt: number;
}

export interface Span {
  /** 32 hex digits. */
  readonly traceId: string;
  /** 16 hex digits; undefined parent: the root. */
  readonly spanId: string;
  readonly parentSpanId: string | undefined;
  readonly name: string;
  /** Wall time, ms since 1970: for people. */
  readonly startMs: number;
  readonly endMs: number;
  /** Why it failed, as a sentence; undefined: it did not. */
  readonly failure: string | undefined;
  readonly attributes: Readonly<Record<string, string | number>>;
}

export function traceIdOf({ clusterUid, attempt }: TracedAttempt): string {
  return shortHash(['trace', clusterUid, attempt]) + shortHash(['trace, second half', clusterUid, attempt]);
}

/** `of`: what the span is of, unique within its attempt; empty: the attempt itself. */
export function spanIdOf({ clusterUid, attempt }: TracedAttempt, of: string): string {
  return shortHash(['span', clusterUid, attempt, of]);
}

/** What is told of a span; `parentOf`: what the span above it is of, the attempt itself unless given. */
export type ToldOf = Pick<Span, 'name' | 'startMs' | 'endMs'> &
  Partial<Pick<Span, 'failure' | 'attributes'>> & { readonly parentOf?: string };

/** What a part did for an attempt. `of` tells it from the other spans, `name` is what people read. */
export function spanOf(traced: TracedAttempt, of: string, span: ToldOf): Span {
  return {
    traceId: traceIdOf(traced),
    spanId: spanIdOf(traced, of),
    parentSpanId: of === '' ? undefined : spanIdOf(traced, span.parentOf ?? ''),
    name: span.name,
    startMs: span.startMs,
    endMs: Math.max(span.startMs, span.endMs),
    failure: span.failure,
    attributes: { 'outrigger.cluster': traced.cluster, 'outrigger.attempt': traced.attempt, ...span.attributes },
  };
}

/** The spans that one write of a cluster's record completes: steps that are done, and attempts that ended. */
export function creationSpans(before: Cluster, after: Cluster): readonly Span[] {
  const { steps, ended } = attemptNews(before, after);
  return [
    ...steps.map((step) =>
      spanOf(tracedOf(after, step.attempt), stepOf(step.name), {
        name: stepOf(step.name),
        startMs: Date.parse(step.startedAt),
        endMs: Date.parse(step.endedAt),
        ...(step.waitedFor === undefined ? {} : { attributes: { 'outrigger.waited_for': step.waitedFor } }),
      }),
    ),
    ...ended.flatMap((attempt) => [...cutShort(after, attempt), rootSpan(after, attempt)]),
  ];
}

/** What the span of a step is of (`of` of spanOf), and its name. */
function stepOf(step: Step): string {
  return `step ${step}`;
}

/** The step in which an attempt ended without being done with it. */
function cutShort(cluster: Cluster, attempt: Attempt): readonly Span[] {
  const { step, stepStartedAt, endedAt, message, outcome } = attempt;
  if (outcome === 'Available' || step === undefined || stepStartedAt === undefined || endedAt === undefined) return [];
  if ((attempt.steps ?? []).some(({ name }) => name === step)) return [];
  const [startMs, endMs] = [Date.parse(stepStartedAt), Date.parse(endedAt)];
  return [spanOf(tracedOf(cluster, attempt.number), stepOf(step), { name: stepOf(step), startMs, endMs, failure: message ?? 'It ended.' })];
}

/** Below what a write of the cluster's creation belongs: the step at work, else the attempt itself. Undefined: it is not being created. */
export function writeParentOf(cluster: Cluster): { readonly traced: TracedAttempt; readonly of: string } | undefined {
  const { metadata, status } = cluster;
  if (status?.availableAt !== undefined || metadata.deletionTimestamp !== undefined) return undefined;
  // What is done before the first attempt leads to it.
  const traced = tracedOf(cluster, status?.attempt ?? 1);
  const record = status?.attempts?.find(({ number }) => number === traced.attempt);
  const isAtWork =
    record?.step !== undefined && record.endedAt === undefined && !(record.steps ?? []).some(({ name }) => name === record.step);
  return { traced, of: isAtWork ? stepOf(record.step as Step) : '' };
}

/** The first attempt at a Cluster that was just made. */
export function firstAttemptOf(namespace: string, name: string, clusterUid: string): TracedAttempt {
  return { clusterUid, cluster: `${namespace}/${name}`, attempt: 1 };
}

/** The span that a request is sent below, as it travels in the header `traceparent`. */
export interface SpanContext {
  readonly traceId: string;
  readonly spanId: string;
}

/** `traceparent` of what is done below the span `of`. Source: https://www.w3.org/TR/trace-context/ */
export function traceparentOf(traced: TracedAttempt, of: string): string {
  return `00-${traceIdOf(traced)}-${spanIdOf(traced, of)}-01`;
}

/** Undefined: there is none, it is malformed, or its trace is not recorded. */
export function parentOf(traceparent: string | undefined): SpanContext | undefined {
  const [, version, traceId = '', spanId = '', flags = '', more] = TRACEPARENT.exec(traceparent ?? '') ?? [];
  if (version === undefined || version === 'ff' || (version === '00' && more !== undefined)) return undefined;
  if (/^0+$/.test(traceId) || /^0+$/.test(spanId)) return undefined;
  return (Number.parseInt(flags, 16) & 1) === 1 ? { traceId, spanId } : undefined;
}

/** A version to come may say more, after another dash. */
const TRACEPARENT = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.{0,256})?$/;

function rootSpan(cluster: Cluster, attempt: Attempt): Span {
  const startMs = Date.parse(attempt.startedAt);
  return spanOf(tracedOf(cluster, attempt.number), '', {
    name: 'creation of a cluster',
    startMs,
    endMs: attempt.endedAt === undefined ? startMs : Date.parse(attempt.endedAt),
    ...(attempt.outcome === 'Available' ? {} : { failure: attempt.message ?? attempt.outcome ?? 'It ended.' }),
    attributes: { 'outrigger.outcome': attempt.outcome ?? '' },
  });
}

function tracedOf({ metadata }: Cluster, attempt: number): TracedAttempt {
  return { clusterUid: metadata.uid, cluster: `${metadata.namespace ?? ''}/${metadata.name}`, attempt };
}
