/**
 * The license on one node, put together: the keeper, the link to the other nodes, and the clerk who tells people.
 *
 * I1: all of it goes on without a director; without the disk or the port it is said in the node's problems.
 */

import type { NodePlan } from '../decide/plan.ts';
import type { Cluster } from '../model/cluster.ts';
import type { ClusterNode } from '../model/cluster-node.ts';
import { ANNOTATION_LICENSE_SYNC } from '../model/labels.ts';
import type { FrameworkConfig, FrameworkService } from '../model/framework.ts';
import { PORTS } from '../model/ports.ts';
import type { EntityApi } from '../ports/api.ts';
import type { AgentDeps } from './deps.ts';
import type { Following } from './following.ts';
import type { FrameworkKeeper } from './framework.ts';
import { licenseClerk } from './license-clerk.ts';
import { keepLicense } from './license-keeper.ts';
import type { LicenseKeeping, LicenseSurroundings } from './license-keeper.ts';
import { askThroughConnector } from './license-sync.ts';
import type { Memory } from './memory.ts';
import { openPeerLink } from './peer-link.ts';
import type { PeerLink } from './peer-link.ts';
import type { TrustedClock } from './trusted-time.ts';

export interface Licensing {
  readonly keeping: LicenseKeeping;
  readonly peers: PeerLink;
  /** Looks at what has changed around it. `ready`: services of which this node has a live instance. */
  look(term: number | undefined, ready: ReadonlySet<string>, plan: NodePlan | undefined): void;
  connect(api: EntityApi, following: Following): void;
  settled(): Promise<void>;
}

export interface LicensingParts {
  readonly deps: AgentDeps;
  readonly memory: Memory;
  readonly trusted: TrustedClock;
  readonly framework: Pick<FrameworkKeeper, 'told' | 'statuses'>;
  readonly onChange: () => void;
}

/** Without a live instance of each of these no sync is possible. */
const NEEDED = ['connector-client', 'cloud-proxy', 'connection-server-proxy'] as const satisfies readonly FrameworkService[];

export function openLicensing({ deps, memory, trusted, framework, onChange }: LicensingParts, signal: AbortSignal): Licensing {
  let following: Following | undefined;
  let hasAuthority = false;
  const clerk = licenseClerk({ deps, keeping: () => keeping, hasAuthority: () => hasAuthority, trustedNow: trusted.now }, signal);
  const keeping: LicenseKeeping = keepLicense(
    {
      deps,
      memory,
      ask: (ask, until) => askThroughConnector(deps, framework.told(), trusted.now, ask, until),
      tell: (news) => clerk.tell(news),
      onChange: () => {
        clerk.poke();
        onChange();
      },
    },
    signal,
  );
  const members = (): FrameworkConfig['members'] => framework.told()?.members ?? [];
  const peers = openPeerLink({ deps, port: PORTS.peer, members, trustedNow: trusted.now, license: keeping, onProblem: onChange }, signal);
  return {
    keeping,
    peers,
    look: (term, ready, plan) => {
      hasAuthority = term !== undefined;
      const cluster = following?.cluster();
      keeping.look({
        term,
        ...siteOf(framework.told()),
        missing: missingServices(plan, ready, deps.node.nodeUid, following?.nodes()),
        request: cluster?.metadata.annotations?.[ANNOTATION_LICENSE_SYNC],
        answered: answeredBy(cluster),
        seats: framework.statuses()['connection-server-proxy']?.use,
      });
    },
    connect: (api, seen) => {
      following = seen;
      clerk.connect(api, seen);
    },
    settled: async () => void (await Promise.all([keeping.settled(), peers.settled(), clerk.settled()])),
  };
}

function siteOf(config: FrameworkConfig | undefined): Pick<LicenseSurroundings, 'siteUid' | 'isPlugged'> {
  return { siteUid: config?.site?.paired === true ? config.site.uid : undefined, isPlugged: config?.site !== undefined };
}

function answeredBy(cluster: Cluster | undefined): string | undefined {
  return cluster?.status?.license?.answeredRequest;
}

/** By this node's own pods, and by what the other nodes report of theirs. */
function missingServices(
  plan: NodePlan | undefined,
  ready: ReadonlySet<string>,
  self: string,
  nodes: readonly ClusterNode[] | undefined,
): readonly FrameworkService[] {
  return NEEDED.filter((needed) => {
    const name = plan?.balanced.find(({ framework }) => framework === needed)?.name;
    if (name === undefined) return true;
    return !ready.has(name) && !(nodes ?? []).some((node) => node.metadata.uid !== self && isReadyThere(node, name));
  });
}

function isReadyThere({ spec, status, metadata }: ClusterNode, service: string): boolean {
  if (metadata.deletionTimestamp !== undefined || status?.agent?.incarnation !== spec.incarnation) return false;
  return status.agent.services?.[service]?.ready === true;
}
