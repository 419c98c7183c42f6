/**
 * The CEL types of a schema's nodes, by the mapping of Kubernetes ("Validation expression language", types and escaping).
 *
 * I1: a field whose name CEL cannot write is found under its escaped name (`-` as `__dash__`, `in` as `__in__`), or not at all.
 * I2: of metadata, rules see name and generateName only, as in Kubernetes, so that rules mean the same there and here.
 */

import type { CelField, CelType } from './cel-types.ts';
import { BOOL, BYTES, DOUBLE, DURATION, DYN, INT, STRING, TIMESTAMP, listOf, mapOf, nullable } from './cel-types.ts';
import type { SchemaNode } from './schema-node.ts';

const RESERVED = new Set(
  'true false null in as break const continue else for function if import let loop package namespace return var void while'.split(' '),
);
const METADATA_SEEN = ['name', 'generateName'];

/** The name by which a rule reaches property `name`, or undefined when it cannot. */
export function celNameOf(name: string): string | undefined {
  if (RESERVED.has(name)) return `__${name}__`;
  if (!/^[A-Za-z_./-][A-Za-z0-9_./-]*$/.test(name)) return undefined;
  return name.replaceAll('__', '__underscores__').replaceAll('.', '__dot__').replaceAll('-', '__dash__').replaceAll('/', '__slash__');
}

/** The type of a node's values, or undefined when rules cannot see them (no type in the schema). */
export function celTypeOf(node: SchemaNode): CelType | undefined {
  const type = bareType(node);
  return type !== undefined && node.nullable ? nullable(type) : type;
}

/** The type without null: rules of a node run only on values that are not null. */
export function bareType(node: SchemaNode): CelType | undefined {
  switch (node.type) {
    case 'string':
      return textType(node.checks.format);
    case 'integer':
      return INT;
    case 'number':
      return DOUBLE;
    case 'boolean':
      return BOOL;
    case 'int-or-string':
      return DYN;
    case 'array': {
      const item = node.items === undefined ? undefined : celTypeOf(node.items);
      return item === undefined ? undefined : listOf(item);
    }
    case 'object':
      return objectType(node);
    case 'any':
      return undefined;
    default:
      return node.type satisfies never;
  }
}

function textType(format: string | undefined): CelType {
  if (format === 'date-time' || format === 'datetime' || format === 'date') return TIMESTAMP;
  if (format === 'duration') return DURATION;
  return format === 'byte' ? BYTES : STRING;
}

function objectType(node: SchemaNode): CelType | undefined {
  const { additional } = node;
  if (additional === true) return mapOf(STRING, DYN);
  if (additional !== undefined) {
    const value = celTypeOf(additional);
    return value === undefined ? undefined : mapOf(STRING, value);
  }
  const fields = new Map<string, CelField>();
  for (const [name, child] of node.properties) {
    const celName = celNameOf(name);
    const type = node.resource && name === 'metadata' ? metadataType(child) : celTypeOf(child);
    if (celName !== undefined && type !== undefined) fields.set(celName, { name, type });
  }
  return { kind: 'object', name: shortName(node.at), fields };
}

function metadataType(metadata: SchemaNode): CelType {
  const fields = METADATA_SEEN.map((name) => [name, { name, type: STRING }] as const);
  return { kind: 'object', name: shortName(metadata.at), fields: new Map(fields) };
}

/** `openAPIV3Schema.properties[spec].items` is called `spec[]` in sentences. */
function shortName(at: string): string {
  const names = [...at.matchAll(/\.properties\[([^\]]+)\]|\.(items)|\.(additionalProperties)/g)];
  const text = names.map(([, property, items]) => (property === undefined ? (items === undefined ? '{}' : '[]') : `.${property}`)).join('');
  return text === '' ? 'the object' : text.replace(/^\./, '');
}

/** One step of a rule's fieldPath. */
export interface PathStep {
  readonly name: string;
  readonly segment: string;
}

/** Reads a fieldPath (`.workers`, `.resources.cpu`, `['a-b']`) that must name a field below `node`; a sentence says why it does not. */
export function readFieldPath(path: string, node: SchemaNode): readonly PathStep[] | string {
  const steps: PathStep[] = [];
  let at = 0;
  let current: SchemaNode | undefined = node;
  for (const match of path.matchAll(/\.([A-Za-z_$][\w$-]*)|\.?\[(?:'([^']+)'|"([^"]+)")\]/g)) {
    if (match.index !== at) break;
    at += match[0].length;
    const name = match[1] ?? match[2] ?? match[3] ?? '';
    current = current.properties.get(name) ?? (current.additional === true ? undefined : current.additional);
    if (current === undefined) return `must name a field that the schema has; there is no ${name}`;
    steps.push({ name, segment: match[1] === undefined ? `[${name}]` : `.${name}` });
  }
  if (at !== path.length || steps.length === 0) return "must be a path such as .spec.workers or .labels['a.b/c']";
  return steps;
}
