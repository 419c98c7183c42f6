/**
 * The loop through which every change of an existing object goes: look, decide, compare-and-swap, and again from the newer state.
 *
 * It starts from this director's copy, which is nearly always the newest state, and pays for a look at the counter only where the answer
 * would otherwise rest on an old one: when it refuses, when nothing would change, when there is no such object.
 *
 * I1: every answer is as fresh as its request: what is refused or found unchanged was so at some moment after the request came.
 * I2: a write is guarded by the uid and revision that it was decided on.
 */

import { assert } from '../../base/assert.ts';
import { LIMITS } from '../../model/limits.ts';
import type { EntityKey, EntityStore, StoredEntity, Write, WriteOutcome } from '../../ports/store.ts';
import { accepted } from './status.ts';
import type { Outcome, Refused } from './status.ts';

/** What to do with a state. `keep`: nothing; `bytes` is the answer when it is not the state itself (a dry run). */
export type Decision =
  | { readonly do: 'write'; readonly body: Buffer }
  | { readonly do: 'delete' }
  | { readonly do: 'keep'; readonly bytes?: Buffer };

export interface Modified {
  /** The object as it is now; after a deletion its last state. */
  readonly bytes: Buffer;
  readonly entity: StoredEntity;
  readonly deleted: boolean;
}

export interface Modification {
  readonly key: EntityKey;
  readonly signal: AbortSignal;
  /** Called with ever newer states. */
  readonly decide: (current: StoredEntity) => Outcome<Decision>;
  readonly missing: () => Refused;
  /** After too many lost races. */
  readonly contended: () => Refused;
}

export async function modify(store: EntityStore, { key, signal, decide, missing, contended }: Modification): Promise<Outcome<Modified>> {
  let current = store.get(key);
  let fresh = false;
  for (let tries = 0; tries < LIMITS.writeTries; tries++) {
    const decision = current === undefined ? missing() : decide(current);
    if (current === undefined || !decision.ok || decision.value.do === 'keep') {
      if (fresh) return settled(decision, current);
      await store.fresh(signal);
      fresh = true;
      // Decided anew even when this object is the same: what stands around it (its namespace, a quota) may be newer too.
      current = store.get(key);
      continue;
    }
    const outcome = await store.write(writeOf(key, current, decision.value), signal);
    if (outcome.ok) return accepted({ bytes: outcome.entity.bytes, entity: outcome.entity, deleted: decision.value.do === 'delete' });
    fresh = true;
    current = newerState(outcome);
  }
  return contended();
}

function settled(decision: Outcome<Decision>, current: StoredEntity | undefined): Outcome<Modified> {
  if (!decision.ok) return decision;
  assert(current !== undefined && decision.value.do === 'keep', 'only a state that stays is settled');
  return accepted({ bytes: decision.value.bytes ?? current.bytes, entity: current, deleted: false });
}

function writeOf(key: EntityKey, current: StoredEntity, decision: Decision): Write {
  const guard = { key, uid: current.uid, ifRevision: current.revision };
  return decision.do === 'write' ? { op: 'update', ...guard, body: decision.body } : { op: 'delete', ...guard };
}

function newerState(outcome: Exclude<WriteOutcome, { readonly ok: true }>): StoredEntity | undefined {
  return outcome.reason === 'missing' ? undefined : outcome.current;
}
