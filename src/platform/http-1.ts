/**
 * HTTP/1.1 requests and answers behind the door of src/ports/http.ts: the fast path, since every client of ours but kubectl speaks it.
 *
 * Classes, because two objects a request are made here thousands of times a second, and their methods should not be made with them.
 *
 * I1: a body that was not read to its end closes the connection after the answer, so nobody can make us read what we refused.
 */

import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Readable } from 'node:stream';
import { GzipStream } from './http-gzip.ts';
import { relayInto } from './relay-stream.ts';
import type { BodyRead, HttpHeaders, HttpPeer, HttpRequest, HttpResponse, HttpStream, Relayed } from '../ports/http.ts';

/** An unread body up to this size is cheaper to read away than a new connection. */
const DRAINABLE_BYTES = 64 * 1024;
const NOTHING = Buffer.alloc(0);

export class Http1Request implements HttpRequest {
  readonly method: string;
  readonly target: string;
  readonly peer: HttpPeer;
  readonly #incoming: IncomingMessage;

  constructor(incoming: IncomingMessage, peer: HttpPeer) {
    this.#incoming = incoming;
    this.method = incoming.method ?? '';
    this.target = incoming.url ?? '';
    this.peer = peer;
  }

  header(name: string): string | undefined {
    const value = this.#incoming.headers[name];
    return Array.isArray(value) ? value.join(', ') : value;
  }

  headers(): HttpHeaders {
    return flatHeaders(this.#incoming);
  }

  hasBody(): boolean {
    const { headers } = this.#incoming;
    return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;
  }

  bodyStream(): Readable {
    return this.#incoming;
  }

  body(maxBytes: number): Promise<BodyRead> {
    const declared = this.#incoming.headers['content-length'];
    if (declared !== undefined && Number(declared) > maxBytes) return Promise.resolve({ ok: false, reason: 'too-large' });
    return readBody(this.#incoming, maxBytes);
  }
}

/** As sent, names in lower case. */
export function flatHeaders({ rawHeaders }: IncomingMessage): HttpHeaders {
  return rawHeaders.map((text, at) => (at % 2 === 0 ? text.toLowerCase() : text));
}

/** Collects a body. A single chunk, which is the common case, is not copied. */
export function readBody(source: Readable, maxBytes: number): Promise<BodyRead> {
  return new Promise((resolve) => {
    // A peer that went away before anybody asked for the body will tell nothing any more.
    if (source.destroyed) return resolve({ ok: false, reason: 'aborted' });
    const chunks: Buffer[] = [];
    let size = 0;
    source.on('data', (chunk: Buffer) => {
      size += chunk.length;
      if (size > maxBytes) {
        chunks.length = 0;
        source.pause();
        resolve({ ok: false, reason: 'too-large' });
        return;
      }
      chunks.push(chunk);
    });
    source.on('end', () => resolve({ ok: true, bytes: chunks.length === 1 ? (chunks[0] ?? NOTHING) : Buffer.concat(chunks) }));
    source.on('error', () => resolve({ ok: false, reason: 'aborted' }));
    source.on('close', () => resolve({ ok: false, reason: 'aborted' }));
  });
}

export class Http1Response implements HttpResponse {
  readonly #incoming: IncomingMessage;
  readonly #outgoing: ServerResponse;

  constructor(incoming: IncomingMessage, outgoing: ServerResponse) {
    this.#incoming = incoming;
    this.#outgoing = outgoing;
  }

  send(status: number, headers: HttpHeaders, body: Buffer): void {
    const outgoing = this.#outgoing;
    if (outgoing.destroyed || outgoing.headersSent) return;
    outgoing.writeHead(status, this.#complete(headers, status === 304 ? undefined : body.length));
    outgoing.end(this.#incoming.method === 'HEAD' || status === 304 ? undefined : body);
  }

  stream(status: number, headers: HttpHeaders, body?: number | 'gzip'): HttpStream {
    const outgoing = this.#outgoing;
    if (!outgoing.destroyed && !outgoing.headersSent) {
      outgoing.writeHead(
        status,
        this.#complete(body === 'gzip' ? [...headers, 'content-encoding', 'gzip'] : headers, body === 'gzip' ? undefined : body),
      );
      outgoing.flushHeaders();
    }
    return body === 'gzip' ? new GzipStream(outgoing) : new Http1Stream(outgoing);
  }

  async relay(status: number, headers: HttpHeaders, source: Readable, idleMs: number): Promise<Relayed> {
    const outgoing = this.#outgoing;
    if (!outgoing.destroyed && !outgoing.headersSent) {
      outgoing.writeHead(status, this.#complete(headers, undefined));
      outgoing.flushHeaders();
    }
    return await relayInto(source, outgoing, idleMs);
  }

  onAbandoned(listener: () => void): void {
    const outgoing = this.#outgoing;
    outgoing.once('close', () => {
      if (!outgoing.writableFinished) listener();
    });
  }

  #complete(headers: HttpHeaders, length: number | undefined): string[] {
    const all = [...headers];
    if (length !== undefined) all.push('content-length', String(length));
    const incoming = this.#incoming;
    if (incoming.complete || (incoming.method === 'GET' && incoming.headers['content-length'] === undefined)) return all;
    if (incoming.readableEnded || Number(incoming.headers['content-length'] ?? Infinity) <= DRAINABLE_BYTES) return all;
    this.#outgoing.shouldKeepAlive = false;
    all.push('connection', 'close');
    return all;
  }
}

class Http1Stream implements HttpStream {
  readonly #outgoing: ServerResponse;
  #onDrain: (() => void) | undefined;

  constructor(outgoing: ServerResponse) {
    this.#outgoing = outgoing;
  }

  write(chunk: Buffer): boolean {
    return this.#outgoing.destroyed ? true : this.#outgoing.write(chunk);
  }

  unsentBytes(): number {
    return this.#outgoing.writableLength;
  }

  onDrain(listener: () => void): void {
    if (this.#onDrain === undefined) this.#outgoing.on('drain', () => this.#onDrain?.());
    this.#onDrain = listener;
  }

  closed(): boolean {
    return this.#outgoing.destroyed || this.#outgoing.writableEnded;
  }

  end(): void {
    if (!this.#outgoing.destroyed) this.#outgoing.end();
  }

  destroy(): void {
    this.#outgoing.destroy();
  }
}
