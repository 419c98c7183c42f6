/**
 * Whether the license lets somebody in, by this instance's own reading of running time: no agent and no director is asked.
 *
 * I1: only new sessions are refused; whoever is in stays in.
 */

import { licenseNowMs } from '../../decide/license-clock.ts';
import { refusalForUsers } from '../../decide/license-banner.ts';
import { momentsOf, stateAt } from '../../decide/license-moments.ts';
import type { Framework } from '../framework.ts';

/**
 * Why no new session may begin, for whoever asked for one; undefined: one may. A site that was never licensed, or not yet, has nothing to offer. What to
 * do about it is for those who run the site: status, portal and command line tell them.
 */
export function refusalOf(framework: Pick<Framework, 'config' | 'reading'>): string | undefined {
  const { license } = framework.config();
  if (license === undefined) return refusalForUsers('Inactive', undefined);
  const moments = momentsOf(license.statement);
  return refusalForUsers(stateAt(moments, licenseNowMs(license, framework.reading())), moments);
}
