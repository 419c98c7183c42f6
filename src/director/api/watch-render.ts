/**
 * Watch events as bytes: in the form that a client asked for, made once for all who asked alike.
 *
 * I1: with a selector, an entity that comes into the selection is ADDED and one that leaves it is DELETED, as if the others did not exist.
 */

import type { JsonObject } from '../../model/json.ts';
import type { StoredEntity, StoreEvent, StoreEventType } from '../../ports/store.ts';
import { eventLine } from '../store/splice.ts';
import type { Form } from './accept.ts';
import { metadataOf } from './metadata.ts';
import type { ResourceType } from './resource-type.ts';
import { statusBody } from './status.ts';
import type { Refused } from './status.ts';
import { partialMetadata, tableOf } from './table.ts';
import type { IncludeObject } from './table.ts';

export interface Rendering {
  readonly type: ResourceType;
  readonly form: Form;
  readonly include: IncludeObject;
  readonly test: ((entity: StoredEntity) => boolean) | undefined;
  readonly nowMs: () => number;
}

/** Lines of a batch joined, for the many watchers without a selector; batches are shared by identity. */
const joined = new WeakMap<readonly StoreEvent[], Buffer>();
const INITIAL_CHUNK_BYTES = 256 * 1024;
/** From here on a copy costs more than two more writes. */
const SHARED_FROM_BYTES = 64 * 1024;
const ADDED_HEAD = Buffer.from('{"type":"ADDED","object":');
const LINE_TAIL = Buffer.from('}\n');

/** The bytes of a batch for this rendering; undefined when nothing of it passes. `first`: nothing was sent yet (tables name their columns once). */
export function renderBatch(batch: readonly StoreEvent[], rendering: Rendering, first: boolean): Buffer | undefined {
  const { test, form } = rendering;
  if (test === undefined && form === 'object') return plainBatch(batch);
  const lines: Buffer[] = [];
  for (const event of batch) {
    const line =
      test === undefined
        ? render(event.type, event.entity, rendering, first && lines.length === 0, event)
        : filtered(event, rendering, first && lines.length === 0, test);
    if (line !== undefined) lines.push(line);
  }
  return lines.length === 0 ? undefined : lines.length === 1 ? lines[0] : Buffer.concat(lines);
}

function plainBatch(batch: readonly StoreEvent[]): Buffer | undefined {
  if (batch.length <= 1) return batch[0]?.line;
  let bytes = joined.get(batch);
  if (bytes === undefined) {
    bytes = Buffer.concat(batch.map((event) => event.line));
    joined.set(batch, bytes);
  }
  return bytes;
}

function filtered(event: StoreEvent, rendering: Rendering, first: boolean, test: (entity: StoredEntity) => boolean): Buffer | undefined {
  const { entity, previous } = event;
  const was = previous !== undefined && test(previous);
  if (event.type === 'DELETED')
    return was || (previous === undefined && test(entity)) ? render('DELETED', entity, rendering, first, event) : undefined;
  const is = test(entity);
  if (is) return render(was ? 'MODIFIED' : 'ADDED', entity, rendering, first, event);
  return was ? render('DELETED', entity, rendering, first, event, previous) : undefined;
}

/** `shown`: the state to show when it is not the new one: what left a selection is shown as it last was in it, at the new revision. */
function render(
  type: StoreEventType,
  entity: StoredEntity,
  rendering: Rendering,
  first: boolean,
  event: StoreEvent | undefined,
  shown?: StoredEntity,
): Buffer {
  if (rendering.form === 'object' && shown === undefined) return event?.type === type ? event.line : eventLine(type, entity.bytes);
  const object = (shown ?? entity).object();
  if (shown !== undefined) metadataOf(object)['resourceVersion'] = String(entity.revision);
  return lineOf(type, formed(object, rendering, first));
}

function formed(object: JsonObject, { type, form, include, nowMs }: Rendering, first: boolean): JsonObject {
  if (form === 'table') return tableOf(type, object, include, nowMs(), first);
  return form === 'metadata' ? partialMetadata(object) : object;
}

function lineOf(type: string, object: JsonObject): Buffer {
  return Buffer.from(`{"type":${JSON.stringify(type)},"object":${JSON.stringify(object)}}\n`, 'utf8');
}

/**
 * The states with which a watch begins, as ADDED events: groups of pieces, each group whole lines. A large state's bytes are those of the store, not
 * a copy for each of the many watches that may begin at once.
 */
export function* renderInitial(entities: readonly StoredEntity[], rendering: Rendering): Generator<readonly Buffer[]> {
  if (rendering.form !== 'object') {
    for (const [i, entity] of entities.entries()) yield [render('ADDED', entity, rendering, i === 0, undefined)];
    return;
  }
  let pieces: Buffer[] = [];
  let size = 0;
  for (const { bytes } of entities) {
    if (bytes.length >= SHARED_FROM_BYTES) {
      if (size > 0) yield [Buffer.concat(pieces)];
      yield [ADDED_HEAD, bytes, LINE_TAIL];
      pieces = [];
      size = 0;
      continue;
    }
    pieces.push(ADDED_HEAD, bytes, LINE_TAIL);
    size += bytes.length;
    if (size < INITIAL_CHUNK_BYTES) continue;
    yield [Buffer.concat(pieces)];
    pieces = [];
    size = 0;
  }
  if (pieces.length > 0) yield [Buffer.concat(pieces)];
}

export function renderBookmark(rendering: Rendering, revision: number, endsInitial: boolean, first: boolean): Buffer {
  const { type, form } = rendering;
  const annotations: JsonObject = endsInitial ? { annotations: { 'k8s.io/initial-events-end': 'true' } } : {};
  const object: JsonObject = {
    kind: type.kind,
    apiVersion: type.apiVersion,
    metadata: { ...annotations, resourceVersion: String(revision), creationTimestamp: null },
  };
  if (form === 'table') return lineOf('BOOKMARK', tableOf(type, object, rendering.include, rendering.nowMs(), first));
  return lineOf('BOOKMARK', form === 'metadata' ? partialMetadata(object) : object);
}

export function renderError(refusal: Refused): Buffer {
  return lineOf('ERROR', statusBody(refusal));
}
