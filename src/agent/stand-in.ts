/**
 * What this node says of the others when they fall silent: Events by whoever speaks for the site, and, while the primary is down, the lowered status
 * of the Cluster (src/decide/stand-in.ts).
 *
 * I1: each change is one Event, by one node; losing it matters to nobody.
 * I2: a status that was refused or lost is tried again from what is seen then.
 */

import type { ClusterView } from '../decide/cluster-view.ts';
import type { EventEffect } from '../decide/effect.ts';
import { NO_OBSERVATIONS } from '../decide/observation.ts';
import type { Standing } from '../decide/presence.ts';
import { requestOf } from '../decide/request.ts';
import { primaryOf } from '../decide/repair-owner.ts';
import { afterSilence, decideStandIn, speakerOf } from '../decide/stand-in.ts';
import type { Cluster } from '../model/cluster.ts';
import type { ClusterNode } from '../model/cluster-node.ts';
import { Fault } from '../model/fault.ts';
import { DEFAULT_SERVER_CONFIG } from '../model/server-config.ts';
import type { EntityApi } from '../ports/api.ts';
import type { AgentDeps } from './deps.ts';
import type { Following } from './following.ts';
import { pokeLoop } from './poke-loop.ts';
import type { PokeLoop } from './poke-loop.ts';
import { sayEvent } from './say-event.ts';
import type { Sight } from './sight.ts';

export interface StandInParts {
  readonly deps: Pick<AgentDeps, 'node' | 'clock' | 'random' | 'log'>;
  readonly api: EntityApi;
  readonly following: Following;
  readonly sight: Pick<Sight, 'completed' | 'standings'>;
  /** This life of the node still counts. */
  readonly lives: () => boolean;
}

const EVERY_MS = 250;

/** Stands in until the signal aborts. Poke it when anything was seen. */
export function standIn(parts: StandInParts, signal: AbortSignal): PokeLoop {
  const { deps, sight } = parts;
  let said: string | undefined;
  let known: ReadonlyMap<string, Standing> = new Map();
  const once = async (work: AbortSignal): Promise<void> => {
    const view = viewOf(parts);
    if (view === undefined || !parts.lives()) return;
    const standings = sight.standings();
    const { node } = deps.node;
    sayNews(parts, view, known, standings, work);
    known = standings;
    const decision = decideStandIn(view, { node, standings, said });
    for (const effect of decision.effects) {
      if (effect.kind !== 'PatchClusterStatus') continue;
      const request = requestOf(effect);
      if (request.verb !== 'mergePatch') continue;
      const { address, namespace, name, patch, subresource } = request;
      const answer = await parts.api.mergePatch(address, namespace, name, patch, work, subresource);
      if (!answer.ok) throw new Fault('Overloaded', `What the cluster lacks could not be said: ${answer.message}`);
      parts.following.learnCluster(answer.value as Cluster);
      deps.log.warn('The primary is down; this node has said so.');
    }
    said = decision.said;
  };
  return pokeLoop(deps, { what: 'Standing in for the primary', everyMs: EVERY_MS }, once, signal);
}

function viewOf({ following, sight, deps }: StandInParts): ClusterView | undefined {
  const cluster = following.cluster();
  const nodes = following.nodes();
  if (cluster === undefined || nodes === undefined) return undefined;
  const release = following.release(cluster.spec.release);
  return {
    live: false,
    cluster,
    nodes: sight.completed(nodes),
    ...(release === undefined ? {} : { release }),
    config: DEFAULT_SERVER_CONFIG,
    nowMs: deps.clock.nowMs(),
    monotonicMs: deps.clock.monotonicMs(),
    seen: NO_OBSERVATIONS,
    dice: 0,
  };
}

function sayNews(
  parts: StandInParts,
  view: ClusterView,
  before: ReadonlyMap<string, Standing>,
  after: ReadonlyMap<string, Standing>,
  signal: AbortSignal,
): void {
  const now = new Date(view.nowMs).toISOString();
  const { node: self } = parts.deps.node;
  for (const node of view.nodes) {
    const { name } = node.metadata;
    const [was, is] = [before.get(name), after.get(name)];
    if (was === is || was === undefined || is === undefined || speakerOf(view, { node: self, standings: after }, name) !== self) continue;
    const event = newsOf(node, was, is, now, primaryOf(view)?.metadata.name === name);
    if (event !== undefined) void sayEvent(parts.deps, parts.api, event, signal);
  }
}

function newsOf(node: ClusterNode, was: Standing, is: Standing, now: string, isPrimary: boolean): EventEffect | undefined {
  const { namespace = '', name, uid } = node.metadata;
  const about = { kind: 'ClusterNode' as const, namespace, name, uid };
  const wasAway = was === 'Silent' || was === 'Down';
  // The time makes it another Event than that of the last time.
  if (is === 'Heard' && wasAway)
    return { kind: 'RecordEvent', about, type: 'Normal', reason: 'NodeHeard', message: `${name} is heard again (${now}).` };
  if (is === 'Silent' && !wasAway) {
    const message = `The agent of ${name} is not heard any more (${now}); what runs there is not taken for dead.`;
    return { kind: 'RecordEvent', about, type: 'Warning', reason: 'NodeSilent', message };
  }
  if (is !== 'Down') return undefined;
  const message = `${name} is not heard any more, and nothing that it runs answers (${now}). ${afterSilence(node, isPrimary)}`;
  return { kind: 'RecordEvent', about, type: 'Warning', reason: 'NodeSilent', message };
}
