/**
 * Making a folder and the folders above it.
 *
 * `mkdirSync` with `recursive` never returns (Node 24) where a folder is there but nothing can be made in it and the system says "no such file", as /proc
 * does: it makes the parent, which exists, and tries again, for ever.
 *
 * I1: it ends: each folder on the way is tried once.
 */

import { mkdirSync, statSync } from 'node:fs';
import { dirname } from 'node:path';

/** Throws what the operating system says. A folder that is there is left as it is; `mode` is for those that are made. */
export function makeFolder(path: string, mode = 0o777): void {
  if (statSync(path, { throwIfNoEntry: false })?.isDirectory() === true) return;
  const parent = dirname(path);
  if (parent !== path) makeFolder(parent, mode);
  try {
    mkdirSync(path, { mode });
  } catch (error) {
    // Somebody else was first; or a file is in the way, which is an error.
    if ((error as { readonly code?: unknown }).code !== 'EEXIST' || statSync(path, { throwIfNoEntry: false })?.isDirectory() !== true)
      throw error;
  }
}
