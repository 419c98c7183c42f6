/**
 * Refusals of framework services: a Kubernetes `Status` with a sentence, as the API gives them, so that `kubectl` shows the sentence.
 */

import { isFault } from '../model/fault.ts';
import type { HttpHeaders, HttpResponse, HttpUpgrade } from '../ports/http.ts';

export interface Refusal {
  readonly status: number;
  readonly reason: string;
  /** A sentence for whoever asked. */
  readonly message: string;
}

export function notHere(message: string): Refusal {
  return { status: 404, reason: 'NotFound', message };
}

export function forbidden(message: string): Refusal {
  return { status: 403, reason: 'Forbidden', message };
}

export function badRequest(message: string): Refusal {
  return { status: 400, reason: 'BadRequest', message };
}

export function unavailable(message: string): Refusal {
  return { status: 503, reason: 'ServiceUnavailable', message };
}

/** A failure of the world as an answer; what is no `Fault` is a fault of ours. */
export function ofCause(cause: unknown): Refusal {
  if (isFault(cause)) return { status: cause.row.http, reason: cause.row.reason, message: cause.message };
  return { status: 500, reason: 'InternalError', message: 'This service failed at this request; its log says why.' };
}

export function sendRefusal(to: Pick<HttpResponse, 'send'> | Pick<HttpUpgrade, 'refuse'>, { status, reason, message }: Refusal): void {
  const body = Buffer.from(
    `${JSON.stringify({ kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Failure', message, reason, code: status })}\n`,
    'utf8',
  );
  const headers: HttpHeaders = ['content-type', 'application/json', 'cache-control', 'no-store'];
  if ('send' in to) to.send(status, headers, body);
  else to.refuse(status, headers, body);
}
