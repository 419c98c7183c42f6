/**
 * The way of every request: path → own paths of auth, or identity → rights → verb → answer.
 *
 * I1: every request gets exactly one answer, also when the store fails or our own code is wrong.
 * I2: a promise of ours that was broken (assertion) is answered with 500 and reported, so that the process can be started again.
 * I3: bodies that are being read together never hold more than a bound.
 */

import { AssertionFailed } from '../../base/assert.ts';
import { isFault } from '../../model/fault.ts';
import type { Json } from '../../model/json.ts';
import { LIMITS } from '../../model/limits.ts';
import type { HttpHandler, HttpRequest } from '../../ports/http.ts';
import type { Era } from '../../ports/store.ts';
import type { AuthAnswer, Authenticator, Credentials, Identity, OwnPaths, Reviews } from '../auth/identity.ts';
import { isOwnPath, isRefused } from '../auth/identity.ts';
import type { GatewayDoor } from '../gateway/door.ts';
import { acceptedForm } from './accept.ts';
import { readOptional } from './call.ts';
import type { ConsoleFiles } from './console-files.ts';
import type { Metrics } from './metrics.ts';
import type { PathHandler } from './paths.ts';
import { parseQuery } from './query.ts';
import type { Query } from './query.ts';
import { jsonReply, refusedReply, sendReply } from './reply.ts';
import type { Reply } from './reply.ts';
import { answerResource, attributesOf, authorization, verbOf } from './resources.ts';
import type { ResourceParts } from './resources.ts';
import type { ResourceType } from './resource-type.ts';
import { route } from './router.ts';
import type { PathTarget, ResourceTarget, Target } from './router.ts';
import { internalError, methodNotAllowed, ofFault, refused } from './status.ts';
import type { Outcome } from './status.ts';
import type { PageHandler } from './pages.ts';
import type { TraceRequest } from './trace.ts';
import { findVirtual } from './virtual.ts';
import type { VirtualResource } from './virtual.ts';

export interface HandlerParts extends ResourceParts {
  readonly authenticator: Authenticator;
  readonly ownPaths: OwnPaths;
  readonly reviews: Reviews;
  readonly paths: PathHandler;
  /** Paths that judge by themselves what their caller may see. */
  readonly pages: PageHandler | undefined;
  /** The console's files, open to everybody. */
  readonly consoleFiles: ConsoleFiles | undefined;
  readonly metrics: Metrics;
  /** Told of each request that was answered; undefined: nothing is traced. */
  readonly trace?: TraceRequest | undefined;
  /** Answers what leads through tunnels. */
  readonly gateway: GatewayDoor | undefined;
  /** Aborts when the server stops for good. */
  readonly signal: AbortSignal;
  /** A promise of our own code was broken. */
  readonly onBroken: (error: unknown) => void;
}

/** Ignoring the header would answer for the wrong person. */
const IMPERSONATION = refused(403, 'Forbidden', 'impersonation (kubectl --as) is not served: log in as whom you want to be');

interface Answered {
  readonly reply: Reply;
  /** For the metrics. */
  readonly verb: string;
}

export function createHandler(parts: HandlerParts): HttpHandler {
  const bodies = { underWayBytes: 0 };
  const eraHeader = eraHeaders();
  return (request, response) => {
    if (parts.gateway?.serves(request.target) === true) return parts.gateway.handle(request, response, parts.metrics.count);
    const startedMs = performance.now();
    const size = request.method === 'GET' ? 0 : announcedBytes(request);
    const finish = ({ reply, verb }: Answered): void => {
      bodies.underWayBytes -= size;
      const headers = ['cache-control', 'no-cache, private', 'outrigger-era', eraHeader(parts.engine.store.era())];
      sendReply(
        response,
        reply,
        reply.kind === 'bytes' && reply.headers?.includes('cache-control') === true ? headers.slice(2) : headers,
        acceptsGzip(request),
      );
      const tookMs = performance.now() - startedMs;
      parts.metrics.count(verb, reply.kind === 'bytes' ? reply.code : 200, tookMs);
      parts.trace?.(request, reply, verb, tookMs);
    };
    if (bodies.underWayBytes + size > LIMITS.bodiesUnderWayBytes) {
      bodies.underWayBytes += size;
      const refusal = refused(
        429,
        'TooManyRequests',
        'this director is reading too many large requests at this moment; try again in a second',
      );
      finish({ reply: refusedReply({ ...refusal, retryAfterSeconds: 1 }), verb: 'refused' });
      return;
    }
    bodies.underWayBytes += size;
    answer(parts, request)
      .catch((error: unknown): Answered => ({ reply: failed(parts, request, error), verb: 'failed' }))
      .then(finish)
      .catch((error: unknown) => void failed(parts, request, error));
  };
}

function announcedBytes(request: HttpRequest): number {
  const declared = request.header('content-length');
  return declared === undefined
    ? request.header('transfer-encoding') === undefined
      ? 0
      : LIMITS.requestBodyBytes
    : Math.min(Number(declared) || 0, LIMITS.requestBodyBytes);
}

/** `Outrigger-Era`, made once an era. */
function eraHeaders(): (era: Era) => string {
  let known: Era | undefined;
  let header = '';
  return (era) => {
    if (era !== known) {
      known = era;
      header = `${era.number}.${era.id}`;
    }
    return header;
  };
}

function acceptsGzip(request: HttpRequest): boolean {
  return request.header('accept-encoding')?.includes('gzip') === true;
}

function failed(parts: HandlerParts, request: HttpRequest, error: unknown): Reply {
  if (isFault(error)) return refusedReply(ofFault(error));
  parts.engine.log.error('a request failed inside of the director', {
    method: request.method,
    target: request.target.slice(0, 256),
    error,
  });
  if (error instanceof AssertionFailed) parts.onBroken(error);
  return refusedReply(internalError('the director failed at this request; its log says why'));
}

async function answer(parts: HandlerParts, request: HttpRequest): Promise<Answered> {
  const target = route(request.target);
  if (!target.ok) return { reply: refusedReply(target), verb: 'refused' };
  const { about } = target.value;
  if (about.kind === 'path' && isOwnPath(about.path)) return { reply: await ownPath(parts, request, about.path), verb: 'own' };
  if (about.kind === 'path' && parts.consoleFiles?.serves(about.path) === true) {
    const asked = { method: request.method, path: about.path, header: (name: string) => request.header(name) };
    return { reply: await parts.consoleFiles.answer(asked), verb: 'console' };
  }
  const credentials = credentialsOf(request, about.kind === 'path' ? about.path : undefined);
  const identity = await parts.authenticator.authenticate(credentials);
  if (request.header('impersonate-user') !== undefined) return { reply: refusedReply(IMPERSONATION), verb: 'refused' };
  if (isRefused(identity)) return { reply: refusedReply(refused(401, 'Unauthorized', identity.refused)), verb: 'refused' };
  return identified(parts, request, identity, target.value);
}

async function identified(
  parts: HandlerParts,
  request: HttpRequest,
  identity: Identity,
  { about, query: text }: Target,
): Promise<Answered> {
  const query = parseQuery(text);
  if (!query.ok) return { reply: refusedReply(query), verb: 'refused' };
  if (about.kind === 'path' && parts.pages?.serves(about.path) === true) {
    const page = { method: request.method, path: about.path, query: query.value, identity, remoteAddress: request.peer.address };
    return { reply: replyOf(await parts.pages.answer(page, parts.signal)), verb: 'page' };
  }
  if (about.kind === 'path') return { reply: replyOf(await pathAnswer(parts, request, identity, about, query.value)), verb: 'path' };
  const verb = verbOf(request.method, about, query.value);
  if (verb === undefined) {
    const says = `${request.method} is not supported here; GET, POST, PUT, PATCH and DELETE are, each on its own paths (a list or one object)`;
    return { reply: refusedReply(methodNotAllowed(says)), verb: 'refused' };
  }
  const attributes = attributesOf(verb, about, query.value);
  const refusal = authorization(parts.engine.authorizer, identity, attributes);
  if (refusal !== undefined) return { reply: refusedReply(refusal), verb };
  const virtual = findVirtual(about.group, about.version, about.resource, about.subresource);
  if (virtual !== undefined) return { reply: await review(parts, request, identity, virtual, about), verb };
  const form = acceptedForm(request.header('accept'));
  if (!form.ok) return { reply: refusedReply(form), verb };
  const type = await servedType(parts, about);
  if (type === undefined)
    return { reply: refusedReply(refused(404, 'NotFound', 'the server could not find the requested resource', {})), verb };
  const call = { request, query: query.value, identity, form: form.value, signal: parts.signal, target: about };
  return { reply: replyOf(await answerResource(parts, call, type, verb, attributes)), verb };
}

function replyOf(outcome: Outcome<Reply>): Reply {
  return outcome.ok ? outcome.value : refusedReply(outcome);
}

/** A kind that another director has just learned of is not unknown: look again before saying so. */
async function servedType(
  { engine, signal }: HandlerParts,
  { group, version, resource }: ResourceTarget,
): Promise<ResourceType | undefined> {
  const known = engine.registry.find(group, version, resource);
  if (known !== undefined) return known;
  await engine.store.fresh(signal);
  engine.registry.sync();
  return engine.registry.find(group, version, resource);
}

async function pathAnswer(
  parts: HandlerParts,
  request: HttpRequest,
  identity: Identity,
  { path }: PathTarget,
  query: Query,
): Promise<Outcome<Reply>> {
  const attributes = { verb: request.method.toLowerCase(), group: '', version: '', resource: '', namespace: '', name: '', path };
  const refusal = authorization(parts.engine.authorizer, identity, attributes);
  if (refusal !== undefined) return refusal;
  return parts.paths({ method: request.method, path, query, header: (name) => request.header(name) });
}

function credentialsOf(request: HttpRequest, path: string | undefined): Credentials {
  const { peer } = request;
  return { authorization: request.header('authorization'), peerCertificate: peer.certificate, connection: peer, path };
}

async function ownPath(parts: HandlerParts, request: HttpRequest, path: string): Promise<Reply> {
  const body = await readOptional(request);
  if (!body.ok) return refusedReply(body);
  const own = {
    method: request.method,
    path,
    body: body.value,
    credentials: credentialsOf(request, path),
    remoteAddress: request.peer.address,
  };
  return authReply(await parts.ownPaths.handle(own, parts.signal));
}

async function review(
  parts: HandlerParts,
  request: HttpRequest,
  identity: Identity,
  virtual: VirtualResource,
  target: ResourceTarget,
): Promise<Reply> {
  if (request.method !== 'POST')
    return refusedReply(methodNotAllowed(`${request.method} is not supported on ${virtual.plural}; supported: POST (create)`));
  const body: Outcome<Json | undefined> = await readOptional(request);
  if (!body.ok) return refusedReply(body);
  return authReply(await virtual.answer(parts.reviews, identity, target.namespace ?? '', target.name ?? '', body.value, parts.signal));
}

function authReply({ status, body, headers }: AuthAnswer): Reply {
  return jsonReply(
    status,
    body,
    Object.entries(headers ?? {}).flatMap(([name, value]) => [name.toLowerCase(), value]),
  );
}
