/**
 * `EntityApi` over the official Kubernetes client, for extension servers, commands and tests.
 *
 * The library reads kubeconfigs and knows every way to log in (certificates, tokens, exec plug-ins, proxies); the requests themselves are
 * the few that `EntityApi` names. So whatever `kubectl` can reach with a kubeconfig, this can: a director, or a plain Kubernetes API server.
 *
 * I1: a refusal that one can expect is an answer; anything else throws `Fault`, and after a write says that it may have happened.
 * I2: no call waits for ever: requests have a deadline, and a watch that is silent for longer than two bookmarks is cut.
 * I3: a watch line is handed on only when it is whole; a torn or malformed line ends the watch, so that the caller resumes without loss.
 */

// Not the whole client: its models are most of it (src/platform/light-kubernetes.ts).
import { KubeConfig } from '@kubernetes/client-node/dist/config.js';
import { HttpMethod, RequestContext } from '@kubernetes/client-node/dist/gen/http/http.js';
import { request } from 'undici';
import type { Dispatcher } from 'undici';

import { clause } from '../base/clause.ts';
import type { ResourceAddress } from '../model/core-kinds.ts';
import { Fault } from '../model/fault.ts';
import type { Json, JsonObject } from '../model/json.ts';
import { isJsonObject } from '../model/json.ts';
import { LIMITS } from '../model/limits.ts';
import { decodeWatchLine, refusalOf, resourcePath, revisionOf, textOf } from '../model/wire.ts';
import { keptDispatcher } from './kept-dispatcher.ts';
import type { KeptDispatcher } from './kept-dispatcher.ts';
import type { Answer, DeletePreconditions, EntityApi, Selection, WatchEvent } from '../ports/api.ts';

const WATCH_SILENCE_MS = 2 * LIMITS.bookmarkIntervalMs + 5_000;
const PAGE = 500;

export interface Call {
  readonly method: HttpMethod;
  readonly path: string;
  readonly query?: Readonly<Record<string, string | undefined>>;
  readonly body?: Json;
  readonly contentType?: string;
  /** The span that it is sent below (W3C); absent: none. */
  readonly traceparent?: string;
  readonly signal: AbortSignal;
}

/** Where a kubeconfig comes from: a file's path, or its text. */
export type KubeconfigSource = { readonly file: string } | { readonly text: string };

/** The token to log in with now, in place of what the kubeconfig says; undefined: as that says. */
export type Bearer = () => string | undefined;

/** An API client for the current context of a kubeconfig. Throws `Fault` SettingInvalid when it cannot be used. */
export function kubernetesApi(source: KubeconfigSource, bearer?: Bearer): EntityApi {
  return apiOver({ ...loadConfig(source), bearer }, undefined);
}

function apiOver(access: Access, traceparent: string | undefined): EntityApi {
  const send = (call: Call) => sendCall(access, traceparent === undefined ? call : { ...call, traceparent });
  return {
    get: async (address, namespace, name, signal) =>
      answered(await send({ method: HttpMethod.GET, path: resourcePath(address, namespace, name), signal })),
    list: async (address, selection, signal) => listAll(send, address, selection, signal),
    create: async (address, namespace, object, signal) =>
      answered(await send({ method: HttpMethod.POST, path: resourcePath(address, namespace), body: object as JsonObject, signal })),
    replace: async (address, namespace, name, object, signal, subresource) =>
      answered(
        await send({
          method: HttpMethod.PUT,
          path: resourcePath(address, namespace, name, subresource),
          body: object as JsonObject,
          signal,
        }),
      ),
    mergePatch: async (address, namespace, name, patch, signal, subresource) =>
      answered(
        await send({
          method: HttpMethod.PATCH,
          path: resourcePath(address, namespace, name, subresource),
          body: patch,
          contentType: 'application/merge-patch+json',
          signal,
        }),
      ),
    delete: async (address, namespace, name, preconditions, signal) =>
      emptied(await send(deleteCall(resourcePath(address, namespace, name), preconditions, signal))),
    watch: async (address, selection, onEvent, signal) => watchOnce(access, address, selection, onEvent, signal),
    post: async (path, body, signal) => answered<Json>(await send({ method: HttpMethod.POST, path, body, signal })),
    traced: (next) => apiOver(access, next),
  };
}

/** What the API server's clock says, from the Date of an answer (whole seconds), in ms since 1970; undefined: it names none. Throws `Fault` DirectorUnreachable. */
export async function serverDateMs(source: KubeconfigSource, signal: AbortSignal): Promise<number | undefined> {
  const access = loadConfig(source);
  const { url, context } = await contextOf(access, { method: HttpMethod.GET, path: '/version', signal });
  try {
    const deadline = AbortSignal.timeout(LIMITS.callDeadlineMs);
    const response = await request(url, {
      headers: context.getHeaders(),
      signal: AbortSignal.any([signal, deadline]),
      ...dispatcherOf(context),
    });
    await response.body.text();
    const dateMs = Date.parse(String(response.headers['date'] ?? ''));
    return Number.isNaN(dateMs) ? undefined : dateMs;
  } catch (cause) {
    throw unreachableFault(url, HttpMethod.GET, cause);
  }
}

export interface Access {
  readonly config: KubeConfig;
  readonly kept: KeptDispatcher;
  readonly bearer?: Bearer | undefined;
}

export function loadConfig(source: KubeconfigSource): Access {
  const config = new KubeConfig();
  const where = 'file' in source ? `the kubeconfig ${source.file}` : 'the kubeconfig';
  try {
    if ('file' in source) config.loadFromFile(source.file);
    else config.loadFromString(source.text);
  } catch (cause) {
    throw new Fault('SettingInvalid', `${where} cannot be read; check that it exists and is YAML.`, { cause });
  }
  if (!config.getCurrentCluster()) {
    throw new Fault('SettingInvalid', `${where} has no current context with a cluster; set current-context in it.`);
  }
  if (!isUsable(config)) {
    const { server } = config.getCurrentCluster() ?? {};
    throw new Fault('SettingInvalid', `${where} names the server ${server}, and credentials go to https:// addresses only; correct it.`);
  }
  return { config, kept: keptDispatcher(config) };
}

/** Without TLS only where the kubeconfig says that nothing is to be verified. */
function isUsable(config: KubeConfig): boolean {
  const { server = '', skipTLSVerify } = config.getCurrentCluster() ?? {};
  const protocol = URL.canParse(server) ? new URL(server).protocol : '';
  return protocol === 'https:' || (protocol === 'http:' && skipTLSVerify === true);
}

export async function contextOf(
  { config, kept, bearer }: Access,
  call: Call,
): Promise<{ readonly url: URL; readonly context: RequestContext }> {
  const server = config.getCurrentCluster()?.server ?? '';
  const url = new URL(server.replace(/\/$/, '') + call.path);
  for (const [key, value] of Object.entries(call.query ?? {})) if (value !== undefined) url.searchParams.set(key, value);
  const context = new RequestContext(url.toString(), call.method);
  kept.attach(context);
  await config.applySecurityAuthentication(context).catch((cause: unknown) => {
    // A token file that is not there, a plug-in that fails: it may come back, and says nothing of our own code.
    const why = clause(rootCause(cause));
    throw new Fault('DirectorUnreachable', `The credentials of the kubeconfig cannot be used: ${why}. Renew them; it is tried again.`, {
      cause,
    });
  });
  const token = bearer?.();
  // Whatever the client took from the kubeconfig is older; header names are not told apart by case.
  if (token !== undefined) {
    const headers = context.getHeaders();
    for (const name of Object.keys(headers)) if (name.toLowerCase() === 'authorization') delete headers[name];
    context.setHeaderParam('Authorization', `Bearer ${token}`);
  }
  return { url, context };
}

export interface Reply {
  readonly status: number;
  readonly body: Json | undefined;
}

/** By undici's own `request`, not `fetch`: the web's streams cost more than all else of a call, and a redirect would lead credentials elsewhere. */
export async function sendCall(access: Access, call: Call): Promise<Reply> {
  const { url, context } = await contextOf(access, call);
  const headers: Record<string, string> = { ...context.getHeaders(), accept: 'application/json' };
  if (call.traceparent !== undefined) headers['traceparent'] = call.traceparent;
  if (call.body !== undefined) headers['content-type'] = call.contentType ?? 'application/json';
  const deadline = AbortSignal.timeout(LIMITS.requestDeadlineMs);
  try {
    const response = await request(url, {
      method: call.method,
      headers,
      ...(call.body === undefined ? {} : { body: JSON.stringify(call.body) }),
      signal: AbortSignal.any([call.signal, deadline]),
      ...dispatcherOf(context),
    });
    return { status: response.statusCode, body: parseBody(await response.body.text()) };
  } catch (cause) {
    throw unreachableFault(url, call.method, cause);
  }
}

export function dispatcherOf(context: RequestContext): { readonly dispatcher?: Dispatcher } {
  const dispatcher = context.getDispatcher();
  return dispatcher === undefined ? {} : { dispatcher };
}

export function parseBody(text: string): Json | undefined {
  try {
    return JSON.parse(text) as Json;
  } catch {
    return undefined;
  }
}

export function unreachableFault(url: URL, method: string, cause: unknown): Fault {
  const written = method === HttpMethod.GET ? '' : ' The write may have happened; it is looked at again before it is repeated.';
  const why = rootCause(cause);
  return new Fault('DirectorUnreachable', `No answer from ${url.origin} to ${method} ${url.pathname}: ${clause(why)}.${written}`, {
    cause,
  });
}

function rootCause(cause: unknown): string {
  if (!(cause instanceof Error)) return String(cause);
  return cause.cause instanceof Error ? rootCause(cause.cause) : cause.message;
}

/** A reply as an answer. What one cannot expect (5xx, HTML, …) is a `Fault`. */
export function answered<T>(reply: Reply): Answer<T> {
  if (reply.status >= 200 && reply.status < 300 && reply.body !== undefined) return { ok: true, value: reply.body as T };
  const refusal = refusalOf(reply.status, reply.body);
  if (refusal !== undefined) return { ok: false, ...refusal };
  const said = reply.body !== undefined && isJsonObject(reply.body) ? (textOf(reply.body['message']) ?? '') : '';
  throw new Fault('DirectorUnreachable', `The API answered ${reply.status}${said === '' ? '' : `: ${said}`}; it is tried again.`);
}

function emptied(reply: Reply): Answer<void> {
  const answer = answered<Json>(reply);
  return answer.ok ? { ok: true, value: undefined } : answer;
}

function deleteCall(path: string, preconditions: DeletePreconditions, signal: AbortSignal): Call {
  const guards: JsonObject = {};
  if (preconditions.uid !== undefined) guards['uid'] = preconditions.uid;
  if (preconditions.resourceVersion !== undefined) guards['resourceVersion'] = preconditions.resourceVersion;
  const body = { apiVersion: 'v1', kind: 'DeleteOptions', propagationPolicy: 'Background', preconditions: guards };
  return { method: HttpMethod.DELETE, path, body, signal };
}

async function listAll<T>(
  send: (call: Call) => Promise<Reply>,
  address: ResourceAddress<T>,
  selection: Selection,
  signal: AbortSignal,
): Promise<Answer<{ items: T[]; resourceVersion: string }>> {
  const items: T[] = [];
  let resourceVersion = '';
  let next: string | undefined;
  do {
    const query = { ...selectorsOf(selection), limit: String(PAGE), continue: next };
    const answer = answered<JsonObject>(
      await send({ method: HttpMethod.GET, path: resourcePath(address, selection.namespace ?? ''), query, signal }),
    );
    if (!answer.ok) return answer;
    for (const item of (answer.value['items'] ?? []) as JsonObject[]) items.push(typed(address, item) as T);
    resourceVersion = revisionOf(answer.value);
    const token = (answer.value['metadata'] as JsonObject | undefined)?.['continue'];
    next = typeof token === 'string' && token !== '' ? token : undefined;
  } while (next !== undefined);
  return { ok: true, value: { items, resourceVersion } };
}

/** Items of a list carry no apiVersion and kind on some servers; objects that we hand out always do. */
function typed(address: ResourceAddress, item: JsonObject): JsonObject {
  const apiVersion = address.group === '' ? address.version : `${address.group}/${address.version}`;
  return { apiVersion, kind: address.kind, ...item };
}

function selectorsOf(selection: Selection): Record<string, string | undefined> {
  return { labelSelector: selection.labelSelector, fieldSelector: selection.fieldSelector };
}

async function watchOnce<T>(
  access: Access,
  address: ResourceAddress<T>,
  selection: Selection & { readonly resourceVersion: string },
  onEvent: (event: WatchEvent<T>) => void,
  signal: AbortSignal,
): Promise<Answer<void>> {
  const query = { ...selectorsOf(selection), watch: 'true', allowWatchBookmarks: 'true', resourceVersion: selection.resourceVersion };
  const path = resourcePath(address, selection.namespace ?? '');
  const { url, context } = await contextOf(access, { method: HttpMethod.GET, path, query, signal });
  const silence = new AbortController();
  const timer = setTimeout(() => silence.abort(new Error('the watch was silent for too long')), WATCH_SILENCE_MS);
  try {
    const response = await request(url, {
      headers: { ...context.getHeaders(), accept: 'application/json' },
      signal: AbortSignal.any([signal, silence.signal]),
      ...dispatcherOf(context),
    });
    if (response.statusCode !== 200) {
      const answer = answered<Json>({ status: response.statusCode, body: parseBody(await response.body.text()) });
      return answer.ok ? { ok: true, value: undefined } : answer;
    }
    return await readLines(response.body, onEvent, () => timer.refresh());
  } catch (cause) {
    if (signal.aborted) return { ok: true, value: undefined };
    if (cause instanceof Fault) throw cause;
    throw unreachableFault(url, HttpMethod.GET, cause);
  } finally {
    clearTimeout(timer);
  }
}

async function readLines<T>(
  body: AsyncIterable<Uint8Array>,
  onEvent: (event: WatchEvent<T>) => void,
  alive: () => void,
): Promise<Answer<void>> {
  const decoder = new TextDecoder();
  let rest = '';
  for await (const chunk of body) {
    alive();
    const lines = (rest + decoder.decode(chunk, { stream: true })).split('\n');
    rest = lines.pop() ?? '';
    if (rest.length > LIMITS.watcherQueueBytes) return { ok: true, value: undefined };
    for (const line of lines) {
      const ended = line.trim() === '' ? undefined : deliver(line, onEvent);
      if (ended !== undefined) return ended;
    }
  }
  return { ok: true, value: undefined };
}

/** Hands one line on; an answer ends the watch. */
function deliver<T>(line: string, onEvent: (event: WatchEvent<T>) => void): Answer<void> | undefined {
  const event = decodeWatchLine(line);
  switch (event.kind) {
    case 'change':
      onEvent({ type: event.type, object: event.object as T });
      return undefined;
    case 'bookmark':
      onEvent({ type: 'BOOKMARK', resourceVersion: event.resourceVersion });
      return undefined;
    case 'error':
      return { ok: false, reason: event.status === 410 ? 'Expired' : 'BadRequest', message: event.message };
    default:
      return { ok: true, value: undefined };
  }
}
