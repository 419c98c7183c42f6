/**
 * Fills in defaults, in place.
 *
 * As apiextensions.k8s.io/v1 does: null for a field that may not be null counts as absent; an absent field with a default gets a copy of
 * it; then the same inside of every object, list item and map value, also inside of what was just filled in.
 *
 * I1: defaulting twice changes nothing the second time.
 * I2: a default object that was filled in is never shared between two entities.
 */

import type { Json, JsonObject } from '../../model/json.ts';
import { deepCopy, readerOf } from './json-values.ts';
import type { SchemaNode } from './schema-node.ts';

export type Fill = (value: Json) => void;

interface Field {
  readonly name: string;
  readonly read: (object: JsonObject) => Json | undefined;
  readonly nullable: boolean;
  readonly standard: Json | undefined;
  readonly fill: Fill | null;
}

/** The filler of a node, or null when nothing below it can need a default. */
export function compileDefaults(node: SchemaNode): Fill | null {
  if (node.type === 'array') return node.items === undefined ? null : fillItems(node.items);
  if (node.type === 'int-or-string') return null;
  if (node.type !== 'object' && node.type !== 'any') return null;
  const properties = node.properties.size === 0 ? null : fillProperties(node);
  const values = node.additional === undefined || node.additional === true ? null : fillMap(node.additional);
  return properties ?? values;
}

function fieldOf(name: string, node: SchemaNode): Field {
  return { name, read: readerOf(name), nullable: node.nullable, standard: node.defaultValue, fill: compileDefaults(node) };
}

function fillProperties(node: SchemaNode): Fill {
  const fields = [...node.properties].map(([name, child]) => fieldOf(name, child));
  return (value) => {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return;
    for (const field of fields) fillField(value, field);
  };
}

function fillField(object: JsonObject, field: Field): void {
  let value = field.read(object);
  if (value === undefined || (value === null && !field.nullable)) {
    if (field.standard === undefined) {
      if (value === null) delete object[field.name];
      return;
    }
    value = deepCopy(field.standard);
    object[field.name] = value;
  }
  if (field.fill !== null && typeof value === 'object') field.fill(value);
}

function fillMap(node: SchemaNode): Fill {
  const { nullable, defaultValue } = node;
  const fill = compileDefaults(node);
  return (value) => {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return;
    for (const key in value) {
      if (value[key] === null && !nullable) {
        if (defaultValue === undefined) delete value[key];
        else value[key] = deepCopy(defaultValue);
      }
      const entry = value[key];
      if (fill !== null && entry !== undefined) fill(entry);
    }
  };
}

function fillItems(node: SchemaNode): Fill {
  const { nullable, defaultValue } = node;
  const fill = compileDefaults(node);
  return (value) => {
    if (!Array.isArray(value)) return;
    for (let i = 0; i < value.length; i++) {
      // A null item without a default stays: dropping it would move the others. Validation refuses it.
      if (value[i] === null && !nullable && defaultValue !== undefined) value[i] = deepCopy(defaultValue);
      if (fill !== null) fill(value[i] as Json);
    }
  };
}
