/**
 * Between releases only where there is a way: a change of an available cluster's spec.release is refused when both releases exist and neither names
 * the other (src/decide/upgrade-path.ts), with those that can be reached.
 *
 * A copy that is behind may let one pass: then the primary does not begin it and says so (condition Progressing, reason UpgradeRefused).
 *
 * I1: going back to what runs is never refused.
 * I2: a release that does not exist is not refused: it is waited for.
 * I3: before a cluster was available everything goes: nothing runs yet that a release would have to come from.
 */

import { hasWay, reachableFrom, upgradeRefusal } from '../../decide/upgrade-path.ts';
import type { ReleasePlace } from '../../decide/upgrade-path.ts';
import { CLUSTER_RELEASES } from '../../model/addresses.ts';
import type { ClusterRelease } from '../../model/cluster-release.ts';
import type { Cluster } from '../../model/cluster.ts';
import { API_GROUP } from '../../model/resource.ts';
import type { EntityStore, StoredEntity } from '../../ports/store.ts';
import { subjectOf } from '../api/resource-type.ts';
import { forbidden } from '../api/status.ts';
import type { AdmissionRule } from './admission.ts';

type Reader = Pick<EntityStore, 'get' | 'list'>;

/** How many releases a refusal names. */
const NAMED_MAX = 10;

export function upgradeRule(store: Reader): AdmissionRule {
  return ({ type, subresource, operation, name, old, next }) => {
    if (type.group !== API_GROUP || type.plural !== 'clusters' || subresource === 'status' || operation !== 'update') return undefined;
    const was = old as unknown as Cluster;
    const becomes = next as unknown as Cluster;
    if (was.spec.release === becomes.spec.release || was.status?.availableAt === undefined) return undefined;
    const problem = problemOf(store, was, becomes.spec.release);
    return problem === undefined ? undefined : forbidden(subjectOf(type, name), problem);
  };
}

function problemOf(store: Reader, was: Cluster, asked: string): string | undefined {
  const { current = was.spec.release, rolledBack } = was.status?.release ?? {};
  const [from, to] = [releaseOf(store, current), releaseOf(store, asked)];
  const refusal = from === undefined || to === undefined ? undefined : upgradeRefusal(from, to);
  if (from === undefined || to === undefined || refusal === undefined) return undefined;
  // The change that is asked for now may still be under way, and is over before the next one begins.
  const onTheWay = rolledBack?.release === was.spec.release ? undefined : releaseOf(store, was.spec.release);
  if (onTheWay !== undefined && hasWay(from, onTheWay) && hasWay(onTheWay, to)) return undefined;
  const all = store.list(CLUSTER_RELEASES.group, CLUSTER_RELEASES.plural).map((entity) => placeOf(entity));
  return `spec.release: ${refusal}. ${reachable(reachableFrom(from, all), current)}`;
}

function reachable(versions: readonly string[], current: string): string {
  if (versions.length === 0) return `From ${current} no release can be reached yet: publish one that names it in spec.upgradesFrom`;
  const more = versions.length > NAMED_MAX ? ` and ${versions.length - NAMED_MAX} more` : '';
  return `From ${current} can be reached: ${versions.slice(-NAMED_MAX).join(', ')}${more}`;
}

function releaseOf(store: Reader, name: string): ReleasePlace | undefined {
  const entity = store.get({ group: CLUSTER_RELEASES.group, resource: CLUSTER_RELEASES.plural, namespace: '', name });
  return entity === undefined ? undefined : placeOf(entity);
}

function placeOf(entity: StoredEntity): ReleasePlace {
  const { version, upgradesFrom } = (entity.object() as unknown as ClusterRelease).spec;
  return { version, upgradesFrom: upgradesFrom ?? [] };
}
