/**
 * Whether the spec that a director shows is older than the one that the cluster carries out: then the director was restored from an older copy.
 *
 * What a person asked for after that copy is lost up there and alive down here. Obeying the older spec would undo it (retire workers, go back a
 * release), and nobody asked for that. So nothing of it is obeyed until a person has spoken: by an edit beyond what is remembered, or by accepting
 * the present generation.
 *
 * I1: a spec of a lower generation than the one remembered, or of the same generation with another content, is not obeyed.
 * I2: an accepted generation is obeyed, and then it is the one remembered; so is a content that is carried out already, whatever its number.
 * I3: what is remembered is of one Cluster (its uid); another Cluster of the same name is none of its business.
 */

import { shortHash } from '../base/canonical.ts';
import type { Cluster } from '../model/cluster.ts';
import { ANNOTATION_ACCEPT_GENERATION } from '../model/labels.ts';

/** The spec that is carried out: what a node keeps in its node store as `spec`. `hash`: of its content; '' when only the generation is known. */
export type SpecMemory = {
  readonly clusterUid: string;
  readonly generation: number;
  readonly hash: string;
  /** `status.availableAt` of the Cluster, once it was seen: it is told to a director that does not know it any more. */
  readonly availableAt?: string;
};

export type SpecAge =
  /** To be obeyed. `remember` once it is. */
  | { readonly state: 'Current'; readonly remember: SpecMemory }
  /** Not to be obeyed. `why`: a sentence with both generations and the two ways out. */
  | { readonly state: 'Older'; readonly why: string };

function memoryOf({ metadata, spec, status }: Cluster, before: SpecMemory | undefined): SpecMemory {
  const { uid: clusterUid, generation = 0 } = metadata;
  const availableAt = status?.availableAt ?? (before?.clusterUid === clusterUid ? before.availableAt : undefined);
  return { clusterUid, generation, hash: shortHash(spec), ...(availableAt === undefined ? {} : { availableAt }) };
}

/** What the cluster plan tells of the spec that it was made from. */
export function memoryOfPlan(plan: { readonly clusterUid: string; readonly generation: number } | undefined): SpecMemory | undefined {
  return plan === undefined ? undefined : { clusterUid: plan.clusterUid, generation: plan.generation, hash: '' };
}

/**
 * How old the shown spec is beside what is `remembered` of it (undefined: nothing yet). `live`: it was just read. A copy that only lags may show
 * what was carried out once more before something else, so on a copy the number remembered does not fall for the same content.
 */
export function specAge(remembered: SpecMemory | undefined, cluster: Cluster, live: boolean): SpecAge {
  const shown = memoryOf(cluster, remembered);
  const current: SpecAge = { state: 'Current', remember: shown };
  if (remembered?.clusterUid !== shown.clusterUid) return current;
  const isYounger = shown.generation > remembered.generation - (remembered.hash === '' ? 1 : 0);
  if (isYounger || isAccepted(cluster)) return current;
  if (shown.hash === remembered.hash)
    return live ? current : { state: 'Current', remember: { ...shown, generation: remembered.generation } };
  return { state: 'Older', why: olderSpec(cluster, remembered) };
}

function isAccepted({ metadata }: Cluster): boolean {
  return metadata.annotations?.[ANNOTATION_ACCEPT_GENERATION] === String(metadata.generation ?? 0);
}

function olderSpec({ metadata }: Cluster, remembered: SpecMemory): string {
  const { name, namespace, generation = 0 } = metadata;
  const shown =
    generation < remembered.generation
      ? `This director shows generation ${generation} of the spec, and the cluster carries out generation ${remembered.generation}`
      : `This director shows another generation ${generation} of the spec than the one that the cluster carries out`;
  const edits = remembered.generation - generation + 1;
  return (
    `${shown}: it was restored from an older copy. The cluster runs on as it is, and nothing of the older spec is obeyed. ` +
    `Either set the spec to what it should be (${edits === 1 ? 'the next edit counts' : `edits count from generation ${remembered.generation + 1} on`}), ` +
    `or accept it as it stands: outrigger cluster accept ${name} -n ${namespace ?? 'default'}`
  );
}
