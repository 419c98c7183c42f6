/**
 * What the portal knows, from the agent's memory, what it follows, and its supervisor. All of it is there without a director; then it is what was
 * known last, and says so.
 *
 * I1: an allow-list: each field is named here. Credentials, keys, tokens and the environments of pods are not, so they cannot get out by this way.
 */

import { memberId, mayRunSingletons } from '../../decide/authority.ts';
import type { LicenseSection } from '../../decide/license-report.ts';
import { roleOf } from '../../decide/phase.ts';
import { directorProblem, licenseProblem } from '../../decide/portal-problems.ts';
import type { ClusterNode } from '../../model/cluster-node.ts';
import type { Json } from '../../model/json.ts';
import type { Site } from '../../model/site.ts';
import type { AgentDeps } from '../deps.ts';
import type { Following } from '../following.ts';
import type { FrameworkKeeper } from '../framework.ts';
import type { Memory } from '../memory.ts';
import type { PeerLink } from '../peer-link.ts';
import type { Supervisor } from '../supervisor.ts';
import type { TrustedTime } from '../trusted-time.ts';

export interface PortalSources {
  readonly deps: AgentDeps;
  readonly memory: Memory;
  readonly supervisor: Pick<Supervisor, 'instances'>;
  readonly framework: Pick<FrameworkKeeper, 'told' | 'statuses'>;
  readonly trustedNow: TrustedTime;
  /** Undefined: no director was reached yet in this life of the agent. */
  readonly following: () => Following | undefined;
  /** Sentences about what stands in the way on this node. */
  readonly problems: () => readonly string[];
  /** As a director showed it last; undefined: none was seen in this life of the agent. */
  readonly site: () => Site | undefined;
  /** The license as this node sees it now; undefined: there is nothing to say. */
  readonly license: () => LicenseSection | undefined;
  /** Asks for a sync soon. Undefined: asked; else why that is of no use now. */
  readonly syncNow: () => string | undefined;
  readonly peers: Pick<PeerLink, 'route' | 'problem' | 'callerOf'>;
  /** The portal's own problem has changed. */
  readonly onProblem: () => void;
}

export type Row = Readonly<Record<string, string | number | boolean>>;

export interface StateFacts {
  readonly cluster: Row;
  readonly node: Row;
  readonly conditions: readonly Row[];
  readonly nodes: readonly Row[];
  readonly services: readonly Row[];
  readonly problems: readonly string[];
  readonly events: readonly Row[];
}

export interface PairingFacts {
  readonly site: Row | undefined;
  readonly servers: readonly Row[];
  readonly checks: readonly Row[];
  readonly leftBehind: readonly string[];
}

/** This node has authority in its cluster. */
export function isPrimary({ memory, deps }: PortalSources): boolean {
  const { nodeUid, incarnation } = deps.node;
  return memory.get('fate') === undefined && mayRunSingletons(memory.get('membership'), memberId(nodeUid, incarnation));
}

/** Name and address of the node that this one takes for the primary. */
export function primaryOf({
  memory,
  framework,
}: PortalSources): { readonly name: string; readonly address: string; readonly port: number } | undefined {
  const config = framework.told();
  const id = memory.get('membership')?.primary;
  const member =
    config?.members.find((one) => memberId(one.uid, one.incarnation) === id) ?? config?.members.find(({ role }) => role === 'Primary');
  return member === undefined || config === undefined ? undefined : { name: member.name, address: member.address, port: config.portalPort };
}

export function stateFacts(sources: PortalSources): StateFacts {
  const { deps, memory, following, framework } = sources;
  const { node, version } = deps;
  const cluster = following()?.cluster();
  const status = cluster?.status;
  const plan = memory.get('plan');
  const director = framework.statuses()['connector-client']?.director;
  return {
    cluster: row({
      namespace: node.namespace,
      name: node.cluster,
      uid: node.clusterUid,
      phase: status?.phase ?? 'not known without a director',
      release: plan?.release,
      targetRelease: cluster?.spec.release,
      workersWanted: cluster?.spec.workers,
      workersReady: status?.workers,
      term: memory.get('membership')?.term,
      primary: primaryOf(sources)?.name,
      site: cluster?.spec.site ?? framework.told()?.site?.name,
      director: director ?? (cluster === undefined ? 'none was reached since this agent started' : 'reached; no tunnel'),
    }),
    node: row({ name: node.node, uid: node.nodeUid, incarnation: node.incarnation, address: node.address, version }),
    conditions: (status?.conditions ?? []).map(({ type, status: is, reason, message, lastTransitionTime }) =>
      row({ type, status: is, reason, message, since: lastTransitionTime }),
    ),
    nodes: nodeRows(sources),
    services: serviceRows(sources),
    problems: problemsOf(
      sources,
      (status?.errorSet ?? []).map(({ message }) => message),
    ),
    events: (status?.eventSet ?? []).map(({ time, reason, message }) => row({ time, reason, message })),
  };
}

function problemsOf(sources: PortalSources, errors: readonly string[]): readonly string[] {
  const { problems, peers, memory, deps, framework, trustedNow, license } = sources;
  const away = directorProblem(framework.statuses()['connector-client'], deps.clock.monotonicMs(), trustedNow());
  const own = [
    memory.get('fate')?.why,
    licenseProblem(license()),
    away,
    peers.problem(),
    ...(memory.get('plan')?.refused ?? []).map((one) => one.message),
  ];
  return [...new Set([...problems(), ...own.filter((one) => one !== undefined), ...errors])];
}

function nodeRows({ following, framework, deps }: PortalSources): readonly Row[] {
  const seen = new Map((following()?.nodes() ?? []).map((node) => [node.metadata.uid, node]));
  return (framework.told()?.members ?? []).map(({ name, uid, incarnation, address, role }) => {
    const node = seen.get(uid);
    const agent = node?.status?.agent;
    return row({
      name,
      role: node === undefined ? role : roleOf(node),
      address,
      incarnation,
      agent: uid === deps.node.nodeUid ? 'this node' : (agent?.phase ?? 'not heard'),
      tunnel: agent?.tunnel,
      message: agent?.message,
    });
  });
}

/** Of this node by its supervisor, of the others by what they report. */
function serviceRows(sources: PortalSources): readonly Row[] {
  const { deps, supervisor, following } = sources;
  const own = [...supervisor.instances()].map(([service, { report, address }]) => ({ service, node: deps.node.node, address, ...report }));
  const others = (following()?.nodes() ?? []).filter((node) => node.metadata.uid !== deps.node.nodeUid).flatMap(instancesOn);
  return [...own, ...others]
    .toSorted((a, b) => `${a.service} ${a.node}`.localeCompare(`${b.service} ${b.node}`, 'en'))
    .map(({ service, node, phase, ready, address, restarts, message }) => row({ service, node, phase, ready, address, restarts, message }));
}

interface InstanceRow {
  readonly service: string;
  readonly node: string;
  readonly phase: string;
  readonly ready: boolean;
  readonly address?: string | undefined;
  readonly restarts?: number;
  readonly message?: string;
}

function instancesOn({ metadata, status }: ClusterNode): InstanceRow[] {
  return Object.entries(status?.agent?.services ?? {}).map(([service, said]) => ({ service, node: metadata.name, ...said }));
}

export function pairingFacts({ site, framework }: PortalSources): PairingFacts {
  const seen = site();
  const known = framework.told()?.site;
  if (seen === undefined) {
    const servers = (known?.servers ?? []).map(({ name, url, pin }) => row({ name, url, pin }));
    const about =
      known === undefined
        ? undefined
        : row({ name: known.name, environment: known.environment, state: known.paired ? 'Paired' : 'Checking' });
    return { site: about, servers, checks: [], leftBehind: [] };
  }
  const { spec, status, metadata } = seen;
  const pairing = status?.pairing;
  return {
    site: row({
      name: metadata.name,
      environment: spec.environment,
      state: pairing?.state ?? 'not looked at yet',
      message: pairing?.message,
      checkedAt: pairing?.checkedAt,
      pairedAt: pairing?.pairedAt,
      license: spec.license,
      cluster: status?.cluster?.name,
    }),
    servers: spec.connectionServers.map(({ name, url, pin }) => row({ name, url, pin, shown: pairing?.thumbprints?.[name] })),
    checks: (pairing?.checks ?? []).map(({ server, check, result, message }) => row({ server, check, result, message })),
    leftBehind: status?.leftBehind ?? [],
  };
}

/** Without what is not known. */
export function row(fields: Readonly<Record<string, string | number | boolean | undefined>>): Row {
  return Object.fromEntries(Object.entries(fields).filter((entry): entry is [string, string | number | boolean] => entry[1] !== undefined));
}

export function asJson(value: unknown): Json {
  return JSON.parse(JSON.stringify(value ?? null)) as Json;
}
