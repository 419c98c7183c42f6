/**
 * A drill names a cluster that is there: nobody would carry out, or even refuse, one of a cluster that does not exist.
 *
 * A copy that is behind may let one pass whose cluster was just deleted: the doctor names what nobody takes.
 */

import { CLUSTERS, DRILLS } from '../../model/addresses.ts';
import type { Drill } from '../../model/drill.ts';
import type { EntityStore } from '../../ports/store.ts';
import { subjectOf } from '../api/resource-type.ts';
import { forbidden } from '../api/status.ts';
import type { AdmissionRule } from './admission.ts';

/** How many clusters a refusal names. */
const NAMED_MAX = 10;

export function drillRule(store: Pick<EntityStore, 'get' | 'list'>): AdmissionRule {
  return ({ type, operation, namespace, name, next }) => {
    if (operation !== 'create' || type.group !== DRILLS.group || type.plural !== DRILLS.plural || next === undefined) return undefined;
    const { cluster } = (next as unknown as Drill).spec;
    const { group, plural: resource } = CLUSTERS;
    if (cluster === undefined || store.get({ group, resource, namespace, name: cluster }) !== undefined) return undefined;
    const there = store.list(group, resource, namespace).map((entity) => entity.key.name);
    const more = there.length > NAMED_MAX ? ` and ${there.length - NAMED_MAX} more` : '';
    const known =
      there.length === 0 ? 'There is none' : `There ${there.length === 1 ? 'is' : 'are'} ${there.slice(0, NAMED_MAX).join(', ')}${more}`;
    return forbidden(
      subjectOf(type, name),
      `spec.cluster: there is no cluster ${JSON.stringify(cluster)} in namespace ${namespace}. ${known}`,
    );
  };
}
