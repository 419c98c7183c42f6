/**
 * The API layer without a network or a database: requests and answers as values, over the memory backend. For what needs no process to be proved.
 */
import assert from 'node:assert/strict';
import { Readable } from 'node:stream';
import { createApi } from '../../src/director/api/api.ts';
import type { Api } from '../../src/director/api/api.ts';
import type { Attributes, Decision, Identity, WriteContent } from '../../src/director/auth/identity.ts';
import { createGarbage } from '../../src/director/garbage/garbage.ts';
import { openEntityStore } from '../../src/director/store/entity-store.ts';
import { memoryBackend, newMemoryDatabase } from '../../src/director/store/memory-backend.ts';
import type { MemoryDatabase } from '../../src/director/store/memory-backend.ts';
import { systemClock } from '../../src/platform/clock.ts';
import { systemRandom } from '../../src/platform/random.ts';
import type { Clock } from '../../src/ports/clock.ts';
import type { Json, JsonObject } from '../../src/model/json.ts';
import type { Log } from '../../src/ports/log.ts';
import type { HttpHeaders, HttpRequest, HttpResponse, HttpStream } from '../../src/ports/http.ts';
import type { EntityStore } from '../../src/ports/store.ts';

export interface MemoryAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly text: string;
  /** The body as JSON; empty when it is none. */
  readonly body: JsonObject;
  /** The value at a dotted path of the body (`items.0.metadata.name`). */
  at(path: string): Json | undefined;
  /** `message` of a Status. */
  readonly message: string;
}

/** The text at a dotted path; '' when there is none. */
export function textAt(value: Json | undefined, path: string): string {
  const found = at(value, path);
  return typeof found === 'string' ? found : '';
}

/** The value at a dotted path; undefined when something on the way is missing. */
export function at(value: Json | undefined, path: string): Json | undefined {
  let found: Json | undefined = value;
  for (const part of path.split('.')) {
    found = typeof found === 'object' && found !== null ? (found as JsonObject)[part] : undefined;
  }
  return found;
}

const QUIET: Log = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined, with: () => QUIET };

export interface AskOptions {
  /** An object is sent as JSON. */
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface MemoryApi {
  readonly api: Api;
  readonly store: EntityStore;
  ask(method: string, path: string, options?: AskOptions): Promise<MemoryAnswer>;
  /** A watch: its lines arrive in `stream.lines`. */
  watch(path: string, headers?: Readonly<Record<string, string>>): Promise<MemoryStream>;
  close(): Promise<void>;
}

export interface MemorySetup {
  readonly database?: MemoryDatabase;
  readonly clock?: Clock;
  /** Runs the garbage collector. */
  readonly garbage?: boolean;
  /** False: the copy learns of others' writes only when it looks. */
  readonly hints?: boolean;
  readonly authorize?: (identity: Identity, attributes: Attributes) => Decision;
  readonly authorizeWrite?: (identity: Identity, attributes: Attributes, content: WriteContent) => Decision;
}

const ADMIN: Identity = { kind: 'admin', name: 'admin', groups: ['outrigger:admins'] };
const YES: Decision = { allowed: true, reason: 'test' };

export async function memoryApi(setup: MemorySetup = {}): Promise<MemoryApi> {
  const [clock, random, log] = [setup.clock ?? systemClock(), systemRandom(), QUIET];
  const stop = new AbortController();
  const database = setup.database ?? newMemoryDatabase();
  const backend = memoryBackend({ database, clock, random, hints: setup.hints ?? true });
  const store = await openEntityStore({ backend, clock, random, log }, stop.signal);
  const later: { garbage?: ReturnType<typeof createGarbage> } = {};
  const api = createApi({
    store,
    clock,
    random,
    log,
    authenticator: { authenticate: () => ADMIN },
    authorizer: { authorize: setup.authorize ?? (() => YES), authorizeWrite: setup.authorizeWrite ?? (() => YES) },
    ownPaths: { add: () => undefined, handle: async () => ({ status: 200, body: { own: true } }) },
    reviews: {
      tokenRequest: async (_namespace, _name, body) => ({ status: 201, body: { kind: 'TokenRequest', asked: body ?? null } }),
      selfSubjectAccessReview: (_identity, body) => ({ status: 201, body: { kind: 'SelfSubjectAccessReview', asked: body ?? null } }),
      selfSubjectReview: (identity) => ({ status: 201, body: { kind: 'SelfSubjectReview', name: identity.name } }),
    },
    release: '0.0.0',
    connections: () => 0,
    onDeletion: () => later.garbage?.hint(),
    onBroken: (error) => {
      throw error;
    },
    signal: stop.signal,
  });
  if (setup.garbage === true) {
    later.garbage = createGarbage(api.engine, stop.signal);
    void later.garbage.run();
  }
  return {
    api,
    store,
    ask: (method, path, options = {}) => ask(api, method, path, options),
    watch: (path, headers = {}) => watch(api, path, headers),
    close: async () => {
      api.drain();
      stop.abort();
      await store.close();
    },
  };
}

const PEER = { address: 'test', protocol: 'http/1.1', certificate: undefined, cut: () => undefined, onClosed: () => undefined } as const;

function requestOf(method: string, target: string, { body, headers = {} }: AskOptions): HttpRequest {
  const bytes =
    body === undefined
      ? Buffer.alloc(0)
      : Buffer.isBuffer(body)
        ? body
        : Buffer.from(typeof body === 'string' ? body : JSON.stringify(body));
  const all: Record<string, string> = {
    ...(body === undefined ? {} : { 'content-type': 'application/json', 'content-length': String(bytes.length) }),
    ...headers,
  };
  return {
    method,
    target,
    peer: PEER,
    header: (name) => all[name],
    headers: () => Object.entries(all).flat(),
    hasBody: () => bytes.length > 0,
    bodyStream: () => Readable.from([bytes]),
    body: async (maxBytes) => (bytes.length > maxBytes ? { ok: false, reason: 'too-large' } : { ok: true, bytes }),
  };
}

function headersOf(flat: HttpHeaders): Record<string, string> {
  const headers: Record<string, string> = {};
  for (let i = 0; i + 1 < flat.length; i += 2) headers[flat[i] ?? ''] = flat[i + 1] ?? '';
  return headers;
}

function ask(api: Api, method: string, target: string, options: AskOptions): Promise<MemoryAnswer> {
  return new Promise((resolve) => {
    const done = (status: number, headers: HttpHeaders, text: string): void => {
      const body =
        headersOf(headers)['content-type']?.startsWith('application/json') === true && text !== '' ? (JSON.parse(text) as JsonObject) : {};
      resolve({ status, headers: headersOf(headers), text, body, at: (path) => at(body, path), message: textAt(body, 'message') });
    };
    const response: HttpResponse = {
      send: (status, headers, body) => done(status, headers, body.toString('utf8')),
      stream: (status, headers) => {
        const stream = new MemoryStream();
        stream.onEnd = () => done(status, headers, stream.text());
        return stream;
      },
      relay: () => assert.fail('nothing is relayed in memory'),
      onAbandoned: () => undefined,
    };
    api.handler(requestOf(method, target, options), response);
  });
}

function watch(api: Api, path: string, headers: Readonly<Record<string, string>>): Promise<MemoryStream> {
  return new Promise((resolve, reject) => {
    const response: HttpResponse = {
      send: (_status, _headers, body) => reject(new Error(body.toString('utf8'))),
      stream: () => {
        const stream = new MemoryStream();
        resolve(stream);
        return stream;
      },
      relay: () => assert.fail('nothing is relayed in memory'),
      onAbandoned: () => undefined,
    };
    api.handler(requestOf('GET', path, { headers }), response);
  });
}

/** Takes what is written; reads as fast as the test says. */
export class MemoryStream implements HttpStream {
  readonly chunks: Buffer[] = [];
  onEnd: () => void = () => undefined;
  /** False: nothing is taken any more, everything waits. */
  reading = true;
  #unsent = 0;
  #closed = false;
  #onDrain: () => void = () => undefined;

  write(chunk: Buffer): boolean {
    this.chunks.push(chunk);
    if (!this.reading) this.#unsent += chunk.length;
    return this.reading;
  }

  unsentBytes(): number {
    return this.#unsent;
  }

  onDrain(listener: () => void): void {
    this.#onDrain = listener;
  }

  closed(): boolean {
    return this.#closed;
  }

  end(): void {
    this.#closed = true;
    this.onEnd();
  }

  destroy(): void {
    this.#closed = true;
    this.onEnd();
  }

  /** Takes all that waits, and what follows. */
  read(): void {
    this.reading = true;
    this.#unsent = 0;
    this.#onDrain();
  }

  text(): string {
    return Buffer.concat(this.chunks).toString('utf8');
  }

  lines(): JsonObject[] {
    return this.text()
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as JsonObject);
  }
}
