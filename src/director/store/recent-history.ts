/**
 * The newest events in memory: what watches resume from and pages roll back with, without asking the database.
 *
 * Bounded by count and bytes; what falls out is still in the database's history.
 *
 * I1: it holds every event with a revision above `floor`, and none at or below it.
 * I2: events are in order of revision, as a whole and within each resource.
 */

import { assert, present } from '../../base/assert.ts';
import type { StoredEntity, StoreEvent } from '../../ports/store.ts';
import { tableName } from './key.ts';

/** A first-in, first-out queue over an array; the dead front is cut off when it outgrows the living rest. */
class EventQueue {
  #events: StoreEvent[] = [];
  #head = 0;

  get length(): number {
    return this.#events.length - this.#head;
  }

  push(event: StoreEvent): void {
    this.#events.push(event);
  }

  shift(): StoreEvent | undefined {
    if (this.#head === this.#events.length) return undefined;
    const event = this.#events[this.#head];
    this.#head++;
    if (this.#head > 1024 && this.#head * 2 > this.#events.length) {
      this.#events = this.#events.slice(this.#head);
      this.#head = 0;
    }
    return event;
  }

  /** Events with a revision above `after`, oldest first, at most `limit`. */
  since(after: number, limit: number): StoreEvent[] {
    const start = this.#firstAbove(after);
    return this.#events.slice(start, start + limit);
  }

  #firstAbove(after: number): number {
    let low = this.#head;
    let high = this.#events.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (present(this.#events[middle], 'an event of the queue').entity.revision <= after) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

export interface HistoryBounds {
  readonly events: number;
  readonly bytes: number;
}

export class RecentHistory {
  readonly #bounds: HistoryBounds;
  readonly #all = new EventQueue();
  readonly #byTable = new Map<string, EventQueue>();
  #floor: number;
  #bytes = 0;

  constructor(floor: number, bounds: HistoryBounds) {
    this.#floor = floor;
    this.#bounds = bounds;
  }

  get floor(): number {
    return this.#floor;
  }

  push(event: StoreEvent): void {
    this.#all.push(event);
    const { group, resource } = event.entity.key;
    const name = tableName(group, resource);
    let queue = this.#byTable.get(name);
    if (queue === undefined) {
      queue = new EventQueue();
      this.#byTable.set(name, queue);
    }
    queue.push(event);
    this.#bytes += event.line.length;
    while (this.#all.length > this.#bounds.events || this.#bytes > this.#bounds.bytes) this.#dropOldest();
  }

  /** Events of one resource above `after` (which must not be below the floor), oldest first, at most `limit`. */
  since(table: string, after: number, limit: number): StoreEvent[] {
    assert(after >= this.#floor, 'what is asked of the recent history is in it');
    return this.#byTable.get(table)?.since(after, limit) ?? [];
  }

  /** What each entity of the table that changed after `after` was then; undefined: not there. Keyed by `keyOf`. */
  statesAt(table: string, after: number, keyOf: (entity: StoredEntity) => string): Map<string, StoredEntity | undefined> {
    const states = new Map<string, StoredEntity | undefined>();
    for (const event of this.since(table, after, Infinity)) {
      const key = keyOf(event.entity);
      if (!states.has(key)) states.set(key, event.previous);
    }
    return states;
  }

  #dropOldest(): void {
    const oldest = present(this.#all.shift(), 'the oldest event of a history beyond its bounds');
    const { key, revision } = oldest.entity;
    const name = tableName(key.group, key.resource);
    const queue = present(this.#byTable.get(name), 'the queue of a table that has events');
    assert(queue.shift() === oldest, 'the oldest event is the oldest of its resource too');
    if (queue.length === 0) this.#byTable.delete(name);
    this.#floor = revision;
    this.#bytes -= oldest.line.length;
  }
}
