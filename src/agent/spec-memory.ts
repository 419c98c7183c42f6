/**
 * The spec that this node obeyed last, in its node store: what a director that was restored from an older copy is measured by (src/decide/spec-age.ts).
 *
 * I1: what is obeyed is on disk before anything is done by it, also when it changes no pod.
 * I2: a node on a new disk measures by the cluster plan that another member gave it.
 */

import { memoryOfPlan, specAge } from '../decide/spec-age.ts';
import type { SpecMemory } from '../decide/spec-age.ts';
import type { Cluster } from '../model/cluster.ts';
import type { Memory } from './memory.ts';

/** What a shown spec is measured by; undefined: nothing is known yet. */
export function knownSpec(memory: Memory): SpecMemory | undefined {
  return memory.get('spec') ?? memoryOfPlan(memory.get('clusterPlan'));
}

/** Undefined: the spec of `cluster` is to be obeyed, and is remembered. Else a sentence why not. `live`: `cluster` was just read. */
export async function obeySpec(memory: Memory, cluster: Cluster, live: boolean): Promise<string | undefined> {
  const age = specAge(knownSpec(memory), cluster, live);
  if (age.state === 'Older') return age.why;
  await memory.keep('spec', age.remember);
  return undefined;
}
