/**
 * A compressed body: gzip at its fastest level, in the thread pool, so that a large answer does not hold up the small ones.
 */

import { constants, createGzip } from 'node:zlib';
import type { Gzip } from 'node:zlib';
import type { Writable } from 'node:stream';
import type { HttpStream } from '../ports/http.ts';

export class GzipStream implements HttpStream {
  readonly #gzip: Gzip;
  readonly #outgoing: Writable;
  #onDrain: (() => void) | undefined;

  constructor(outgoing: Writable) {
    this.#outgoing = outgoing;
    this.#gzip = createGzip({ level: constants.Z_BEST_SPEED, chunkSize: 64 * 1024 });
    this.#gzip.on('error', () => this.destroy());
    outgoing.on('close', () => this.#gzip.destroy());
    this.#gzip.pipe(outgoing);
  }

  write(chunk: Buffer): boolean {
    return this.closed() ? true : this.#gzip.write(chunk);
  }

  unsentBytes(): number {
    return this.#gzip.writableLength + this.#outgoing.writableLength;
  }

  onDrain(listener: () => void): void {
    if (this.#onDrain === undefined) this.#gzip.on('drain', () => this.#onDrain?.());
    this.#onDrain = listener;
  }

  closed(): boolean {
    return this.#outgoing.destroyed || this.#gzip.destroyed || this.#gzip.writableEnded;
  }

  end(): void {
    if (!this.closed()) this.#gzip.end();
  }

  destroy(): void {
    this.#outgoing.destroy();
  }
}
