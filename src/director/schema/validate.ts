/**
 * Judges an object by its schema: types, required fields, and the keywords of check-values.ts, node by node.
 *
 * I1: an object that passes is walked once, and nothing is allocated.
 * I2: an update is not refused for what it did not touch: where an object fails, problems of nodes that are unchanged from the old object
 *     are forgiven (Kubernetes calls it ratcheting). So a tightened schema does not stop the status of older objects.
 * I3: integers beyond what JSON numbers carry exactly, and numbers that JSON cannot carry at all, are refused rather than altered.
 */

import { isJsonObject } from '../../model/json.ts';
import type { Json, JsonObject } from '../../model/json.ts';
import { compileChecks, mapListCheck, setCheck } from './check-values.ts';
import type { ValueCheck } from './check-values.ts';
import { deepEqual, readerOf, unstorable } from './json-values.ts';
import { correlate } from './list-map.ts';
import { invalid, invalidWhole, prefix, required, segmentOf, wrongType } from './problem.ts';
import type { Found } from './problem.ts';
import type { SchemaNode } from './schema-node.ts';

/** Adds what is wrong with `value`; `old` is what stood here before, undefined when there was nothing or it does not matter. */
export type Check = (value: Json, old: Json | undefined, found: Found[]) => void;

const INEXACT = `must be from ${Number.MIN_SAFE_INTEGER} to ${Number.MAX_SAFE_INTEGER}: a larger integer would be stored inexactly`;

/** The check of a node and all below it. */
export function compileValidate(node: SchemaNode): Check {
  const typed = typedCheck(node);
  const own = compileChecks(node.checks);
  const { nullable } = node;
  if (own === null && !nullable) return typed;
  return (value, old, found) => {
    if (value !== null || !nullable) {
      const before = found.length;
      typed(value, old, found);
      // A value of the wrong type fails every keyword in turn; saying so once is enough.
      if (found.length !== before && found.some((one, i) => i >= before && one.path === '' && one.reason === 'FieldValueTypeInvalid'))
        return;
    }
    own?.(value, found);
  };
}

function typedCheck(node: SchemaNode): Check {
  switch (node.type) {
    case 'object':
      return objectCheck(node);
    case 'array':
      return arrayCheck(node);
    case 'string':
      return (value, _old, found) => {
        if (typeof value !== 'string') found.push(wrongType(value, 'string'));
      };
    case 'boolean':
      return (value, _old, found) => {
        if (typeof value !== 'boolean') found.push(wrongType(value, 'boolean'));
      };
    case 'integer':
      return integerCheck;
    case 'number':
      return (value, _old, found) => {
        if (typeof value !== 'number') found.push(wrongType(value, 'number'));
        else if (!Number.isFinite(value)) found.push(invalid(value, 'must be a number that JSON can carry'));
      };
    case 'int-or-string':
      return (value, old, found) => {
        if (typeof value === 'string') return;
        if (Number.isInteger(value)) integerCheck(value, old, found);
        else found.push(wrongType(value, 'integer or string'));
      };
    case 'any':
      return anyCheck(node);
    default:
      return node.type satisfies never;
  }
}

function integerCheck(value: Json, _old: Json | undefined, found: Found[]): void {
  if (typeof value !== 'number' || !Number.isInteger(value)) {
    if (typeof value === 'number' && !Number.isFinite(value)) found.push(invalid(value, INEXACT));
    else found.push(wrongType(value, 'integer'));
  } else if (!Number.isSafeInteger(value)) found.push(invalid(value, INEXACT));
}

/** A node without a type: whatever comes, as far as it is specified. */
function anyCheck(node: SchemaNode): Check {
  const asObject = objectCheck(node);
  const asArray = node.items === undefined ? null : arrayCheck(node);
  return (value, old, found) => {
    if (isJsonObject(value)) return asObject(value, old, found);
    if (Array.isArray(value) && asArray !== null) return asArray(value, old, found);
    const why = unstorable(value, node.depth);
    if (why !== undefined) found.push(invalidWhole(why));
  };
}

interface Field {
  readonly segment: string;
  readonly read: (object: JsonObject) => Json | undefined;
  readonly check: Check;
}

function objectCheck(node: SchemaNode): Check {
  const fields: readonly Field[] = [...node.properties].map(([name, child]) => ({
    segment: segmentOf(name),
    read: readerOf(name),
    check: compileValidate(child),
  }));
  const rest = restCheck(node);
  const embedded = node.resource && node.depth > 0;
  return (value, old, found) => {
    if (!isJsonObject(value)) {
      found.push(wrongType(value, 'object'));
      return;
    }
    const oldObject = isJsonObject(old) ? old : undefined;
    for (const field of fields) {
      const own = field.read(value);
      if (own === undefined) continue;
      const before = found.length;
      const was = oldObject === undefined ? undefined : field.read(oldObject);
      field.check(own, was, found);
      if (found.length !== before) settle(found, before, field.segment, own, was);
    }
    if (embedded) requireKind(value, found);
    rest?.(value, oldObject, found);
  };
}

function requireKind(object: JsonObject, found: Found[]): void {
  for (const name of ['apiVersion', 'kind']) {
    if (object[name] === undefined || object[name] === '')
      found.push({ ...required('an embedded resource names its kind'), path: `.${name}` });
  }
}

/** What becomes of the fields that are not among the properties: map values, or values that are preserved as they are. */
function restCheck(node: SchemaNode): ((object: JsonObject, old: JsonObject | undefined, found: Found[]) => void) | null {
  const { additional, properties, depth } = node;
  if (additional !== undefined && additional !== true) {
    const check = compileValidate(additional);
    return (object, old, found) => {
      for (const key in object) {
        const value = object[key] as Json;
        const was = old !== undefined && Object.hasOwn(old, key) ? old[key] : undefined;
        const before = found.length;
        check(value, was, found);
        if (found.length !== before) settle(found, before, segmentOf(key), value, was);
      }
    };
  }
  if (additional === undefined && !node.preserveUnknown) return null;
  return (object, _old, found) => {
    for (const key in object) {
      if (properties.has(key)) continue;
      const why = unstorable(object[key] as Json, depth + 1);
      if (why !== undefined) found.push({ ...invalidWhole(why), path: segmentOf(key) });
    }
  };
}

function arrayCheck(node: SchemaNode): Check {
  const item = node.items === undefined ? null : compileValidate(node.items);
  const distinct: ValueCheck | null = node.listType === 'map' ? mapListCheck(node.listMapKeys) : node.listType === 'set' ? setCheck : null;
  const oldItems = node.listType === 'map' ? correlate(node.listMapKeys) : null;
  return (value, old, found) => {
    if (!Array.isArray(value)) {
      found.push(wrongType(value, 'array'));
      return;
    }
    const oldItemOf = oldItems === null || !Array.isArray(old) ? undefined : oldItems(old);
    for (let i = 0; item !== null && i < value.length; i++) {
      const own = value[i] as Json;
      const before = found.length;
      const was = oldItemOf?.(own);
      item(own, was, found);
      if (found.length !== before) settle(found, before, `[${i}]`, own, was);
    }
    distinct?.(value, found);
  };
}

/** After a child failed: forgives what did not change, names the place of the rest. */
function settle(found: Found[], before: number, segment: string, value: Json, old: Json | undefined): void {
  if (old !== undefined && deepEqual(value, old)) found.length = before;
  else prefix(found, before, segment);
}
