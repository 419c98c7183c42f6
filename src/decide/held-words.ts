/**
 * Words that may wait: each change of a creating cluster's status is told to everybody who watches it, and while nodes start most changes are of the
 * sentence alone. Such a write is held back for a moment, because the next fact mostly makes it needless; a fact is never held back.
 *
 * I1: a write is held back only when nothing but sentences (and their times) would change; a step, a condition's status or reason, what the
 *     attempt stands for and its log are facts.
 * I2: what is shown is out of date for at most LIMITS.wordsHeldMs of the server's own observation.
 * I3: that no host takes a node is said only after it was seen for so long: one that can does so within milliseconds.
 */

import { isSameValue } from '../base/canonical.ts';
import type { Attempt } from '../model/attempt.ts';
import type { ClusterStatus } from '../model/cluster.ts';
import { LIMITS } from '../model/limits.ts';
import type { ClusterView } from './cluster-view.ts';
import type { Pending } from './creation-words.ts';
import type { Effect } from './effect.ts';
import { seenMs } from './observation.ts';

/** What is timed, and how long it still waits. */
export interface Hold {
  readonly key: string;
  readonly leftMs: number;
}

/** How long the write of `patch` may still wait; undefined: it brings more than words, or has waited long enough. */
export function wordsHold(view: ClusterView, patch: readonly Effect[]): Hold | undefined {
  const [write] = patch;
  const shown = view.cluster.status;
  if (patch.length !== 1 || write?.kind !== 'PatchClusterStatus' || shown === undefined) return undefined;
  if (Object.keys(write.status).some((field) => !WORDED.has(field))) return undefined;
  if (!isSameValue(factsOf(shown), factsOf({ ...shown, ...write.status }))) return undefined;
  const said = shown.attempts?.at(-1);
  return held(view, `words/${view.cluster.metadata.uid}/${said?.number}/${said?.step}/${said?.waits}`);
}

/** What a step says that waits for a host, until that is worth saying; undefined: it is, or it waits for something else. */
export function unclaimedHold(view: ClusterView, record: Attempt, result: Pending): (Hold & { readonly result: Pending }) | undefined {
  if (result.state !== 'Wait' || result.waitingFor !== 'Host' || record.waitingFor === 'Host') return undefined;
  const hold = held(view, `unclaimed/${view.cluster.metadata.uid}/${record.number}/${record.step}`);
  if (hold === undefined) return undefined;
  const [message = result.message] = result.message.split(':', 1);
  return { ...hold, result: { state: 'Wait', reason: 'NodeNotReady', message } };
}

/** The fields of a status that hold sentences. */
const WORDED: ReadonlySet<string> = new Set(['attempts', 'conditions', 'errorSet']);

function factsOf({ attempts, conditions, errorSet }: ClusterStatus): unknown {
  return {
    attempts: attempts?.map(withoutWaits),
    conditions: conditions?.map(({ type, status, reason }) => ({ type, status, reason })),
    errorSet: errorSet?.map(({ reason }) => reason),
  };
}

function withoutWaits(attempt: Attempt): Attempt {
  const facts = { ...attempt };
  delete facts.waits;
  return facts;
}

function held(view: ClusterView, key: string): Hold | undefined {
  const leftMs = LIMITS.wordsHeldMs - seenMs(view.seen, key, view.monotonicMs);
  return leftMs > 0 ? { key, leftMs } : undefined;
}
