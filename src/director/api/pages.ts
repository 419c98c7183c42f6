/**
 * Paths of the director that are for no resource and not for everybody with a right to a path: each judges by itself what its caller may see.
 */

import type { Identity } from '../auth/identity.ts';
import type { Query } from './query.ts';
import type { Reply } from './reply.ts';
import type { Outcome } from './status.ts';

export interface PageRequest {
  readonly method: string;
  readonly path: string;
  readonly query: Query;
  /** Authenticated. */
  readonly identity: Identity;
  readonly remoteAddress: string;
}

export interface PageHandler {
  serves(path: string): boolean;
  /** I1: nothing is told of what `identity` may not read, not even whether it is there. */
  answer(request: PageRequest, signal: AbortSignal): Promise<Outcome<Reply>>;
}
