/**
 * How much lies in a folder, as `du` counts it.
 */

import { lstat, readdir } from 'node:fs/promises';
import { join } from 'node:path';

/** Looked at, at most: a person waits for the answer. */
const FILES_MAX = 100_000;
const BLOCK_BYTES = 512;

/** In bytes on the disk; undefined: more files than can be counted while somebody waits. What vanishes or may not be read meanwhile counts nothing. */
export async function folderBytes(folder: string): Promise<number | undefined> {
  let bytes = 0;
  let seen = 0;
  const open = [folder];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const entries = await readdir(next, { withFileTypes: true }).catch(() => []);
    seen += entries.length;
    if (seen > FILES_MAX) return undefined;
    for (const entry of entries) {
      const path = join(next, entry.name);
      if (entry.isDirectory()) open.push(path);
      else bytes += ((await lstat(path).catch(() => undefined))?.blocks ?? 0) * BLOCK_BYTES;
    }
  }
  return bytes;
}
