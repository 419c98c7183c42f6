/**
 * The story of an attempt: how its record is begun, told on, and ended. Pure text and lists; what it means is decided elsewhere.
 *
 * I1: the log stays within LOG_LINES lines of LOG_LINE_CHARS, the newest; nothing is said twice in it, so that a pass that is repeated after a crash
 *     adds nothing.
 * I2: a record of before the log existed is told on as one with an empty log.
 */

import { LEFT_NODES, LOG_LINE_CHARS, LOG_LINES } from '../model/attempt.ts';
import type { Attempt, FailureCause, Step } from '../model/attempt.ts';
import type { ClusterNode } from '../model/cluster-node.ts';
import { standing } from './node-facts.ts';

/** `2030-01-01T00:00:00Z ` */
const STAMP_CHARS = 21;

/** The record of an attempt that begins. */
export function begunAttempt(number: number, generation: number, now: string): Attempt {
  const record: Attempt = { number, startedAt: now, generation, step: 'Validate', stepStartedAt: now, steps: [] };
  return told(record, now, `Attempt ${number} begins.`);
}

/** `record` with one more line. `now` is RFC 3339. */
export function told(record: Attempt, now: string, text: string): Attempt {
  if (isTold(record, text)) return record;
  return { ...record, log: [...(record.log ?? []), `${now.slice(0, 19)}Z ${clipped(text, STAMP_CHARS)}`].slice(-LOG_LINES) };
}

/** Whether the log holds this sentence, at whatever time. */
export function isTold(record: Attempt, text: string): boolean {
  const said = clipped(text, STAMP_CHARS);
  return (record.log ?? []).some((line) => line.slice(STAMP_CHARS) === said);
}

/** `record` with its step done and `next` at work (undefined: that was the last). */
export function stepDone(record: Attempt, next: Step | undefined, now: string): Attempt {
  const { step: name, waits } = record;
  const done: Attempt = { ...record, stepStartedAt: now };
  delete done.waitingFor;
  delete done.waits;
  delete done.cause;
  if (next !== undefined) done.step = next;
  if (name === undefined) return done;
  const startedAt = record.stepStartedAt ?? now;
  const waited = waits === undefined ? {} : { waitedFor: waits };
  done.steps = [...record.steps, { name, startedAt, endedAt: now, ...waited }].slice(-16);
  const tookMs = Math.max(0, Date.parse(now) - Date.parse(startedAt));
  const how = waits === undefined ? '' : `; its last word: ${waits}`;
  return told(done, now, tookMs < 100 ? `${name} is done${how}.` : `${name} is done after ${(tookMs / 1000).toFixed(1)} s${how}.`);
}

/** What the step at work waits for, or does, now. */
export function waitsFor(record: Attempt, message: string): Attempt {
  const waits = clipped(message);
  return record.waits === waits ? record : { ...record, waits };
}

/** `record`, failed: `cause` is what the failure calls for, `left` the nodes that are kept. */
export function failedAttempt(record: Attempt, cause: FailureCause, message: string, now: string, left: readonly ClusterNode[]): Attempt {
  const ended: Attempt = { ...record, outcome: 'Failed', cause, endedAt: now, message: message.slice(0, 1024) };
  delete ended.waitingFor;
  delete ended.waits;
  if (left.length > 0) ended.left = left.slice(0, LEFT_NODES).map((node) => clipped(standing(node)));
  return told(ended, now, `Attempt ${record.number} failed: ${message}.`);
}

function clipped(text: string, taken = 0): string {
  const chars = LOG_LINE_CHARS - taken;
  return text.length <= chars ? text : `${text.slice(0, chars - 1)}…`;
}
