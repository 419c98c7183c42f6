/**
 * What of a site's samples goes to the directors next.
 *
 * The newest round goes first: after a cut, people and alerts look at what is now, and what was can wait; what is missing from before follows from its
 * oldest end, because that is what the site will have to forget first.
 *
 * I1: a round counts as shipped only once it was acknowledged; until then it is sent again.
 * I2: what was acknowledged is remembered as at most LIMITS.metricAcknowledgedRanges ranges; what is forgotten is only sent again.
 * I3: what the site no longer has is neither sent nor counted as missing.
 */

import { LIMITS } from '../model/limits.ts';

/** From and to, both included. */
export type Range = readonly [number, number];

/** In order, with gaps between them. */
export type Acknowledged = readonly Range[];

/** The sequences that the site has now, both included; undefined: none. */
export type Held = Range | undefined;

/** `known` with [from, to] in it. */
export function acknowledge(known: Acknowledged, [from, to]: Range): Acknowledged {
  const before = known.filter(([, end]) => end < from - 1);
  const after = known.filter(([begin]) => begin > to + 1);
  const touching = known.slice(before.length, known.length - after.length);
  const merged: Range = [Math.min(from, ...touching.map(([begin]) => begin)), Math.max(to, ...touching.map(([, end]) => end))];
  // The newest are kept: what is sent again is then what the site forgets soonest.
  return [...before, merged, ...after].slice(-LIMITS.metricAcknowledgedRanges);
}

/** What of `held` was not acknowledged, in order. */
export function missing(known: Acknowledged, held: Held): Range[] {
  if (held === undefined) return [];
  const gaps: Range[] = [];
  let next = held[0];
  for (const [from, to] of known) {
    if (from > held[1]) break;
    if (from > next) gaps.push([next, from - 1]);
    next = Math.max(next, to + 1);
  }
  if (next <= held[1]) gaps.push([next, held[1]]);
  return gaps;
}

/** How many rounds no director has acknowledged yet. */
export function backlogOf(known: Acknowledged, held: Held): number {
  return missing(known, held).reduce((sum, [from, to]) => sum + to - from + 1, 0);
}

/** What of `known` still speaks of rounds that the site has. */
export function pruned(known: Acknowledged, held: Held): Acknowledged {
  if (held === undefined) return [];
  return known.flatMap(([from, to]): Range[] => (to < held[0] || from > held[1] ? [] : [[Math.max(from, held[0]), Math.min(to, held[1])]]));
}

export interface Shipment {
  readonly range: Range;
  /** Live: the newest round, at once. Backfill: what was missed, at a bounded rate. */
  readonly kind: 'Live' | 'Backfill';
}

/** `maxRounds`: of one shipment. */
export function nextShipment(known: Acknowledged, held: Held, maxRounds: number): Shipment | undefined {
  const gaps = missing(known, held);
  const [oldest] = gaps;
  const newest = gaps.at(-1);
  if (held === undefined || oldest === undefined || newest === undefined) return undefined;
  if (newest[1] === held[1]) return { range: [held[1], held[1]], kind: 'Live' };
  return { range: [oldest[0], Math.min(oldest[1], oldest[0] + maxRounds - 1)], kind: 'Backfill' };
}

/** Sequence up to which everything that is held was acknowledged; undefined: not even the oldest round was. */
export function shippedThrough(known: Acknowledged, held: Held): number | undefined {
  if (held === undefined) return undefined;
  const [gap] = missing(known, held);
  if (gap === undefined) return held[1];
  return gap[0] > held[0] ? gap[0] - 1 : undefined;
}

/** Acknowledged ranges as they were written down; what is damaged is forgotten, and so sent again. */
export function readAcknowledged(stored: unknown): Acknowledged {
  if (!Array.isArray(stored)) return [];
  const ranges = stored.filter(
    (one): one is Range => Array.isArray(one) && one.length === 2 && one.every((end) => Number.isSafeInteger(end)) && one[0] <= one[1],
  );
  return ranges.reduce<Acknowledged>((known, range) => acknowledge(known, range), []);
}
