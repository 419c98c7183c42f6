/**
 * Mass silence: many sites of a director fall silent at once. Then not the sites failed, but the network or the director's place, and nothing is repaired
 * anywhere until they are heard again.
 *
 * Each server judges by its own observation of the Leases that agents renew; a site is a cluster that was available.
 *
 * I1: a site is silent when each of its nodes' Leases was seen unchanged for as long as it says that it holds, by this observer's own clock. One without
 *     Leases is neither.
 * I2: there is a mass silence while, of the sites that are silent now, more than massSilencePercent of all fell silent within some massSilenceSeconds.
 *     Who is heard again leaves the count; so it ends by itself.
 * I3: one silent site is never one: with up to four sites two must fall together, and that is enough. A site alone says nothing about the network.
 * I4: time in which this observer stood still is nobody's silence.
 * I5: a fresh observer knows no mass silence until it has watched for as long as Leases hold, or until the sites that it has not heard yet are too few to
 *     be one (`settled`). Sites whose silence had been said before count neither way, unless a mass silence was said of them: then they are part of it.
 * I6: observers disagree at the edges: one saw a site fall seconds later, one knows of a site only that it was silent before. Who would not have said it
 *     obeys a mass silence that another one said, while it is one by a wider measure (`near`); else the two would unsay it to each other for ever.
 */

import { LIMITS } from '../model/limits.ts';
import { DEFAULT_SERVER_CONFIG } from '../model/server-config.ts';
import type { ServerConfigSpec } from '../model/server-config.ts';

/** One site, as an observer's copies show it. */
export interface SiteSight {
  /** The cluster's uid. */
  readonly uid: string;
  readonly leases: readonly { readonly uid: string; readonly revision: string; readonly ttlMs: number }[];
  /** It was said to be silent long ago, and no mass silence was said of it (I5). */
  readonly longSilent: boolean;
}

interface SeenLease {
  readonly uid: string;
  readonly revision: string;
  /** Monotonic ms at which it was first seen so. */
  readonly atMs: number;
}

interface SeenSite {
  /** What was seen of it last. */
  readonly sight: SiteSight;
  readonly leases: readonly SeenLease[];
  /** When it falls silent, or fell, if nothing more is heard of it. */
  readonly fallsMs: number;
  /** It was silent before this observer began, and nothing was heard of it since. */
  readonly isOld: boolean;
  /** This observer has seen a sign of life of it. */
  readonly wasHeard: boolean;
}

export interface SilenceMemory {
  readonly beganMs: number | undefined;
  readonly atMs: number;
  /** By uid. */
  readonly sites: ReadonlyMap<string, SeenSite>;
}

export const NO_SILENCE: SilenceMemory = { beganMs: undefined, atMs: 0, sites: new Map() };

export interface MassSilence {
  readonly active: boolean;
  /** It is one with a window twice as long, and when sites that are silent besides are not counted among all. */
  readonly near: boolean;
  /** This observer has watched for long enough to know. */
  readonly settled: boolean;
  readonly silentSites: number;
  readonly sites: number;
}

/**
 * The memory after one more look at all sites. Looks are LIMITS.massSilenceLookMs apart, unless the observer stood still. A site of which nothing changed
 * may be handed in as the same object: then it costs next to nothing, and there may be ten thousand.
 */
export function watchSites(memory: SilenceMemory, sites: readonly SiteSight[], monotonicMs: number): SilenceMemory {
  const passedMs = memory.beganMs === undefined ? 0 : monotonicMs - memory.atMs;
  const stoodMs = passedMs > 3 * LIMITS.massSilenceLookMs ? passedMs - LIMITS.massSilenceLookMs : 0;
  const seen = new Map<string, SeenSite>();
  for (const site of sites) {
    if (site.leases.length === 0) continue;
    const before = memory.sites.get(site.uid);
    const isSame = before !== undefined && before.sight === site && stoodMs === 0;
    seen.set(site.uid, isSame ? before : seenSite(before, site, stoodMs, monotonicMs));
  }
  return { beganMs: memory.beganMs === undefined ? monotonicMs : memory.beganMs + stoodMs, atMs: monotonicMs, sites: seen };
}

function seenSite(before: SeenSite | undefined, sight: SiteSight, stoodMs: number, monotonicMs: number): SeenSite {
  const leases: SeenLease[] = [];
  let fallsMs = -Infinity;
  let isHeard = false;
  for (const { uid, revision, ttlMs } of sight.leases) {
    const known = before?.leases.find((one) => one.uid === uid);
    isHeard ||= known !== undefined && known.revision !== revision;
    const atMs = known?.revision === revision ? known.atMs + stoodMs : monotonicMs;
    leases.push({ uid, revision, atMs });
    fallsMs = Math.max(fallsMs, atMs + ttlMs);
  }
  const isOld = !isHeard && (before === undefined ? sight.longSilent : before.isOld);
  return { sight, leases, fallsMs, isOld, wasHeard: isHeard || before?.wasHeard === true };
}

/** Whether there is a mass silence, by the last look. */
export function massSilenceOf(memory: SilenceMemory, config: ServerConfigSpec): MassSilence {
  const percent = config.massSilencePercent ?? DEFAULT_SERVER_CONFIG.massSilencePercent ?? 100;
  const windowMs = (config.massSilenceSeconds ?? DEFAULT_SERVER_CONFIG.massSilenceSeconds ?? 0) * 1000;
  const fell: number[] = [];
  let counted = 0;
  let unknown = 0;
  for (const { isOld, fallsMs, wasHeard } of memory.sites.values()) {
    if (isOld) continue;
    counted += 1;
    if (fallsMs <= memory.atMs) fell.push(fallsMs);
    if (fallsMs <= memory.atMs || !wasHeard) unknown += 1;
  }
  const times = fell.toSorted((a, b) => a - b);
  const isMany = (sites: number, of = counted): boolean => sites * 100 > percent * of && sites >= LIMITS.massSilenceSitesMin;
  const active = isMany(mostWithin(times, windowMs));
  const nearly = mostWithin(times, 2 * windowMs);
  const near = active || isMany(nearly, counted - fell.length + nearly);
  const watchedMs = memory.beganMs === undefined ? 0 : memory.atMs - memory.beganMs;
  const isSettled = watchedMs >= LIMITS.nodeLeaseTtlMs || (memory.beganMs !== undefined && !isMany(unknown));
  return { active, near, settled: isSettled, silentSites: fell.length, sites: counted };
}

/**
 * Whether an extension server obeys one: by its own observation; where that is too young, or is not far from it, by what `stands` where it acts. `seen`:
 * absent: nobody looks.
 */
export function isObeyed(seen: MassSilence | undefined, stands: boolean): boolean {
  return seen?.active === true || (stands && seen !== undefined && (!seen.settled || seen.near));
}

/** How many of `times` (ascending) lie within some span of `windowMs`, at most. */
function mostWithin(times: readonly number[], windowMs: number): number {
  let most = 0;
  let first = 0;
  for (let last = 0; last < times.length; last++) {
    while ((times[last] ?? 0) - (times[first] ?? 0) > windowMs) first++;
    most = Math.max(most, last - first + 1);
  }
  return most;
}
