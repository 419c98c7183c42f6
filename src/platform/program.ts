/**
 * This very program: its version, and how to start another process of it.
 *
 * I1: children run the same files under the same Node as their parent, whatever `outrigger` is in the PATH.
 */

import { readFileSync } from 'node:fs';
import { dirname, extname, join } from 'node:path';

const HERE = import.meta.filename;

/** From package.json, which lies above src (or dist). */
export function programVersion(): string {
  const text = readFileSync(join(dirname(HERE), '..', '..', 'package.json'), 'utf8');
  return String((JSON.parse(text) as { version: unknown }).version);
}

/** The command line that runs `outrigger` with `args`. */
export function programCommand(args: readonly string[]): readonly [string, ...string[]] {
  return [process.execPath, join(dirname(HERE), '..', 'main', `outrigger${extname(HERE)}`), ...args];
}

/** A file or folder that comes with this program, absolute. */
export function packageFile(path: string): string {
  return join(dirname(HERE), '..', '..', path);
}

/** Where the example services lie, which the sample releases run. */
export function examplesFolder(): string {
  return join(dirname(HERE), '..', '..', 'examples');
}
