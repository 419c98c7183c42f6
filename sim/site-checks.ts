/**
 * Safety of Sites, judged at every commit by what is true: who is plugged in where, by whose word, and what a Site says of it.
 */

import type { ClusterNode } from '../src/model/cluster-node.ts';
import type { Cluster } from '../src/model/cluster.ts';
import { ANNOTATION_FORCE_UNPLUG } from '../src/model/labels.ts';
import type { Site } from '../src/model/site.ts';
import { labelOf } from './machine.ts';
import type { Commit } from './store.ts';
import { violate } from './world.ts';
import type { World } from './world.ts';

/** How long a write may be on its way, decided on copies that were behind. */
const IN_FLIGHT_MS = 20 * 60_000;

interface Facts {
  /** Cluster uid → [since ms, spec.site], newest last; gone: undefined. */
  readonly named: Map<string, (readonly [number, string | undefined])[]>;
  /** `<site>/<cluster uid>` → until when the Site said Paired of it, at its own generation; Infinity: it says so. */
  readonly saidPairedMs: Map<string, number>;
}

/** Watches every commit of Clusters and Sites. */
export function watchSites(world: World): void {
  const facts: Facts = { named: new Map(), saidPairedMs: new Map() };
  world.store.onCommit((commit) => {
    if (commit.plural === 'clusters') judgeCluster(world, facts, commit);
    else if (commit.plural === 'sites') judgeSite(world, facts, commit);
  });
}

function judgeCluster(world: World, facts: Facts, commit: Commit): void {
  const cluster = commit.object as Cluster;
  const { uid, name } = cluster.metadata;
  const nowMs = world.scheduler.nowMs();
  const site = commit.type === 'DELETED' ? undefined : cluster.spec.site;
  const history = facts.named.get(uid) ?? [];
  if (history.length === 0 || history.at(-1)?.[1] !== site) facts.named.set(uid, [...history, [nowMs, site]]);
  const isNew = cluster.status?.availableAt !== undefined && (commit.previous as Cluster | undefined)?.status?.availableAt === undefined;
  if (!isNew || site === undefined) return;
  const paired = facts.saidPairedMs.get(`${site}/${uid}`) ?? -Infinity;
  if (paired < nowMs - IN_FLIGHT_MS) violate(world, `${name} becomes available, and site ${site} did not say that it is paired`);
}

/** Whether the spec of the cluster named `site` in the time that a write may be on its way; `other`: whether it did not. */
function wasNamed(world: World, facts: Facts, uid: string, site: string, other = false): boolean {
  const history = facts.named.get(uid) ?? [];
  const since = world.scheduler.nowMs() - IN_FLIGHT_MS;
  const lately = history.filter(([ms], at) => ms >= since || at === history.length - 1 || (history[at + 1]?.[0] ?? 0) >= since);
  return lately.some(([, named]) => (named === site) !== other);
}

function judgeSite(world: World, facts: Facts, commit: Commit): void {
  const site = commit.object as Site;
  const before = commit.previous as Site | undefined;
  const [was, is] = [before?.status?.cluster, commit.type === 'DELETED' ? undefined : site.status?.cluster];
  notePaired(world, facts, commit);
  if (commit.type === 'DELETED') return;
  if (was !== undefined && is !== undefined && was.uid !== is.uid)
    violate(world, `the plug of site ${site.metadata.name} goes from ${was.name} to ${is.name} without being free`);
  if (is !== undefined && was?.uid !== is.uid) judgePlug(world, facts, commit);
  if (is !== undefined && site.status?.pairing?.clusterUid !== is.uid)
    violate(world, `site ${site.metadata.name} is plugged into ${is.name}, and its pairing is another's`);
  if (is === undefined && site.status?.pairing !== undefined)
    violate(world, `site ${site.metadata.name} is free and speaks of a pairing with ${site.status.pairing.clusterUid}`);
  if (is === undefined && before !== undefined && was !== undefined) judgeFreed(world, facts, commit, before, was.uid);
  if (before !== undefined && was?.uid === is?.uid) judgeSteady(world, before, site);
  if (site.status?.pairing?.state === 'Paired' && before?.status?.pairing?.state !== 'Paired') judgePaired(world, site);
}

function notePaired(world: World, facts: Facts, { type, object, previous }: Commit): void {
  const keyOf = (site: Site | undefined): string | undefined => {
    const { cluster, pairing } = site?.status ?? {};
    const holds = pairing?.state === 'Paired' && pairing.clusterUid === cluster?.uid && pairing.generation === site?.metadata.generation;
    return holds ? `${site?.metadata.name}/${pairing.clusterUid}` : undefined;
  };
  const [was, is] = [keyOf(previous as Site | undefined), type === 'DELETED' ? undefined : keyOf(object as Site)];
  if (was !== undefined) facts.saidPairedMs.set(was, world.scheduler.nowMs());
  if (is !== undefined) facts.saidPairedMs.set(is, Infinity);
}

/** Only an agent of the cluster plugs it in, and only where its spec says. */
function judgePlug(world: World, facts: Facts, { object, writer }: Commit): void {
  const { name, uid } = (object as Site).status?.cluster ?? { name: '', uid: '' };
  const site = object.metadata.name;
  if (!world.machines.some((machine) => machine.agent.name === writer && machine.clusterUid === uid))
    violate(world, `${writer} plugs ${name} into site ${site}, and is none of its agents`);
  if (!wasNamed(world, facts, uid, site)) violate(world, `${name} is plugged into site ${site}, which its spec does not name`);
}

/** By the agent when the spec names the site no more; by an extension server when no agent can, or when a person said so of this very cluster. */
function judgeFreed(world: World, facts: Facts, { object, writer }: Commit, before: Site, uid: string): void {
  const site = object as Site;
  const { name } = site.metadata;
  judgeLeft(world, before, site, uid);
  const cluster = (world.store.list('clusters') as readonly Cluster[]).find((one) => one.metadata.uid === uid);
  if (cluster === undefined) return;
  const isLeft = wasNamed(world, facts, uid, name, true);
  if (!writer.startsWith('server')) {
    if (!isLeft) violate(world, `${writer} unplugs ${cluster.metadata.name} from site ${name}, which its spec names`);
    return;
  }
  if (isLeft && before.metadata.annotations?.[ANNOTATION_FORCE_UNPLUG] === uid) return;
  if (cluster.metadata.deletionTimestamp === undefined)
    violate(world, `${writer} frees site ${name} of ${cluster.metadata.name}, which lives and was not asked to leave`);
  for (const machine of world.machines)
    if (machine.clusterUid === uid && machine.isAlive && !world.givenUp.has(machine.nodeUid))
      violate(world, `${writer} frees site ${name} while ${labelOf(machine)} runs`);
}

/** What connection servers still hold of the cluster by way of this Site is said in the write that frees the Site. */
function judgeLeft(world: World, before: Site, after: Site, uid: string): void {
  for (const { name, url, pin } of before.spec.connectionServers) {
    // Whom nobody vouches for any more nobody speaks to, and nobody speaks of.
    if (pin === undefined) continue;
    const server = world.connectionServers.get(new URL(url).hostname);
    if (server?.licenseOf !== `${before.metadata.uid}/${uid}`) continue;
    if (after.status?.leftBehind?.some((line) => line.startsWith(`${name} `)) !== true)
      violate(world, `site ${after.metadata.name} is free, ${name} holds the license, and nobody says so`);
  }
}

/** Once paired at a generation it stays so while it is plugged in. */
function judgeSteady(world: World, before: Site, after: Site): void {
  const [was, is] = [before.status?.pairing, after.status?.pairing];
  if (was?.state !== 'Paired' || is === undefined || was.generation !== before.metadata.generation) return;
  if (before.metadata.generation === after.metadata.generation && is.state !== 'Paired')
    violate(world, `site ${after.metadata.name} was paired and is ${is.state}, though nobody changed it`);
}

/** Nobody is trusted whom no person vouched for. The license is delivered from then on. */
function judgePaired(world: World, site: Site): void {
  for (const { name, url, pin } of site.spec.connectionServers) {
    const server = world.connectionServers.get(new URL(url).hostname);
    const isCurrent = site.status?.pairing?.generation === site.metadata.generation;
    if (isCurrent && (pin === undefined || server?.shown.has(pin) !== true))
      violate(world, `site ${site.metadata.name} is paired, and nobody vouched for ${name}`);
    if (server !== undefined && server.thumbprint === pin) server.licenseOf = `${site.metadata.uid}/${site.status?.cluster?.uid}`;
  }
}

/** Nodes of the cluster whose agent holds authority and lives. */
export function primaryOf(world: World, cluster: Cluster): World['machines'][number] | undefined {
  const nodes = world.store.list('clusternodes') as readonly ClusterNode[];
  return world.machines.find(({ clusterUid, role, isAlive, disk, nodeUid, incarnation }) => {
    if (clusterUid !== cluster.metadata.uid || role !== 'Primary' || !isAlive || !disk.isMember) return false;
    return nodes.some((node) => node.metadata.uid === nodeUid && node.spec.incarnation === incarnation);
  });
}
