/**
 * Requests for resources: which verb a method is, whether the kind has it, and the way through reading, checking and writing.
 *
 * I1: a method, subresource or content type that is not in the published list (docs/reference/api-verbs.md) is refused with what is.
 */

import { LIMITS } from '../../model/limits.ts';
import type { Attributes, Authorizer, Identity } from '../auth/identity.ts';
import { mediaType, readBytes, readObject, readOptional } from './call.ts';
import type { ResourceCall } from './call.ts';
import { deleteEntity, PLAIN_DELETE, readDeleteOptions } from './delete-verbs.ts';
import type { DeleteOptions } from './delete-verbs.ts';
import { writeOptions } from './engine.ts';
import type { Caller, Engine, WriteOptions } from './engine.ts';
import { readJson } from './json-input.ts';
import { listPieces } from './list.ts';
import { APPLY_PATCH, JSON_PATCH, MERGE_PATCH, STRATEGIC_PATCH } from './media-types.ts';
import { readPatch } from './patch.ts';
import type { Patch } from './patch.ts';
import { strictRefusal, unknownFields } from './prepare.ts';
import { dryRunOption, fieldValidationOption, isTrue } from './query.ts';
import type { Query } from './query.ts';
import { entityReply, getEntity, listEntities, watchEntities } from './read-verbs.ts';
import { jsonReply } from './reply.ts';
import type { Reply } from './reply.ts';
import type { ResourceType, Verb } from './resource-type.ts';
import { subjectOf } from './resource-type.ts';
import type { ResourceTarget } from './router.ts';
import { patchedScale, scaleOf, withScale } from './scale.ts';
import { inScope, passing, selectionOf } from './selection.ts';
import { accepted, badRequest, methodNotAllowed, refused, successBody, unsupportedMedia } from './status.ts';
import type { Outcome, Refused } from './status.ts';
import type { WatchHub } from './watch.ts';
import { change, createEntity, patchEntity, updateEntity } from './write-verbs.ts';
import type { Place, Written } from './write-verbs.ts';

export interface ResourceParts {
  readonly engine: Engine;
  readonly hub: WatchHub;
}

/** Deletions of one deletecollection that are under way at a time. */
const DELETIONS_AT_ONCE = 64;

/** The verb that a method stands for here; undefined: none. */
export function verbOf(method: string, target: ResourceTarget, query: Query): Verb | undefined {
  const named = target.name !== undefined;
  switch (method) {
    case 'GET':
      return named ? 'get' : isTrue(query, 'watch') ? 'watch' : 'list';
    case 'POST':
      return named && target.subresource === undefined ? undefined : 'create';
    case 'PUT':
      return named ? 'update' : undefined;
    case 'PATCH':
      return named ? 'patch' : undefined;
    case 'DELETE':
      return named ? 'delete' : 'deletecollection';
    default:
      return undefined;
  }
}

export function attributesOf(verb: string, target: ResourceTarget, query: Query): Attributes {
  const labelSelector = query.get('labelSelector');
  const fieldSelector = query.get('fieldSelector');
  return {
    verb,
    group: target.group,
    version: target.version,
    resource: target.resource,
    ...(target.subresource === undefined ? {} : { subresource: target.subresource }),
    namespace: target.namespace ?? '',
    name: target.name ?? '',
    ...(labelSelector === undefined ? {} : { labelSelector }),
    ...(fieldSelector === undefined ? {} : { fieldSelector }),
  };
}

/** May this identity ask for this? Undefined: yes. */
export function authorization(authorizer: Pick<Authorizer, 'authorize'>, identity: Identity, attributes: Attributes): Refused | undefined {
  const decision = authorizer.authorize(identity, attributes);
  if (decision.allowed) return undefined;
  const { name, group, resource } = attributes;
  const details = resource === '' ? undefined : { ...(name === '' ? {} : { name }), ...(group === '' ? {} : { group }), kind: resource };
  return refused(403, 'Forbidden', decision.reason, details);
}

/** Answers a request for a stored kind; authorization is behind it. */
export async function answerResource(
  parts: ResourceParts,
  call: ResourceCall,
  type: ResourceType,
  verb: Verb,
  attributes: Attributes,
): Promise<Outcome<Reply>> {
  const { engine, hub } = parts;
  const { target } = call;
  const misplaced = placeProblem(type, verb, target);
  if (misplaced !== undefined) return misplaced;
  const namespace = target.namespace ?? '';
  const name = target.name ?? '';
  switch (verb) {
    case 'get':
      return getEntity(engine, call, type, namespace, name);
    case 'list':
      return listEntities(engine, call, type);
    case 'watch':
      return watchEntities(engine, hub, call, type);
    case 'delete':
      return deleteOne(engine, call, type, attributes);
    case 'deletecollection':
      return deleteMany(engine, call, type, attributes);
    case 'create':
    case 'update':
    case 'patch':
      return write(engine, call, { type, namespace, name, subresource: target.subresource ?? '' }, verb, attributes);
  }
}

/** Paths that the kind does not have, or not with this verb. */
function placeProblem(type: ResourceType, verb: Verb, { namespace, name, subresource }: ResourceTarget): Refused | undefined {
  if (!type.namespaced && namespace !== undefined)
    return refused(404, 'NotFound', `${type.plural} belong to no namespace: leave it out of the path`);
  const needsNamespace = name !== undefined || verb === 'create' || verb === 'deletecollection';
  if (type.namespaced && namespace === undefined && needsNamespace) {
    return methodNotAllowed(`${verb} of ${type.plural} needs a namespace in the path: /namespaces/NAMESPACE/${type.plural}`);
  }
  if (subresource === undefined) {
    return type.verbs.includes(verb)
      ? undefined
      : methodNotAllowed(`${verb} is not supported on ${type.plural}; supported: ${type.verbs.join(', ')}`);
  }
  const has = [...(type.hasStatus ? ['status'] : []), ...(type.scale === undefined ? [] : ['scale'])];
  if (!has.includes(subresource)) {
    const what = has.length === 0 ? 'it has none' : `it has: ${has.join(', ')}`;
    return refused(404, 'NotFound', `${type.plural} have no subresource ${JSON.stringify(subresource)}; ${what}`);
  }
  if (verb === 'get' || verb === 'update' || verb === 'patch') return undefined;
  return methodNotAllowed(`${verb} is not supported on ${type.plural}/${subresource}; supported: get, patch, update`);
}

function callerOf(call: ResourceCall, attributes: Attributes): Caller {
  return { identity: call.identity, attributes, signal: call.signal, internal: false };
}

async function write(
  engine: Engine,
  call: ResourceCall,
  place: Place,
  verb: 'create' | 'update' | 'patch',
  attributes: Attributes,
): Promise<Outcome<Reply>> {
  const dryRun = dryRunOption(call.query);
  if (!dryRun.ok) return dryRun;
  const validation = fieldValidationOption(call.query);
  if (!validation.ok) return validation;
  const options = writeOptions(dryRun.value, validation.value);
  const warnings: string[] = [];
  const caller = callerOf(call, attributes);
  const written =
    verb === 'patch'
      ? await patch(engine, call, caller, place, options)
      : await put(engine, call, caller, place, { ...options, warnings }, verb);
  if (!written.ok) return written;
  const reply = await writtenReply(engine, call, place, written.value, verb === 'create' ? 201 : 200);
  if (options.validation === 'Warn') warnings.push(...unknownFields(options));
  return reply.ok ? accepted(withWarnings(reply.value, warnings)) : reply;
}

async function put(
  engine: Engine,
  call: ResourceCall,
  caller: Caller,
  place: Place,
  options: WriteOptions & { readonly warnings: string[] },
  verb: 'create' | 'update',
): Promise<Outcome<Written>> {
  const body = await readObject(call.request, options.validation);
  if (!body.ok) return body;
  const { object, duplicate } = body.value;
  if (duplicate !== undefined) {
    const says = `duplicate field ${JSON.stringify(duplicate)}`;
    if (options.validation === 'Strict') return strictRefusal(place.type, [says]);
    options.warnings.push(says);
  }
  const { scale } = place.type;
  if (place.subresource === 'scale' && scale !== undefined) {
    return change(engine, caller, place, options, (_current, old) => withScale(place.type, scale, old, object));
  }
  return verb === 'create' ? createEntity(engine, caller, place, object, options) : updateEntity(engine, caller, place, object, options);
}

async function patch(engine: Engine, call: ResourceCall, caller: Caller, place: Place, options: WriteOptions): Promise<Outcome<Written>> {
  const media = mediaType(call.request);
  const kind = patchKind(place.type, media);
  if (kind === undefined) {
    const taken = [JSON_PATCH, MERGE_PATCH, ...(place.type.listMerge === undefined ? [] : [STRATEGIC_PATCH])];
    const note = media === APPLY_PATCH ? ' (server-side apply is not served; kubectl apply without --server-side is)' : '';
    return unsupportedMedia(taken, note);
  }
  const bytes = await readBytes(call.request);
  if (!bytes.ok) return bytes;
  const body = readJson(bytes.value);
  if (!body.ok) return body;
  const read = readPatch(kind, body.value.value, place.type.listMerge);
  if (!read.ok) return read;
  const { scale } = place.type;
  if (place.subresource === 'scale' && scale !== undefined) {
    return change(engine, caller, place, options, (_current, old) => patchedScale(place.type, scale, old, read.value));
  }
  return patchEntity(engine, caller, place, read.value, options);
}

function patchKind(type: ResourceType, media: string): Patch['kind'] | undefined {
  if (media === MERGE_PATCH) return 'merge';
  if (media === JSON_PATCH) return 'json';
  return media === STRATEGIC_PATCH && type.listMerge !== undefined ? 'strategic' : undefined;
}

async function writtenReply(
  engine: Engine,
  call: ResourceCall,
  { type, subresource }: Place,
  written: Written,
  code: number,
): Promise<Outcome<Reply>> {
  // A definition that was just written is served from now on, here; whoever reads the answer may rely on it.
  if (engine.registry.isDefinition(type)) engine.registry.sync();
  if (subresource === 'scale' && type.scale !== undefined) {
    return accepted(jsonReply(code, scaleOf(type.scale, JSON.parse(written.bytes.toString('utf8')) as Parameters<typeof scaleOf>[1])));
  }
  return entityReply(engine, call, type, code, written.bytes);
}

function withWarnings(reply: Reply, warnings: readonly string[]): Reply {
  if (warnings.length === 0 || reply.kind !== 'bytes') return reply;
  const headers = warnings
    .slice(0, LIMITS.problemsPerObject)
    .flatMap((text) => ['warning', `299 - ${JSON.stringify(text.replaceAll(/[^\x20-\x7e]/g, '?'))}`]);
  return { ...reply, headers: [...(reply.headers ?? []), ...headers] };
}

async function deleteOptions(call: ResourceCall): Promise<Outcome<DeleteOptions>> {
  const dryRun = dryRunOption(call.query);
  if (!dryRun.ok) return dryRun;
  const body = await readOptional(call.request);
  return body.ok ? readDeleteOptions(call.query, body.value) : body;
}

async function deleteOne(engine: Engine, call: ResourceCall, type: ResourceType, attributes: Attributes): Promise<Outcome<Reply>> {
  const options = await deleteOptions(call);
  if (!options.ok) return options;
  const { namespace = '', name = '' } = call.target;
  const outcome = await deleteEntity(engine, callerOf(call, attributes), { type, namespace, name }, options.value);
  if (!outcome.ok) return outcome;
  if (engine.registry.isDefinition(type)) engine.registry.sync();
  const { deleted, entity, bytes } = outcome.value;
  if (deleted) return accepted(jsonReply(200, successBody(subjectOf(type, name), entity.uid)));
  return entityReply(engine, call, type, 200, bytes);
}

async function deleteMany(engine: Engine, call: ResourceCall, type: ResourceType, attributes: Attributes): Promise<Outcome<Reply>> {
  const options = await deleteOptions(call);
  if (!options.ok) return options;
  if (options.value.uid !== undefined || options.value.resourceVersion !== undefined)
    return badRequest('preconditions are for the deletion of one object');
  const selection = selectionOf(type, call.target.namespace, call.query);
  if (!selection.ok) return selection;
  const revision = await engine.store.fresh(call.signal);
  const items = await passing(inScope(engine.store, type, selection.value), selection.value);
  const caller = callerOf(call, attributes);
  for (let at = 0; at < items.length; at += DELETIONS_AT_ONCE) {
    const some = items.slice(at, at + DELETIONS_AT_ONCE);
    const each = { ...PLAIN_DELETE, ...options.value };
    const outcomes = await Promise.all(
      some.map(({ key, uid }) => deleteEntity(engine, caller, { type, namespace: key.namespace, name: key.name }, { ...each, uid })),
    );
    // Somebody else deleted it, or made another of that name: it is not there any more, which was asked for.
    const failure = outcomes.find((outcome) => !outcome.ok && outcome.code !== 404 && outcome.code !== 409);
    if (failure !== undefined && !failure.ok) return failure;
  }
  return accepted({ kind: 'pieces', ...listPieces(type, { items, revision, next: undefined, remaining: undefined }) });
}
