/**
 * Built files on this machine's disk (src/ports/static-files.ts). A file `x.gz` or `x.br` beside `x` is the same content, compressed by the build.
 *
 * What is served is what was listed at the start; content is read when it is asked for, so that nothing lies in memory for browsers that never come.
 */

import { createHash } from 'node:crypto';
import { existsSync, readdirSync, statSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { extname, join, sep } from 'node:path';
import { Fault } from '../model/fault.ts';
import type { StaticEncoding, StaticFile, StaticFiles } from '../ports/static-files.ts';

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.woff2': 'font/woff2',
  '.json': 'application/json',
};
const ENDINGS: Readonly<Record<StaticEncoding, string>> = { identity: '', gzip: '.gz', br: '.br' };

export function openStaticFiles(folder: string): StaticFiles {
  const paths = new Set(listed(folder));
  const plain = [...paths].filter((path) => TYPES[extname(path)] !== undefined);
  const files = new Map(plain.map((path) => [path, fileOf(folder, path, paths)]));
  return { find: (path) => files.get(path), count: files.size };
}

function listed(folder: string): string[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) =>
      join(entry.parentPath, entry.name)
        .slice(folder.length + 1)
        .replaceAll(sep, '/'),
    );
}

function fileOf(folder: string, path: string, paths: ReadonlySet<string>): StaticFile {
  const { size, mtimeMs } = statSync(join(folder, path));
  return {
    type: TYPES[extname(path)] ?? 'application/octet-stream',
    encodings: (['br', 'gzip', 'identity'] as const).filter((encoding) => paths.has(`${path}${ENDINGS[encoding]}`)),
    tag: createHash('sha256').update(`${path} ${size} ${mtimeMs}`).digest('hex').slice(0, 24),
    read: async (encoding) => {
      try {
        return await readFile(join(folder, `${path}${ENDINGS[encoding]}`));
      } catch (cause) {
        throw new Fault(
          'ProgramMissing',
          `${path} of the console has gone since the director started; build it again and restart the director.`,
          {
            cause,
          },
        );
      }
    },
  };
}
