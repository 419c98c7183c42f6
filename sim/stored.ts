/**
 * An entity as the simulated store keeps it.
 */

import type { ObjectMeta } from '../src/model/resource.ts';

export interface Stored {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: ObjectMeta;
  readonly spec?: unknown;
  readonly status?: unknown;
}
