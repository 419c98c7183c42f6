/**
 * The site of an agent's cluster: the product's own keeper (src/agent/site-keeper.ts), over simulated connection servers, a copy of the Site that
 * lags like any other, and a record on the machine's disk.
 */

import { canonicalJson } from '../src/base/canonical.ts';
import { keepSite } from '../src/agent/site-keeper.ts';
import type { SiteKeeper, SiteKeeperParts } from '../src/agent/site-keeper.ts';
import type { SiteFollowing } from '../src/agent/site-following.ts';
import type { Memory } from '../src/agent/memory.ts';
import type { SiteRecord } from '../src/agent/site-record.ts';
import type { Informer } from '../src/client/informer.ts';
import { SITES } from '../src/model/addresses.ts';
import type { Cluster } from '../src/model/cluster.ts';
import { Fault } from '../src/model/fault.ts';
import type { Site } from '../src/model/site.ts';
import type { EntityApi } from '../src/ports/api.ts';
import { simulatedInformer } from './cache.ts';
import { simulatedHttp } from './site-network.ts';
import type { Machine } from './machine-state.ts';
import { WALL_START_MS, clockOf, later, logOf, randomOf } from './process.ts';
import type { Life } from './process.ts';
import { violate } from './world.ts';
import type { World } from './world.ts';

export interface SiteAgentParts {
  readonly world: World;
  readonly machine: Machine;
  readonly life: Life;
  readonly api: EntityApi;
  /** The agent's cluster, as it knows it. */
  readonly cluster: () => Cluster | undefined;
  readonly term: () => number | undefined;
  readonly onChange: () => void;
}

/** Keeps the site in this life of the agent. */
export function startSiteKeeper(parts: SiteAgentParts): SiteKeeper {
  const { world, machine, life, api, cluster, term, onChange } = parts;
  const { namespace, node, nodeUid, incarnation, clusterUid, role } = machine;
  const file = { namespace, node, nodeUid, incarnation, cluster: machine.cluster, clusterUid, role };
  const deps = {
    clock: clockOf(life),
    random: randomOf(life.process.dice.fork('site')),
    log: logOf(world.trace, life.process.name),
    node: { ...file, address: '', podAddresses: [], directors: [], caHash: '' },
    http: simulatedHttp(world, life),
  };
  const keeper = keepSite(
    {
      deps,
      api,
      following: { cluster },
      memory: memoryOf(world, machine, life),
      trustedNow: () => WALL_START_MS + world.scheduler.nowMs(),
      term,
      onChange,
      followSite: (_, __, onSite) => following(parts, onSite),
    } satisfies SiteKeeperParts,
    life.controller.signal,
  );
  world.scheduler.touch();
  keeper
    .settled()
    .catch((cause: unknown) => violate(world, `${life.process.name}: ${cause instanceof Error ? cause.stack : String(cause)}`));
  return {
    ...keeper,
    poke: () => {
      world.scheduler.touch();
      keeper.poke();
    },
  };
}

function following({ world, machine, life, api }: SiteAgentParts, onSite: () => void): SiteFollowing {
  const copies = new Map<string, Informer<Site>>();
  let followed: string | undefined;
  const copyOf = (name: string): Informer<Site> => {
    const copy = simulatedInformer<Site>(world, life, 'sites', (site) => site.metadata.name === name);
    copy.onChange(() => {
      if (followed !== name) return;
      world.scheduler.touch();
      onSite();
    });
    copies.set(name, copy);
    return copy;
  };
  const current = (): Informer<Site> | undefined => (followed === undefined ? undefined : copies.get(followed));
  return {
    follow: (name) => {
      followed = name;
      if (name !== undefined && !copies.has(name)) copyOf(name);
    },
    site: () => (followed === undefined ? undefined : current()?.get(machine.namespace, followed)),
    learn: (site) => current()?.learn(site),
    plugged: async (clusterUid, signal) => {
      const answer = await api.list(SITES, { namespace: machine.namespace, fieldSelector: `status.cluster.uid=${clusterUid}` }, signal);
      if (!answer.ok) throw new Fault('DirectorRefused', answer.message);
      return answer.value.items;
    },
  };
}

/** Record `site` on the machine's disk; it outlives the agent. */
function memoryOf(world: World, machine: Machine, life: Life): Memory {
  const keep = (value: unknown): Promise<void> =>
    new Promise((resolve) => {
      // As src/agent/memory.ts has it: a record is written only when it changed.
      if (canonicalJson(machine.disk.site) === canonicalJson(value)) {
        resolve();
        return;
      }
      later(life, life.process.dice.between(1, 5), () => {
        machine.disk.site = value as SiteRecord;
        world.scheduler.touch();
        resolve();
      });
    });
  return {
    get: (name: string) => (name === 'site' ? machine.disk.site : undefined),
    keep: (_: string, value: unknown) => keep(value),
  } as Memory;
}
