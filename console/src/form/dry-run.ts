/**
 * What the API would say to a write, before it is made: the write itself with `dryRun=All`, so that there is no second set of rules here.
 *
 * I1: a verdict is only ever shown for what was asked; while something else stands in the form, it is said that it is being checked.
 */

import { useQuery } from '@tanstack/react-query';
import { ApiError, call } from '../api/request.ts';
import type { FieldProblem } from '../api/request.ts';
import { useDebounced } from './debounced.ts';

export interface Write {
  readonly method: 'POST' | 'PATCH';
  readonly path: string;
  readonly body: unknown;
  readonly contentType?: string;
}

export interface Verdict {
  readonly state: 'checking' | 'accepted' | 'refused' | 'unknown';
  /** HTTP's; of what was refused. */
  readonly status?: number;
  /** As it would be stored; of what was accepted. */
  readonly object?: unknown;
  /** The API's sentence; of what was refused, or why it is not known. */
  readonly message?: string;
  readonly problems: readonly FieldProblem[];
}

const REST_MS = 350;
const ASK_AGAIN_MS = 2_000;

/** The write for good. */
export function carryOut<T>({ method, path, body, contentType }: Write): Promise<T> {
  return call<T>(method, path, { body, ...(contentType === undefined ? {} : { contentType }) });
}

export function useDryRun(write: Write): Verdict {
  const text = JSON.stringify(write);
  const rested = useDebounced(text, REST_MS);
  const { data, error } = useQuery({
    queryKey: ['dry-run', rested],
    staleTime: 10_000,
    retry: true,
    retryDelay: ASK_AGAIN_MS,
    queryFn: () => judge(JSON.parse(rested) as Write),
  });
  if (rested !== text) return { state: 'checking', problems: [] };
  if (data !== undefined) return data;
  return error === null ? { state: 'checking', problems: [] } : { state: 'unknown', message: error.message, problems: [] };
}

/** Throws only when nobody could judge. */
async function judge(write: Write): Promise<Verdict> {
  try {
    const path = `${write.path}?dryRun=All&fieldValidation=Strict`;
    return { state: 'accepted', object: await carryOut({ ...write, path }), problems: [] };
  } catch (cause) {
    if (!(cause instanceof ApiError) || cause.status === 0 || cause.status >= 500 || cause.status === 401) throw cause;
    return { state: 'refused', status: cause.status, message: cause.message, problems: cause.problems };
  }
}

/** What is wrong with a field, or with something in it; undefined: nothing. */
export function problemAt(problems: readonly FieldProblem[], field: string): string | undefined {
  const found = problems.filter((one) => one.field === field || one.field.startsWith(`${field}.`) || one.field.startsWith(`${field}[`));
  return found.length === 0 ? undefined : found.map(({ message }) => message).join('; ');
}
