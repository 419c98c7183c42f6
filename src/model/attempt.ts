/**
 * The record of one attempt at creating a cluster: the steps, what was waited for, what was tried, and what became of it.
 *
 * It is written for the person who reads `kubectl describe`: `log` tells the attempt in order, a sentence a line. Programs read the other fields.
 *
 * I1: the log is bounded: at most LOG_LINES lines of LOG_LINE_CHARS; of older attempts only the last ones are kept.
 */

import type { InferSchema, Schema } from './schema.ts';

/** Steps of creation, in order. */
export const STEPS = ['Validate', 'CreatePrimary', 'PrimaryReady', 'CreateWorkers', 'WorkersJoined', 'ServicesReady', 'PairSite'] as const;
export type Step = (typeof STEPS)[number];

/** What a failure of a step calls for, by its cause (src/decide/failure-cause.ts). */
export const FAILURE_CAUSES = ['Retry', 'ReplaceNode', 'NewAttempt', 'Stop'] as const;
export type FailureCause = (typeof FAILURE_CAUSES)[number];

export const LOG_LINES = 32;
export const LOG_LINE_CHARS = 512;
/** Nodes named in `left`: a primary and 8 workers, and some that left. */
export const LEFT_NODES = 16;

export const attemptSchema = {
  type: 'object',
  required: ['number', 'startedAt'],
  properties: {
    number: { type: 'integer', minimum: 1 },
    startedAt: { type: 'string', format: 'date-time' },
    endedAt: { type: 'string', format: 'date-time' },
    outcome: { type: 'string', enum: ['Available', 'Failed', 'Deleted'] },
    cause: {
      type: 'string',
      enum: FAILURE_CAUSES,
      description: 'What its newest failure called for: the step tried again, one node replaced, a new attempt, or a person.',
    },
    generation: {
      type: 'integer',
      minimum: 0,
      description: 'Generation of the spec that it began with; another one gets maxAttempts anew.',
    },
    step: { type: 'string', enum: STEPS, description: 'The step at work, or the one that failed.' },
    waitingFor: {
      type: 'string',
      enum: ['Input', 'Host', 'Join', 'Director', 'MassSilence'],
      description: 'What the step waits for that trying again cannot bring; its deadline does not run meanwhile.',
    },
    waits: { type: 'string', maxLength: LOG_LINE_CHARS, description: 'What the step at work waits for.' },
    stepStartedAt: { type: 'string', format: 'date-time' },
    message: { type: 'string', maxLength: 1024 },
    log: {
      type: 'array',
      maxItems: LOG_LINES,
      description: 'The story of the attempt, in order: what was done, waited for and tried, and what came of it.',
      items: { type: 'string', maxLength: LOG_LINE_CHARS },
    },
    left: {
      type: 'array',
      maxItems: LEFT_NODES,
      description: 'What a failed attempt made and what is kept for inspection; absent: everything of it is removed.',
      items: { type: 'string', maxLength: LOG_LINE_CHARS },
    },
    steps: {
      type: 'array',
      default: [],
      maxItems: 16,
      description: 'Steps done, in order.',
      items: {
        type: 'object',
        required: ['name', 'startedAt', 'endedAt'],
        properties: {
          name: { type: 'string', enum: STEPS },
          startedAt: { type: 'string', format: 'date-time' },
          endedAt: { type: 'string', format: 'date-time' },
          waitedFor: { type: 'string', maxLength: LOG_LINE_CHARS, description: 'What it waited for last before it was done.' },
        },
      },
    },
  },
} as const satisfies Schema;

export type Attempt = InferSchema<typeof attemptSchema>;
