/**
 * What happens to Sites: people who describe them, late too, accept thumbprints, change and delete them, plug clusters in and out; connection
 * servers that are down, ill, or show another certificate.
 */

import { ANNOTATION_FORCE_DELETE, ANNOTATION_FORCE_UNPLUG, ANNOTATION_PAIR } from '../src/model/labels.ts';
import type { ClusterNode } from '../src/model/cluster-node.ts';
import type { Cluster } from '../src/model/cluster.ts';
import { GROUP_VERSION } from '../src/model/resource.ts';
import type { ConnectionServer, Site } from '../src/model/site.ts';
import { createConnectionServer, replaceCertificate, thumbprintOf } from './connection-servers.ts';
import type { SimConnectionServer } from './connection-servers.ts';
import type { Dice } from './dice.ts';
import type { World } from './world.ts';

/** People do nothing any more after this. */
const LAST_MS = 2_000_000;
const SECRET = 'account';

/** Where a script happens. */
export interface SiteStage {
  readonly world: World;
  readonly namespace: string;
  /** From then on nothing breaks. */
  readonly calmMs: number;
}

/** Makes the connection servers, plans the Sites; their names, none in some worlds. */
export function planSites(stage: SiteStage): readonly string[] {
  const { world } = stage;
  const dice = world.dice.fork('sites');
  if (dice.chance(0.35)) return [];
  const names = Array.from({ length: dice.between(1, 2) }, (_, index) => `s${index + 1}`);
  planAccount(stage, dice);
  for (const name of names) planSite(stage, name, dice.fork(name));
  return names;
}

/** The Secret with the account of the sites; late now and then. */
function planAccount({ world, namespace }: SiteStage, dice: Dice): void {
  const data = { username: 'dXNlcg==', password: 'cGFzcw==' };
  const create = (): void =>
    void world.store.create('person', 'secrets', namespace, { apiVersion: 'v1', kind: 'Secret', metadata: { name: SECRET }, data });
  if (dice.chance(0.8)) create();
  else world.scheduler.after(dice.between(60_000, 1_500_000), create);
}

function planSite(stage: SiteStage, name: string, dice: Dice): void {
  const { world, namespace } = stage;
  const at = (ms: number, work: () => void): void => void world.scheduler.after(ms, work);
  const servers = Array.from({ length: dice.between(1, 2) }, (_, index) =>
    createConnectionServer(`${name}-${index + 1}.example`, dice.chance(0.5)),
  );
  for (const server of servers) {
    world.connectionServers.set(server.host, server);
    planServer(stage, server, dice.fork(server.host));
  }
  const describe = (): void => void world.store.create('person', 'sites', namespace, siteOf(name, servers, dice));
  const firstMs = dice.chance(0.6) ? 1 : dice.between(1_000, 1_200_000);
  at(firstMs, describe);
  const siteNow = (): Site | undefined => world.store.get('sites', namespace, name) as Site | undefined;
  const change = (spec: object): void => void world.store.mergePatch('person', 'sites', namespace, name, { spec: { ...spec } });
  for (let round = dice.between(0, 2); round > 0; round--)
    at(dice.between(firstMs, LAST_MS), () => change({ environment: dice.pick(['OnPremises', 'VMwareCloudOnAWSAllInSDDC']) }));
  if (dice.chance(0.3))
    at(dice.between(firstMs, LAST_MS), () => {
      const site = siteNow();
      if (site !== undefined) change({ connectionServers: serversOf(servers.slice(0, dice.between(1, servers.length)), dice) });
    });
  if (dice.chance(0.3)) at(dice.between(firstMs, LAST_MS), () => askAgain(world, namespace, name, dice));
  for (let round = dice.between(0, 4); round > 0; round--) at(dice.between(firstMs, LAST_MS), () => accept(siteNow(), change));
  if (dice.chance(0.75)) at(LAST_MS, () => accept(siteNow(), change));
  if (dice.chance(0.3)) planRemoval(stage, name, dice, describe);
}

function siteOf(name: string, servers: readonly SimConnectionServer[], dice: Dice): object {
  return {
    apiVersion: GROUP_VERSION,
    kind: 'Site',
    metadata: { name },
    spec: { environment: 'OnPremises', connectionServers: serversOf(servers, dice), credentials: { secret: SECRET } },
  };
}

/** Most are pinned from the first; some to be accepted; few wrongly. */
function serversOf(servers: readonly SimConnectionServer[], dice: Dice): ConnectionServer[] {
  return servers.map(({ host, thumbprint }, index) => {
    const pin = dice.chance(0.6) ? thumbprint : dice.chance(0.8) ? undefined : thumbprintOf('wrong');
    return { name: `cs${index + 1}`, url: `https://${host}`, ...(pin === undefined ? {} : { pin }) };
  });
}

/** A person compares, and pins what the servers show, as `outrigger site pair --accept` does. */
function accept(site: Site | undefined, change: (spec: object) => void): void {
  const shown = site?.status?.pairing?.thumbprints ?? {};
  const servers = site?.spec.connectionServers ?? [];
  if (!servers.some(({ name, pin }) => shown[name] !== undefined && shown[name] !== pin)) return;
  change({
    connectionServers: servers.map((server) => ({ ...server, ...(shown[server.name] === undefined ? {} : { pin: shown[server.name] }) })),
  });
}

function askAgain(world: World, namespace: string, name: string, dice: Dice): void {
  const metadata = { annotations: { [ANNOTATION_PAIR]: String(dice.between(1, 1_000_000)) } };
  world.store.mergePatch('person', 'sites', namespace, name, { metadata });
}

/** Deletes a Site, by force when it must be; often it is described anew, as another one of that name. */
function planRemoval({ world, namespace }: SiteStage, name: string, dice: Dice, describe: () => void): void {
  const atMs = dice.between(100_000, LAST_MS - 300_000);
  const [byForce, isBack] = [dice.chance(0.6), dice.chance(0.7)];
  world.scheduler.after(atMs, () => {
    if (byForce) annotateSite(world, namespace, name, { [ANNOTATION_FORCE_DELETE]: 'true' });
    world.store.remove('person', 'sites', namespace, name, {});
  });
  if (isBack) world.scheduler.after(atMs + dice.between(100, 300_000), describe);
}

function annotateSite(world: World, namespace: string, name: string, annotations: Record<string, string>): void {
  world.store.mergePatch('person', 'sites', namespace, name, { metadata: { annotations } });
}

/** What befalls one connection server while things break; few stay down for good. */
function planServer({ world, calmMs }: SiteStage, server: SimConnectionServer, dice: Dice): void {
  const at = (ms: number, work: () => void): void => void world.scheduler.after(ms, work);
  for (let round = dice.between(0, 4); round > 0; round--) {
    const [isMute, forMs] = [dice.chance(0.5), dice.pick([20_000, 120_000, 500_000])];
    at(dice.between(1_000, calmMs), () => {
      server.isMute = isMute;
      server.downUntilMs = world.scheduler.nowMs() + dice.between(1_000, forMs);
    });
  }
  if (dice.chance(0.3)) at(dice.between(1_000, calmMs), () => (server.illUntilMs = world.scheduler.nowMs() + dice.between(1_000, 300_000)));
  if (dice.chance(0.15)) at(dice.between(1_000, calmMs), () => replaceCertificate(server));
  if (dice.chance(0.05)) at(calmMs, () => (server.downUntilMs = Infinity));
}

// ---- clusters and their sites ---------------------------------------------------------------------------------------------------------------

/** Plans how a cluster is plugged in and out while it lives. */
export function planPlugging(stage: SiteStage, sites: readonly string[], cluster: string, orderMs: number): void {
  const { world, namespace, calmMs } = stage;
  if (sites.length === 0) return;
  const dice = world.dice.fork(`plugging of ${cluster}`);
  const change = (site: string | null): void => void world.store.mergePatch('person', 'clusters', namespace, cluster, { spec: { site } });
  for (let round = dice.between(0, 4); round > 0; round--) {
    const atMs = dice.between(orderMs, dice.chance(0.8) ? calmMs : LAST_MS - 300_000);
    const [leavesFirst, byForce] = [dice.chance(0.7), dice.chance(0.6)];
    world.scheduler.after(atMs, () => {
      if (leavesFirst) change(null);
      if (leavesFirst && byForce) world.scheduler.after(dice.between(1_000, 120_000), () => forceUnplug(stage, cluster));
    });
    if (dice.chance(0.7)) world.scheduler.after(atMs + dice.pick([1, 2_000, 60_000, 300_000]), () => change(dice.pick(sites)));
  }
}

/** A person has the cluster unplugged without its agents. */
function forceUnplug({ world, namespace }: SiteStage, cluster: string): void {
  for (const site of world.store.list('sites') as readonly Site[])
    if (site.status?.cluster?.name === cluster)
      annotateSite(world, namespace, site.metadata.name, { [ANNOTATION_FORCE_UNPLUG]: site.status.cluster.uid });
}

/** A person deletes a cluster; one that is plugged in is unplugged first, or that is skipped by force. */
export function removeCluster(stage: SiteStage, name: string, dice: Dice, tries = 12): void {
  const { world, namespace } = stage;
  const cluster = world.store.get('clusters', namespace, name) as Cluster | undefined;
  const answer = world.store.remove('person', 'clusters', namespace, name, {});
  if (answer.ok || cluster === undefined || tries === 0) return;
  if (dice.chance(0.5)) {
    for (const node of world.store.list('clusternodes') as readonly ClusterNode[])
      if (node.spec.clusterUid === cluster.metadata.uid) world.givenUp.add(node.metadata.uid);
    world.store.mergePatch('person', 'clusters', namespace, name, { metadata: { annotations: { [ANNOTATION_FORCE_DELETE]: 'true' } } });
    world.store.remove('person', 'clusters', namespace, name, {});
    return;
  }
  world.store.mergePatch('person', 'clusters', namespace, name, { spec: { site: null } });
  world.scheduler.after(dice.between(2_000, 30_000), () => removeCluster(stage, name, dice, tries - 1));
}
