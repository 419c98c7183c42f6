/**
 * How long a manager's workers have been ill, in virtual time: the product's own keeper (src/agent/health.ts) over the network of a simulated site.
 */

import { keepHealth } from '../src/agent/health.ts';
import type { HealthKeeper } from '../src/agent/health.ts';
import type { Standing } from '../src/decide/presence.ts';
import type { ClusterNode } from '../src/model/cluster-node.ts';
import type { EntityApi } from '../src/ports/api.ts';
import { canReach, isHeard } from './lan.ts';
import type { Machine } from './machine-state.ts';
import { clockOf, later } from './process.ts';
import type { Life } from './process.ts';
import type { World } from './world.ts';

export interface SimHealthParts {
  readonly world: World;
  readonly machine: Machine;
  readonly life: Life;
  readonly api: EntityApi;
  readonly nodes: () => readonly ClusterNode[];
  readonly changing: () => boolean;
  /** To be called again soon: somebody is ill. */
  readonly again: () => void;
}

export interface SimHealth extends HealthKeeper {
  /** Looks again in a second while somebody is ill. */
  tick(): void;
}

export function startHealth(parts: SimHealthParts): SimHealth {
  const { machine, life, api } = parts;
  const keeper = keepHealth({
    deps: { node: { node: machine.node, namespace: machine.namespace }, clock: clockOf(life) },
    api,
    standings: () => standingsOf(parts),
    changing: parts.changing,
  });
  let isTicking = false;
  return {
    ...keeper,
    tick: () => {
      const againMs = keeper.againMs();
      if (isTicking || againMs === undefined) return;
      isTicking = true;
      later(life, againMs, () => {
        isTicking = false;
        parts.again();
      });
    },
  };
}

/** An agent that is away while its machine is reached leaves pods that answer. */
function standingsOf({ world, machine, nodes }: SimHealthParts): ReadonlyMap<string, Standing> {
  const found = new Map<string, Standing>();
  for (const { metadata, spec } of nodes()) {
    if (metadata.uid === machine.nodeUid) continue;
    const other = world.machines.find((one) => one.nodeUid === metadata.uid && one.incarnation === spec.incarnation && one.isAlive);
    if (other === undefined) found.set(metadata.name, 'Down');
    else if (isHeard(world, machine, other)) found.set(metadata.name, 'Heard');
    else found.set(metadata.name, canReach(world, machine, other) && hasPods(other) ? 'Silent' : 'Down');
  }
  return found;
}

function hasPods({ pods }: Machine): boolean {
  return [...pods.values()].some((some) => [...some.values()].some((pod) => pod.phase === 'Running'));
}
