/**
 * The portal, put together from what the agent has.
 */

import { canAsk, viewKeeper } from '../../decide/license-keeper.ts';
import { licenseSection } from '../../decide/license-report.ts';
import type { Licensing } from '../licensing.ts';
import type { SiteKeeper } from '../site-keeper.ts';
import { bootReading } from '../trusted-time.ts';
import type { PortalSources } from './facts.ts';
import { openPortal } from './portal.ts';
import type { Portal } from './portal.ts';

export interface AgentParts extends Pick<PortalSources, 'deps' | 'memory' | 'supervisor' | 'framework'> {
  readonly trusted: { readonly now: PortalSources['trustedNow'] };
  readonly licensing: Pick<Licensing, 'keeping' | 'peers'>;
  readonly connected: { readonly following: NonNullable<ReturnType<PortalSources['following']>>; readonly site: SiteKeeper } | undefined;
  readonly problems: readonly string[];
}

/** Serves until the signal aborts. `agent` is looked at anew for each request. */
export function openAgentPortal(agent: AgentParts, onProblem: () => void, signal: AbortSignal): Portal {
  const { deps, memory, supervisor, framework, licensing, trusted } = agent;
  const { keeping } = licensing;
  return openPortal(
    {
      deps,
      memory,
      supervisor,
      framework,
      trustedNow: trusted.now,
      following: () => agent.connected?.following,
      problems: () => agent.problems,
      site: () => agent.connected?.site.site(),
      license: () => licenseSection({ ...keeping.state(), hasSite: framework.told()?.site !== undefined }, bootReading(deps)),
      syncNow: () => {
        keeping.syncNow();
        const { keeper } = keeping.state();
        return canAsk(keeper) ? undefined : (viewKeeper(keeper, bootReading(deps)).waitsFor ?? 'No sync is possible now.');
      },
      peers: licensing.peers,
      onProblem,
    },
    signal,
  );
}
