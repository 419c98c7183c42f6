/**
 * The supported verbs, as data: what the API answers, and what it refuses with a sentence. docs/reference/api-verbs.md is made from it.
 *
 * I1: what is not in it is refused, never half-done; a test asks a director for each row of both lists.
 */

import { JSON_PATCH, MERGE_PATCH } from './media-types.ts';
import { PROTOBUF_KINDS } from './protobuf-messages.ts';

export interface PublishedVerb {
  readonly verb: string;
  readonly method: string;
  /** `COLLECTION` is `/api/v1/namespaces/NAMESPACE/RESOURCE` and its like, `OBJECT` is `COLLECTION/NAME`. */
  readonly path: string;
  /** Media types of the body. */
  readonly body: readonly string[];
  /** Query options that mean something; all others are ignored. */
  readonly options: readonly string[];
  readonly note: string;
}

const JSON_BODY = ['application/json', 'application/vnd.kubernetes.protobuf'];
const PATCH_BODY = [MERGE_PATCH, JSON_PATCH];
const SELECT = ['labelSelector', 'fieldSelector'];
const WRITE = ['dryRun', 'fieldValidation'];

export const PUBLISHED_VERBS: readonly PublishedVerb[] = [
  { verb: 'create', method: 'POST', path: 'COLLECTION', body: JSON_BODY, options: WRITE, note: 'generateName is served' },
  {
    verb: 'get',
    method: 'GET',
    path: 'OBJECT',
    body: [],
    options: ['resourceVersion'],
    note: 'linearizable without resourceVersion; 0: whatever the director has',
  },
  {
    verb: 'list',
    method: 'GET',
    path: 'COLLECTION',
    body: [],
    options: [...SELECT, 'limit', 'continue', 'resourceVersion', 'resourceVersionMatch'],
    note: 'also without a namespace; all pages show one revision; as Table or PartialObjectMetadataList where Accept asks for it',
  },
  {
    verb: 'watch',
    method: 'GET',
    path: 'COLLECTION?watch=true',
    body: [],
    options: [...SELECT, 'resourceVersion', 'resourceVersionMatch', 'allowWatchBookmarks', 'sendInitialEvents', 'timeoutSeconds'],
    note: 'also without a namespace; bookmarks each minute; 410 as an ERROR line when the revision is too old',
  },
  {
    verb: 'update',
    method: 'PUT',
    path: 'OBJECT',
    body: JSON_BODY,
    options: WRITE,
    note: 'needs metadata.resourceVersion, except for the kinds of Kubernetes itself',
  },
  {
    verb: 'patch',
    method: 'PATCH',
    path: 'OBJECT',
    body: PATCH_BODY,
    options: WRITE,
    note: 'metadata.resourceVersion or metadata.uid in a merge patch is a precondition; the kinds of Kubernetes itself also take strategic merge patches',
  },
  {
    verb: 'delete',
    method: 'DELETE',
    path: 'OBJECT',
    body: ['application/json'],
    options: ['dryRun', 'propagationPolicy'],
    note: 'DeleteOptions: preconditions, propagationPolicy (Background, Foreground, Orphan), dryRun; gracePeriodSeconds is ignored',
  },
  {
    verb: 'deletecollection',
    method: 'DELETE',
    path: 'COLLECTION',
    body: ['application/json'],
    options: [...SELECT, 'dryRun', 'propagationPolicy'],
    note: 'within one namespace',
  },
  {
    verb: 'get, update, patch',
    method: 'GET, PUT, PATCH',
    path: 'OBJECT/status',
    body: [...JSON_BODY, ...PATCH_BODY],
    options: WRITE,
    note: 'writes the status and nothing else; writes of the object leave the status alone',
  },
  {
    verb: 'get, update, patch',
    method: 'GET, PUT, PATCH',
    path: 'OBJECT/scale',
    body: [...JSON_BODY, ...PATCH_BODY],
    options: ['dryRun'],
    note: 'autoscaling/v1 Scale, for kinds that define it',
  },
];

export interface Refusal {
  readonly method: string;
  /** As above, with what stands for it in the test. */
  readonly path: string;
  readonly contentType?: string;
  readonly status: number;
  readonly what: string;
  readonly instead: string;
}

export const REFUSED: readonly Refusal[] = [
  {
    method: 'PATCH',
    path: 'OBJECT',
    contentType: 'application/apply-patch+yaml',
    status: 415,
    what: 'server-side apply',
    instead: 'kubectl apply without --server-side',
  },
  {
    method: 'PATCH',
    path: 'OBJECT',
    contentType: 'application/strategic-merge-patch+json',
    status: 415,
    what: 'strategic merge patches of defined kinds',
    instead: 'kubectl patch --type=merge or --type=json; the kinds of Kubernetes itself take them',
  },
  {
    method: 'POST',
    path: 'COLLECTION',
    contentType: 'application/yaml',
    status: 415,
    what: 'YAML on the wire',
    instead: 'JSON; kubectl converts by itself',
  },
  { method: 'POST', path: 'OBJECT', status: 405, what: 'POST to an object', instead: 'POST to its collection, or PUT' },
  { method: 'PUT', path: 'COLLECTION', status: 405, what: 'PUT to a collection', instead: 'PUT to an object' },
  { method: 'PATCH', path: 'COLLECTION', status: 405, what: 'PATCH of a collection', instead: 'PATCH of each object' },
  { method: 'HEAD', path: 'OBJECT', status: 405, what: 'HEAD', instead: 'GET' },
  {
    method: 'GET',
    path: 'OBJECT/log',
    status: 404,
    what: 'subresources other than status, scale, serviceaccounts/token, clusters/proxy and clusternodes/log',
    instead: '',
  },
  {
    method: 'GET',
    path: 'COLLECTION?fieldSelector=spec.x%3D1',
    status: 400,
    what: 'fields that a kind does not offer for selection',
    instead: 'metadata.name, metadata.namespace, and selectableFields of the definition',
  },
];

export interface PublishedPath {
  readonly path: string;
  readonly what: string;
}

export const PUBLISHED_PATHS: readonly PublishedPath[] = [
  {
    path: '/api, /apis',
    what: 'discovery: aggregated (v2) where Accept asks for it, else the old form with /api/v1, /apis/GROUP and /apis/GROUP/VERSION',
  },
  { path: '/openapi/v3, /openapi/v3/…', what: 'OpenAPI 3, a document a group-version, by hash' },
  { path: '/openapi/v2', what: 'OpenAPI 2, as JSON' },
  { path: '/version', what: 'the Kubernetes version whose conventions are followed (1.32)' },
  { path: '/healthz, /livez, /readyz', what: 'probes, open to everybody: text, 200 or 503' },
  { path: '/metrics', what: 'for Prometheus' },
  {
    path: '/apis/outrigger.dev/v1/namespaces/NAMESPACE/clusters/NAME/proxy/services/[https:]SERVICE/…, …/proxy/portal/…',
    what: 'through the tunnel of the site, all methods and WebSockets: subresource `clusters/proxy`, verbs as for objects (GET get, POST create, PUT update, PATCH patch, DELETE delete); 307 to a director that has the tunnel, 503 when none has',
  },
  {
    path: '/apis/outrigger.dev/v1/namespaces/NAMESPACE/clusternodes/NAME/log?service=&container=&tailLines=&follow=',
    what: 'what a pod of that node wrote, as text: subresource `clusternodes/log`, get',
  },
  { path: '/outrigger/v1/join, /renew, /hello', what: 'how machines join, renew their certificates, and compare eras' },
];

/** docs/reference/api-verbs.md, whole. */
export function verbsPage(): string {
  return `# Verbs of the API

This page is made from \`src/director/api/published-verbs.ts\`; a test compares them, and asks a director for each row.
What stands here is served for every kind, built in or defined by a CustomResourceDefinition. Everything else is refused with a sentence.

COLLECTION is \`/api/v1/namespaces/NAMESPACE/RESOURCE\` (for other groups \`/apis/GROUP/VERSION/…\`; without \`namespaces/NAMESPACE\` for what belongs to none).
OBJECT is \`COLLECTION/NAME\`.

| verb | method | path | body | options | |
| --- | --- | --- | --- | --- | --- |
${PUBLISHED_VERBS.map(({ verb, method, path, body, options, note }) => `| ${verb} | ${method} | \`${path}\` | ${body.join(', ')} | ${options.join(', ')} | ${note} |`).join('\n')}

Kinds that are answered and never stored (create only): \`selfsubjectaccessreviews.authorization.k8s.io\`, \`selfsubjectreviews.authentication.k8s.io\`,
\`serviceaccounts/token\`. \`services\` can be read only, and there are none.

Bodies in \`application/vnd.kubernetes.protobuf\` are taken for ${[...PROTOBUF_KINDS.keys()].join(', ')}; answers are JSON always.

## Refused

| what | status | instead |
| --- | --- | --- |
${REFUSED.map(({ what, status, instead }) => `| ${what} | ${status} | ${instead} |`).join('\n')}
| impersonation (\`kubectl --as\`) | 403 | log in as whom you want to be |
| definitions with several versions, or with conversion | 422 | one version |

## Other paths

| path | |
| --- | --- |
${PUBLISHED_PATHS.map(({ path, what }) => `| \`${path}\` | ${what} |`).join('\n')}
`;
}
