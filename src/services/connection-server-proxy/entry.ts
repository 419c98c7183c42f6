/**
 * Whether the license lets somebody in, by this instance's own reading of running time: no agent and no director is asked.
 *
 * I1: only new sessions are refused; whoever is in stays in.
 */

import { licenseNowMs } from '../../decide/license-clock.ts';
import { viewLicense } from '../../decide/universal-license.ts';
import type { Framework } from '../framework.ts';

/** Why no new session may begin, as a sentence; undefined: one may. A site that was never licensed has nothing to offer yet. */
export function refusalOf(framework: Framework): string | undefined {
  const { license } = framework.config();
  const view = viewLicense(license, license === undefined ? 0 : licenseNowMs(license, framework.reading()));
  if (!view.refusesNewSessions && view.state !== 'Inactive') return undefined;
  return `New sessions are refused: ${view.message} Sessions that run go on.`;
}
