/**
 * One state of one entity in memory, and the event that brought it.
 *
 * The served object is a view into the watch line that announces it, so a write costs one allocation for its answer, its cache entry and
 * its event together. Buffers are allocated exactly: a slice of Node's shared pool would keep 8 kB alive for each.
 *
 * I1: a state never changes after it was made.
 */

import { isJsonObject } from '../../model/json.ts';
import type { JsonObject } from '../../model/json.ts';
import type { EntityKey, StoredEntity, StoreEvent } from '../../ports/store.ts';
import { assert } from '../../base/assert.ts';
import { spliceLine } from './splice.ts';

const NO_LABELS: Readonly<Record<string, string>> = Object.freeze({});

class State implements StoredEntity {
  readonly key: EntityKey;
  readonly uid: string;
  readonly revision: number;
  readonly bytes: Buffer;
  #labels: Readonly<Record<string, string>> | undefined;

  constructor(key: EntityKey, uid: string, revision: number, bytes: Buffer) {
    this.key = key;
    this.uid = uid;
    this.revision = revision;
    this.bytes = bytes;
  }

  labels(): Readonly<Record<string, string>> {
    this.#labels ??= labelsOf(this.object());
    return this.#labels;
  }

  object(): JsonObject {
    const value: unknown = JSON.parse(this.bytes.toString('utf8'));
    assert(isJsonObject(value), 'a stored entity is a JSON object');
    return value;
  }
}

function labelsOf(object: JsonObject): Readonly<Record<string, string>> {
  const metadata = object['metadata'];
  const labels = isJsonObject(metadata) ? metadata['labels'] : undefined;
  return isJsonObject(labels) ? (labels as Record<string, string>) : NO_LABELS;
}

export interface At {
  readonly key: EntityKey;
  readonly uid: string;
  readonly revision: number;
}

/** A state as it was loaded, without an event. */
export function makeEntity(at: At, body: Buffer): StoredEntity {
  return new State(at.key, at.uid, at.revision, spliceLine('ADDED', body, at.revision).bytes);
}

/** The event of a creation (without `previous`) or of an update. `body` is the state after it, without its revision. */
export function writtenEvent(at: At, body: Buffer, previous: StoredEntity | undefined): StoreEvent {
  const type = previous === undefined ? 'ADDED' : 'MODIFIED';
  const { line, bytes } = spliceLine(type, body, at.revision);
  const entity = new State(at.key, at.uid, at.revision, bytes);
  return previous === undefined ? { type, entity, line } : { type, entity, previous, line };
}

/** The event of a deletion: the last state, bearing the deletion's revision. */
export function deletedEvent(revision: number, previous: StoredEntity): StoreEvent {
  const { line, bytes } = spliceLine('DELETED', previous.bytes, revision, previous.revision);
  return { type: 'DELETED', entity: new State(previous.key, previous.uid, revision, bytes), previous, line };
}
