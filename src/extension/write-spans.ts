/**
 * What an extension server tells in the trace of a creation of its own writes: one span each, below the step that was at work.
 *
 * I1: only of a cluster that is being created, and nothing at all without a tracer.
 */

import { below } from '../client/traced.ts';
import type { WriteEffect } from '../decide/effect.ts';
import { spanOf, writeParentOf } from '../decide/trace.ts';
import type { Cluster } from '../model/cluster.ts';
import type { EntityApi } from '../ports/api.ts';
import type { Clock } from '../ports/clock.ts';
import type { Tracer } from '../ports/tracer.ts';

/** One write that is under way. */
export interface WriteSpan {
  /** By which it is to be made. */
  readonly api: EntityApi;
  /** It ended; `failure`: why it was not done. */
  ended(failure: string | undefined): void;
}

export type WriteSpans = (effect: WriteEffect) => WriteSpan;

export interface WriteSpanParts {
  readonly api: EntityApi;
  readonly clock: Clock;
  /** Of this life of this server. */
  readonly component: string;
  readonly tracer?: Tracer;
}

let writes = 0;

/** `cluster`: as it was when the writes were decided on; a step ends with the write that records it. Undefined: they are not traced. */
export function writeSpans({ api, clock, component, tracer }: WriteSpanParts, cluster: Cluster): WriteSpans | undefined {
  const parent = tracer === undefined ? undefined : writeParentOf(cluster);
  if (tracer === undefined || parent === undefined) return undefined;
  const { traced, of: parentOf } = parent;
  return (effect) => {
    const of = `write ${component} ${(writes += 1)}`;
    const startMs = clock.nowMs();
    const subject = effect.kind === 'CreateNode' ? effect.node.metadata.name : effect.on.name;
    return {
      api: below(api, tracer, traced, of),
      ended: (failure) =>
        tracer.tell(
          spanOf(traced, of, {
            name: `write ${effect.kind}`,
            parentOf,
            startMs,
            endMs: clock.nowMs(),
            failure,
            attributes: { 'outrigger.object': subject, 'outrigger.server': component },
          }),
        ),
    };
  };
}
