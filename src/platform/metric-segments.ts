/**
 * Segment files of samples on this machine's disk (src/ports/metric-segments.ts).
 *
 * I1: after `append` resolves, the bytes survive a power cut. A new file's name does too, as its folder is forced to disk.
 */

import { mkdir, open, readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { crc32, deflateRawSync, inflateRawSync } from 'node:zlib';
import { LIMITS } from '../model/limits.ts';
import type { MetricSegments, SegmentFile } from '../ports/metric-segments.ts';
import { writeFault } from './durable-file.ts';

const OWNER_FILE = 0o600;
const OWNER_FOLDER = 0o700;

export function metricSegments(folder: string): MetricSegments {
  const fileOf = (name: string): string => join(folder, name);
  return {
    list: async () => await list(folder),
    read: async (name) => await read(fileOf(name)),
    append: async (name, at, bytes) => await append(folder, fileOf(name), at, bytes),
    setAside: async (name) => await setAside(folder, name),
    remove: async (name) => await rm(fileOf(name), { force: true }),
    pack: (text) => deflateRawSync(text),
    unpack,
    checksum: (bytes) => crc32(bytes),
  };
}

async function list(folder: string): Promise<readonly SegmentFile[]> {
  try {
    await mkdir(folder, { recursive: true, mode: OWNER_FOLDER });
    const names = await readdir(folder);
    return await Promise.all(names.map(async (name) => ({ name, bytes: (await stat(join(folder, name))).size })));
  } catch (cause) {
    throw writeFault(folder, cause);
  }
}

async function read(file: string): Promise<Uint8Array | undefined> {
  try {
    return await readFile(file);
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw writeFault(file, cause);
  }
}

async function append(folder: string, file: string, at: number, bytes: Uint8Array): Promise<void> {
  try {
    const handle = await open(file, at === 0 ? 'w' : 'r+', OWNER_FILE);
    try {
      await handle.truncate(at);
      for (let from = 0; from < bytes.length;) {
        const { bytesWritten } = await handle.write(bytes, from, bytes.length - from, at + from);
        from += bytesWritten;
      }
      await handle.datasync();
    } finally {
      await handle.close();
    }
    if (at === 0) await syncFolder(folder);
  } catch (cause) {
    throw writeFault(file, cause);
  }
}

async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** `<name>.damaged-1` and on; the newest take the last places. */
async function setAside(folder: string, name: string): Promise<string> {
  const aside = (await readdir(folder)).filter((one) => one.includes('.damaged')).toSorted();
  for (const one of aside.slice(0, Math.max(0, aside.length - LIMITS.damagedRecordsKept + 1))) await rm(join(folder, one), { force: true });
  const kept = `${name}.damaged`;
  await rename(join(folder, name), join(folder, kept));
  return kept;
}

function unpack(bytes: Uint8Array, maxBytes: number): string | undefined {
  try {
    return inflateRawSync(bytes, { maxOutputLength: maxBytes }).toString('utf8');
  } catch {
    return undefined;
  }
}
