/**
 * Keeps the logs of pods within bounds: 10 MB × 3 each.
 *
 * A pod writes to its file by itself, opened for appending, so that nobody's death stops it. The file therefore cannot be swapped: its content is
 * copied to `<file>.1`, then it is cut to nothing. What is written between the last look and the cut (some µs) is lost.
 *
 * I1: a file that is looked at once a second exceeds its bound only by what is written within that second.
 */

import { closeSync, openSync, readSync, statSync, truncateSync, writeSync } from 'node:fs';
import { LIMITS } from '../model/limits.ts';
import { shiftOld } from './spawn.ts';

const CHUNK_BYTES = 256 * 1024;

/** Turns the log over when it is too long. Returns what went wrong; a log that cannot be turned over must stop nobody. */
export function boundLog(file: string, maxBytes: number = LIMITS.podLogBytes): Error | undefined {
  try {
    const stat = statSync(file, { throwIfNoEntry: false });
    if (stat === undefined || stat.size < maxBytes) return undefined;
    shiftOld(file);
    copyAndCut(file, Math.max(0, stat.size - maxBytes * 2));
    return undefined;
  } catch (cause) {
    return cause instanceof Error ? cause : new Error(String(cause));
  }
}

/** Copies from byte `from` to the end, also what is added meanwhile, and cuts the file at once. */
function copyAndCut(file: string, from: number): void {
  const source = openSync(file, 'r');
  const target = openSync(`${file}.1`, 'w', 0o640);
  try {
    const chunk = Buffer.allocUnsafe(CHUNK_BYTES);
    let at = from;
    for (let length = -1; length !== 0; at += length) {
      length = readSync(source, chunk, 0, chunk.length, at);
      writeSync(target, chunk, 0, length);
    }
    truncateSync(file, 0);
  } finally {
    closeSync(source);
    closeSync(target);
  }
}
