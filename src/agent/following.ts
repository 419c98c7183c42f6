/**
 * What the agent sees of the world through a director: its cluster, that cluster's nodes (its own among them), and releases.
 *
 * I1: everything here may lag or be missing; what was seen stays when the director goes.
 * I2: a release is read once: what runs under its name never changes.
 * I3: absence is told apart from never having heard: `nodes` is undefined until the first list.
 */

import { createInformer } from '../client/informer.ts';
import { CLUSTER_NODES, CLUSTER_RELEASES, CLUSTERS } from '../model/addresses.ts';
import type { Cluster } from '../model/cluster.ts';
import type { ClusterNode } from '../model/cluster-node.ts';
import type { ClusterRelease } from '../model/cluster-release.ts';
import { LABEL_CLUSTER_UID } from '../model/labels.ts';
import type { EntityApi } from '../ports/api.ts';
import type { AgentDeps } from './deps.ts';
import { pokeLoop } from './poke-loop.ts';

export interface Following {
  /** This very node, by uid. */
  self(): ClusterNode | undefined;
  cluster(): Cluster | undefined;
  /** All nodes of the cluster, of every attempt; undefined: never heard. */
  nodes(): readonly ClusterNode[] | undefined;
  /** The release, once it was read; asking for one makes it be read. */
  release(name: string): ClusterRelease | undefined;
  /** Why it could not be read; undefined: it was, or nobody has answered yet. */
  releaseProblem(name: string): string | undefined;
  /** The one who is told that a list or watch was refused. */
  onRefused(listener: () => void): void;
  /** Highest revision seen. */
  revision(): number;
  /** Takes in what the director answered to a read or write, before a watch says it. */
  learnSelf(node: ClusterNode): void;
  learnCluster(cluster: Cluster): void;
}

const RELEASE_RETRY_MS = 5_000;

/** Follows until the signal aborts; `onChange` after each change. */
export function follow(deps: AgentDeps, api: EntityApi, onChange: () => void, signal: AbortSignal): Following {
  const { node } = deps;
  let refused = (): void => undefined;
  const with_ = { api, clock: deps.clock, random: deps.random, log: deps.log, onRefused: () => refused() };
  const nodes = createInformer<ClusterNode>(with_, CLUSTER_NODES, {
    namespace: node.namespace,
    labelSelector: `${LABEL_CLUSTER_UID}=${node.clusterUid}`,
  });
  const clusters = createInformer<Cluster>(with_, CLUSTERS, { namespace: node.namespace, fieldSelector: `metadata.name=${node.cluster}` });
  let learned: ClusterNode | undefined;
  let revision = 0;
  const noteRevision = (object: { readonly metadata: { readonly resourceVersion: string } }): void => {
    revision = Math.max(revision, Number(object.metadata.resourceVersion) || 0);
  };
  nodes.onChange((object) => {
    noteRevision(object);
    onChange();
  });
  clusters.onChange((object) => {
    noteRevision(object);
    onChange();
  });
  const releases = releaseReader(deps, api, onChange, signal);
  void nodes.run(signal);
  void clusters.run(signal);
  return {
    self: () => {
      const seen = nodes.get(node.namespace, node.node);
      // A list that was made after the answer is the truth, even when it shows an older state: the store may have gone back.
      const isPast = learned !== undefined && Number(learned.metadata.resourceVersion) <= nodes.listedAt();
      return newer(seen?.metadata.uid === node.nodeUid ? seen : undefined, isPast && seen !== undefined ? undefined : learned);
    },
    cluster: () => {
      const cluster = clusters.get(node.namespace, node.cluster);
      return cluster?.metadata.uid === node.clusterUid ? cluster : undefined;
    },
    nodes: () => (nodes.synced() ? [...nodes.list()] : undefined),
    release: releases.get,
    releaseProblem: releases.problem,
    onRefused: (listener) => void (refused = listener),
    revision: () => revision,
    learnSelf: (object) => {
      if (object.metadata.uid !== node.nodeUid) return;
      noteRevision(object);
      learned = newer(object, learned);
      nodes.learn(object);
      onChange();
    },
    learnCluster: (object) => clusters.learn(object),
  };
}

function newer(a: ClusterNode | undefined, b: ClusterNode | undefined): ClusterNode | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  return Number(a.metadata.resourceVersion) >= Number(b.metadata.resourceVersion) ? a : b;
}

interface ReleaseReader {
  get(name: string): ClusterRelease | undefined;
  problem(name: string): string | undefined;
}

function releaseReader(deps: AgentDeps, api: EntityApi, onChange: () => void, signal: AbortSignal): ReleaseReader {
  const read = new Map<string, ClusterRelease>();
  const problems = new Map<string, string>();
  const wanted = new Set<string>();
  const readWanted = async (work: AbortSignal): Promise<void> => {
    for (const name of [...wanted].filter((one) => !read.has(one))) {
      const answer = await api.get<ClusterRelease>(CLUSTER_RELEASES, '', name, work);
      if (answer.ok) read.set(name, answer.value);
      const problem = answer.ok ? undefined : `release ${name} cannot be read: ${answer.message}`;
      if (problem === problems.get(name) && !answer.ok) continue;
      if (problem === undefined) problems.delete(name);
      else problems.set(name, problem);
      onChange();
    }
  };
  const loop = pokeLoop(deps, { what: 'Reading a release', resyncMs: RELEASE_RETRY_MS }, readWanted, signal);
  return {
    get: (name) => {
      if (!wanted.has(name)) {
        wanted.add(name);
        loop.poke();
      }
      return read.get(name);
    },
    problem: (name) => problems.get(name),
  };
}
