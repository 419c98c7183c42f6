/**
 * What is created in a namespace needs that namespace, alive.
 *
 * Asked before the creation is committed, on a copy that may be behind, and once more after it (`Admission.confirm`): a namespace that was marked
 * before that commit is seen then, and one that was marked after it is emptied of it by the garbage collector.
 */

import type { EntityStore, StoredEntity } from '../../ports/store.ts';
import { isDeleting } from '../api/metadata.ts';
import { subjectOf } from '../api/resource-type.ts';
import { forbidden, notFound } from '../api/status.ts';
import type { AdmissionRule } from './admission.ts';

const NAMESPACES = { group: '', resource: 'namespaces' };

export function namespaceRule(store: Pick<EntityStore, 'get'>): AdmissionRule {
  // A namespace is asked for at every creation; its state is judged once.
  const terminating = new WeakMap<StoredEntity, boolean>();
  return ({ type, operation, namespace, name }) => {
    if (operation !== 'create' || !type.namespaced) return undefined;
    const entity = store.get({ ...NAMESPACES, namespace: '', name: namespace });
    if (entity === undefined) return notFound({ ...NAMESPACES, name: namespace });
    let isGoing = terminating.get(entity);
    if (isGoing === undefined) terminating.set(entity, (isGoing = isDeleting(entity.object())));
    if (!isGoing) return undefined;
    return forbidden(subjectOf(type, name), `unable to create new content in namespace ${namespace} because it is being terminated`);
  };
}
