/**
 * Requests that are for no resource: health, version, discovery, OpenAPI, metrics.
 *
 * I1: documents are made once for each change of the kinds that are served.
 */

import type { EntityStore } from '../../ports/store.ts';
import { wantsAggregatedDiscovery } from './accept.ts';
import { aggregated, AGGREGATED_TYPE, coreVersions, documentOf, documentOfBytes, group, groupList, resourceList } from './discovery.ts';
import type { Document } from './discovery.ts';
import { OPENAPI_V2_PROTOBUF, openApiV2Protobuf, wantsOpenApiV2Protobuf } from './openapi-v2-protobuf.ts';
import { openApiPaths, openApiV2, openApiV3 } from './openapi.ts';
import type { Metrics } from './metrics.ts';
import type { Query } from './query.ts';
import type { Registry } from './registry.ts';
import { bytesReply, jsonReply, TEXT_TYPE, textReply } from './reply.ts';
import type { Reply } from './reply.ts';
import type { ResourceType } from './resource-type.ts';
import { accepted, methodNotAllowed } from './status.ts';
import type { Outcome } from './status.ts';
import type { JsonObject } from '../../model/json.ts';

export interface PathParts {
  readonly registry: Registry;
  readonly store: Pick<EntityStore, 'ready'>;
  readonly metrics: Metrics;
  /** Of this program. */
  readonly release: string;
  /** True once the server is going. */
  readonly stopping: () => boolean;
}

export interface PathRequest {
  readonly method: string;
  readonly path: string;
  readonly query: Query;
  header(name: string): string | undefined;
}

/** The Kubernetes minor whose conventions we follow; clients choose themselves by it. */
const MINOR = '32';
const NOTHING = Buffer.alloc(0);
const HEALTH_PATHS = new Set(['/healthz', '/livez', '/readyz']);

type Make = () => Document | undefined;

export type PathHandler = (request: PathRequest) => Promise<Outcome<Reply>>;

export function createPathHandler(parts: PathParts): PathHandler {
  const documents = new WeakMap<readonly ResourceType[], Map<string, Document | undefined>>();
  const made = (name: string, make: Make): Document | undefined => {
    const types = parts.registry.all();
    let known = documents.get(types);
    if (known === undefined) documents.set(types, (known = new Map()));
    if (!known.has(name)) known.set(name, make());
    return known.get(name);
  };
  return async (request) => {
    if (request.method !== 'GET' && request.method !== 'HEAD')
      return methodNotAllowed(`${request.method} is not supported on ${request.path}; supported: GET`);
    return (await answer(parts, request, made)) ?? accepted(textReply(404, '404 page not found\n'));
  };
}

async function answer(
  parts: PathParts,
  request: PathRequest,
  made: (name: string, make: Make) => Document | undefined,
): Promise<Outcome<Reply> | undefined> {
  const { path } = request;
  if (HEALTH_PATHS.has(path)) return accepted(health(parts, path));
  if (path === '/version') return accepted(jsonReply(200, versionBody(parts.release)));
  if (path === '/metrics') {
    const body = Buffer.from(await parts.metrics.text(), 'utf8');
    return accepted({ kind: 'bytes', code: 200, type: parts.metrics.contentType, body });
  }
  if (path === '/') return accepted(jsonReply(200, { paths: rootPaths(parts.registry.all()) }));
  return discovery(parts, request, made) ?? openApi(parts, request, made);
}

function health({ store, stopping }: PathParts, path: string): Reply {
  if (path === '/livez') return textReply(200, 'ok');
  if (stopping()) return textReply(503, 'this director is shutting down');
  return store.ready()
    ? textReply(200, 'ok')
    : textReply(503, 'the database has not answered lately; reads with resourceVersion=0 and watches go on');
}

function versionBody(release: string): JsonObject {
  return {
    major: '1',
    minor: MINOR,
    gitVersion: `v1.${MINOR}.0+outrigger-${release}`,
    gitCommit: '',
    gitTreeState: 'clean',
    buildDate: '1970-01-01T00:00:00Z',
    goVersion: '',
    compiler: 'node',
    platform: 'linux/amd64',
  };
}

function rootPaths(types: readonly ResourceType[]): string[] {
  const groups = openApiPaths(types).map(({ path }) => `/${path}`);
  return ['/api', '/apis', ...groups, '/healthz', '/livez', '/metrics', '/openapi/v2', '/openapi/v3', '/readyz', '/version'].sort();
}

function discovery(
  parts: PathParts,
  request: PathRequest,
  made: (name: string, make: Make) => Document | undefined,
): Outcome<Reply> | undefined {
  const { path } = request;
  const types = parts.registry.all();
  if ((path === '/api' || path === '/apis') && wantsAggregatedDiscovery(request.header('accept'))) {
    const document = made(`aggregated ${path}`, () => documentOf(aggregated(types, path === '/api')));
    return served(document, request, AGGREGATED_TYPE);
  }
  const [, first = '', second = '', third = '', more] = path.split('/');
  if (more !== undefined) return undefined;
  const make = (): Document | undefined => {
    if (path === '/api') return documentOf(coreVersions());
    if (path === '/apis') return documentOf(groupList(types));
    const found =
      first === 'api'
        ? third === ''
          ? resourceList(types, '', second)
          : undefined
        : third === ''
          ? group(types, second)
          : resourceList(types, second, third);
    return found === undefined ? undefined : documentOf(found);
  };
  return first === 'api' || first === 'apis' ? served(made(path, make), request, 'application/json') : undefined;
}

/** With its etag, or 304 when the client has it. */
function served(document: Document | undefined, request: PathRequest, type: string, cacheControl = 'public'): Outcome<Reply> | undefined {
  if (document === undefined) return undefined;
  const headers = ['etag', document.etag, 'vary', 'Accept', 'cache-control', cacheControl];
  // 304 bears the content type too: kubectl's cache takes all headers of the newer answer, and judges by this one.
  const unchanged = request.header('if-none-match')?.includes(document.etag) === true;
  return accepted(
    unchanged
      ? { kind: 'bytes', code: 304, type, body: NOTHING, headers }
      : { kind: 'bytes', code: 200, type, body: document.body, headers },
  );
}

const V3 = '/openapi/v3';

function openApi(
  parts: PathParts,
  request: PathRequest,
  made: (name: string, make: Make) => Document | undefined,
): Outcome<Reply> | undefined {
  const { path } = request;
  const types = parts.registry.all();
  if (path === '/openapi/v2' && wantsOpenApiV2Protobuf(request.header('accept')))
    return served(
      made(`${path} protobuf`, () => documentOfBytes(openApiV2Protobuf(types, parts.release))),
      request,
      OPENAPI_V2_PROTOBUF,
    );
  if (path === '/openapi/v2')
    return served(
      made(path, () => documentOf(openApiV2(types, parts.release))),
      request,
      'application/json',
    );
  if (path !== V3 && !path.startsWith(`${V3}/`)) return undefined;
  const groupDocument = (at: { readonly path: string; readonly group: string; readonly version: string }): Document | undefined =>
    made(`${V3}/${at.path}`, () => documentOf(openApiV3(types, at.group, at.version, parts.release)));
  if (path === V3) {
    const root = made(V3, () => {
      const entries = openApiPaths(types).map((at) => [
        at.path,
        { serverRelativeURL: `${V3}/${at.path}?hash=${hashOf(groupDocument(at))}` },
      ]);
      return documentOf({ paths: Object.fromEntries(entries) as JsonObject });
    });
    return served(root, request, TEXT_TYPE);
  }
  const at = openApiPaths(types).find((one) => path === `${V3}/${one.path}`);
  if (at === undefined) return undefined;
  const document = groupDocument(at);
  const asked = request.query.get('hash');
  if (document === undefined || asked === undefined || asked === hashOf(document))
    return served(document, request, 'application/json', 'public, immutable');
  // An address of an earlier document: the newer one has another address.
  return accepted(bytesReply(301, Buffer.alloc(0), ['location', `${path}?hash=${hashOf(document)}`]));
}

function hashOf(document: Document | undefined): string {
  return document?.etag.slice(1, -1) ?? '';
}
