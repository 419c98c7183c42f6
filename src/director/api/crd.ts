/**
 * CustomResourceDefinitions: judged, completed, and turned into the kinds that the API serves.
 *
 * One version a definition is served: that is the form that Outrigger's own kinds have, and conversion is not something to half-do.
 *
 * I1: a definition is stored only when everything in it works: its schema compiles, its rules, columns and paths too.
 * I2: status is a function of the definition alone, so every director writes the same.
 */

import { isJsonObject } from '../../model/json.ts';
import type { Json, JsonObject } from '../../model/json.ts';
import type { PrinterColumn } from '../../model/resource.ts';
import { compileSchema } from '../schema/compile-schema.ts';
import { compileColumn } from '../schema/printer-column.ts';
import type { CompiledColumn } from '../schema/printer-column.ts';
import type { BuiltIn } from './builtins.ts';
import { isDeleting, metadataOf, textOf } from './metadata.ts';
import { dnsLabelProblem, dnsSubdomainProblem } from './names.ts';
import { ALL_VERBS, apiVersionOf, DEFAULT_TRAITS, dottedPath } from './resource-type.ts';
import type { ResourceType, ScalePaths } from './resource-type.ts';
import { causeOf } from './status.ts';
import type { Cause } from './status.ts';

export type CrdResult = { readonly ok: true; readonly type: ResourceType } | { readonly ok: false; readonly causes: readonly Cause[] };

const KIND_NAME = /^[A-Za-z][A-Za-z0-9]{0,62}$/;
const VERSION_NAME = /^v[1-9][0-9]*((alpha|beta)[1-9][0-9]*)?$/;
const DOTTED = /^\.(?:[A-Za-z_][-A-Za-z0-9_]*)(?:\.[A-Za-z_][-A-Za-z0-9_]*)*$/;
const COLUMN_TYPES = ['string', 'integer', 'number', 'boolean', 'date'];

/** The kind that a definition describes, or what is wrong with it. */
export function readCrd(crd: JsonObject): CrdResult {
  const spec = objectAt(crd, 'spec');
  const causes: Cause[] = [];
  const names = namesOf(spec);
  const group = textOf(spec['group']);
  nameCauses(crd, group, names, causes);
  const version = theVersion(spec, causes);
  if (version === undefined) return { ok: false, causes };
  const at = 'spec.versions[0]';
  const raw = objectAt(objectAt(version, 'schema'), 'openAPIV3Schema');
  const schemaAt = `${at}.schema.openAPIV3Schema`;
  if (Object.keys(raw).length === 0) causes.push(cause(schemaAt, 'FieldValueRequired', 'Required value: a kind has a structural schema'));
  const compiled = causes.length === 0 ? compileSchema(raw, schemaAt) : undefined;
  if (compiled !== undefined && !compiled.ok) causes.push(...compiled.problems.map(causeOf));
  const subresources = objectAt(version, 'subresources');
  const scale = scaleOf(subresources, `${at}.subresources.scale`, causes);
  const columns = columnsOf(version, `${at}.additionalPrinterColumns`, causes);
  const selectableFields = selectableOf(version, `${at}.selectableFields`, causes);
  if (causes.length > 0 || compiled === undefined || !compiled.ok) return { ok: false, causes };
  const name = textOf(version['name']);
  return {
    ok: true,
    type: {
      ...DEFAULT_TRAITS,
      ...names,
      group,
      version: name,
      apiVersion: apiVersionOf(group, name),
      namespaced: spec['scope'] === 'Namespaced',
      verbs: ALL_VERBS,
      hasStatus: isJsonObject(subresources['status']),
      scale,
      columns,
      selectableFields,
      schema: compiled.compiled,
      openApi: raw,
      terminating: isDeleting(crd),
    },
  };
}

/** A built-in kind in the same form. Its schema is ours, so failing to compile is a broken promise; the caller asserts. */
export function readBuiltIn(builtIn: BuiltIn): CrdResult {
  const compiled = compileSchema(builtIn.schema, `the schema of ${builtIn.kind}`);
  if (!compiled.ok) return { ok: false, causes: compiled.problems.map(causeOf) };
  const { traits, schema, ...rest } = builtIn;
  const causes: Cause[] = [];
  const columns = compileColumns(builtIn.columns, `the columns of ${builtIn.kind}`, causes);
  if (causes.length > 0) return { ok: false, causes };
  return {
    ok: true,
    type: {
      ...DEFAULT_TRAITS,
      ...rest,
      ...traits,
      listKind: `${builtIn.kind}List`,
      apiVersion: apiVersionOf(builtIn.group, builtIn.version),
      scale: undefined,
      columns,
      schema: compiled.compiled,
      openApi: schema,
      terminating: false,
    },
  };
}

/** Status of an accepted definition. Conditions keep the time since when they hold. */
export function crdStatus(crd: JsonObject, now: string): JsonObject {
  const before = objectAt(crd, 'status');
  const spec = objectAt(crd, 'spec');
  const { plural, singular, kind, listKind, shortNames, categories } = namesOf(spec);
  const names: JsonObject = { plural, singular, kind, listKind };
  if (shortNames.length > 0) names['shortNames'] = [...shortNames];
  if (categories.length > 0) names['categories'] = [...categories];
  const conditions: Json[] = [
    condition(before, now, { type: 'NamesAccepted', status: 'True', reason: 'NoConflicts', message: 'no conflicts found' }),
    condition(before, now, {
      type: 'Established',
      status: 'True',
      reason: 'InitialNamesAccepted',
      message: 'the initial names have been accepted',
    }),
  ];
  if (isDeleting(crd)) {
    const message = 'CustomResource deletion is in progress';
    conditions.push(condition(before, now, { type: 'Terminating', status: 'True', reason: 'InstanceDeletionInProgress', message }));
  }
  const [version] = Array.isArray(spec['versions']) ? spec['versions'] : [];
  return { conditions, acceptedNames: names, storedVersions: [textOf(isJsonObject(version) ? version['name'] : '')] };
}

function condition(status: JsonObject, now: string, next: JsonObject): JsonObject {
  const all = Array.isArray(status['conditions']) ? status['conditions'] : [];
  const old = all.find((one) => isJsonObject(one) && one['type'] === next['type']);
  const since = isJsonObject(old) && old['status'] === next['status'] ? textOf(old['lastTransitionTime']) : '';
  return { ...next, lastTransitionTime: since === '' ? now : since };
}

interface Names {
  readonly plural: string;
  readonly singular: string;
  readonly kind: string;
  readonly listKind: string;
  readonly shortNames: readonly string[];
  readonly categories: readonly string[];
}

function namesOf(spec: JsonObject): Names {
  const names = objectAt(spec, 'names');
  const kind = textOf(names['kind']);
  return {
    kind,
    plural: textOf(names['plural']),
    singular: textOf(names['singular']) || kind.toLowerCase(),
    listKind: textOf(names['listKind']) || `${kind}List`,
    shortNames: textsOf(names['shortNames']),
    categories: textsOf(names['categories']),
  };
}

function nameCauses(crd: JsonObject, group: string, names: Names, causes: Cause[]): void {
  const label = (field: string, value: string): void => {
    const problem = dnsLabelProblem(value);
    if (problem !== undefined) causes.push(cause(field, 'FieldValueInvalid', `Invalid value: ${JSON.stringify(value)}: ${problem}`));
  };
  const badGroup = dnsSubdomainProblem(group) ?? (group.includes('.') ? undefined : 'should be a domain with at least one dot');
  if (badGroup !== undefined) causes.push(cause('spec.group', 'FieldValueInvalid', `Invalid value: ${JSON.stringify(group)}: ${badGroup}`));
  label('spec.names.plural', names.plural);
  label('spec.names.singular', names.singular);
  for (const [i, name] of names.shortNames.entries()) label(`spec.names.shortNames[${i}]`, name);
  for (const [i, name] of names.categories.entries()) label(`spec.names.categories[${i}]`, name);
  for (const field of ['kind', 'listKind'] as const) {
    if (KIND_NAME.test(names[field])) continue;
    causes.push(
      cause(
        `spec.names.${field}`,
        'FieldValueInvalid',
        `Invalid value: ${JSON.stringify(names[field])}: must be letters and digits, beginning with a letter`,
      ),
    );
  }
  const name = textOf(metadataOf(crd)['name']);
  const expected = `${names.plural}.${group}`;
  if (name !== expected) {
    causes.push(
      cause(
        'metadata.name',
        'FieldValueInvalid',
        `Invalid value: ${JSON.stringify(name)}: must be spec.names.plural+"."+spec.group, here ${JSON.stringify(expected)}`,
      ),
    );
  }
}

function theVersion(spec: JsonObject, causes: Cause[]): JsonObject | undefined {
  const versions = Array.isArray(spec['versions']) ? spec['versions'] : [];
  const [version] = versions;
  if (versions.length !== 1 || version === undefined || !isJsonObject(version)) {
    causes.push(
      cause(
        'spec.versions',
        'FieldValueInvalid',
        `Invalid value: ${versions.length}: exactly one version is supported: versions are not converted into each other here`,
      ),
    );
    return undefined;
  }
  if (version['served'] !== true || version['storage'] !== true) {
    causes.push(cause('spec.versions[0]', 'FieldValueInvalid', 'Invalid value: the only version must have served: true and storage: true'));
  }
  const name = textOf(version['name']);
  if (!VERSION_NAME.test(name)) {
    causes.push(
      cause(
        'spec.versions[0].name',
        'FieldValueInvalid',
        `Invalid value: ${JSON.stringify(name)}: must be a version such as v1 or v1beta1`,
      ),
    );
  }
  return version;
}

function scaleOf(subresources: JsonObject, at: string, causes: Cause[]): ScalePaths | undefined {
  const { scale } = subresources;
  if (scale === undefined || scale === null) return undefined;
  const object = isJsonObject(scale) ? scale : {};
  const path = (field: string, root: string): readonly string[] => {
    const text = textOf(object[field]);
    if (!DOTTED.test(text) || !text.startsWith(root)) {
      causes.push(cause(`${at}.${field}`, 'FieldValueInvalid', `Invalid value: ${JSON.stringify(text)}: must be a path below ${root}`));
    }
    return dottedPath(text);
  };
  const selector = object['labelSelectorPath'] === undefined ? undefined : path('labelSelectorPath', '.');
  return { spec: path('specReplicasPath', '.spec'), status: path('statusReplicasPath', '.status'), selector };
}

function columnsOf(version: JsonObject, at: string, causes: Cause[]): readonly CompiledColumn[] {
  const given = Array.isArray(version['additionalPrinterColumns']) ? version['additionalPrinterColumns'] : [];
  // As Kubernetes does for definitions without columns.
  if (given.length === 0) return compileColumns([{ name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp' }], at, causes);
  const columns: PrinterColumn[] = [];
  for (const [i, one] of given.entries()) {
    if (!isJsonObject(one)) continue;
    const type = textOf(one['type']);
    if (!COLUMN_TYPES.includes(type)) {
      const message = `Unsupported value: ${JSON.stringify(type)}: supported values: ${COLUMN_TYPES.map((name) => JSON.stringify(name)).join(', ')}`;
      causes.push(cause(`${at}[${i}].type`, 'FieldValueNotSupported', message));
      continue;
    }
    const priority = typeof one['priority'] === 'number' ? one['priority'] : 0;
    const description = textOf(one['description']);
    const column = { name: textOf(one['name']), type: type as PrinterColumn['type'], jsonPath: textOf(one['jsonPath']), priority };
    columns.push(description === '' ? column : { ...column, description });
  }
  return compileColumns(columns, at, causes);
}

function compileColumns(columns: readonly PrinterColumn[], at: string, causes: Cause[]): readonly CompiledColumn[] {
  return columns.flatMap((column, i) => {
    const result = compileColumn(column);
    if (result.ok) return [result.column];
    causes.push(cause(`${at}[${i}].jsonPath`, 'FieldValueInvalid', `Invalid value: ${JSON.stringify(column.jsonPath)}: ${result.why}`));
    return [];
  });
}

function selectableOf(version: JsonObject, at: string, causes: Cause[]): readonly string[] {
  const given = Array.isArray(version['selectableFields']) ? version['selectableFields'] : [];
  return given.map((one, i) => {
    const path = textOf(isJsonObject(one) ? one['jsonPath'] : '');
    if (!DOTTED.test(path))
      causes.push(
        cause(
          `${at}[${i}].jsonPath`,
          'FieldValueInvalid',
          `Invalid value: ${JSON.stringify(path)}: must be a simple path such as .spec.color`,
        ),
      );
    return dottedPath(path).join('.');
  });
}

function cause(field: string, reason: string, message: string): Cause {
  return { field, reason, message };
}

function objectAt(object: JsonObject, field: string): JsonObject {
  const value = object[field];
  return value !== undefined && isJsonObject(value) ? value : {};
}

function textsOf(value: Json | undefined): readonly string[] {
  return Array.isArray(value) ? value.filter((one) => typeof one === 'string') : [];
}
