/**
 * Drops the fields that a schema does not know, in place, and tells which they were.
 *
 * As apiextensions.k8s.io/v1 prunes: unknown fields go, except below x-kubernetes-preserve-unknown-fields, where only what *is* specified
 * is pruned further. Values of the wrong type are left for validation to refuse.
 *
 * I1: pruning twice drops nothing the second time.
 * I2: the key `__proto__` is never kept, not even among preserved fields, so that no later reader can be tricked by it.
 * I3: nothing is allocated while all fields are known.
 */

import { LIMITS } from '../../model/limits.ts';
import type { Json, JsonObject } from '../../model/json.ts';
import { segmentOf } from './problem.ts';
import type { SchemaNode } from './schema-node.ts';

/** Prunes below `value`; adds the dropped fields, relative to it (`.foo`, `[0].foo`). */
export type Prune = (value: Json, dropped: string[]) => void;

/** The pruner of a node, or null when nothing below it can be dropped (scalars). */
export function compilePrune(node: SchemaNode): Prune | null {
  if (node.type === 'array') return pruneItems(node);
  if (node.type === 'object') return node.additional === undefined ? pruneProperties(node) : pruneMap(node);
  return node.type === 'any' ? pruneAny(node) : null;
}

function pruneAny(node: SchemaNode): Prune {
  const properties = pruneProperties(node);
  const items = pruneItems(node);
  return (value, dropped) => {
    if (Array.isArray(value)) items(value, dropped);
    else properties(value, dropped);
  };
}

function pruneProperties(node: SchemaNode): Prune {
  // Without a prototype, so that `constructor` and the like are unknown unless specified.
  const known = Object.create(null) as { [name: string]: Prune | null | undefined };
  for (const [name, child] of node.properties) known[name] = compilePrune(child);
  const preserve = node.preserveUnknown;
  return (value, dropped) => {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return;
    for (const key in value) {
      const child = known[key];
      if (child === undefined) {
        if (!preserve) drop(value, key, dropped);
        else scrubEntry(value, key, dropped, 1);
      } else if (child !== null) {
        below(child, value[key] as Json, dropped, key);
      }
    }
  };
}

function pruneMap(node: SchemaNode): Prune {
  const child = node.additional === true || node.additional === undefined ? scrubValue : compilePrune(node.additional);
  return (value, dropped) => {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return;
    for (const key in value) {
      if (key === '__proto__') drop(value, key, dropped);
      else if (child !== null) below(child, value[key] as Json, dropped, key);
    }
  };
}

function pruneItems(node: SchemaNode): Prune {
  const item = node.items === undefined ? scrubValue : compilePrune(node.items);
  if (item === null) return () => undefined;
  return (value, dropped) => {
    if (!Array.isArray(value)) return;
    for (let i = 0; i < value.length; i++) {
      const before = dropped.length;
      item(value[i] as Json, dropped);
      if (dropped.length !== before) prefixDropped(dropped, before, `[${i}]`);
    }
  };
}

function below(prune: Prune, value: Json, dropped: string[], key: string): void {
  const before = dropped.length;
  prune(value, dropped);
  if (dropped.length !== before) prefixDropped(dropped, before, segmentOf(key));
}

function prefixDropped(dropped: string[], from: number, segment: string): void {
  for (let i = from; i < dropped.length; i++) dropped[i] = segment + (dropped[i] ?? '');
}

function drop(object: JsonObject, key: string, dropped: string[]): void {
  delete object[key];
  dropped.push(segmentOf(key));
}

/** Preserved values keep everything but `__proto__`. Below the depth limit nothing is looked at: validation refuses it. */
function scrubValue(value: Json, dropped: string[]): void {
  scrub(value, dropped, 0);
}

function scrub(value: Json, dropped: string[], depth: number): void {
  if (typeof value !== 'object' || value === null || depth > LIMITS.jsonDepth) return;
  if (!Array.isArray(value)) {
    for (const key in value) scrubEntry(value, key, dropped, depth + 1);
    return;
  }
  for (let i = 0; i < value.length; i++) {
    const before = dropped.length;
    scrub(value[i] as Json, dropped, depth + 1);
    if (dropped.length !== before) prefixDropped(dropped, before, `[${i}]`);
  }
}

function scrubEntry(object: JsonObject, key: string, dropped: string[], depth: number): void {
  if (key === '__proto__') return drop(object, key, dropped);
  const before = dropped.length;
  scrub(object[key] as Json, dropped, depth);
  if (dropped.length !== before) prefixDropped(dropped, before, segmentOf(key));
}
