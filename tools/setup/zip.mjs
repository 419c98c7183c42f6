/**
 * Reads one file out of a zip archive, with nothing but zlib: machines need no unzip for it.
 *
 * Source of the format: PKWARE APPNOTE 6.3, sections 4.3.7 (local header), 4.3.12 (central directory), 4.3.16 (end record). Zip64 and
 * encryption are refused.
 */
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import * as zlib from 'node:zlib';

const END_MARK = 0x06054b50;
const ENTRY_MARK = 0x02014b50;
const END_BYTES = 22;
const MAX_COMMENT_BYTES = 65_535;
const STORED = 0;
const DEFLATED = 8;

/**
 * @param {string} archive path of the archive
 * @param {string} name the entry, as the archive names it
 * @returns {Buffer} its content
 */
export function readZipEntry(archive, name) {
  const fd = openSync(archive, 'r');
  try {
    const size = fstatSync(fd).size;
    const tail = readAt(fd, Math.max(0, size - END_BYTES - MAX_COMMENT_BYTES), size);
    const end = findEnd(tail, archive);
    const directory = readAt(fd, tail.readUInt32LE(end + 16), tail.readUInt32LE(end + 16) + tail.readUInt32LE(end + 12));
    const entry = findEntry(directory, name, archive);
    const local = readAt(fd, entry.offset, entry.offset + 30);
    const from = entry.offset + 30 + local.readUInt16LE(26) + local.readUInt16LE(28);
    return unpack(readAt(fd, from, from + entry.packedBytes), entry, archive);
  } finally {
    closeSync(fd);
  }
}

/**
 * @param {Buffer} packed
 * @param {{ method: number, crc: number }} entry
 * @param {string} archive
 */
function unpack(packed, entry, archive) {
  if (entry.method !== STORED && entry.method !== DEFLATED)
    throw new Error(`${archive}: compression method ${entry.method} is not supported`);
  const content = entry.method === STORED ? packed : zlib.inflateRawSync(packed);
  // zlib.crc32 came with Node 22.2; an older Node trusts the integrity of the package that holds the archive.
  if (typeof zlib.crc32 === 'function' && zlib.crc32(content) !== entry.crc)
    throw new Error(`${archive}: wrong checksum, the archive is damaged`);
  return content;
}

/**
 * @param {Buffer} tail
 * @param {string} archive
 */
function findEnd(tail, archive) {
  for (let at = tail.length - END_BYTES; at >= 0; at -= 1) if (tail.readUInt32LE(at) === END_MARK) return at;
  throw new Error(`${archive} is not a zip archive`);
}

/**
 * @param {Buffer} directory
 * @param {string} name
 * @param {string} archive
 */
function findEntry(directory, name, archive) {
  for (let at = 0; at + 46 <= directory.length && directory.readUInt32LE(at) === ENTRY_MARK;) {
    const nameBytes = directory.readUInt16LE(at + 28);
    if (directory.toString('utf8', at + 46, at + 46 + nameBytes) === name) {
      return {
        method: directory.readUInt16LE(at + 10),
        crc: directory.readUInt32LE(at + 16),
        packedBytes: directory.readUInt32LE(at + 20),
        offset: directory.readUInt32LE(at + 42),
      };
    }
    at += 46 + nameBytes + directory.readUInt16LE(at + 30) + directory.readUInt16LE(at + 32);
  }
  throw new Error(`${archive} holds no ${name}`);
}

/**
 * @param {number} fd
 * @param {number} from
 * @param {number} to
 */
function readAt(fd, from, to) {
  const buffer = Buffer.alloc(to - from);
  const read = readSync(fd, buffer, 0, buffer.length, from);
  if (read !== buffer.length) throw new Error(`the archive ends ${buffer.length - read} bytes early`);
  return buffer;
}
