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

/** All in scope, from this director's copy as it is now, in order; `passing` then tells which of them are meant. */
export function inScope(store: EntityStore, type: ResourceType, { namespace, name }: Selection): readonly StoredEntity[] {
  if (name === undefined || namespace === undefined) return store.list(type.group, type.plural, namespace);
  const one = store.get(keyOf(type, namespace, name));
  return one === undefined ? [] : [one];
}

/** Those that pass. A selector may have to parse each of very many, so others get their turn in between; the states stay those of the scope. */
export async function passing(entities: readonly StoredEntity[], { test }: Selection): Promise<readonly StoredEntity[]> {
  if (test === undefined) return entities;
  if (entities.length <= TURN) return entities.filter(test);
  const passed: StoredEntity[] = [];
  for (let at = 0; at < entities.length; at += TURN) {
    passed.push(...entities.slice(at, at + TURN).filter(test));
    await othersTurn();
  }
  return passed;
}

/** Entities looked at before others get their turn. */
export const TURN = 500;

/** Lets everything that waits for the processor run. */
export function othersTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
