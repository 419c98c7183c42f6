/**
 * A `.tar.gz` writer: POSIX ustar (IEEE 1003.1, "pax interchange"), regular files only, through Node's gzip.
 *
 * A format of one header of 512 bytes a file needs no library.
 */

import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import { assert } from '../base/assert.ts';
import type { ArchiveEntry, PackArchive } from '../ports/archive.ts';

const BLOCK = 512;
const NAME_BYTES = 100;

export const packArchive: PackArchive = async function* (entries, atMs) {
  const gzip = createGzip();
  const filled = pipeline(Readable.from(blocks(entries, atMs)), gzip);
  // Whoever reads hears of it below.
  filled.catch(() => undefined);
  for await (const chunk of gzip) yield chunk as Buffer;
  await filled;
};

async function* blocks(entries: AsyncIterable<ArchiveEntry>, atMs: number): AsyncGenerator<Buffer> {
  for await (const { name, body } of entries) {
    const bytes = Buffer.from(body, 'utf8');
    yield header(name, bytes.length, atMs);
    yield bytes;
    yield Buffer.alloc((BLOCK - (bytes.length % BLOCK)) % BLOCK);
  }
  yield Buffer.alloc(2 * BLOCK);
}

function header(name: string, size: number, atMs: number): Buffer {
  assert(/^[\x20-\x7e]+$/.test(name) && name.length <= NAME_BYTES, 'a name in an archive is short and plain');
  const block = Buffer.alloc(BLOCK);
  const octal = (value: number, at: number, length: number): void =>
    void block.write(`${value.toString(8).padStart(length - 1, '0')}\0`, at, 'latin1');
  block.write(name, 0, 'latin1');
  octal(0o600, 100, 8);
  octal(0, 108, 8);
  octal(0, 116, 8);
  octal(size, 124, 12);
  octal(Math.floor(atMs / 1000), 136, 12);
  // The checksum is made with its own field full of spaces.
  block.write('        ', 148, 'latin1');
  block.write('0', 156, 'latin1');
  block.write('ustar\u000000', 257, 'latin1');
  const sum = block.reduce((total, byte) => total + byte, 0);
  block.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
  return block;
}
