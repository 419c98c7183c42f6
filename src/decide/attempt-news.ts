/**
 * What one write changed in the attempts at a cluster: which began, which steps were done, which ended.
 *
 * I1: an attempt that was there before is not begun again, and one that had ended does not end again, whatever else was written of it.
 */

import type { Attempt } from '../model/attempt.ts';
import type { Cluster } from '../model/cluster.ts';

export interface AttemptNews {
  /** Attempts that were not there before. */
  readonly begun: number;
  /** Attempts that ended with this write. */
  readonly ended: readonly Attempt[];
  /** Steps that were done with this write, with the number of their attempt. */
  readonly steps: readonly (Attempt['steps'][number] & { readonly attempt: number })[];
}

export const ATTEMPT_NEWS_NONE: AttemptNews = { begun: 0, ended: [], steps: [] };

export function attemptNews(before: Cluster, after: Cluster): AttemptNews {
  const [old, now] = [before.status?.attempts ?? [], after.status?.attempts ?? []];
  if (old === now || before.metadata.uid !== after.metadata.uid) return ATTEMPT_NEWS_NONE;
  const known = new Map(old.map((one) => [one.number, one]));
  const newest = old.reduce((most, one) => Math.max(most, one.number), 0);
  const news: AttemptNews = {
    begun: now.filter((one) => one.number > newest).length,
    ended: now.filter((one) => one.endedAt !== undefined && known.get(one.number)?.endedAt === undefined && isCurrent(one, known, newest)),
    steps: now.filter((one) => isCurrent(one, known, newest)).flatMap((one) => stepsSince(known.get(one.number), one)),
  };
  return news.begun === 0 && news.ended.length === 0 && news.steps.length === 0 ? ATTEMPT_NEWS_NONE : news;
}

/** Known before, or begun since; not one that had been dropped from the record. */
function isCurrent({ number }: Attempt, known: ReadonlyMap<number, Attempt>, newest: number): boolean {
  return known.has(number) || number > newest;
}

/** An attempt that had ended does no more steps; what is kept of it may not tell those that it did. */
function stepsSince(old: Attempt | undefined, now: Attempt): AttemptNews['steps'] {
  if (old?.endedAt !== undefined) return [];
  const done = new Set((old?.steps ?? []).map((step) => step.name));
  return (now.steps ?? []).filter((step) => !done.has(step.name)).map((step) => ({ ...step, attempt: now.number }));
}
