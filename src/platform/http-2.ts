/**
 * HTTP/2 requests and answers behind the door of src/ports/http.ts. kubectl speaks it, when it is offered by ALPN.
 */

import { constants } from 'node:http2';
import type { IncomingHttpHeaders, OutgoingHttpHeaders, ServerHttp2Stream } from 'node:http2';
import type { Readable } from 'node:stream';
import { LIMITS } from '../model/limits.ts';
import { GzipStream } from './http-gzip.ts';
import { readBody } from './http-1.ts';
import { relayInto } from './relay-stream.ts';
import type { BodyRead, HttpHeaders, HttpPeer, HttpRequest, HttpResponse, HttpStream, Relayed } from '../ports/http.ts';

export class Http2Request implements HttpRequest {
  readonly method: string;
  readonly target: string;
  readonly peer: HttpPeer;
  readonly #stream: ServerHttp2Stream;
  readonly #headers: IncomingHttpHeaders;

  constructor(stream: ServerHttp2Stream, headers: IncomingHttpHeaders, peer: HttpPeer) {
    this.#stream = stream;
    this.#headers = headers;
    this.method = headers[':method'] ?? '';
    this.target = headers[':path'] ?? '';
    this.peer = peer;
  }

  header(name: string): string | undefined {
    const value = this.#headers[name];
    return Array.isArray(value) ? value.join(', ') : value;
  }

  headers(): HttpHeaders {
    return flatHeaders2(this.#headers);
  }

  hasBody(): boolean {
    return !this.#stream.endAfterHeaders;
  }

  bodyStream(): Readable {
    return this.#stream;
  }

  body(maxBytes: number): Promise<BodyRead> {
    const declared = this.#headers['content-length'];
    if (declared !== undefined && Number(declared) > maxBytes) return Promise.resolve({ ok: false, reason: 'too-large' });
    return inTime(this.#stream, readBody(this.#stream, maxBytes));
  }
}

/** Without the pseudo headers. */
export function flatHeaders2(headers: IncomingHttpHeaders): HttpHeaders {
  const flat: string[] = [];
  for (const [name, value] of Object.entries(headers)) {
    if (name.startsWith(':') || value === undefined) continue;
    for (const one of [value].flat()) flat.push(name, one);
  }
  return flat;
}

/** HTTP/1.1 has its own deadline for a whole request; here a slow sender is cut off by us. */
async function inTime(stream: ServerHttp2Stream, reading: Promise<BodyRead>): Promise<BodyRead> {
  const late = setTimeout(() => stream.close(constants.NGHTTP2_CANCEL), LIMITS.requestReceiveDeadlineMs);
  try {
    return await reading;
  } finally {
    clearTimeout(late);
  }
}

export class Http2Response implements HttpResponse {
  readonly #stream: ServerHttp2Stream;
  readonly #headOnly: boolean;

  constructor(stream: ServerHttp2Stream, method: string) {
    this.#stream = stream;
    this.#headOnly = method === 'HEAD';
  }

  send(status: number, headers: HttpHeaders, body: Buffer): void {
    const stream = this.#stream;
    if (stream.destroyed || stream.headersSent) return;
    const bare = this.#headOnly || status === 304;
    stream.respond(headerObject(status, headers, status === 304 ? undefined : body.length), { endStream: bare });
    if (!bare) stream.end(body);
    // What the peer still sends of a body that nobody reads ends with the stream.
    if (!stream.readableEnded && stream.isPaused()) stream.close(constants.NGHTTP2_NO_ERROR);
  }

  stream(status: number, headers: HttpHeaders, body?: number | 'gzip'): HttpStream {
    const stream = this.#stream;
    if (!stream.destroyed && !stream.headersSent) {
      const all = body === 'gzip' ? [...headers, 'content-encoding', 'gzip'] : headers;
      stream.respond(headerObject(status, all, body === 'gzip' ? undefined : body), { endStream: this.#headOnly });
    }
    return body === 'gzip' ? new GzipStream(stream) : new Http2Body(stream);
  }

  async relay(status: number, headers: HttpHeaders, source: Readable, idleMs: number): Promise<Relayed> {
    const stream = this.#stream;
    const bare = this.#headOnly || status === 204 || status === 304;
    if (!stream.destroyed && !stream.headersSent) stream.respond(headerObject(status, headers, undefined), { endStream: bare });
    if (!bare) return await relayInto(source, stream, idleMs);
    source.destroy();
    return { bytes: 0, complete: true };
  }

  onAbandoned(listener: () => void): void {
    const stream = this.#stream;
    stream.once('close', () => {
      if (!stream.writableFinished) listener();
    });
  }
}

class Http2Body implements HttpStream {
  readonly #stream: ServerHttp2Stream;
  #onDrain: (() => void) | undefined;

  constructor(stream: ServerHttp2Stream) {
    this.#stream = stream;
  }

  write(chunk: Buffer): boolean {
    return this.closed() ? true : this.#stream.write(chunk);
  }

  unsentBytes(): number {
    return this.#stream.writableLength;
  }

  onDrain(listener: () => void): void {
    if (this.#onDrain === undefined) this.#stream.on('drain', () => this.#onDrain?.());
    this.#onDrain = listener;
  }

  closed(): boolean {
    return this.#stream.destroyed || this.#stream.writableEnded;
  }

  end(): void {
    if (!this.closed()) this.#stream.end();
  }

  destroy(): void {
    this.#stream.close(constants.NGHTTP2_CANCEL);
  }
}

/** Of an answer, for HTTP/2. */
export function headerObject(status: number, headers: HttpHeaders, length: number | undefined): OutgoingHttpHeaders {
  const object: OutgoingHttpHeaders = { ':status': status };
  for (let i = 0; i + 1 < headers.length; i += 2) {
    const name = headers[i] ?? '';
    const value = headers[i + 1] ?? '';
    const before = object[name];
    if (before === undefined) object[name] = value;
    else if (Array.isArray(before)) before.push(value);
    else object[name] = [String(before), value];
  }
  if (length !== undefined) object['content-length'] = length;
  return object;
}
