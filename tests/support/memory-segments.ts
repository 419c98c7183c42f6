/**
 * Segment files in memory, packed and summed as on disk: for a week of samples in seconds, and for cutting and spoiling files.
 */
import { crc32, deflateRawSync, inflateRawSync } from 'node:zlib';
import { Fault } from '../../src/model/fault.ts';
import type { MetricSegments } from '../../src/ports/metric-segments.ts';

export interface MemorySegments extends MetricSegments {
  readonly files: Map<string, Uint8Array>;
  /** The next append writes so many bytes of it and then throws DiskFull. */
  failAfter: number | undefined;
}

export function memorySegments(files = new Map<string, Uint8Array>()): MemorySegments {
  const segments: MemorySegments = {
    files,
    failAfter: undefined,
    list: async () => [...files].map(([name, bytes]) => ({ name, bytes: bytes.length })),
    read: async (name) => files.get(name),
    append: async (name, at, bytes) => {
      const old = files.get(name) ?? new Uint8Array();
      const part = segments.failAfter === undefined ? bytes : bytes.subarray(0, segments.failAfter);
      files.set(name, Buffer.concat([old.subarray(0, at), part]));
      if (segments.failAfter === undefined) return;
      segments.failAfter = undefined;
      throw new Fault('DiskFull', 'The disk is full.');
    },
    setAside: async (name) => {
      files.set(`${name}.damaged`, files.get(name) ?? new Uint8Array());
      files.delete(name);
      return `${name}.damaged`;
    },
    remove: async (name) => void files.delete(name),
    pack: (text) => deflateRawSync(text),
    unpack: (bytes, maxOutputLength) => {
      try {
        return inflateRawSync(bytes, { maxOutputLength }).toString('utf8');
      } catch {
        return undefined;
      }
    },
    checksum: (bytes) => crc32(bytes),
  };
  return segments;
}
