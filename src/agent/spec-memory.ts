/**
 * The spec that this node obeyed last, in its node store: what a director that was restored from an older copy is measured by (src/decide/spec-age.ts).
 *
 * I1: what is obeyed is on disk before anything is done by it, also when it changes no pod.
 */

import { specAge } from '../decide/spec-age.ts';
import type { Cluster } from '../model/cluster.ts';
import type { Memory } from './memory.ts';

/** Undefined: the spec of `cluster` is to be obeyed, and is remembered. Else a sentence why not. `live`: `cluster` was just read. */
export async function obeySpec(memory: Memory, cluster: Cluster, live: boolean): Promise<string | undefined> {
  const age = specAge(memory.get('spec'), cluster, live);
  if (age.state === 'Older') return age.why;
  await memory.keep('spec', age.remember);
  return undefined;
}
