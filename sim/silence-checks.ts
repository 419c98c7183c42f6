/**
 * Mass silence, judged by what is true: when each node renewed its Lease last.
 *
 * M1: during one no extension server that has watched for long enough replaces a node, unless a person confirmed it dead.
 * M2: nor does it give an attempt at creation up.
 * M3: each cluster that is silent then says so.
 * M4: when all is over nobody says so any more, and no attempt stands for it.
 */

import type { ClusterNode } from '../src/model/cluster-node.ts';
import type { Cluster } from '../src/model/cluster.ts';
import { conditionOf } from '../src/model/condition.ts';
import { ANNOTATION_CONFIRM_DEAD, nodeLeaseName } from '../src/model/labels.ts';
import { LIMITS } from '../src/model/limits.ts';
import { DEFAULT_SERVER_CONFIG } from '../src/model/server-config.ts';
import type { Process } from './process.ts';
import { isDead } from './repair-checks.ts';
import type { Commit } from './store.ts';
import { violate } from './world.ts';
import type { World } from './world.ts';

/** Looks are 5 s apart, clocks 1 % at most, copies a little late. */
const SLACK_MS = 20_000;
/** Until the servers that see it have written it everywhere. */
const SAID_MS = 120_000;
const LOOK_MS = 10_000;
const WINDOW_MS = (DEFAULT_SERVER_CONFIG.massSilenceSeconds ?? 0) * 1000;
const PERCENT = DEFAULT_SERVER_CONFIG.massSilencePercent ?? 100;

interface Watch {
  readonly world: World;
  readonly servers: readonly Process[];
  /** By name: when a server was last paused or began. */
  readonly freshMs: Map<string, number>;
  /** When a server was last crashed, started or paused: whoever took its clusters over has to watch their nodes anew. */
  disturbedMs: number;
  /** Since when there is one for sure. */
  sinceMs: number | undefined;
}

export interface SilenceJudge {
  /** M4. */
  atEnd(): void;
  /** A server stood still until then, or is not there. */
  disturbed(server: Process, untilMs: number): void;
}

export function watchSilence(world: World, servers: readonly Process[]): SilenceJudge {
  const watch: Watch = { world, servers, freshMs: new Map(), disturbedMs: 0, sinceMs: undefined };
  world.store.onCommit((commit) => {
    if (commit.plural === 'clusternodes') judgeReplaced(watch, commit);
    else if (commit.plural === 'clusters') judgeAbandoned(watch, commit);
  });
  const look = (): void => {
    const silent = certainlySilent(watch);
    if (silent === undefined) watch.sinceMs = undefined;
    else {
      watch.sinceMs ??= world.scheduler.nowMs();
      world.coverage.note('Mass silence', []);
      judgeSaid(watch, silent);
    }
    world.scheduler.after(LOOK_MS, look);
  };
  look();
  return {
    atEnd: () => judgeEnd(world),
    disturbed: (server, untilMs) => {
      watch.freshMs.set(server.name, Math.max(untilMs, watch.freshMs.get(server.name) ?? 0));
      watch.disturbedMs = Math.max(watch.disturbedMs, untilMs);
    },
  };
}

/** Clusters that were available and are certainly silent, when there are so many of them; undefined: not so many. */
function certainlySilent({ world, servers }: Watch): readonly Cluster[] | undefined {
  // Whoever began after a site was said to be silent counts it neither way.
  const beganMs = Math.max(0, ...servers.map(({ life }) => life?.startedMs ?? 0));
  const nowMs = world.scheduler.nowMs();
  const clusters = world.store.list('clusters') as readonly Cluster[];
  const sites = clusters.filter(({ metadata, status }) => status?.availableAt !== undefined && metadata.deletionTimestamp === undefined);
  const fell = sites
    .map((cluster) => [cluster, fellMs(world, cluster)] as const)
    .filter(([, ms]) => ms <= nowMs - SLACK_MS && ms > beganMs);
  const times = fell.map(([, ms]) => ms);
  const isTogether = Math.max(...times) - Math.min(...times) <= WINDOW_MS - SLACK_MS;
  const isMany = fell.length >= LIMITS.massSilenceSitesMin && fell.length * 100 > PERCENT * sites.length;
  return isMany && isTogether ? fell.map(([cluster]) => cluster) : undefined;
}

/** When the last of its nodes fell silent; Infinity: it has none that ever spoke. */
function fellMs(world: World, { metadata, status }: Cluster): number {
  const nodes = (world.store.list('clusternodes') as readonly ClusterNode[]).filter(
    (node) =>
      node.spec.clusterUid === metadata.uid &&
      node.spec.attempt === status?.attempt &&
      node.spec.retired !== true &&
      node.metadata.deletionTimestamp === undefined &&
      !isDead(node) &&
      node.status?.agent?.incarnation === node.spec.incarnation,
  );
  const spoke = nodes.flatMap((node) => world.renewals.get(nodeLeaseName(node.metadata.uid)) ?? []);
  return spoke.length === 0 ? Infinity : Math.max(...spoke) + LIMITS.nodeLeaseTtlMs;
}

/** It has watched for as long as it takes to know. */
function isSettled({ world, freshMs }: Watch, { name, life }: Process): boolean {
  const beganMs = Math.max(life?.startedMs ?? Infinity, freshMs.get(name) ?? 0);
  return world.scheduler.nowMs() - beganMs > LIMITS.nodeLeaseTtlMs + SLACK_MS;
}

function judgesNow(watch: Watch, writer: string): boolean {
  const { world, servers, sinceMs } = watch;
  const server = servers.find((one) => one.name === writer);
  if (sinceMs === undefined || server === undefined || !isSettled(watch, server)) return false;
  return world.scheduler.nowMs() - sinceMs > SLACK_MS && certainlySilent(watch) !== undefined;
}

function judgeReplaced(watch: Watch, { object, previous, writer }: Commit): void {
  const [node, old] = [object as ClusterNode, previous as ClusterNode | undefined];
  if (old === undefined || node.spec.incarnation === old.spec.incarnation || !judgesNow(watch, writer)) return;
  if (old.metadata.annotations?.[ANNOTATION_CONFIRM_DEAD] === String(old.spec.incarnation)) return;
  violate(watch.world, `M1: ${writer} replaces ${node.metadata.name} in a mass silence`);
}

function judgeAbandoned(watch: Watch, { object, previous, writer }: Commit): void {
  const [cluster, old] = [object as Cluster, previous as Cluster | undefined];
  const abandoned = (one: Cluster | undefined): number => one?.status?.abandonedAttempt ?? 0;
  if (abandoned(cluster) > abandoned(old) && judgesNow(watch, writer))
    violate(watch.world, `M2: ${writer} gives attempt ${abandoned(cluster)} of ${cluster.metadata.name} up in a mass silence`);
  if (cluster.status?.attempts?.at(-1)?.waitingFor === 'MassSilence' && old?.status?.attempts?.at(-1)?.waitingFor !== 'MassSilence')
    watch.world.coverage.note('Attempt stands', []);
}

function judgeSaid(watch: Watch, silent: readonly Cluster[]): void {
  const { world, servers, sinceMs = Infinity } = watch;
  const living = servers.filter((server) => server.life !== undefined);
  const knows = living.length > 0 && living.every((server) => isSettled(watch, server));
  const isStill = world.scheduler.nowMs() - watch.disturbedMs > LIMITS.nodeLeaseTtlMs + SAID_MS;
  if (!knows || !isStill || world.scheduler.nowMs() - sinceMs < SAID_MS) return;
  for (const cluster of silent.filter((one) => world.scheduler.nowMs() - fellMs(world, one) > SAID_MS)) {
    const { metadata, status } = cluster;
    const said = conditionOf(status?.conditions, 'RemediationAllowed');
    if (said?.status === 'False' && said.reason === 'MassSilence') world.coverage.note('Mass silence said', []);
    else violate(world, `M3: ${metadata.name} is part of a mass silence and says ${said?.reason ?? 'nothing'}`);
  }
}

function judgeEnd(world: World): void {
  for (const { metadata, status } of world.store.list('clusters') as readonly Cluster[]) {
    const said = conditionOf(status?.conditions, 'RemediationAllowed');
    if (said?.status === 'False') violate(world, `M4: ${metadata.name} still says ${said.reason}: ${said.message}`);
    if (status?.attempts?.at(-1)?.waitingFor === 'MassSilence')
      violate(world, `M4: an attempt of ${metadata.name} still stands for a mass silence`);
  }
}
