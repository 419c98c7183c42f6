/**
 * What the agent that holds authority does about its cluster's Site, and what it writes into `Site.status`.
 *
 * I1: a Site is claimed only while no cluster is plugged in, and only for a cluster that lives and whose spec names it; a claim is a write guarded
 *     by the revision that it was decided on.
 * I2: of a Site that another cluster is plugged into nothing is written and nothing is looked at.
 * I3: once Paired at a generation of the Site, it stays Paired at that generation whatever later checks say; the lines tell it.
 * I4: checks are made anew when the Site changed, when a person asks (the annotation), with back-off up to PAIRING_RECHECK_MS while it is not
 *     paired, and every PAIRING_RECHECK_MS while it is.
 * I5: Paired means that every line of every server passed; a line that failed outranks one that waits for a person.
 * I6: unplugging clears the plug and the pairing in one write, together with what stays behind.
 */

import { backoffMs } from '../base/backoff.ts';
import { ANNOTATION_PAIR } from '../model/labels.ts';
import { LIMITS } from '../model/limits.ts';
import type { PairingCheck, Site, SiteStatus } from '../model/site.ts';
import { firstTrouble, sayLine } from './site-standing.ts';

/** The cluster that the agent belongs to. */
export interface SiteCluster {
  readonly name: string;
  readonly uid: string;
  readonly deleting: boolean;
  /** Its spec.site. */
  readonly site: string | undefined;
}

/** What the agent remembers of its checks, in this life. */
export interface CheckMemory {
  /** Monotonic time of the last complete check; undefined: none yet. */
  readonly checkedMs: number | undefined;
  /** Checks in a row that did not end in Paired without trouble. */
  readonly failures: number;
}

export const NO_CHECKS: CheckMemory = { checkedMs: undefined, failures: 0 };

export type SiteDuty =
  | { readonly do: 'Nothing'; readonly againMs?: number }
  | { readonly do: 'Claim' }
  /** `shown`: somebody watches, so lines are written as they come. */
  | { readonly do: 'Check'; readonly shown: boolean };

const RECHECK = { baseMs: LIMITS.pairingRetryBaseMs, capMs: LIMITS.pairingRecheckMs, jitter: 0.2 };

/** What to do about `site` now. `dice`: uniform in [0, 1). */
export function siteDuty(cluster: SiteCluster, site: Site, memory: CheckMemory, monotonicMs: number, dice: number): SiteDuty {
  if (cluster.deleting || cluster.site !== site.metadata.name || site.metadata.deletionTimestamp !== undefined) return { do: 'Nothing' };
  const plugged = site.status?.cluster;
  if (plugged === undefined) return { do: 'Claim' };
  if (plugged.uid !== cluster.uid) return { do: 'Nothing' };
  const pairing = site.status?.pairing;
  const isStale = pairing === undefined || pairing.clusterUid !== cluster.uid || pairing.generation !== (site.metadata.generation ?? 0);
  if (isStale || pairing.state === 'Checking' || isAsked(site)) return { do: 'Check', shown: true };
  const isFine = pairing.state === 'Paired' && firstTrouble(pairing.checks ?? []) === undefined;
  if (memory.checkedMs === undefined) return isFine ? { do: 'Nothing', againMs: LIMITS.pairingRecheckMs } : { do: 'Check', shown: false };
  const everyMs = isFine ? LIMITS.pairingRecheckMs : backoffMs(RECHECK, Math.max(1, memory.failures), dice);
  const leftMs = memory.checkedMs + everyMs - monotonicMs;
  return leftMs > 0 ? { do: 'Nothing', againMs: leftMs } : { do: 'Check', shown: false };
}

/** A person asked for checks, and has no answer yet. */
export function isAsked(site: Site): boolean {
  const request = requestOf(site);
  return request !== undefined && request !== site.status?.pairing?.answeredRequest;
}

/** The newest request, as it is answered. */
function requestOf(site: Site): string | undefined {
  return site.metadata.annotations?.[ANNOTATION_PAIR]?.slice(0, 64);
}

/** Status of a Site that the cluster claims. */
export function claimedStatus(cluster: SiteCluster, site: Site): SiteStatus {
  return {
    ...site.status,
    cluster: { name: cluster.name, uid: cluster.uid },
    pairing: {
      state: 'Checking',
      clusterUid: cluster.uid,
      generation: site.metadata.generation ?? 0,
      message: 'The connection servers are being looked at.',
      checks: [],
    },
  };
}

export interface CheckResult {
  readonly lines: readonly PairingCheck[];
  readonly thumbprints: Readonly<Record<string, string>>;
  /** False: more lines are to come. */
  readonly complete: boolean;
  /** RFC 3339. */
  readonly now: string;
}

/** Status of the Site after (a part of) a check. */
export function checkedStatus(cluster: SiteCluster, site: Site, { lines, thumbprints, complete, now }: CheckResult): SiteStatus {
  const before = site.status?.pairing?.clusterUid === cluster.uid ? site.status.pairing : undefined;
  const generation = site.metadata.generation ?? 0;
  const wasPaired = before?.state === 'Paired' && before.generation === generation;
  const found = complete ? stateOf(lines) : 'Checking';
  const state = wasPaired ? 'Paired' : found;
  const pairedAt = before?.pairedAt ?? (state === 'Paired' ? now : undefined);
  const request = complete ? requestOf(site) : before?.answeredRequest;
  const { leftBehind, ...rest } = site.status ?? {};
  const isAsBefore = before?.checkedAt !== undefined && complete && sameLines(before.checks ?? [], lines) && before.state === state;
  const checkedAt = complete && !isAsBefore ? now : before?.checkedAt;
  return {
    ...rest,
    cluster: { name: cluster.name, uid: cluster.uid },
    pairing: {
      state,
      clusterUid: cluster.uid,
      generation: complete ? generation : (before?.generation ?? generation),
      ...(checkedAt === undefined ? {} : { checkedAt }),
      ...(pairedAt === undefined ? {} : { pairedAt }),
      ...(request === undefined ? {} : { answeredRequest: request }),
      message: messageOf(state, lines, site),
      checks: [...lines],
      thumbprints: { ...thumbprints },
    },
    // What an earlier cluster left behind at these servers is this cluster's now.
    ...(leftBehind === undefined || state === 'Paired' ? {} : { leftBehind }),
  };
}

function stateOf(lines: readonly PairingCheck[]): 'Failed' | 'Waiting' | 'Paired' {
  if (lines.some((line) => line.result === 'Failed')) return 'Failed';
  return lines.length > 0 && lines.every((line) => line.result === 'Passed') ? 'Paired' : 'Waiting';
}

function messageOf(state: NonNullable<SiteStatus['pairing']>['state'], lines: readonly PairingCheck[], site: Site): string {
  const trouble = firstTrouble(lines);
  const count = site.spec.connectionServers.length;
  const servers = `${count} connection server${count === 1 ? '' : 's'}`;
  if (state === 'Checking') return `${servers} being looked at.`;
  if (state === 'Paired') return trouble === undefined ? `${servers} paired.` : `Paired; since then ${sayLine(trouble)}.`.slice(0, 1024);
  return `${trouble === undefined ? 'Not every check passed' : sayLine(trouble)}.`.slice(0, 1024);
}

function sameLines(a: readonly PairingCheck[], b: readonly PairingCheck[]): boolean {
  return a.length === b.length && a.every((line, at) => line.result === b[at]?.result && line.message === b[at]?.message);
}

/** Status of a Site that nothing is plugged into any more. */
export function unpluggedStatus(site: Site, leftBehind: readonly string[]): SiteStatus {
  const { cluster: _cluster, pairing: _pairing, leftBehind: before = [], ...rest } = site.status ?? {};
  const left = [...new Set([...before, ...leftBehind])].map((one) => one.slice(0, 512)).slice(-32);
  return { ...rest, ...(left.length === 0 ? {} : { leftBehind: left }) };
}

/** Connection servers that may hold something of the plugged cluster: they were paired, and spoken to by their pin. */
export function touchedServers(site: Site): readonly { readonly name: string; readonly url: string; readonly pin: string }[] {
  if (site.status?.pairing?.pairedAt === undefined) return [];
  return site.spec.connectionServers.flatMap(({ name, url, pin }) => (pin === undefined ? [] : [{ name, url, pin }]));
}

/** What a removal by force leaves behind, one sentence a connection server. `why`: `cluster harbor was deleted by force`. */
export function leftBehindBy(site: Site, why: string): readonly string[] {
  const cluster = site.status?.cluster?.name ?? 'the cluster';
  return touchedServers(site).map(
    ({ name, url }) =>
      `${name} may still hold the license and running sessions of ${cluster}: take the license away with DELETE ${url}/v1/license (with the site's account), or pair another cluster with this site, which replaces it. That is so because ${why}.`,
  );
}
