/**
 * OpenAPI version 2 as protobuf, which is all that kubectl takes of that version.
 *
 * kubectl asks for it when it is given a `v1` List: it then looks among the paths for the parameter `fieldValidation` of patching a Namespace, to know
 * that the server judges the objects itself. So the paths with their patch operations are told, of every kind; schemas are in the JSON form and in
 * version 3, where kubectl takes them from.
 *
 * Source of the numbers: OpenAPIv2.proto of github.com/google/gnostic (package openapi.v2).
 *
 * I1: the same bytes for the same kinds.
 */

import { itemPath } from './openapi.ts';
import { lengthDelimited } from './protobuf.ts';
import type { ResourceType } from './resource-type.ts';

/** As clients ask for it, and as it is called in the answer: with an @ it would be no media type that they can read. */
const OPENAPI_V2_ASKED = 'application/com.github.proto-openapi.spec.v2@v1.0+protobuf';
export const OPENAPI_V2_PROTOBUF = 'application/com.github.proto-openapi.spec.v2.v1.0+protobuf';

const DOCUMENT = { swagger: 1, info: 2, paths: 8 } as const;
const INFO = { title: 1, version: 2 } as const;
const PATHS = { path: 2 } as const;
/** Of NamedPathItem and NamedAny. */
const NAMED = { name: 1, value: 2 } as const;
const PATH_ITEM = { patch: 8 } as const;
const OPERATION = { parameters: 8, vendorExtension: 13 } as const;
const PARAMETERS_ITEM = { parameter: 1 } as const;
const PARAMETER = { nonBodyParameter: 2 } as const;
const NON_BODY_PARAMETER = { query: 3 } as const;
const QUERY = { in: 2, name: 4, type: 6 } as const;
const ANY = { yaml: 2 } as const;

export function wantsOpenApiV2Protobuf(accept: string | undefined): boolean {
  return accept !== undefined && [OPENAPI_V2_ASKED, OPENAPI_V2_PROTOBUF].some((type) => accept.includes(type));
}

export function openApiV2Protobuf(types: readonly ResourceType[], release: string): Buffer {
  const info = lengthDelimited([
    [INFO.title, 'Outrigger'],
    [INFO.version, release],
  ]);
  const items = types.map((type): readonly [number, Uint8Array] => [PATHS.path, namedItem(type)]);
  return Buffer.from(
    lengthDelimited([
      [DOCUMENT.swagger, '2.0'],
      [DOCUMENT.info, info],
      [DOCUMENT.paths, lengthDelimited(items)],
    ]),
  );
}

function namedItem(type: ResourceType): Uint8Array {
  const { group, version, kind } = type;
  const gvk = lengthDelimited([[ANY.yaml, JSON.stringify({ group, kind, version })]]);
  const extension = lengthDelimited([
    [NAMED.name, 'x-kubernetes-group-version-kind'],
    [NAMED.value, gvk],
  ]);
  const parameters = ['dryRun', 'fieldManager', 'fieldValidation'].map((name): readonly [number, Uint8Array] => [
    OPERATION.parameters,
    queryParameter(name),
  ]);
  const patch = lengthDelimited([...parameters, [OPERATION.vendorExtension, extension]]);
  return lengthDelimited([
    [NAMED.name, itemPath(type)],
    [NAMED.value, lengthDelimited([[PATH_ITEM.patch, patch]])],
  ]);
}

function queryParameter(name: string): Uint8Array {
  const query = lengthDelimited([
    [QUERY.in, 'query'],
    [QUERY.name, name],
    [QUERY.type, 'string'],
  ]);
  const nonBody = lengthDelimited([[NON_BODY_PARAMETER.query, query]]);
  const parameter = lengthDelimited([[PARAMETER.nonBodyParameter, nonBody]]);
  return lengthDelimited([[PARAMETERS_ITEM.parameter, parameter]]);
}
