/**
 * Server-side tables (meta/v1 Table), which is how `kubectl get` knows what columns a kind has; and PartialObjectMetadata.
 *
 * Cells are computed from the parsed object: this is for people, a page at a time.
 */

import type { Json, JsonObject } from '../../model/json.ts';
import type { StoredEntity } from '../../ports/store.ts';
import { metadataOf } from './metadata.ts';
import type { Query } from './query.ts';
import type { ResourceType } from './resource-type.ts';
import { othersTurn, TURN } from './selection.ts';
import { accepted, badRequest } from './status.ts';
import type { Outcome } from './status.ts';

/** What rows carry besides their cells. */
export type IncludeObject = 'Metadata' | 'Object' | 'None';

const NAME_COLUMN: JsonObject = {
  name: 'Name',
  type: 'string',
  format: 'name',
  description: 'Name must be unique within a namespace. It is given when the object is created, and cannot be changed.',
  priority: 0,
};

export function includeObjectOption(query: Query): Outcome<IncludeObject> {
  const text = query.get('includeObject') ?? '';
  if (text === '' || text === 'Metadata') return accepted('Metadata');
  if (text === 'Object' || text === 'None') return accepted(text);
  return badRequest(`includeObject: Unsupported value: ${JSON.stringify(text)}: supported values: "Metadata", "Object", "None"`);
}

export function columnDefinitions(type: ResourceType): JsonObject[] {
  const own = type.columns.map(({ definition }): JsonObject => {
    const { name, jsonPath, priority } = definition;
    const description = definition.description ?? `Custom resource definition column (in JSONPath format): ${jsonPath}`;
    return { name, type: definition.type, format: '', description, priority: priority ?? 0 };
  });
  return [NAME_COLUMN, ...own];
}

export function tableRow(type: ResourceType, object: JsonObject, include: IncludeObject, nowMs: number): JsonObject {
  const cells: Json[] = [metadataOf(object)['name'] ?? null];
  for (const column of type.columns) cells.push(column.cell(object, nowMs));
  return { cells, object: include === 'None' ? null : include === 'Object' ? object : partialMetadata(object) };
}

export function table(type: ResourceType, rows: readonly JsonObject[], metadata: JsonObject, withColumns = true): JsonObject {
  return {
    kind: 'Table',
    apiVersion: 'meta.k8s.io/v1',
    metadata,
    columnDefinitions: withColumns ? columnDefinitions(type) : null,
    rows: [...rows],
  };
}

/** One object as a table of one row. */
export function tableOf(type: ResourceType, object: JsonObject, include: IncludeObject, nowMs: number, withColumns = true): JsonObject {
  const { resourceVersion } = metadataOf(object);
  return table(type, [tableRow(type, object, include, nowMs)], resourceVersion === undefined ? {} : { resourceVersion }, withColumns);
}

/** Many objects as one table. Rows are parsed objects, so others get their turn in between. */
export async function tableOfMany(
  type: ResourceType,
  items: readonly StoredEntity[],
  metadata: JsonObject,
  include: IncludeObject,
  nowMs: number,
): Promise<JsonObject> {
  const rows: JsonObject[] = [];
  for (const entity of items) {
    rows.push(tableRow(type, entity.object(), include, nowMs));
    if (rows.length % TURN === 0) await othersTurn();
  }
  return table(type, rows, metadata);
}

export function partialMetadata(object: JsonObject): JsonObject {
  return { kind: 'PartialObjectMetadata', apiVersion: 'meta.k8s.io/v1', metadata: metadataOf(object) };
}

export function partialMetadataList(items: readonly StoredEntity[], metadata: JsonObject): JsonObject {
  return {
    kind: 'PartialObjectMetadataList',
    apiVersion: 'meta.k8s.io/v1',
    metadata,
    items: items.map((entity) => partialMetadata(entity.object())),
  };
}
