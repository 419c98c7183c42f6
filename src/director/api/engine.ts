/**
 * What the verbs work with: the store, the kinds, the doors to time and chance, and who is asked before a write.
 */

import type { Clock } from '../../ports/clock.ts';
import type { Log } from '../../ports/log.ts';
import type { Random } from '../../ports/random.ts';
import type { EntityStore } from '../../ports/store.ts';
import type { Admission } from '../admission/admission.ts';
import type { Attributes, Authorizer, Identity } from '../auth/identity.ts';
import type { FieldValidation } from './query.ts';
import type { Registry } from './registry.ts';

export interface Engine {
  readonly store: EntityStore;
  readonly registry: Registry;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly authorizer: Pick<Authorizer, 'authorize' | 'authorizeWrite'>;
  readonly admission: Admission;
  /** Something was deleted or marked for it: the garbage collector may have work. */
  readonly onDeletion: () => void;
}

/** Who writes, and what they asked for. */
export interface Caller {
  readonly identity: Identity;
  readonly attributes: Attributes;
  readonly signal: AbortSignal;
  /** The director itself: bundled objects and garbage collection. Admission and the rules of content do not bind it. */
  readonly internal: boolean;
}

export interface WriteOptions {
  readonly dryRun: boolean;
  readonly validation: FieldValidation;
  /**
   * Fields of the request that the kind does not know; found by the first try, because pruning takes them off the request's own values, and
   * kept for all later ones.
   */
  readonly unknown: Set<string>;
}

export function writeOptions(dryRun: boolean, validation: FieldValidation): WriteOptions {
  return { dryRun, validation, unknown: new Set() };
}

/** Wall time as metadata has it: RFC 3339 in whole seconds. */
export function timestamp(clock: Clock): string {
  return `${new Date(clock.nowMs()).toISOString().slice(0, 19)}Z`;
}
