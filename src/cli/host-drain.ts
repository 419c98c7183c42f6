/**
 * `outrigger host drain`: cordons a host and moves its workers elsewhere, one by one, by what src/decide/host-drain.ts says.
 *
 * I1: what is retired is guarded by the uid and revision that it was decided on.
 * I2: it can be interrupted and begun again at any time.
 */

import { drainStep } from '../decide/host-drain.ts';
import type { DrainStep, RetiredNode } from '../decide/host-drain.ts';
import { CLUSTER_NODES, CLUSTERS, HOSTS, VIRTUAL_DATA_CENTERS } from '../model/addresses.ts';
import type { ClusterNode } from '../model/cluster-node.ts';
import type { ExitCode } from '../model/fault.ts';
import type { EntityApi } from '../ports/api.ts';
import type { Clock } from '../ports/clock.ts';
import { listAll, markHost } from './host-orders.ts';

export interface DrainDeps {
  readonly api: EntityApi;
  readonly clock: Clock;
  readonly write: (text: string) => void;
}

export interface DrainOrder {
  readonly name: string;
  readonly includePrimaries: boolean;
  readonly dryRun: boolean;
  readonly json: boolean;
  readonly timeoutMs: number;
}

interface DrainResult {
  readonly host: string;
  readonly outcome: 'Empty' | 'PrimariesLeft' | 'Stuck' | 'TimedOut' | 'DryRun';
  /** Nodes that were retired, or would be. */
  readonly moved: readonly string[];
  readonly primaries: readonly string[];
  readonly notes: readonly string[];
}

const LOOK_MS = 1_000;
const STOPS = 'until its successor is ready its singletons, portal and license sync stand still';
const EXITS: Readonly<Record<DrainResult['outcome'], ExitCode>> = { Empty: 0, DryRun: 0, PrimariesLeft: 3, Stuck: 3, TimedOut: 5 };

/** Runs until the host is empty, nothing more can be moved, or time is up. */
export async function drainHost(deps: DrainDeps, order: DrainOrder, signal: AbortSignal): Promise<ExitCode> {
  const say = (line: string): void => (order.json ? undefined : deps.write(`${line}\n`));
  const result = order.dryRun ? await rehearse(deps, order, signal) : await carryOut(deps, order, say, signal);
  if (order.json) deps.write(`${JSON.stringify(result, undefined, 2)}\n`);
  else deps.write(summary(result));
  return EXITS[result.outcome];
}

async function carryOut(deps: DrainDeps, order: DrainOrder, say: (line: string) => void, signal: AbortSignal): Promise<DrainResult> {
  const { api, clock } = deps;
  const endMs = clock.monotonicMs() + order.timeoutMs;
  await markHost(api, order.name, true, signal);
  say(`${order.name} takes no more nodes. Its workers are moved, one by one; what cannot be moved goes on.`);
  const retired: RetiredNode[] = [];
  const said = new Set<string>();
  for (;;) {
    const step = await look(api, order, retired, signal);
    for (const line of [...step.waits, ...step.stuck]) if (!said.has(line)) say(line);
    for (const line of [...step.waits, ...step.stuck]) said.add(line);
    for (const node of step.retire) if (await retire(api, node, signal)) retired.push(rememberRetired(node, say));
    const moved = retired.map((node) => `${node.namespace}/${node.name}`);
    const facts = { host: order.name, moved, primaries: step.primaries.map(nameOf), notes: [...step.stuck, ...step.waits] };
    const isOver = step.retire.length === 0 && step.waits.length === 0;
    if (isOver) return { ...facts, outcome: step.stuck.length > 0 ? 'Stuck' : step.primaries.length > 0 ? 'PrimariesLeft' : 'Empty' };
    if (clock.monotonicMs() >= endMs) return { ...facts, outcome: 'TimedOut' };
    await clock.sleep(LOOK_MS, signal);
  }
}

async function rehearse({ api }: DrainDeps, order: DrainOrder, signal: AbortSignal): Promise<DrainResult> {
  const step = await look(api, order, [], signal);
  const { primaries } = order.includePrimaries ? await look(api, { ...order, includePrimaries: false }, [], signal) : { primaries: [] };
  const later = primaries.map((node) => `${nameOf(node)}, the primary, would go last, where another host has room: ${STOPS}.`);
  const notes = [...step.stuck, ...step.waits, ...later];
  return { host: order.name, outcome: 'DryRun', moved: step.retire.map(nameOf), primaries: step.primaries.map(nameOf), notes };
}

async function look(api: EntityApi, order: DrainOrder, retired: readonly RetiredNode[], signal: AbortSignal): Promise<DrainStep> {
  return drainStep({
    host: order.name,
    includePrimaries: order.includePrimaries,
    retired,
    hosts: await listAll(api, HOSTS, signal),
    virtualDataCenters: await listAll(api, VIRTUAL_DATA_CENTERS, signal),
    clusters: await listAll(api, CLUSTERS, signal),
    nodes: await listAll(api, CLUSTER_NODES, signal),
  });
}

/** False: it changed meanwhile, and is decided anew. */
async function retire(api: EntityApi, node: ClusterNode, signal: AbortSignal): Promise<boolean> {
  const { namespace = '', name, uid, resourceVersion } = node.metadata;
  const patch = { metadata: { uid, resourceVersion }, spec: { retired: true } };
  return (await api.mergePatch<ClusterNode>(CLUSTER_NODES, namespace, name, patch, signal)).ok;
}

function rememberRetired(node: ClusterNode, say: (line: string) => void): RetiredNode {
  const { namespace = '', name, uid } = node.metadata;
  const stops = node.spec.index === 0 ? `; ${STOPS}` : '';
  say(`${namespace}/${name} is retired: it drains, goes, and is made anew elsewhere${stops}.`);
  return { namespace, name, uid };
}

function nameOf(node: ClusterNode): string {
  return `${node.metadata.namespace}/${node.metadata.name}`;
}

function summary({ host, outcome, moved, primaries, notes }: DrainResult): string {
  const left =
    primaries.length === 0
      ? ''
      : `Primaries stay: ${primaries.join(', ')} (--include-primaries moves them too; their singletons, portal and license sync stop meanwhile).\n`;
  const cordoned = `It stays cordoned: outrigger host uncordon ${host} undoes that.\n`;
  const movedText = moved.length === 0 ? 'nothing' : moved.join(', ');
  switch (outcome) {
    case 'DryRun':
      return `Would retire now: ${movedText}. Nothing was changed.\n${notes.map((note) => `${note}\n`).join('')}${left}`;
    case 'Empty':
      return `${host} is empty (moved: ${movedText}). ${cordoned}`;
    case 'PrimariesLeft':
      return `${host} holds no more workers (moved: ${movedText}).\n${left}${cordoned}`;
    case 'Stuck':
      return `${host} could not be emptied (moved: ${movedText}): see above.\n${left}${cordoned}`;
    case 'TimedOut':
      return `${host} is not empty yet (moved: ${movedText}); what is under way goes on. Run the command again, or give it more --timeout.\n${left}${cordoned}`;
  }
}
