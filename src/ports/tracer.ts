/**
 * The door to a collector of traces.
 *
 * I1: telling a span never waits, fails or holds anything up; what cannot be delivered is dropped and counted.
 */

import type { Span } from '../decide/trace.ts';

export interface Tracer {
  tell(span: Span): void;
  /** Sends what waits, within a second; what is not taken by then is dropped. Call it before the process ends. */
  flush(): Promise<void>;
  /** Spans that were dropped: the queue was full, or the collector did not take them. */
  dropped(): number;
}
