/**
 * `EntityApi` for agents and hosts: light, over one HTTP/2 connection, with a client certificate.
 *
 * I1: a refusal that one can expect is an answer; no answer throws `Fault` DirectorUnreachable, which says after a write that it may have happened.
 * I2: a read that ended without an answer is tried once more, at another director when there is one; a write never is.
 * I3: every call has a deadline and a largest answer; a watch that is silent for longer than two bookmarks is cut.
 * I4: an answer of an older or foreign era reaches no caller.
 * I5: a watch hands on whole lines only; a torn or malformed one ends it, so that the caller resumes without loss.
 */

import type { ClientHttp2Stream, IncomingHttpHeaders } from 'node:http2';
import { clause } from '../base/clause.ts';
import { Fault } from '../model/fault.ts';
import type { ResourceAddress } from '../model/core-kinds.ts';
import type { Json, JsonObject } from '../model/json.ts';
import { isJsonObject } from '../model/json.ts';
import { LIMITS } from '../model/limits.ts';
import { decodeWatchLine, refusalOf, resourcePath, revisionOf } from '../model/wire.ts';
import type { Answer, DeletePreconditions, EntityApi, Listed, Selection, WatchEvent } from '../ports/api.ts';
import type { DirectorApi, DirectorOptions } from '../ports/director.ts';
import type { Random } from '../ports/random.ts';
import type { Era } from '../ports/store.ts';
import { readAnswer, reasonOf, send, sessionKeeper } from './director-session.ts';
import type { OpenSession, ReplyHead, Sent, SessionKeeper } from './director-session.ts';
import type { Credentials } from './director-trust.ts';

const WATCH_SILENCE_MS = 2 * LIMITS.bookmarkIntervalMs + 5_000;
const PAGE = 500;
const NEWLINE = 0x0a;

interface Reply {
  readonly status: number;
  readonly body: Json | undefined;
}

interface Client {
  readonly keeper: SessionKeeper;
  readonly listeners: ((era: Era) => void)[];
  era: Era | undefined;
}

/** A client for any of the directors. It connects at the first call. */
export function directorApi(options: DirectorOptions, random: Random): DirectorApi {
  const { trustedNowMs = Date.now } = options;
  const client = openClient(options.directors, { ...options.identity, trustedNowMs }, options.era, random);
  return {
    ...entityApi(client, undefined),
    era: () => client.era,
    onEra: (listener) => void client.listeners.push(listener),
    useIdentity: (identity) => client.keeper.useCredentials({ ...identity, trustedNowMs }),
    close: () => client.keeper.close(),
  };
}

function entityApi(client: Client, traceparent: string | undefined): EntityApi {
  const call = (sent: Sent, signal: AbortSignal) => callDirector(client, { ...sent, traceparent }, signal);
  const json = (method: 'POST' | 'PUT', target: string, body: Json, signal: AbortSignal) =>
    call({ method, target, body: JSON.stringify(body) }, signal);
  return {
    get: async (address, namespace, name, signal) =>
      answered(await call({ method: 'GET', target: resourcePath(address, namespace, name) }, signal)),
    list: async (address, selection, signal) => await listAll(call, address, selection, signal),
    create: async (address, namespace, object, signal) =>
      answered(await json('POST', resourcePath(address, namespace), object as JsonObject, signal)),
    replace: async (address, namespace, name, object, signal, subresource) =>
      answered(await json('PUT', resourcePath(address, namespace, name, subresource), object as JsonObject, signal)),
    mergePatch: async (address, namespace, name, patch, signal, subresource) =>
      answered(await call(patchCall(resourcePath(address, namespace, name, subresource), patch), signal)),
    delete: async (address, namespace, name, preconditions, signal) =>
      emptied(await call(deleteCall(resourcePath(address, namespace, name), preconditions), signal)),
    watch: async (address, selection, onEvent, signal) => await watchOnce(client, address, selection, onEvent, signal),
    post: async (path, body, signal) => answered<Json>(await json('POST', path, body, signal)),
    traced: (next) => entityApi(client, next),
  };
}

/** One POST to any of the directors, with or without a certificate: what joining needs. */
export async function postOnce(
  directors: readonly string[],
  credentials: Credentials,
  { path, body, traceparent }: { readonly path: string; readonly body: Json; readonly traceparent?: string | undefined },
  random: Random,
  signal: AbortSignal,
): Promise<{ readonly answer: Answer<Json>; readonly era: Era | undefined }> {
  const client = openClient(directors, credentials, undefined, random);
  try {
    const reply = await callDirector(client, { method: 'POST', target: path, body: JSON.stringify(body), traceparent }, signal);
    return { answer: answered<Json>(reply), era: client.era };
  } finally {
    client.keeper.close();
  }
}

function openClient(directors: readonly string[], credentials: Credentials, era: Era | undefined, random: Random): Client {
  return { keeper: sessionKeeper(directors, credentials, random), listeners: [], era };
}

// ---- one call ---------------------------------------------------------------------------------------------------------------------------

async function callDirector(client: Client, sent: Sent, signal: AbortSignal): Promise<Reply> {
  const deadline = AbortSignal.any([signal, AbortSignal.timeout(LIMITS.callDeadlineMs)]);
  try {
    return await callOnce(client, sent, deadline);
  } catch (cause) {
    if (sent.method !== 'GET' || deadline.aborted || !(cause instanceof Fault) || cause.code !== 'DirectorUnreachable') throw cause;
    return await callOnce(client, sent, deadline);
  }
}

async function callOnce(client: Client, sent: Sent, signal: AbortSignal): Promise<Reply> {
  const session = await openFor(client, signal);
  let reply: Reply;
  try {
    const head = await send(session, sent, signal);
    admitEra(client, head.headers);
    reply = { status: head.status, body: parseBody(await readAnswer(head.stream)) };
  } catch (cause) {
    if (cause instanceof Fault || concernsConnection(cause)) client.keeper.abandon(session);
    throw cause instanceof Fault ? cause : unanswered(session, sent, signal, cause);
  }
  if (reply.status < 500) return reply;
  client.keeper.avoid(session);
  const said = messageOf(reply.body).replace(/\.$/, '');
  // A director's own 503 says that nothing was written (src/ports/store.ts); of anybody else's nothing follows.
  const outcome = reply.status === 503 && said !== '' ? '' : mayHaveHappened(sent);
  throw new Fault(
    'DirectorUnreachable',
    `${session.origin} answered ${reply.status} to ${describe(sent)}${said === '' ? '' : `: ${said}`}.${outcome}`,
  );
}

function messageOf(body: Json | undefined): string {
  const message = body !== undefined && isJsonObject(body) ? body['message'] : undefined;
  return typeof message === 'string' ? message : '';
}

/**
 * Whether the connection is to blame, not this one stream or the caller: a director that does not answer in time may be frozen, and the others
 * who share the connection should not have to find out by themselves.
 */
function concernsConnection(cause: unknown): boolean {
  const { name, code } = cause as NodeJS.ErrnoException;
  return name === 'TimeoutError' || (name !== 'AbortError' && code !== 'ERR_HTTP2_STREAM_ERROR');
}

async function openFor(client: Client, signal: AbortSignal): Promise<OpenSession> {
  try {
    return await client.keeper.session(signal);
  } catch (cause) {
    if (cause instanceof Fault) throw cause;
    throw new Fault('DirectorUnreachable', `No director was reached: ${clause(reasonOf(cause))}. Nothing was sent.`, { cause });
  }
}

function unanswered(session: OpenSession, sent: Sent, signal: AbortSignal, cause: unknown): Fault {
  const stopped = signal.aborted && (signal.reason as Error | undefined)?.name !== 'TimeoutError';
  const why = stopped ? 'this program stops' : signal.aborted ? `not within ${LIMITS.callDeadlineMs} ms` : reasonOf(cause);
  return new Fault(
    'DirectorUnreachable',
    `No answer from ${session.origin} to ${describe(sent)}: ${clause(why)}.${mayHaveHappened(sent)}`,
    {
      cause,
    },
  );
}

function describe(sent: Sent): string {
  return `${sent.method} ${sent.target.split('?', 1)[0]}`;
}

function mayHaveHappened(sent: Sent): string {
  return sent.method === 'GET' ? '' : ' The write may have happened; it is looked at again before it is repeated.';
}

function parseBody(text: string): Json | undefined {
  try {
    return JSON.parse(text) as Json;
  } catch {
    return undefined;
  }
}

/** Refuses what an older life of the store, or a foreign one, says (I4). */
function admitEra(client: Client, headers: IncomingHttpHeaders): void {
  const seen = parseEra(headers['outrigger-era']);
  const known = client.era;
  if (seen === undefined || (known?.number === seen.number && known.id === seen.id)) return;
  if (known !== undefined && seen.number < known.number) {
    throw new Fault(
      'DirectorOutdated',
      `The director speaks of era ${seen.number}; era ${known.number} is known already. It is not obeyed; stop or restore it anew.`,
    );
  }
  if (known?.number === seen.number) {
    throw new Fault(
      'DirectorOutdated',
      `The director's era ${seen.number} is not the one known here: it serves a foreign store. It is not obeyed; a person must decide.`,
    );
  }
  client.era = seen;
  for (const listener of client.listeners) listener(seen);
}

/** `<number>.<id>`. */
function parseEra(header: string | string[] | undefined): Era | undefined {
  const found = /^(\d{1,15})\.(.+)$/.exec(typeof header === 'string' ? header : '');
  return found === null ? undefined : { number: Number(found[1]), id: found[2] ?? '' };
}

/** A reply as an answer; 5xx was thrown before. */
function answered<T>(reply: Reply): Answer<T> {
  if (reply.status >= 200 && reply.status < 300 && reply.body !== undefined) return { ok: true, value: reply.body as T };
  const refusal = refusalOf(reply.status, reply.body);
  if (refusal !== undefined) return { ok: false, ...refusal };
  throw new Fault(
    'DirectorAnswerInvalid',
    `The director answered ${reply.status} with something that is not an answer; check that the address is a director's.`,
  );
}

function emptied(reply: Reply): Answer<void> {
  const answer = answered<Json>(reply);
  return answer.ok ? { ok: true, value: undefined } : answer;
}

function patchCall(target: string, patch: JsonObject): Sent {
  return { method: 'PATCH', target, body: JSON.stringify(patch), contentType: 'application/merge-patch+json' };
}

function deleteCall(target: string, { uid, resourceVersion }: DeletePreconditions): Sent {
  const preconditions = { ...(uid === undefined ? {} : { uid }), ...(resourceVersion === undefined ? {} : { resourceVersion }) };
  const body = { apiVersion: 'v1', kind: 'DeleteOptions', propagationPolicy: 'Background', preconditions };
  return { method: 'DELETE', target, body: JSON.stringify(body) };
}

// ---- lists and watches ------------------------------------------------------------------------------------------------------------------

async function listAll<T>(
  call: (sent: Sent, signal: AbortSignal) => Promise<Reply>,
  address: ResourceAddress<T>,
  selection: Selection,
  signal: AbortSignal,
): Promise<Answer<Listed<T>>> {
  const items: T[] = [];
  const apiVersion = address.group === '' ? address.version : `${address.group}/${address.version}`;
  for (let next: string | undefined; ;) {
    const target = `${resourcePath(address, selection.namespace ?? '')}${query({ ...selectors(selection), limit: String(PAGE), continue: next })}`;
    const answer = answered<JsonObject>(await call({ method: 'GET', target }, signal));
    if (!answer.ok) return answer;
    for (const item of (answer.value['items'] ?? []) as JsonObject[]) items.push({ apiVersion, kind: address.kind, ...item } as T);
    const token = (answer.value['metadata'] as JsonObject | undefined)?.['continue'];
    if (typeof token !== 'string' || token === '') return { ok: true, value: { items, resourceVersion: revisionOf(answer.value) } };
    next = token;
  }
}

function selectors(selection: Selection): Record<string, string | undefined> {
  return { labelSelector: selection.labelSelector, fieldSelector: selection.fieldSelector };
}

function query(parameters: Readonly<Record<string, string | undefined>>): string {
  const given = Object.entries(parameters).filter((entry): entry is [string, string] => entry[1] !== undefined);
  return given.length === 0 ? '' : `?${new URLSearchParams(given).toString()}`;
}

async function watchOnce<T>(
  client: Client,
  address: ResourceAddress<T>,
  selection: Selection & { readonly resourceVersion: string },
  onEvent: (event: WatchEvent<T>) => void,
  signal: AbortSignal,
): Promise<Answer<void>> {
  const parameters = { ...selectors(selection), watch: 'true', allowWatchBookmarks: 'true', resourceVersion: selection.resourceVersion };
  const sent: Sent = { method: 'GET', target: `${resourcePath(address, selection.namespace ?? '')}${query(parameters)}` };
  const session = await openFor(client, signal);
  let head: ReplyHead;
  try {
    head = await beginWatch(session, sent, signal);
    admitEra(client, head.headers);
  } catch (cause) {
    if (signal.aborted) return { ok: true, value: undefined };
    if (cause instanceof Fault || concernsConnection(cause)) client.keeper.abandon(session);
    throw cause instanceof Fault ? cause : unanswered(session, sent, signal, cause);
  }
  if (head.status === 200) return await readEvents<T>(head.stream, onEvent, signal);
  const body = parseBody(await readAnswer(head.stream).catch(() => ''));
  const refusal = refusalOf(head.status, body);
  if (refusal !== undefined) return { ok: false, ...refusal };
  client.keeper.avoid(session);
  throw new Fault('DirectorUnreachable', `${session.origin} answered ${head.status} to the watch ${describe(sent)}; it is tried again.`);
}

/** The head of the answer must come in time; after that only silence ends the watch. */
async function beginWatch(session: OpenSession, sent: Sent, signal: AbortSignal): Promise<ReplyHead> {
  const late = new AbortController();
  const timer = setTimeout(
    () => late.abort(new DOMException(`no answer within ${LIMITS.callDeadlineMs} ms`, 'TimeoutError')),
    LIMITS.callDeadlineMs,
  );
  try {
    return await send(session, sent, AbortSignal.any([signal, late.signal]));
  } finally {
    clearTimeout(timer);
  }
}

function readEvents<T>(stream: ClientHttp2Stream, onEvent: (event: WatchEvent<T>) => void, signal: AbortSignal): Promise<Answer<void>> {
  return new Promise((done) => {
    const finish = (answer: Answer<void>): void => {
      clearTimeout(silence);
      done(answer);
      stream.destroy();
    };
    const ended: Answer<void> = { ok: true, value: undefined };
    const silence = setTimeout(() => finish(ended), WATCH_SILENCE_MS);
    const lines = lineSplitter((line) => {
      const event = decodeWatchLine(line);
      if (event.kind === 'malformed') finish(ended);
      else if (event.kind === 'error') finish(refusedWatch(event));
      else if (event.kind === 'bookmark') onEvent({ type: 'BOOKMARK', resourceVersion: event.resourceVersion });
      else onEvent({ type: event.type, object: event.object as T });
    });
    stream.on('data', (chunk: Buffer) => {
      if (signal.aborted || stream.destroyed) return;
      silence.refresh();
      if (!lines(chunk)) finish(ended);
    });
    // An error, too, only means that the stream is over: the caller resumes from the last revision it saw.
    stream.on('error', () => finish(ended));
    stream.once('close', () => finish(ended));
  });
}

function refusedWatch(event: { readonly status: number; readonly message: string }): Answer<void> {
  const refusal = refusalOf(event.status, { message: event.message });
  return refusal === undefined ? { ok: true, value: undefined } : { ok: false, ...refusal };
}

/** Takes bytes, gives whole lines; false when a line exceeds its bound. */
function lineSplitter(onLine: (line: string) => void): (chunk: Buffer) => boolean {
  let kept: Buffer[] = [];
  let keptBytes = 0;
  return (chunk) => {
    let from = 0;
    for (let at = chunk.indexOf(NEWLINE); at !== -1; at = chunk.indexOf(NEWLINE, from)) {
      const line = Buffer.concat([...kept, chunk.subarray(from, at)]).toString('utf8');
      kept = [];
      keptBytes = 0;
      from = at + 1;
      if (line !== '') onLine(line);
    }
    if (from < chunk.length) {
      kept.push(chunk.subarray(from));
      keptBytes += chunk.length - from;
    }
    return keptBytes <= LIMITS.watchLineBytes;
  };
}
