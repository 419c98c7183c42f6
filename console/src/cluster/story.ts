/**
 * What happened to a cluster, told in order: its attempts with their steps, its events, and what is wrong now. Pure.
 *
 * I1: the newest stands first; what has no time of its own stands with what it belongs to.
 * I2: the same sentence at the same moment is told once.
 */

import type { Cluster } from '../../../src/model/cluster.ts';

export interface StoryLine {
  readonly atMs: number;
  readonly kind: 'good' | 'bad' | 'plain';
  readonly title: string;
  readonly text: string;
  /** Sentences that belong to it, in order. */
  readonly more: readonly string[];
}

export function storyOf(cluster: Cluster): readonly StoryLine[] {
  const { status = {}, metadata } = cluster;
  const lines: StoryLine[] = [
    line(metadata.creationTimestamp, 'plain', 'Ordered', 'Somebody asked for this cluster.'),
    ...(status.attempts ?? []).flatMap(ofAttempt),
    ...(status.eventSet ?? []).map(({ time, reason, message }) => line(time, 'plain', wordsOf(reason), message)),
    ...(status.errorSet ?? []).map(({ time, reason, message }) => line(time, 'bad', wordsOf(reason), message)),
    ...(metadata.deletionTimestamp === undefined
      ? []
      : [line(metadata.deletionTimestamp, 'plain', 'To be deleted', 'Somebody asked for its deletion.')]),
  ];
  const told = new Map(lines.map((one) => [`${one.atMs} ${one.text}`, one]));
  return [...told.values()].sort((a, b) => b.atMs - a.atMs);
}

type Attempt = NonNullable<NonNullable<Cluster['status']>['attempts']>[number];

function ofAttempt({ number, startedAt, endedAt, outcome, step, message, log = [], waits, left = [] }: Attempt): readonly StoryLine[] {
  const begun = line(
    startedAt,
    'plain',
    `Attempt ${number} began`,
    number === 1 ? 'Its creation began.' : 'What the attempt before had made was removed, and creation began again.',
  );
  if (endedAt === undefined || outcome === undefined) {
    const doing =
      step === undefined ? 'It is being looked at.' : `It is at the step ${wordsOf(step)}${waits === undefined ? '.' : `: ${waits}`}`;
    return [{ ...begun, text: message ?? doing, more: log }];
  }
  const kind = outcome === 'Available' ? 'good' : outcome === 'Failed' ? 'bad' : 'plain';
  const how = outcome === 'Available' ? 'made it available' : outcome === 'Failed' ? 'failed' : 'ended with its deletion';
  const took = `It took ${Math.max(0, Math.round((Date.parse(endedAt) - Date.parse(startedAt)) / 1_000))} s.`;
  const text = outcome === 'Failed' ? (message ?? took) : took;
  return [begun, { ...line(endedAt, kind, `Attempt ${number} ${how}`, text), more: [...log, ...left] }];
}

function line(time: string, kind: StoryLine['kind'], title: string, text: string): StoryLine {
  return { atMs: Date.parse(time), kind, title, text, more: [] };
}

/** `NodeNotReady` → `Node not ready`. */
export function wordsOf(reason: string): string {
  return reason.replace(/(?<=[a-z])[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);
}
