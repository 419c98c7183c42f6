/**
 * Keeps one kind current for as long as it is looked at: lists it, follows its changes from there, and begins again whenever that breaks.
 *
 * I1: after a break it resumes from the last revision it heard of; only 410 makes it list again.
 * I2: tries grow apart, with jitter, so that browsers do not come back all at once; a watch that ran well begins with the shortest pause again.
 * I3: while nothing answers, what was known stays, with the moment of the last word.
 * I4: a stream that says nothing for longer than bookmarks take is held for dead.
 * I5: when the signal aborts, it ends, and touches nothing any more.
 */

import { backoffMs } from '../../../src/base/backoff.ts';
import { createLineSplitter } from './lines.ts';
import { applied, listed, withContact } from './live-set.ts';
import type { Contact, LiveSet, WatchEvent, Watched } from './live-set.ts';

export interface StreamAnswer {
  readonly status: number;
  /** The whole body; for answers that are no stream. */
  text(): Promise<string>;
  /** The body as it comes. */
  pieces(): AsyncIterable<string>;
}

export interface WatchWorld {
  /** Rejects when nobody answers. */
  open(path: string, signal: AbortSignal): Promise<StreamAnswer>;
  /** Rejects when the signal aborts. */
  sleep(ms: number, signal: AbortSignal): Promise<void>;
  /** Wall time. */
  nowMs(): number;
  /** 0 to 1. */
  random(): number;
}

export interface WatchOrder<T> {
  /** `/apis/…/clusters`, of all namespaces or of one. */
  readonly path: string;
  readonly labelSelector?: string;
  readonly change: (step: (set: LiveSet<T>) => LiveSet<T>) => void;
  /** 401: the session is over. */
  readonly onUnauthorized: () => void;
}

const PAGE = 1_000;
const FIRST_PAUSE_MS = 500;
const PAUSES = { baseMs: FIRST_PAUSE_MS, capMs: 5_000, jitter: 0.5 };
/** Rights may be given meanwhile. */
const REFUSED_PAUSE_MS = 30_000;
/** Bookmarks come each 60 s. */
const SILENCE_MS = 100_000;
const LIST_DEADLINE_MS = 60_000;

class Refusal extends Error {
  readonly code: number;
  constructor(code: number, message: string) {
    super(message);
    this.code = code;
  }
}

interface Loop<T> {
  readonly world: WatchWorld;
  readonly order: WatchOrder<T>;
  /** Undefined: list first. */
  revision: string | undefined;
  heardMs: number | undefined;
  tries: number;
}

export async function runWatch<T extends Watched>(world: WatchWorld, order: WatchOrder<T>, signal: AbortSignal): Promise<void> {
  const loop: Loop<T> = { world, order, revision: undefined, heardMs: undefined, tries: 0 };
  while (!signal.aborted) {
    try {
      if (loop.revision === undefined) loop.revision = await list(loop, signal);
      await follow(loop, loop.revision, signal);
    } catch (cause) {
      if (signal.aborted) return;
      if (await isOver(loop, cause, signal)) return;
    }
  }
}

/** What to do about a break; true: nothing more. */
async function isOver<T extends Watched>(loop: Loop<T>, cause: unknown, signal: AbortSignal): Promise<boolean> {
  const { order, world } = loop;
  const code = cause instanceof Refusal ? cause.code : 0;
  const why = cause instanceof Error ? cause.message : String(cause);
  if (code === 410) {
    loop.revision = undefined;
    // A director that says so again and again is not to be asked without a pause.
    if (loop.tries++ === 0) return false;
  }
  if (code === 401) {
    order.onUnauthorized();
    return true;
  }
  const isRefused = code === 403 || code === 404;
  const contact: Contact = isRefused ? { state: 'refused', code, why } : { state: 'lost', sinceMs: loop.heardMs, why };
  if (code !== 410) order.change((set) => withContact(set, contact));
  const pause = isRefused ? REFUSED_PAUSE_MS : backoffMs(PAUSES, ++loop.tries, world.random());
  return await world.sleep(pause, signal).then(
    () => signal.aborted,
    () => true,
  );
}

// ---- the list ---------------------------------------------------------------------------------------------------------------------------

interface ListPage<T> {
  readonly metadata: { readonly resourceVersion: string; readonly continue?: string };
  readonly items: readonly T[];
}

/** The revision from which to follow. */
async function list<T extends Watched>(loop: Loop<T>, signal: AbortSignal): Promise<string> {
  const items: T[] = [];
  for (let token = ''; ;) {
    const within = AbortSignal.any([signal, AbortSignal.timeout(LIST_DEADLINE_MS)]);
    const answer = await loop.world.open(target(loop.order, { limit: String(PAGE), ...(token === '' ? {} : { continue: token }) }), within);
    if (answer.status !== 200) throw await refusalOf(answer);
    const page = JSON.parse(await answer.text()) as ListPage<T>;
    signal.throwIfAborted();
    items.push(...page.items);
    token = page.metadata.continue ?? '';
    if (token !== '') continue;
    loop.heardMs = loop.world.nowMs();
    loop.order.change((set) => listed(set, items));
    return page.metadata.resourceVersion;
  }
}

// ---- the stream -------------------------------------------------------------------------------------------------------------------------

interface AnyEvent<T> {
  readonly type: WatchEvent<T>['type'] | 'BOOKMARK' | 'ERROR';
  readonly object: T & { readonly code?: number; readonly message?: string };
}

/** Returns when the director ended the stream as it should. */
async function follow<T extends Watched>(loop: Loop<T>, from: string, signal: AbortSignal): Promise<void> {
  const { world, order } = loop;
  const silence = new AbortController();
  const until = AbortSignal.any([signal, silence.signal]);
  let timer = setTimeout(() => silence.abort(), SILENCE_MS);
  try {
    const startedMs = world.nowMs();
    const answer = await world.open(target(order, { watch: 'true', allowWatchBookmarks: 'true', resourceVersion: from }), until);
    if (answer.status !== 200) throw await refusalOf(answer);
    order.change((set) => withContact(set, { state: 'live' }));
    const splitter = createLineSplitter();
    for await (const piece of answer.pieces()) {
      signal.throwIfAborted();
      clearTimeout(timer);
      timer = setTimeout(() => silence.abort(), SILENCE_MS);
      take(loop, splitter.push(piece));
    }
    // Ended at once and without a word: a director on its way out.
    if (world.nowMs() - startedMs < FIRST_PAUSE_MS) throw new Error('The director ended the watch at once.');
  } finally {
    clearTimeout(timer);
  }
}

function take<T extends Watched>(loop: Loop<T>, lines: readonly string[]): void {
  const changes: WatchEvent<T>[] = [];
  let failed: Refusal | undefined;
  for (const line of lines) {
    const event = JSON.parse(line) as AnyEvent<T>;
    if (event.type === 'ERROR') {
      failed = new Refusal(event.object.code ?? 500, event.object.message ?? 'The watch failed.');
      break;
    }
    loop.revision = event.object.metadata.resourceVersion;
    if (event.type !== 'BOOKMARK') changes.push({ type: event.type, object: event.object });
  }
  loop.heardMs = loop.world.nowMs();
  if (lines.length > 0 && failed === undefined) loop.tries = 0;
  if (changes.length > 0) loop.order.change((set) => applied(set, changes));
  if (failed !== undefined) throw failed;
}

async function refusalOf(answer: StreamAnswer): Promise<Refusal> {
  return new Refusal(answer.status, sentenceOf(await answer.text(), answer.status));
}

/** The sentence of a Status, or what stands there instead. */
export function sentenceOf(body: string, status: number): string {
  try {
    const { message } = JSON.parse(body) as { message?: unknown };
    if (typeof message === 'string' && message !== '') return message;
  } catch {
    // A proxy in between may answer anything.
  }
  return `The director answered ${status}.`;
}

function target<T>({ path, labelSelector }: WatchOrder<T>, query: Readonly<Record<string, string>>): string {
  const selected = labelSelector === undefined ? query : { ...query, labelSelector };
  return `${path}?${new URLSearchParams(selected).toString()}`;
}
