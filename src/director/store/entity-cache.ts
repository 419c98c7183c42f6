/**
 * All entities in memory at one known revision.
 *
 * I1: `revision` rises by exactly one with each change, so the cache is always a state that the database once had as a whole.
 * I2: states are shared and never changed; a change replaces.
 */

import { assert, present } from '../../base/assert.ts';
import type { Change, EntityKey, StoredEntity, StoredRow, StoreEvent } from '../../ports/store.ts';
import { deletedEvent, makeEntity, writtenEvent } from './entity.ts';
import { tableName } from './key.ts';
import { SortedTable } from './sorted-table.ts';

/** Separates namespace from name in a table's keys; below every character that a namespace may hold, so that namespaces sort whole. */
const SEPARATOR = '\u0000';
const AFTER_SEPARATOR = '\u0001';

/** An entity's key within the table of its resource. */
export function rowKey(key: EntityKey): string {
  return `${key.namespace}${SEPARATOR}${key.name}`;
}

export class EntityCache {
  #revision: number;
  readonly #tables = new Map<string, SortedTable<StoredEntity>>();

  constructor(revision: number) {
    this.#revision = revision;
  }

  get revision(): number {
    return this.#revision;
  }

  /** Takes in an entity of the snapshot that the cache begins with. */
  load(row: StoredRow): void {
    this.#table(row.key).set(rowKey(row.key), makeEntity(row, row.body));
  }

  /** The snapshot's revision is known only with its last row. */
  loaded(revision: number): void {
    this.#revision = revision;
  }

  apply(change: Change): StoreEvent {
    assert(change.revision === this.#revision + 1, `the cache at ${this.#revision} takes the next revision, not ${change.revision}`);
    const table = this.#table(change.key);
    const key = rowKey(change.key);
    const previous = table.get(key);
    assert(previous?.revision === change.previous, `revision ${change.revision} replaces the state that the cache holds`);
    this.#revision = change.revision;
    if (change.body === undefined) {
      table.delete(key);
      return deletedEvent(change.revision, present(previous, 'the state that a deletion ends'));
    }
    // The key object of the state before it is kept, so that a thousand updates share one.
    const at = { key: previous?.key ?? change.key, uid: change.uid, revision: change.revision };
    const event = writtenEvent(at, change.body, previous);
    table.set(key, event.entity);
    return event;
  }

  get(key: EntityKey): StoredEntity | undefined {
    return this.#tables.get(tableName(key.group, key.resource))?.get(rowKey(key));
  }

  list(group: string, resource: string, namespace?: string): StoredEntity[] {
    const table = this.#tables.get(tableName(group, resource));
    if (table === undefined) return [];
    if (namespace === undefined) return table.values();
    return table.values(namespace + SEPARATOR, namespace + AFTER_SEPARATOR);
  }

  count(group: string, resource: string, namespace?: string): number {
    const table = this.#tables.get(tableName(group, resource));
    if (table === undefined) return 0;
    return namespace === undefined ? table.size : table.countRange(namespace + SEPARATOR, namespace + AFTER_SEPARATOR);
  }

  #table(key: EntityKey): SortedTable<StoredEntity> {
    const name = tableName(key.group, key.resource);
    let table = this.#tables.get(name);
    if (table === undefined) {
      table = new SortedTable();
      this.#tables.set(name, table);
    }
    return table;
  }
}
