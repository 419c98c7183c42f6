/**
 * What this node sees of its cluster: what a director showed last, with the words of the members that are heard in it.
 *
 * I1: what was seen stays when the director goes.
 * I2: `nodes` is undefined until the first list: absence is told apart from never having heard.
 */

import type { Cluster } from '../model/cluster.ts';
import type { ClusterNode } from '../model/cluster-node.ts';
import type { ClusterRelease } from '../model/cluster-release.ts';
import type { Following } from './following.ts';

export interface Sight {
  /** This very node. */
  self(): ClusterNode | undefined;
  cluster(): Cluster | undefined;
  /** Nodes of the attempt that this node belongs to; undefined: never heard of any. */
  nodes(): readonly ClusterNode[] | undefined;
  /** Names of nodes that this node does not hear. */
  unheard(): ReadonlySet<string>;
  release(name: string): ClusterRelease | undefined;
  releaseProblem(name: string): string | undefined;
  /** From now on there is a director to see through. */
  follow(following: Following): void;
}

const NOBODY: ReadonlySet<string> = new Set();

export function openSight(): Sight {
  let following: Following | undefined;
  return {
    self: () => following?.self(),
    cluster: () => following?.cluster(),
    nodes: () => attemptOf(following?.self(), following?.nodes()),
    unheard: () => NOBODY,
    release: (name) => following?.release(name),
    releaseProblem: (name) => following?.releaseProblem(name),
    follow: (seen) => void (following = seen),
  };
}

function attemptOf(self: ClusterNode | undefined, nodes: readonly ClusterNode[] | undefined): readonly ClusterNode[] | undefined {
  return self === undefined ? nodes : nodes?.filter((node) => node.spec.attempt === self.spec.attempt);
}
