/**
 * What a node tells of itself in the trace of the attempt that made it: its join, and that it became ready.
 *
 * I1: each is told at most once, and readiness only by the life that joined: what comes long after its creation is no part of it.
 */

import { below } from '../client/traced.ts';
import { spanOf, traceparentOf } from '../decide/trace.ts';
import type { TracedAttempt } from '../decide/trace.ts';
import type { EntityApi } from '../ports/api.ts';
import type { Clock } from '../ports/clock.ts';
import type { Tracer } from '../ports/tracer.ts';
import type { NodeFile } from './node-file.ts';

export interface NodeTrace {
  /** `traceparent` of the join. */
  readonly join: string;
  /** The node has its certificate; it began to join at `fromMs` (wall time). */
  joined(fromMs: number): void;
  /** By which it reports how it is: until a director knows that it is ready that belongs to the trace. */
  reporting(api: EntityApi): EntityApi;
  /** A director knows that it is ready. */
  ready(): void;
}

const DOING = { join: 'join', ready: 'become ready' } as const;

/** Undefined: nothing is traced. */
export function nodeTrace(tracer: Tracer | undefined, node: NodeFile, clock: Clock): NodeTrace | undefined {
  const { attempt, clusterUid, namespace, cluster, nodeUid } = node;
  if (tracer === undefined || attempt === undefined) return undefined;
  const traced: TracedAttempt = { clusterUid, cluster: `${namespace}/${cluster}`, attempt };
  const attributes = { 'outrigger.node': node.node, 'outrigger.incarnation': node.incarnation };
  const keyOf = (what: keyof typeof DOING): string => `${what} ${nodeUid} ${node.incarnation}`;
  let joinedMs: number | undefined;
  const tell = (what: keyof typeof DOING, startMs: number): void =>
    tracer.tell(spanOf(traced, keyOf(what), { name: `agent: ${DOING[what]}`, startMs, endMs: clock.nowMs(), attributes }));
  return {
    join: traceparentOf(traced, keyOf('join')),
    joined: (fromMs) => {
      joinedMs = clock.nowMs();
      tell('join', fromMs);
    },
    reporting: (api) => (joinedMs === undefined ? api : below(api, tracer, traced, keyOf('ready'))),
    ready: () => {
      if (joinedMs === undefined) return;
      tell('ready', joinedMs);
      joinedMs = undefined;
    },
  };
}
