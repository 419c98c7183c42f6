/**
 * Reads an openAPIV3Schema and refuses what is not structural, with a sentence that names the place.
 *
 * The rules are those of apiextensions.k8s.io/v1 ("Specifying a structural schema"): every field has its type outside of allOf, anyOf,
 * oneOf and not; those may only tighten fields that stand outside; properties and additionalProperties exclude each other; defaults,
 * descriptions and extensions stand outside. One thing is wider: `uniqueItems: true` is served (Kubernetes forbids it for its cost,
 * which is linear here).
 *
 * I1: after `ok`, each node has a type or preserves unknown fields, so pruning and defaulting never have to guess.
 * I2: the root, and each embedded resource, has apiVersion, kind and metadata, whatever the schema says of them.
 */

import { LIMITS } from '../../model/limits.ts';
import type { JsonObject } from '../../model/json.ts';
import { alternatives, child, children, count, defaultOf, enumeration, flag, number, oneOfTexts, pattern } from './keywords.ts';
import { refuseUnknown, report, rulesOf, text, texts } from './keywords.ts';
import type { Reading } from './keywords.ts';
import { METADATA_SCHEMA } from './metadata-schema.ts';
import { forbidden, invalid, notSupported, required } from './problem.ts';
import type { Found } from './problem.ts';
import type { Checks, Nested, NodeType, SchemaNode } from './schema-node.ts';

const TYPES: readonly NodeType[] = ['object', 'array', 'string', 'integer', 'number', 'boolean'];
const SCALARS: readonly NodeType[] = ['string', 'integer', 'number', 'boolean', 'int-or-string'];
const QUANTIFIERS = ['allOf', 'anyOf', 'oneOf'] as const;

export interface StructuralResult {
  readonly root: SchemaNode;
  /** Empty: the schema is structural. */
  readonly problems: readonly Found[];
}

/** Reads `schema`; `at` is how problems name its root. */
export function readStructural(schema: JsonObject, at: string): StructuralResult {
  const problems: Found[] = [];
  const reading = { raw: schema, at, problems };
  const root = readNode(reading, 0, true);
  if (root.type !== 'object') report(reading, 'type', invalid(schema['type'], 'must be object at the root'));
  if (root.nullable) report(reading, 'nullable', forbidden('the root cannot be null'));
  if (root.defaultValue !== undefined) report(reading, 'default', forbidden('the root cannot have a default'));
  return { root, problems };
}

function readNode(reading: Reading, depth: number, isRoot: boolean): SchemaNode {
  refuseUnknown(reading, false);
  const { raw } = reading;
  const preserveUnknown = preserves(reading);
  const resource = isRoot || flag(reading, 'x-kubernetes-embedded-resource');
  const type = typeOf(reading, preserveUnknown);
  const defaultValue = defaultOf(reading);
  const nested = depth < LIMITS.jsonDepth;
  if (!nested) report(reading, '', invalid(raw['type'], `is nested deeper than ${LIMITS.jsonDepth} levels`));
  const properties = new Map(nested ? propertiesOf(reading, depth, resource) : []);
  const additional = nested ? additionalOf(reading, depth) : undefined;
  const itemsReading = nested ? child(reading, 'items') : undefined;
  const items = itemsReading === undefined ? undefined : readNode(itemsReading, depth + 1, false);
  const node: SchemaNode = {
    at: reading.at,
    depth,
    type,
    nullable: flag(reading, 'nullable'),
    preserveUnknown,
    resource,
    properties,
    ...(additional === undefined ? {} : { additional }),
    ...(items === undefined ? {} : { items }),
    listType: oneOfTexts(reading, 'x-kubernetes-list-type', ['atomic', 'set', 'map'] as const) ?? 'atomic',
    listMapKeys: texts(reading, 'x-kubernetes-list-map-keys'),
    ...(defaultValue === undefined ? {} : { defaultValue }),
    checks: readChecks(reading, depth, type),
    rules: rulesOf(reading),
  };
  judgeNode(node, reading);
  if (resource && !isRoot) judgeEmbedded(node, reading);
  for (const quantifier of QUANTIFIERS) for (const one of node.checks[quantifier]) mustStandOutside(one, node, reading.problems);
  if (node.checks.not !== undefined) mustStandOutside(node.checks.not, node, reading.problems);
  return node;
}

function preserves(reading: Reading): boolean {
  const keyword = 'x-kubernetes-preserve-unknown-fields';
  if (reading.raw[keyword] === false) report(reading, keyword, invalid(false, 'must be true or left out'));
  return flag(reading, keyword);
}

function typeOf(reading: Reading, preserveUnknown: boolean): NodeType {
  const keyword = 'x-kubernetes-int-or-string';
  const type = reading.raw['type'];
  if (flag(reading, keyword)) {
    if (type !== undefined) report(reading, 'type', forbidden(`must be left out with ${keyword}`));
    return 'int-or-string';
  }
  if (type === undefined) {
    if (!preserveUnknown) report(reading, 'type', required('each field of a structural schema has a type'));
    return 'any';
  }
  const known = oneOfTexts(reading, 'type', TYPES) ?? 'any';
  if (preserveUnknown && known !== 'object' && known !== 'any') {
    report(reading, 'type', invalid(type, 'must be object where unknown fields are preserved'));
  }
  return known;
}

function* propertiesOf(reading: Reading, depth: number, resource: boolean): Generator<[string, SchemaNode]> {
  if (resource) {
    const { problems } = reading;
    yield ['apiVersion', readNode({ raw: { type: 'string' }, at: `${reading.at}.properties[apiVersion]`, problems }, depth + 1, false)];
    yield ['kind', readNode({ raw: { type: 'string' }, at: `${reading.at}.properties[kind]`, problems }, depth + 1, false)];
    const own = children(reading, 'properties').find(([name]) => name === 'metadata')?.[1];
    yield ['metadata', metadataNode(own ?? { raw: {}, at: `${reading.at}.properties[metadata]`, problems }, depth + 1)];
  }
  for (const [name, schema] of children(reading, 'properties')) {
    if (resource && name === 'metadata') continue;
    const node = readNode(schema, depth + 1, false);
    if (resource && (name === 'apiVersion' || name === 'kind') && node.defaultValue !== undefined) {
      report(schema, 'default', forbidden('apiVersion and kind cannot have a default'));
    }
    yield [name, node];
  }
}

/** ObjectMeta, tightened by what the schema may say of it: name and generateName. */
function metadataNode(own: Reading, depth: number): SchemaNode {
  const whole = readNode({ raw: METADATA_SCHEMA, at: own.at, problems: own.problems }, depth, false);
  for (const keyword of Object.keys(own.raw)) {
    if (!['type', 'properties', 'description', 'title'].includes(keyword))
      report(own, keyword, forbidden('metadata cannot be described here'));
  }
  if (own.raw['type'] !== undefined && own.raw['type'] !== 'object') report(own, 'type', invalid(own.raw['type'], 'must be object'));
  const properties = new Map(whole.properties);
  for (const [name, schema] of children(own, 'properties')) {
    if (name === 'name' || name === 'generateName') properties.set(name, readNode(schema, depth + 1, false));
    else report(schema, '', forbidden('only name and generateName of metadata can be tightened'));
  }
  return { ...whole, properties };
}

function additionalOf(reading: Reading, depth: number): SchemaNode | true | undefined {
  const keyword = 'additionalProperties';
  const value = reading.raw[keyword];
  if (value === undefined || value === true) return value;
  if (value === false) {
    report(reading, keyword, forbidden('must not be false: unknown fields are always dropped'));
    return undefined;
  }
  const schema = child(reading, keyword);
  return schema === undefined ? undefined : readNode(schema, depth + 1, false);
}

function readChecks(reading: Reading, depth: number, type: NodeType): Checks {
  const within = depth < LIMITS.jsonDepth;
  const nested = (keyword: string): readonly Nested[] =>
    within ? alternatives(reading, keyword).map((one) => readNested(one, depth + 1, type)) : [];
  const notReading = within ? child(reading, 'not') : undefined;
  const whole = {
    enum: enumeration(reading),
    minimum: number(reading, 'minimum'),
    maximum: number(reading, 'maximum'),
    exclusiveMinimum: flag(reading, 'exclusiveMinimum'),
    exclusiveMaximum: flag(reading, 'exclusiveMaximum'),
    multipleOf: number(reading, 'multipleOf'),
    minLength: count(reading, 'minLength'),
    maxLength: count(reading, 'maxLength'),
    pattern: pattern(reading),
    format: text(reading, 'format'),
    minItems: count(reading, 'minItems'),
    maxItems: count(reading, 'maxItems'),
    uniqueItems: flag(reading, 'uniqueItems'),
    minProperties: count(reading, 'minProperties'),
    maxProperties: count(reading, 'maxProperties'),
    required: texts(reading, 'required'),
    allOf: nested('allOf'),
    anyOf: nested('anyOf'),
    oneOf: nested('oneOf'),
    not: notReading === undefined ? undefined : readNested(notReading, depth + 1, type),
  };
  if (whole.multipleOf !== undefined && whole.multipleOf <= 0) report(reading, 'multipleOf', invalid(whole.multipleOf, 'must be above 0'));
  const entries = Object.entries(whole).filter(([, value]) => value !== undefined);
  return Object.fromEntries(entries) as unknown as Checks;
}

function readNested(reading: Reading, depth: number, outer: NodeType): Nested {
  refuseUnknown(reading, true);
  const type = nestedType(reading, outer);
  const within = depth < LIMITS.jsonDepth;
  if (!within) report(reading, '', invalid(null, `is nested deeper than ${LIMITS.jsonDepth} levels`));
  const items = within ? child(reading, 'items') : undefined;
  const below = (one: Reading): Nested => readNested(one, depth + 1, 'any');
  return {
    at: reading.at,
    checks: readChecks(reading, depth, outer),
    properties: new Map(within ? children(reading, 'properties').map(([name, one]) => [name, below(one)]) : []),
    ...(type === undefined ? {} : { type }),
    ...(items === undefined ? {} : { items: below(items) }),
  };
}

function nestedType(reading: Reading, outer: NodeType): 'integer' | 'string' | undefined {
  const type = reading.raw['type'];
  if (type === undefined) return undefined;
  if (outer !== 'int-or-string') report(reading, 'type', forbidden('must stand outside of allOf, anyOf, oneOf and not'));
  else if (type === 'integer' || type === 'string') return type;
  else report(reading, 'type', notSupported(type, ['integer', 'string']));
  return undefined;
}

function judgeNode(node: SchemaNode, reading: Reading): void {
  const { raw } = reading;
  const own = node.resource ? Object.keys(raw['properties'] ?? {}).length : node.properties.size;
  if (node.additional !== undefined && own > 0)
    report(reading, 'additionalProperties', forbidden('properties and additionalProperties exclude each other'));
  if (node.resource && node.additional !== undefined) report(reading, 'additionalProperties', forbidden('a resource names its fields'));
  if (node.type !== 'object' && node.type !== 'any' && (own > 0 || node.additional !== undefined)) {
    report(reading, 'type', invalid(raw['type'], 'must be object where properties or additionalProperties are given'));
  }
  if (node.type === 'array') judgeList(node, reading);
  else if (node.items !== undefined) report(reading, 'type', invalid(raw['type'], 'must be array where items are given'));
  else if (raw['x-kubernetes-list-type'] !== undefined) report(reading, 'x-kubernetes-list-type', forbidden('is for arrays only'));
  oneOfTexts(reading, 'x-kubernetes-map-type', ['granular', 'atomic'] as const);
  if (raw['x-kubernetes-map-type'] !== undefined && node.type !== 'object')
    report(reading, 'x-kubernetes-map-type', forbidden('is for objects only'));
}

function judgeList(node: SchemaNode, reading: Reading): void {
  const { items } = node;
  if (items === undefined) return report(reading, 'items', required('an array has a schema for its items'));
  const keyword = 'x-kubernetes-list-map-keys';
  if (node.listType !== 'map') {
    if (node.listMapKeys.length > 0) report(reading, keyword, forbidden('goes with x-kubernetes-list-type: map only'));
  } else if (node.listMapKeys.length === 0) report(reading, keyword, required('the fields that tell items apart'));
  if (node.listType === 'map' && items.type !== 'object')
    report(reading, 'items.type', invalid(items.type, 'must be object in a list of type map'));
  for (const key of node.listType === 'map' ? node.listMapKeys : []) {
    const field = items.properties.get(key);
    const there = items.checks.required.includes(key) || field?.defaultValue !== undefined;
    if (field === undefined || !SCALARS.includes(field.type))
      report(reading, keyword, invalid(key, 'must name a scalar field of the items'));
    else if (!there) report(reading, keyword, invalid(key, 'must be required or have a default'));
  }
  if (node.listType === 'set' && items.nullable) report(reading, 'items.nullable', forbidden('the items of a set cannot be null'));
}

function judgeEmbedded(node: SchemaNode, reading: Reading): void {
  if (node.type !== 'object') report(reading, 'type', invalid(reading.raw['type'], 'must be object for an embedded resource'));
  if (!node.preserveUnknown && reading.raw['properties'] === undefined) {
    report(reading, 'properties', required('an embedded resource has properties or preserves unknown fields'));
  }
}

/** What allOf, anyOf, oneOf and not speak of must have its structure outside of them. */
function mustStandOutside(nested: Nested, node: SchemaNode, problems: Found[]): void {
  for (const [name, one] of nested.properties) {
    const outside = node.properties.get(name) ?? (node.additional === true ? undefined : node.additional);
    if (outside !== undefined) mustStandOutside(one, outside, problems);
    else problems.push({ ...required(`must also be specified in ${node.at}.properties[${name}]`), path: one.at });
  }
  if (nested.items !== undefined) {
    if (node.items !== undefined) mustStandOutside(nested.items, node.items, problems);
    else problems.push({ ...required(`must also be specified in ${node.at}.items`), path: nested.items.at });
  }
  for (const quantifier of QUANTIFIERS) for (const one of nested.checks[quantifier]) mustStandOutside(one, node, problems);
  if (nested.checks.not !== undefined) mustStandOutside(nested.checks.not, node, problems);
}
