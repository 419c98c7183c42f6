/**
 * Tells which stored fields a changed schema would drop, so that a CRD change that loses data is refused.
 *
 * Objects in the store were pruned by the old schema: they can hold exactly the fields that it knows, and anything where it preserves
 * unknown fields. What of that the new schema would prune is lost at the next write.
 *
 * I1: a schema loses nothing against itself, and nothing against one that only adds fields.
 */

import type { JsonObject } from '../../model/json.ts';
import type { SchemaNode } from './schema-node.ts';
import { segmentOf } from './problem.ts';
import { readStructural } from './structural.ts';

/**
 * The fields that objects pruned by `oldSchema` may have and `newSchema` would prune: `spec.foo`, `spec.list[].foo`, `spec.map[*].foo`,
 * and `spec.*` where unknown fields were preserved and no longer are.
 */
export function schemaLosesFields(oldSchema: JsonObject, newSchema: JsonObject): readonly string[] {
  const lost: string[] = [];
  compare(readStructural(oldSchema, '').root, readStructural(newSchema, '').root, '', lost);
  return lost.map((path) => path.replace(/^\./, ''));
}

function compare(was: SchemaNode, is: SchemaNode, path: string, lost: string[]): void {
  if (keepsAll(is)) return;
  if (was.preserveUnknown || was.additional === true) {
    if (!is.preserveUnknown) lost.push(`${path}.*`);
  }
  for (const [name, child] of was.properties) compareField(child, fieldOf(is, name), path + segmentOf(name), lost);
  if (was.additional !== undefined && was.additional !== true) compareMap(was.additional, is, path, lost);
  if (was.items !== undefined && is.items !== undefined) compare(was.items, is.items, `${path}[]`, lost);
}

function compareField(was: SchemaNode, is: SchemaNode | true | undefined, path: string, lost: string[]): void {
  if (is === undefined) lost.push(path);
  else if (is !== true) compare(was, is, path, lost);
}

function compareMap(was: SchemaNode, is: SchemaNode, path: string, lost: string[]): void {
  if (is.preserveUnknown && is.properties.size === 0) return;
  if (is.additional === undefined) lost.push(`${path}[*]`);
  else if (is.additional !== true) compare(was, is.additional, `${path}[*]`, lost);
}

/** The schema of field `name`, true when any value is kept, undefined when the field is pruned. */
function fieldOf(node: SchemaNode, name: string): SchemaNode | true | undefined {
  return node.properties.get(name) ?? node.additional ?? (node.preserveUnknown ? true : undefined);
}

/** Nothing below such a node is ever pruned. Scalars prune nothing either: a value of another type is refused, not dropped. */
function keepsAll(node: SchemaNode): boolean {
  if (node.additional === true) return true;
  if (node.type === 'any' || node.type === 'object') return node.preserveUnknown && node.properties.size === 0;
  return node.type !== 'array';
}
