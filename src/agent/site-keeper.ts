/**
 * The site of this node's cluster: every node remembers it; the one that holds authority plugs the cluster in, checks the connection servers, says
 * how it stands, and unplugs (src/decide/site-duty.ts, pairing.ts decide).
 *
 * I1: it works from the node's birth, before the cluster was available: pairing is the last step of creation.
 * I2: only a node in authority writes; every write is guarded by the uid and revision of the Site that it was decided on.
 * I3: nothing here holds up anything else of the node; without a director what is remembered goes on.
 * I4: framework services know the site no more before its license is taken away from the connection servers.
 */

import { mergeDiff } from '../decide/merge-diff.ts';
import { clusterEvent } from '../decide/outcome.ts';
import { pairingLines, shownThumbprints } from '../decide/pairing.ts';
import type { PairingContext, ServerFacts, Tried } from '../decide/pairing.ts';
import { checkedStatus, claimedStatus, NO_CHECKS, siteDuty } from '../decide/site-duty.ts';
import type { CheckMemory, SiteCluster } from '../decide/site-duty.ts';
import { firstTrouble } from '../decide/site-standing.ts';
import { SITES } from '../model/addresses.ts';
import type { Cluster } from '../model/cluster.ts';
import type { EventReason } from '../model/event-reason.ts';
import { Fault } from '../model/fault.ts';
import type { JsonObject } from '../model/json.ts';
import { LIMITS } from '../model/limits.ts';
import type { PairingCheck, Site, SiteStatus } from '../model/site.ts';
import type { EntityApi } from '../ports/api.ts';
import type { AgentDeps } from './deps.ts';
import type { Following } from './following.ts';
import type { Memory } from './memory.ts';
import { pokeLoop } from './poke-loop.ts';
import { sayEvent } from './say-event.ts';
import { readCredentials } from './site-credentials.ts';
import { followSite } from './site-following.ts';
import type { SiteFollowing } from './site-following.ts';
import { forgetLeft, leaveSite, rememberSite } from './site-memory.ts';
import type { SiteCredentials } from './site-memory.ts';
import { probeServer } from './site-probe.ts';
import { unplug } from './site-unplug.ts';

export interface SiteKeeperParts {
  readonly deps: Pick<AgentDeps, 'clock' | 'random' | 'log' | 'node' | 'http'>;
  readonly api: EntityApi;
  readonly following: Pick<Following, 'cluster'>;
  readonly memory: Memory;
  /** Trusted time, ms since 1970. */
  readonly trustedNow: () => number;
  /** The term under which this node has authority; undefined: it has none. */
  readonly term: () => number | undefined;
  /** What is remembered of the site, or seen of it, has changed. */
  readonly onChange: () => void;
  /** How Sites are followed; absent: by watches of the director. */
  readonly followSite?: typeof followSite;
}

export interface SiteKeeper {
  /** The Site that the cluster's spec names, as seen last. */
  site(): Site | undefined;
  poke(): void;
  /** Resolves when it has ended; call it after the signal aborted. */
  settled(): Promise<void>;
}

/** Looked at again this often also when nothing changed: it costs nothing but a look at what is in memory. */
const RESYNC_MS = 5_000;
/** Framework services have read by then that the site is gone from their file. */
const SETTLE_MS = 1_000;

interface State {
  readonly parts: SiteKeeperParts;
  readonly sites: SiteFollowing;
  checks: CheckMemory;
  /** For which state of the Site the Secret was read last, and what came of it. */
  secretRead: { readonly key: string; readonly credentials?: SiteCredentials | undefined; readonly problem?: string } | undefined;
  /** Generation of the Cluster for which it was asked whether it is plugged in somewhere that its spec does not name. */
  strayLooked: number | undefined;
}

/** Keeps the site until the signal aborts. */
export function keepSite(parts: SiteKeeperParts, signal: AbortSignal): SiteKeeper {
  const { deps, api } = parts;
  const wake = { poke: (): void => undefined };
  const onSite = (): void => {
    wake.poke();
    parts.onChange();
  };
  const sites = (parts.followSite ?? followSite)(
    { api, clock: deps.clock, random: deps.random, log: deps.log },
    deps.node.namespace,
    onSite,
    signal,
  );
  const state: State = { parts, sites, checks: NO_CHECKS, secretRead: undefined, strayLooked: undefined };
  const loop = pokeLoop(deps, { what: 'Keeping the site', everyMs: 100, resyncMs: RESYNC_MS }, (work) => once(state, work), signal);
  wake.poke = () => loop.poke();
  loop.poke();
  return { site: () => sites.site(), poke: () => loop.poke(), settled: () => loop.settled() };
}

async function once(state: State, signal: AbortSignal): Promise<void> {
  const { parts, sites } = state;
  const cluster = parts.following.cluster();
  if (cluster === undefined) return;
  const named = cluster.spec.site;
  sites.follow(named);
  const known = parts.memory.get('site')?.current;
  if (known !== undefined && known.name !== named && !(await leaveSite(parts.memory, cluster))) return;
  if (known !== undefined && known.name !== named) parts.onChange();
  await leaveStrays(state, cluster, signal);
  const site = sites.site();
  // A Site that is not seen commands nothing: what is remembered goes on.
  if (named === undefined || site === undefined) return;
  await remember(state, cluster, site, signal);
  if (parts.term() === undefined) return;
  await doDuty(state, siteClusterOf(cluster), site, signal);
}

function siteClusterOf({ metadata, spec }: Cluster): SiteCluster {
  return { name: metadata.name, uid: metadata.uid, deleting: metadata.deletionTimestamp !== undefined, site: spec.site };
}

async function doDuty(state: State, cluster: SiteCluster, site: Site, signal: AbortSignal): Promise<void> {
  const { deps } = state.parts;
  const duty = siteDuty(cluster, site, state.checks, deps.clock.monotonicMs(), deps.random.float());
  if (duty.do === 'Nothing') {
    // The time of the last check is not remembered over restarts: a paired site waits its full time from now.
    if (state.checks.checkedMs === undefined && duty.againMs !== undefined)
      state.checks = { ...state.checks, checkedMs: deps.clock.monotonicMs() };
    return;
  }
  if (duty.do === 'Claim') {
    await write(state, site, claimedStatus(cluster, site), signal);
    deps.log.info(`Plugs the cluster into site ${site.metadata.name}.`);
    return;
  }
  await check(state, cluster, site, duty.shown, signal);
}

// ---- checks -----------------------------------------------------------------------------------------------------------------------------

async function check(state: State, cluster: SiteCluster, site: Site, shown: boolean, signal: AbortSignal): Promise<void> {
  const { deps, api, trustedNow } = state.parts;
  const read = await readCredentials(api, site, signal);
  const context: PairingContext = {
    trustedNowMs: trustedNow(),
    site: site.metadata.name,
    namespace: deps.node.namespace,
    credentials: given(read),
  };
  const credentials = read.ok ? read.value : undefined;
  const servers = site.spec.connectionServers;
  const facts = new Map<string, ServerFacts>();
  const linesNow = (): PairingCheck[] => pairingLines(servers, facts, context);
  const statusNow = (of: Site, complete: boolean): SiteStatus =>
    checkedStatus(cluster, of, { lines: linesNow(), thumbprints: shownThumbprints(facts), complete, now: nowText(state) });
  const end = new AbortController();
  const own = AbortSignal.any([signal, end.signal]);
  let current = site;
  try {
    const onFacts = (name: string, known: ServerFacts): void => void facts.set(name, known);
    const probes = servers.map((server) =>
      probeServer(deps.http, { server, context, credentials, onFacts: (known) => onFacts(server.name, known) }, own),
    );
    const all = settledFlag(Promise.all(probes));
    while (shown && !all.settled()) {
      await Promise.race([deps.clock.sleep(LIMITS.pairingShowMs, own), all.work]);
      if (!all.settled()) current = await write(state, current, statusNow(current, false), signal);
    }
    await all.work;
  } finally {
    end.abort();
  }
  const written = await write(state, current, statusNow(current, true), signal);
  const trouble = firstTrouble(linesNow());
  state.checks = { checkedMs: deps.clock.monotonicMs(), failures: trouble === undefined ? 0 : state.checks.failures + 1 };
  sayOutcome(state, site, written, signal);
}

interface Flagged {
  readonly work: Promise<unknown>;
  settled(): boolean;
}

function settledFlag(work: Promise<unknown>): Flagged {
  let isSettled = false;
  const note = (): void => void (isSettled = true);
  // A failure is met where the work is awaited.
  work.then(note, note);
  return { work, settled: () => isSettled };
}

function given(read: Tried<SiteCredentials | undefined>): PairingContext['credentials'] {
  if (!read.ok) return read;
  return { ok: true, value: read.value === undefined ? 'NoneNamed' : 'Given' };
}

function sayOutcome(state: State, before: Site, after: Site, signal: AbortSignal): void {
  const [was, is] = [before.status?.pairing, after.status?.pairing];
  if (is === undefined || (was?.state === is.state && was.message === is.message)) return;
  const { name } = after.metadata;
  state.parts.deps.log.info(`Site ${name}: ${is.state}. ${is.message ?? ''}`);
  if (is.state === 'Paired' && was?.state !== 'Paired') say(state, 'Normal', 'SitePaired', `Site ${name}: ${is.message}`, signal);
  if (is.state === 'Failed') say(state, 'Warning', 'SitePairingFailed', `Site ${name}: ${is.message}`, signal);
}

// ---- memory -----------------------------------------------------------------------------------------------------------------------------

async function remember(state: State, cluster: Cluster, site: Site, signal: AbortSignal): Promise<void> {
  const { api, memory } = state.parts;
  const { pairing } = site.status ?? {};
  const isOurs = site.status?.cluster?.uid === cluster.metadata.uid;
  // Read anew when the Site, or what its checks came to, is another.
  const key = [site.metadata.uid, site.metadata.generation, pairing?.state, pairing?.checkedAt, pairing?.answeredRequest].join(' ');
  if (isOurs && state.secretRead?.key !== key) {
    const read = await readCredentials(api, site, signal);
    if (!read.ok && read.message !== state.secretRead?.problem) state.parts.deps.log.warn(read.message);
    state.secretRead = { key, ...(read.ok ? { credentials: read.value } : { problem: read.message }) };
  }
  const before = memory.get('site');
  await rememberSite(memory, cluster, site, state.secretRead?.credentials);
  if (memory.get('site') !== before) state.parts.onChange();
}

// ---- unplugging -------------------------------------------------------------------------------------------------------------------------

/** Unplugs the cluster from every Site that its spec does not name. */
async function leaveStrays(state: State, cluster: Cluster, signal: AbortSignal): Promise<void> {
  const { deps, memory } = state.parts;
  const { uid, generation = 0, name } = cluster.metadata;
  const leaving = memory.get('site')?.leaving;
  if (cluster.metadata.deletionTimestamp !== undefined) return;
  const isPrimary = state.parts.term() !== undefined;
  // Asked also when the spec names a site: who plugged the cluster in elsewhere may be gone, and its machine took with it what it remembered.
  if (leaving === undefined && (!isPrimary || state.strayLooked === generation)) return;
  const strays = (await state.sites.plugged(uid, signal)).filter((site) => site.metadata.name !== cluster.spec.site);
  // Another node keeps what it needs to unplug, should it become primary meanwhile.
  if (!isPrimary && strays.length > 0) return;
  if (strays.length > 0) await deps.clock.sleep(SETTLE_MS, signal);
  for (const site of strays) {
    const credentials = leaving?.uid === site.metadata.uid ? leaving.credentials : undefined;
    const { status, left } = await unplug(deps.http, { cluster: name, site, credentials, trustedNowMs: state.parts.trustedNow() }, signal);
    await write(state, site, status, signal);
    const said = left.length === 0 ? 'Nothing of the cluster is left there.' : `Left behind: ${left.join(' ')}`;
    say(state, left.length === 0 ? 'Normal' : 'Warning', 'SiteUnplugged', `Site ${site.metadata.name} is unplugged. ${said}`, signal);
  }
  state.strayLooked = generation;
  if (leaving !== undefined || strays.length > 0) state.checks = NO_CHECKS;
  await forgetLeft(memory);
}

// ---- small pieces -----------------------------------------------------------------------------------------------------------------------

/** Makes `status` the Site's. Throws `Fault` when somebody else was faster; then all is decided anew. */
async function write(state: State, site: Site, status: SiteStatus, signal: AbortSignal): Promise<Site> {
  const { api } = state.parts;
  const patch = mergeDiff(site.status, status);
  if (patch === undefined) return site;
  const { namespace = '', name, uid, resourceVersion } = site.metadata;
  const body: JsonObject = { metadata: { uid, resourceVersion }, status: patch };
  const answer = await api.mergePatch<Site>(SITES, namespace, name, body, signal, 'status');
  if (!answer.ok) {
    const code = answer.reason === 'Conflict' ? 'Overloaded' : 'DirectorRefused';
    throw new Fault(code, `The status of site ${name} was not written: ${answer.message}`);
  }
  state.sites.learn(answer.value);
  return answer.value;
}

function say(state: State, type: 'Normal' | 'Warning', reason: EventReason, message: string, signal: AbortSignal): void {
  const cluster = state.parts.following.cluster();
  if (cluster !== undefined) void sayEvent(state.parts.deps, state.parts.api, clusterEvent(cluster, type, reason, message), signal);
}

function nowText(state: State): string {
  return new Date(state.parts.deps.clock.nowMs()).toISOString();
}
