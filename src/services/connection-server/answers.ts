/**
 * How a connection server answers: JSON, and a refusal with a code from a closed list and a sentence.
 */

import type { ConnectionServerRefusal } from '../../model/connection-server.ts';
import type { HttpHeaders } from '../../ports/http.ts';

export interface Answer {
  readonly status: number;
  readonly headers: HttpHeaders;
  readonly body: Buffer;
  /** Set when it is a refusal. */
  readonly code?: RefusalCode;
}

export type RefusalCode = ConnectionServerRefusal['code'];

const STATUS: Readonly<Record<RefusalCode, number>> = {
  BadRequest: 400,
  LogInNeeded: 401,
  NotFound: 404,
  MethodNotAllowed: 405,
  AlreadyConnected: 409,
  OlderLicense: 409,
  TooLarge: 413,
  LicenseUntrusted: 422,
  UpgradeNeeded: 426,
  TooManyLogIns: 429,
  BackendDown: 502,
  AtCapacity: 503,
  Draining: 503,
};

const COMMON: HttpHeaders = ['content-type', 'application/json', 'cache-control', 'no-store'];

export function json(status: number, body: unknown, headers: HttpHeaders = []): Answer {
  return { status, headers: [...COMMON, ...headers], body: Buffer.from(`${JSON.stringify(body)}\n`) };
}

export function nothing(): Answer {
  return { status: 204, headers: ['cache-control', 'no-store'], body: Buffer.alloc(0) };
}

export function refusal(code: RefusalCode, message: string, headers: HttpHeaders = []): Answer {
  const body: ConnectionServerRefusal = { code, message };
  return { ...json(STATUS[code], body, headers), code };
}
