/**
 * Calls below a span: how what a part does for a creation, and what the director does about it, become one trace.
 */

import { traceparentOf } from '../decide/trace.ts';
import type { TracedAttempt } from '../decide/trace.ts';
import type { EntityApi } from '../ports/api.ts';
import type { Tracer } from '../ports/tracer.ts';

/** The same API, whose calls are made below the span `of`; without a tracer, or where the API cannot tell, the API itself. */
export function below(api: EntityApi, tracer: Tracer | undefined, traced: TracedAttempt, of: string): EntityApi {
  return tracer === undefined ? api : (api.traced?.(traceparentOf(traced, of)) ?? api);
}
