/**
 * Answers as values: what a verb gives back, and the one place that turns it into HTTP.
 *
 * I1: bytes that the store serves are sent as they are, never parsed or copied again on the way of a plain GET.
 * I2: a long answer is written in pieces, and waits for a peer that reads slowly; one that reads nothing is cut off.
 */

import { LIMITS } from '../../model/limits.ts';
import type { JsonObject } from '../../model/json.ts';
import type { HttpHeaders, HttpResponse, HttpStream } from '../../ports/http.ts';
import { statusBody } from './status.ts';
import type { Refused } from './status.ts';

export const JSON_TYPE = 'application/json';
export const TEXT_TYPE = 'text/plain; charset=utf-8';
/** As kube-apiserver: compression costs more than it saves below this. */
const GZIP_FROM_BYTES = 128 * 1024;

export type Reply =
  | { readonly kind: 'bytes'; readonly code: number; readonly type: string; readonly body: Buffer; readonly headers?: HttpHeaders }
  /** JSON in pieces of known total length. */
  | { readonly kind: 'pieces'; readonly pieces: Iterable<Buffer>; readonly totalBytes: number }
  /** Takes over the response, for as long as it likes. What `run` returns is called when the peer has gone. */
  | { readonly kind: 'stream'; readonly run: (stream: HttpStream) => () => void };

export function jsonReply(code: number, body: JsonObject, headers?: HttpHeaders): Reply {
  return bytesReply(code, Buffer.from(JSON.stringify(body), 'utf8'), headers);
}

export function bytesReply(code: number, body: Buffer, headers?: HttpHeaders): Reply {
  return headers === undefined ? { kind: 'bytes', code, type: JSON_TYPE, body } : { kind: 'bytes', code, type: JSON_TYPE, body, headers };
}

export function textReply(code: number, text: string): Extract<Reply, { kind: 'bytes' }> {
  return { kind: 'bytes', code, type: TEXT_TYPE, body: Buffer.from(text, 'utf8') };
}

export function refusedReply(refusal: Refused): Reply {
  const retry = refusal.retryAfterSeconds;
  return jsonReply(refusal.code, statusBody(refusal), retry === undefined ? undefined : ['retry-after', String(retry)]);
}

/** Sends `reply`. `common`: headers that every answer has. */
export function sendReply(response: HttpResponse, reply: Reply, common: HttpHeaders, acceptsGzip: boolean): void {
  switch (reply.kind) {
    case 'bytes': {
      const isPlain = reply.headers?.includes('content-encoding') !== true;
      if (acceptsGzip && isPlain && reply.body.length > GZIP_FROM_BYTES && reply.code === 200) {
        sendPieces(
          response,
          { pieces: [reply.body], totalBytes: reply.body.length },
          ['content-type', reply.type, ...common, ...(reply.headers ?? [])],
          true,
        );
        return;
      }
      response.send(reply.code, ['content-type', reply.type, ...common, ...(reply.headers ?? [])], reply.body);
      return;
    }
    case 'pieces':
      sendPieces(response, reply, ['content-type', JSON_TYPE, ...common], acceptsGzip && reply.totalBytes > GZIP_FROM_BYTES);
      return;
    case 'stream':
      response.onAbandoned(reply.run(response.stream(200, ['content-type', JSON_TYPE, ...common])));
  }
}

interface Pieces {
  readonly pieces: Iterable<Buffer>;
  readonly totalBytes: number;
}

function sendPieces(response: HttpResponse, { pieces, totalBytes }: Pieces, headers: HttpHeaders, gzip: boolean): void {
  const stream = gzip ? response.stream(200, [...headers, 'vary', 'accept-encoding'], 'gzip') : response.stream(200, headers, totalBytes);
  const iterator = pieces[Symbol.iterator]();
  let stalled: NodeJS.Timeout | undefined;
  const pump = (): void => {
    clearTimeout(stalled);
    while (!stream.closed()) {
      const next = iterator.next();
      if (next.done === true) {
        stream.end();
        return;
      }
      if (stream.write(next.value)) continue;
      stalled = setTimeout(() => stream.destroy(), LIMITS.sendStallMs);
      return;
    }
  };
  stream.onDrain(pump);
  response.onAbandoned(() => clearTimeout(stalled));
  pump();
}
