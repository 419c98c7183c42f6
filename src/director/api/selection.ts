/**
 * Which entities of a kind a list, a watch or a deletion of many is about: scope, name, labels and fields of a query as one test.
 */

import type { EntityStore, StoredEntity } from '../../ports/store.ts';
import { fieldSelection } from './field-selector.ts';
import { labelTest } from './label-selector.ts';
import type { Query } from './query.ts';
import { keyOf } from './resource-type.ts';
import type { ResourceType } from './resource-type.ts';
import { accepted } from './status.ts';
import type { Outcome } from './status.ts';

export interface Selection {
  /** Undefined: all; '' for cluster scoped kinds. */
  readonly namespace: string | undefined;
  readonly name: string | undefined;
  /** Undefined: everything in scope passes. Covers the name too. */
  readonly test: ((entity: StoredEntity) => boolean) | undefined;
}

/** `namespace`: from the path. */
export function selectionOf(type: ResourceType, namespace: string | undefined, query: Query): Outcome<Selection> {
  const labels = labelTest(query.get('labelSelector'));
  if (!labels.ok) return labels;
  const fields = fieldSelection(query.get('fieldSelector'), type.selectableFields);
  if (!fields.ok) return fields;
  const { name, test: fieldTest, possible } = fields.value;
  const wanted = fields.value.namespace;
  const scope = type.namespaced ? (namespace ?? wanted) : '';
  const contradiction =
    !possible || (type.namespaced ? wanted !== undefined && namespace !== undefined && wanted !== namespace : (wanted ?? '') !== '');
  if (contradiction) return accepted({ namespace: scope, name: undefined, test: () => false });
  const labelsPass = labels.value;
  const tests: ((entity: StoredEntity) => boolean)[] = [];
  if (name !== undefined) tests.push((entity) => entity.key.name === name);
  if (labelsPass !== undefined) tests.push((entity) => labelsPass(entity.labels()));
  if (fieldTest !== undefined) tests.push(fieldTest);
  const [first] = tests;
  const test = tests.length <= 1 ? first : (entity: StoredEntity) => tests.every((one) => one(entity));
  return accepted({ namespace: scope, name, test });
}

/** What passes, from this director's copy as it is now, in order. */
export function selected(store: EntityStore, type: ResourceType, { namespace, name, test }: Selection): StoredEntity[] {
  if (name !== undefined && namespace !== undefined) {
    const one = store.get(keyOf(type, namespace, name));
    return one !== undefined && (test === undefined || test(one)) ? [one] : [];
  }
  const all = store.list(type.group, type.plural, namespace);
  return test === undefined ? all : all.filter(test);
}
