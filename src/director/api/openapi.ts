/**
 * OpenAPI: version 3, one document a group-version with a hash in its address, and version 2 as one document.
 *
 * What clients need of it is small and exact: kubectl looks for its paths by `x-kubernetes-action` and group, version and kind, for the
 * parameter `fieldValidation` (then it lets the server judge), and for schemas to explain.
 *
 * I1: the hash in an address is that of the document, so whoever has one for a hash never asks again.
 */

import type { Json, JsonObject } from '../../model/json.ts';
import { groupVersions, inGroup, subresourcesOf } from './discovery.ts';
import { DELETE_OPTIONS, PATCH, SCALE, schemaName, sharedSchemas, STATUS, typeSchemas } from './openapi-schemas.ts';
import type { ResourceType } from './resource-type.ts';
import { VIRTUAL_RESOURCES } from './virtual.ts';

const REFS = '#/components/schemas/';
const JSON_MEDIA = 'application/json';
const PATCH_MEDIA = ['application/json-patch+json', 'application/merge-patch+json'];

/** `api/v1`, `apis/outrigger.dev/v1`: how group-versions are named in `/openapi/v3`. */
export function openApiPaths(
  types: readonly ResourceType[],
): readonly { readonly path: string; readonly group: string; readonly version: string }[] {
  return groupVersions(types).map(({ group, version }) => ({
    group,
    version,
    path: group === '' ? `api/${version}` : `apis/${group}/${version}`,
  }));
}

/** The document of one group-version. */
export function openApiV3(types: readonly ResourceType[], group: string, version: string, release: string): JsonObject {
  const own = inGroup(types, group, version);
  const paths: JsonObject = {};
  for (const type of own) Object.assign(paths, typePaths(type));
  for (const virtual of VIRTUAL_RESOURCES) {
    if (virtual.group !== group || virtual.version !== version || virtual.parent !== undefined) continue;
    const gvk = { group, version, kind: virtual.kind };
    paths[`${root(group, version)}/${virtual.plural}`] = {
      post: operation('post', 'create', gvk, '', 'Asks and is answered; nothing is stored.', []),
    };
  }
  const schemas: JsonObject = sharedSchemas(REFS);
  for (const type of own) Object.assign(schemas, typeSchemas(type, REFS));
  return { openapi: '3.0.0', info: { title: 'Outrigger', version: release }, paths, components: { schemas } };
}

/** All kinds in one document of the older form; without paths, which nobody reads there (in protobuf: openapi-v2-protobuf.ts). */
export function openApiV2(types: readonly ResourceType[], release: string): JsonObject {
  const definitions: JsonObject = sharedSchemas('#/definitions/');
  for (const type of types) Object.assign(definitions, typeSchemas(type, '#/definitions/'));
  return { swagger: '2.0', info: { title: 'Outrigger', version: release }, paths: {}, definitions };
}

function root(group: string, version: string): string {
  return group === '' ? `/api/${version}` : `/apis/${group}/${version}`;
}

interface Gvk {
  readonly group: string;
  readonly version: string;
  readonly kind: string;
}

/** Where the objects of a kind are. */
function basePath({ group, version, plural, namespaced }: ResourceType): string {
  return `${root(group, version)}${namespaced ? '/namespaces/{namespace}' : ''}/${plural}`;
}

/** Where one of them is. */
export function itemPath(type: ResourceType): string {
  return `${basePath(type)}/{name}`;
}

function typePaths(type: ResourceType): JsonObject {
  const { group, version, kind, plural, namespaced } = type;
  const gvk = { group, version, kind };
  const name = schemaName(group, version, kind);
  const list = schemaName(group, version, type.listKind);
  const base = basePath(type);
  const scope = namespaced ? [pathParameter('namespace')] : [];
  const named = [...scope, pathParameter('name')];
  const paths: JsonObject = {
    [base]: {
      get: operation('get', 'list', gvk, list, `List or watch ${plural}.`, LIST_PARAMETERS),
      post: operation('post', 'post', gvk, name, `Create one of ${plural}.`, WRITE_PARAMETERS, body([JSON_MEDIA], name)),
      delete: operation(
        'delete',
        'deletecollection',
        gvk,
        STATUS,
        `Delete ${plural} by selector.`,
        LIST_PARAMETERS,
        body([JSON_MEDIA], DELETE_OPTIONS, false),
      ),
      parameters: scope,
    },
    [itemPath(type)]: { ...itemOperations(gvk, name, plural, true), parameters: named },
  };
  if (namespaced) {
    paths[`${root(group, version)}/${plural}`] = {
      get: operation('get', 'list', gvk, list, `List or watch ${plural} of all namespaces.`, LIST_PARAMETERS),
    };
  }
  for (const sub of subresourcesOf(type)) {
    const schema = sub.name === 'scale' ? SCALE : name;
    if (sub.verbs.includes('get'))
      paths[`${base}/{name}/${sub.name}`] = { ...itemOperations(sub.gvk, schema, `${plural}/${sub.name}`, false), parameters: named };
  }
  return paths;
}

function itemOperations(gvk: Gvk, schema: string, plural: string, deletable: boolean): JsonObject {
  return {
    get: operation('get', 'get', gvk, schema, `Read one of ${plural}.`, [query('resourceVersion', 'string')]),
    put: operation('put', 'put', gvk, schema, `Replace one of ${plural}.`, WRITE_PARAMETERS, body([JSON_MEDIA], schema)),
    patch: operation('patch', 'patch', gvk, schema, `Change parts of one of ${plural}.`, WRITE_PARAMETERS, body(PATCH_MEDIA, PATCH)),
    ...(deletable
      ? {
          delete: operation(
            'delete',
            'delete',
            gvk,
            STATUS,
            `Delete one of ${plural}.`,
            DELETE_PARAMETERS,
            body([JSON_MEDIA], DELETE_OPTIONS, false),
          ),
        }
      : {}),
  };
}

function operation(
  method: string,
  action: string,
  gvk: Gvk,
  schema: string,
  description: string,
  parameters: readonly JsonObject[],
  requestBody?: JsonObject,
): JsonObject {
  const content: JsonObject = schema === '' ? {} : { content: { [JSON_MEDIA]: { schema: { $ref: REFS + schema } } } };
  const code = action === 'post' || action === 'create' ? '201' : '200';
  return {
    description,
    operationId: `${method}_${action}_${gvk.group}_${gvk.version}_${gvk.kind}`.replaceAll('.', '_'),
    parameters: [...parameters],
    ...(requestBody === undefined ? {} : { requestBody }),
    responses: { [code]: { description: 'OK', ...content }, '401': { description: 'Unauthorized' } },
    'x-kubernetes-action': action,
    'x-kubernetes-group-version-kind': { ...gvk },
  };
}

function body(media: readonly string[], schema: string, required = true): JsonObject {
  const content: Record<string, Json> = {};
  for (const one of media) content[one] = { schema: { $ref: REFS + schema } };
  return { content, ...(required ? { required } : {}) };
}

function query(name: string, type: string, description = ''): JsonObject {
  return { name, in: 'query', schema: { type, uniqueItems: true }, ...(description === '' ? {} : { description }) };
}

function pathParameter(name: string): JsonObject {
  return { name, in: 'path', required: true, schema: { type: 'string', uniqueItems: true } };
}

const WRITE_PARAMETERS = [
  query('dryRun', 'string', 'All: everything but the write.'),
  query('fieldManager', 'string', 'Not used.'),
  query('fieldValidation', 'string', 'Strict: unknown fields are refused. Warn (default): dropped with a warning. Ignore: dropped.'),
];
const DELETE_PARAMETERS = [
  query('dryRun', 'string'),
  query('propagationPolicy', 'string'),
  query('gracePeriodSeconds', 'integer', 'Not used.'),
];
const LIST_PARAMETERS = [
  query('allowWatchBookmarks', 'boolean'),
  query('continue', 'string'),
  query('fieldSelector', 'string'),
  query('labelSelector', 'string'),
  query('limit', 'integer'),
  query('resourceVersion', 'string'),
  query('resourceVersionMatch', 'string'),
  query('sendInitialEvents', 'boolean'),
  query('timeoutSeconds', 'integer'),
  query('watch', 'boolean'),
];
