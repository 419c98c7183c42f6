/**
 * How the front door answers by itself: JSON with a code and a sentence, as connection servers do.
 *
 * I1: what a client is told of a server is its name and whether it answered; addresses, certificates and accounts stay in the log.
 */

import { isFault } from '../../model/fault.ts';
import type { HttpHeaders, HttpResponse } from '../../ports/http.ts';

export interface Refusal {
  readonly status: number;
  readonly code:
    | 'BadRequest'
    | 'LicenseRefuses'
    | 'NotFound'
    | 'MethodNotAllowed'
    | 'TooLarge'
    | 'UpgradeNeeded'
    | 'ServerUnreachable'
    | 'AlreadyConnected'
    | 'Busy'
    | 'NoServer'
    | 'ServerTimeout';
  readonly message: string;
}

const JSON_HEADERS = ['content-type', 'application/json', 'cache-control', 'no-store'] as const;
const RETRY_SECONDS = '2';

export function headersOf({ status }: { readonly status: number }): HttpHeaders {
  return status === 503 ? [...JSON_HEADERS, 'retry-after', RETRY_SECONDS] : JSON_HEADERS;
}

export function bodyOf({ code, message }: Pick<Refusal, 'code' | 'message'>): Buffer {
  return Buffer.from(`${JSON.stringify({ code, message })}\n`);
}

export function refuse(response: HttpResponse, refusal: Refusal): void {
  response.send(refusal.status, headersOf(refusal), bodyOf(refusal));
}

/** What a client is told when the connection server `name` failed him. */
export function refusalOfFault(name: string, cause: unknown): Refusal {
  if (isFault(cause, 'DeadlineExceeded'))
    return { status: 504, code: 'ServerTimeout', message: `The connection server ${name} did not answer in time; try again.` };
  return {
    status: 502,
    code: 'ServerUnreachable',
    message: `The connection server ${name} cannot be reached, or did not answer as it should; try again, and tell your administrator if it stays so.`,
  };
}
