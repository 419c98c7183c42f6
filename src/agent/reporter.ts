/**
 * Says to the directors how this node is: `status.agent` and `status.role` of its ClusterNode.
 *
 * I1: at most one write a second, of the newest state; nothing when nothing differs from what the director is known to have.
 * I2: it never holds up anything else; without a director the newest state waits.
 * I3: it is written under this node's uid and incarnation only.
 */

import { mergeDiff } from '../decide/merge-diff.ts';
import type { AgentStatus } from '../decide/agent-duty.ts';
import { CLUSTER_NODES } from '../model/addresses.ts';
import type { ClusterNode } from '../model/cluster-node.ts';
import { Fault } from '../model/fault.ts';
import type { JsonObject } from '../model/json.ts';
import type { EntityApi } from '../ports/api.ts';
import type { AgentDeps } from './deps.ts';
import type { Following } from './following.ts';
import { pokeLoop } from './poke-loop.ts';

export interface Report {
  readonly agent: AgentStatus;
  readonly role: 'Primary' | 'Worker' | undefined;
}

export interface Reporter {
  report(report: Report): void;
  /** True when the director is known to have the newest state. */
  isSaid(): boolean;
  /** Resolves when it has ended; call it after the signal aborted. */
  settled(): Promise<void>;
}

const EVERY_MS = 1_000;

/** `onRefused`: the director did not take it; there may be a newer incarnation. */
export function reportTo(deps: AgentDeps, api: EntityApi, following: Following, onRefused: () => void, signal: AbortSignal): Reporter {
  let newest: Report | undefined;
  const pending = (): JsonObject | undefined => {
    const seen = following.self();
    if (newest === undefined || seen === undefined) return undefined;
    const before = { agent: seen.status?.agent, role: seen.status?.role };
    return mergeDiff(before, { agent: newest.agent, role: newest.role ?? before.role });
  };
  const loop = pokeLoop(
    deps,
    { what: "The report of this node's state", everyMs: EVERY_MS },
    async (work) => {
      const status = pending();
      if (status === undefined) return;
      // The incarnation is always named, so that nobody takes a part of it for another life's.
      const agent = { ...(status['agent'] as JsonObject | undefined), incarnation: deps.node.incarnation };
      const patch = { metadata: { uid: deps.node.nodeUid }, status: { ...status, agent } };
      const { namespace, node } = deps.node;
      const by = deps.trace?.reporting(api) ?? api;
      const answer = await by.mergePatch<ClusterNode>(CLUSTER_NODES, namespace, node, patch, work, 'status');
      if (answer.ok && answer.value.status?.agent?.phase === 'Ready') deps.trace?.ready();
      if (answer.ok) return following.learnSelf(answer.value);
      onRefused();
      throw new Fault('DirectorRefused', answer.message);
    },
    signal,
  );
  return {
    report: (report) => {
      newest = report;
      if (pending() !== undefined) loop.poke();
    },
    isSaid: () => newest !== undefined && following.self() !== undefined && pending() === undefined,
    settled: () => loop.settled(),
  };
}
