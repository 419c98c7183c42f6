/**
 * Who is told of which events: subscriptions that are up to date, found by what they asked for.
 *
 * A batch of events is grouped once by resource (and by namespace or name only where someone asked for those), and the same array goes to
 * everyone. So a watcher of one object costs nothing when others change, and a hundred watchers of a resource share one pass.
 *
 * I1: each member of a scope is told of each event of that scope once, in order.
 * I2: nobody is told of more than PIECE events at once.
 */

import type { StoreEvent, WatchScope } from '../../ports/store.ts';
import { tableName } from './key.ts';

/** Most events in one call of a sink. */
export const PIECE = 256;

export interface Listener {
  readonly scope: WatchScope;
  /** Events of its scope, in order. The array is shared. */
  deliver(events: readonly StoreEvent[]): void;
}

interface TableListeners {
  readonly all: Set<Listener>;
  readonly byNamespace: Map<string, Set<Listener>>;
  readonly byName: Map<string, Set<Listener>>;
}

export function inScope(scope: WatchScope, event: StoreEvent): boolean {
  const { key } = event.entity;
  if (scope.namespace !== undefined && scope.namespace !== key.namespace) return false;
  return scope.name === undefined || scope.name === key.name;
}

export class FanOut {
  readonly #tables = new Map<string, TableListeners>();

  add(listener: Listener): void {
    const { group, resource, namespace, name } = listener.scope;
    const table = entryOf(this.#tables, tableName(group, resource), newTable);
    if (namespace === undefined) table.all.add(listener);
    else if (name === undefined) entryOf(table.byNamespace, namespace, newSet).add(listener);
    else entryOf(table.byName, nameKey(namespace, name), newSet).add(listener);
  }

  remove(listener: Listener): void {
    const { group, resource, namespace, name } = listener.scope;
    const at = tableName(group, resource);
    const table = this.#tables.get(at);
    if (table === undefined) return;
    if (namespace === undefined) table.all.delete(listener);
    else if (name === undefined) dropFrom(table.byNamespace, namespace, listener);
    else dropFrom(table.byName, nameKey(namespace, name), listener);
    if (table.all.size + table.byNamespace.size + table.byName.size === 0) this.#tables.delete(at);
  }

  /** Tells everyone of `events`, which are in order. */
  dispatch(events: readonly StoreEvent[]): void {
    const byTable = groupBy(events, (event) => tableName(event.entity.key.group, event.entity.key.resource));
    for (const [name, ofTable] of byTable) {
      const table = this.#tables.get(name);
      if (table !== undefined) tellTable(table, ofTable);
    }
  }
}

function tellTable(table: TableListeners, events: readonly StoreEvent[]): void {
  tellAll(table.all, events);
  if (table.byNamespace.size > 0) {
    const groups = groupBy(events, (event) => event.entity.key.namespace);
    for (const [namespace, group] of groups) tellAll(table.byNamespace.get(namespace), group);
  }
  if (table.byName.size > 0) {
    const groups = groupBy(events, (event) => nameKey(event.entity.key.namespace, event.entity.key.name));
    for (const [name, group] of groups) tellAll(table.byName.get(name), group);
  }
}

function tellAll(listeners: ReadonlySet<Listener> | undefined, events: readonly StoreEvent[]): void {
  if (listeners === undefined || listeners.size === 0) return;
  // A copy, because a listener may leave while it is told.
  for (const listener of Array.from(listeners)) listener.deliver(events);
}

/** Groups that keep the order; one group is the common case and is not copied. */
function groupBy(events: readonly StoreEvent[], keyOf: (event: StoreEvent) => string): Map<string, readonly StoreEvent[]> {
  const [first] = events;
  if (first === undefined) return new Map();
  const firstKey = keyOf(first);
  if (events.every((event) => keyOf(event) === firstKey)) return new Map([[firstKey, events]]);
  return Map.groupBy(events, keyOf);
}

function nameKey(namespace: string, name: string): string {
  return `${namespace}/${name}`;
}

function newTable(): TableListeners {
  return { all: new Set(), byNamespace: new Map(), byName: new Map() };
}

function newSet(): Set<Listener> {
  return new Set();
}

function entryOf<V>(map: Map<string, V>, key: string, make: () => V): V {
  let value = map.get(key);
  if (value === undefined) {
    value = make();
    map.set(key, value);
  }
  return value;
}

function dropFrom(map: Map<string, Set<Listener>>, key: string, listener: Listener): void {
  const set = map.get(key);
  set?.delete(listener);
  if (set?.size === 0) map.delete(key);
}
