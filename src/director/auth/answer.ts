/**
 * Answers of the director's own paths: Kubernetes Statuses for refusals, like everywhere else.
 */

import { refused, statusBody } from '../api/status.ts';
import type { AuthAnswer } from './identity.ts';

export function forbiddenStatus(message: string): AuthAnswer {
  return { status: 403, body: statusBody(refused(403, 'Forbidden', message)) };
}

export function badRequestStatus(message: string): AuthAnswer {
  return { status: 400, body: statusBody(refused(400, 'BadRequest', message)) };
}

export function unauthorizedStatus(message: string): AuthAnswer {
  return { status: 401, body: statusBody(refused(401, 'Unauthorized', message)) };
}

export function notFoundStatus(message: string): AuthAnswer {
  return { status: 404, body: statusBody(refused(404, 'NotFound', message)) };
}

export function conflictStatus(message: string): AuthAnswer {
  return { status: 409, body: statusBody(refused(409, 'Conflict', message)) };
}

export function methodStatus(allowed: string): AuthAnswer {
  const message = `this path takes ${allowed} only`;
  return { status: 405, body: statusBody(refused(405, 'MethodNotAllowed', message)), headers: { Allow: allowed } };
}

export function tooManyStatus(message: string, waitSeconds: number): AuthAnswer {
  const refusal = refused(429, 'TooManyRequests', message, { retryAfterSeconds: waitSeconds });
  return { status: 429, body: statusBody(refusal), headers: { 'Retry-After': String(waitSeconds) } };
}
