/**
 * Whether the license lets somebody in, by this instance's own reading of running time: no agent and no director is asked.
 *
 * I1: only new sessions are refused; whoever is in stays in.
 */

import { licenseNowMs } from '../../decide/license-clock.ts';
import { viewLicense } from '../../decide/universal-license.ts';
import type { Framework } from '../framework.ts';

/** Why no new session may begin, as a sentence; undefined: one may. A site that was never licensed, or not yet, has nothing to offer. */
export function refusalOf(framework: Framework): string | undefined {
  const { license } = framework.config();
  const view = viewLicense(license, license === undefined ? 0 : licenseNowMs(license, framework.reading()));
  if (view.state === 'Inactive') return `New sessions are refused: ${license === undefined ? NO_LICENSE : NOT_BEGUN}`;
  return view.refusesNewSessions ? `New sessions are refused: ${view.message} Sessions that run go on.` : undefined;
}

const NO_LICENSE =
  'no license has reached this site yet. Assign a UniversalLicense to the site (spec.license) and pair it: the first sync follows within seconds.';
const NOT_BEGUN = 'the license of this site has not begun yet.';
