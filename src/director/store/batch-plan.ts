/**
 * Compare-and-swap in memory: what a batch of writes does to a copy that is exactly at the database's revision.
 *
 * The copy at revision R *is* the database at R, so the checks need no query. The commit is fenced by R: it writes only if nobody has written since,
 * and then every verdict here was exact, accepted or refused.
 *
 * I1: verdicts are those of the writes done one after another, in their order.
 * I2: a plan changes each key at most once; the write that would change one again, and all after it, are left for the next batch.
 * I3: revisions are foreseen without a gap: base + 1, base + 2, … for the accepted writes, in order.
 */

import { assert } from '../../base/assert.ts';
import type { Change, EntityKey, StoredEntity, StoreEvent, Write, WriteOutcome } from '../../ports/store.ts';
import { keyText } from './key.ts';

type Verdict =
  | { readonly kind: 'accepted'; readonly change: number }
  /** What stood against it is there already, … */
  | { readonly kind: 'refused'; readonly outcome: WriteOutcome }
  /** … or is made by an earlier write of this batch. */
  | { readonly kind: 'refusedBy'; readonly reason: 'exists' | 'stale'; readonly change: number };

export interface BatchPlan {
  readonly base: number;
  readonly changes: readonly Change[];
  /** One for each of the first writes; the others were left. */
  readonly verdicts: readonly Verdict[];
}

export function planBatch(writes: readonly Write[], base: number, look: (key: EntityKey) => StoredEntity | undefined): BatchPlan {
  const changes: Change[] = [];
  const verdicts: Verdict[] = [];
  const changed = new Map<string, number>();
  for (const write of writes) {
    const text = keyText(write.key);
    const earlier = changed.get(text);
    const verdict =
      earlier === undefined ? judge(write, look(write.key), changes.length) : judgeAgain(write, changes[earlier] as Change, earlier);
    if (verdict === 'again') break;
    verdicts.push(verdict);
    if (verdict.kind !== 'accepted') continue;
    changed.set(text, changes.length);
    changes.push(changeOf(write, base + changes.length + 1, look(write.key)));
  }
  return { base, changes, verdicts };
}

/** The answers, once the plan's changes were committed and applied: `events` are theirs, in order. */
export function outcomesOf(plan: BatchPlan, events: readonly StoreEvent[]): WriteOutcome[] {
  const entityOf = (change: number): StoredEntity => {
    const event = events[change];
    assert(event !== undefined && event.entity.revision === plan.base + change + 1, 'every accepted write has its event');
    return event.entity;
  };
  return plan.verdicts.map((verdict): WriteOutcome => {
    if (verdict.kind === 'accepted') return { ok: true, entity: entityOf(verdict.change) };
    if (verdict.kind === 'refused') return verdict.outcome;
    return { ok: false, reason: verdict.reason, current: entityOf(verdict.change) };
  });
}

function judge(write: Write, current: StoredEntity | undefined, change: number): Verdict {
  if (write.op === 'create') {
    if (current !== undefined) return { kind: 'refused', outcome: { ok: false, reason: 'exists', current } };
    return { kind: 'accepted', change };
  }
  if (current === undefined) return { kind: 'refused', outcome: { ok: false, reason: 'missing' } };
  if (current.uid !== write.uid || current.revision !== write.ifRevision) {
    return { kind: 'refused', outcome: { ok: false, reason: 'stale', current } };
  }
  return { kind: 'accepted', change };
}

/** A key that this batch has changed. Nobody outside knows that revision yet, so only a creation after a deletion can be accepted. */
function judgeAgain(write: Write, earlier: Change, index: number): Verdict | 'again' {
  const gone = earlier.body === undefined;
  if (write.op === 'create') return gone ? 'again' : { kind: 'refusedBy', reason: 'exists', change: index };
  if (gone) return { kind: 'refused', outcome: { ok: false, reason: 'missing' } };
  if (write.uid === earlier.uid && write.ifRevision === earlier.revision) return 'again';
  return { kind: 'refusedBy', reason: 'stale', change: index };
}

function changeOf(write: Write, revision: number, current: StoredEntity | undefined): Change {
  const body = write.op === 'delete' ? undefined : write.body;
  return { revision, key: write.key, uid: write.uid, previous: current?.revision, body };
}
