/**
 * Problems that the portal lists besides those of this node's own: the license, and that no director answers.
 *
 * I1: what the banner calls a warning or a danger stands in the list, too: a page must not say "no problems" below it.
 */

import { clause } from '../base/clause.ts';
import type { ConnectorClientStatus } from '../model/framework.ts';
import type { LicenseSection } from './license-report.ts';

/** Shorter is a change of tunnels. */
const AWAY_MS = 5_000;

export function licenseProblem(license: LicenseSection | undefined): string | undefined {
  return license?.severity === 'Warning' || license?.severity === 'Danger' ? license.message : undefined;
}

/** `bootMs`: CLOCK_BOOTTIME now; `trustedMs`: trusted time now. */
export function directorProblem(
  status: Pick<ConnectorClientStatus, 'director' | 'sinceBootMs' | 'message'> | undefined,
  bootMs: number,
  trustedMs: number,
): string | undefined {
  if (status === undefined || status.director !== undefined) return undefined;
  // What an earlier boot wrote says nothing of when.
  const awayMs = bootMs - status.sinceBootMs;
  if (awayMs < AWAY_MS) return undefined;
  const since = new Date(trustedMs - awayMs).toISOString().slice(0, 16).replace('T', ' ');
  const said = status.message === undefined ? '' : `: ${clause(status.message)}`;
  return `No director answers this node since ${since} UTC${said}. What runs here goes on.`;
}
