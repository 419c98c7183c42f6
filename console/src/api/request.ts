/**
 * Requests of this browser to its director: with the session's token, and with the API's own sentences when it refuses.
 */

import { sentenceOf } from '../watch/watch-loop.ts';
import type { StreamAnswer, WatchWorld } from '../watch/watch-loop.ts';
import { currentSession, endSession } from './session.ts';

const DEADLINE_MS = 20_000;
const SESSION_OVER = 'Your session has ended. Log in again.';
const NO_ANSWER = 'The director does not answer. What you asked for may not have happened; look, and try again.';

/** What is wrong with one field, as the API says it. */
export interface FieldProblem {
  /** `spec.workers`, `metadata.name`. */
  readonly field: string;
  readonly message: string;
}

export class ApiError extends Error {
  /** 0: nobody answered. */
  readonly status: number;
  /** Which fields are meant, where it is about fields. */
  readonly problems: readonly FieldProblem[];
  constructor(status: number, message: string, problems: readonly FieldProblem[] = []) {
    super(message);
    this.status = status;
    this.problems = problems;
  }
}

export interface CallOptions {
  readonly body?: unknown;
  readonly contentType?: string;
  /** Instead of the session's. */
  readonly token?: string;
}

/** The answer's JSON. Throws `ApiError` with the API's sentence. */
export async function call<T>(
  method: string,
  path: string,
  { body, contentType = 'application/json', token }: CallOptions = {},
): Promise<T> {
  let answer: Response;
  try {
    answer = await fetch(path, {
      method,
      headers: { ...authorization(token), ...(body === undefined ? {} : { 'content-type': contentType }) },
      body: body === undefined ? null : JSON.stringify(body),
      signal: AbortSignal.timeout(DEADLINE_MS),
      credentials: 'omit',
    });
  } catch {
    throw new ApiError(0, NO_ANSWER);
  }
  const text = await answer.text();
  if (answer.ok) return JSON.parse(text) as T;
  if (answer.status === 401 && token === undefined) endSession(SESSION_OVER);
  throw new ApiError(answer.status, sentenceOf(text, answer.status), problemsOf(text));
}

export const MERGE_PATCH = 'application/merge-patch+json';

/** The causes of a Status. */
function problemsOf(body: string): readonly FieldProblem[] {
  try {
    const { details } = JSON.parse(body) as { details?: { causes?: readonly Partial<FieldProblem>[] } };
    return (details?.causes ?? []).map(({ field = '', message = '' }) => ({ field, message }));
  } catch {
    return [];
  }
}

function authorization(token = currentSession()?.token): Record<string, string> {
  return token === undefined ? {} : { authorization: `Bearer ${token}` };
}

export function browserWorld(): { readonly world: WatchWorld; readonly onUnauthorized: () => void } {
  return { world: WORLD, onUnauthorized: () => endSession(SESSION_OVER) };
}

const WORLD: WatchWorld = {
  open: async (path, signal) => streamOf(await fetch(path, { headers: authorization(), signal, credentials: 'omit', cache: 'no-store' })),
  sleep,
  nowMs: () => Date.now(),
  random: () => Math.random(),
};

/** Whoever comes back to the network does not wait. */
function sleep(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const over = new AbortController();
    const end = (settle: () => void): void => {
      clearTimeout(timer);
      over.abort();
      settle();
    };
    const timer = setTimeout(() => end(resolve), ms);
    window.addEventListener('online', () => end(resolve), { signal: over.signal });
    signal.addEventListener('abort', () => end(() => reject(new Error('It was told to end.'))), { signal: over.signal });
  });
}

function streamOf(answer: Response): StreamAnswer {
  return { status: answer.status, text: () => answer.text(), pieces: () => pieces(answer) };
}

async function* pieces(answer: Response): AsyncGenerator<string> {
  const reader = answer.body?.getReader();
  const decoder = new TextDecoder();
  if (reader === undefined) return;
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      yield decoder.decode(value, { stream: true });
    }
  } finally {
    await reader.cancel().catch(() => undefined);
  }
}
