/**
 * Builds the console: vite, then brotli and gzip beside each file, so that a director compresses nothing.
 *
 * I1: console/dist is put in place whole, with the stamp of what it was built from (tools/setup/console.mjs compares it); a build that fails
 *     leaves the old one.
 * I2: what a browser loads first is at most FIRST_LOAD_BYTES of script, gzipped; more fails the build.
 */
import { spawnSync } from 'node:child_process';
import { readFileSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { brotliCompressSync, constants, gzipSync } from 'node:zlib';
import { consoleStamp, STAMP_FILE } from '../setup/console.mjs';

const FIRST_LOAD_BYTES = 300_000;
const COMPRESSED = /\.(?:js|css|html|svg)$/;
/** 11 takes four times as long for a hundredth. */
const BROTLI_QUALITY = 9;

/** Exit code. */
export function buildConsole(root: string): number {
  const folder = join(root, 'console');
  const aside = join(folder, `dist.${process.pid}`);
  try {
    const stamp = consoleStamp(root);
    const vite = join(root, 'node_modules', '.bin', 'vite');
    const args = ['build', '--config', join(folder, 'vite.config.ts'), '--outDir', aside, '--logLevel', 'warn'];
    const { status } = spawnSync(vite, args, { cwd: root, stdio: ['ignore', 'inherit', 'inherit'] });
    if (status !== 0) return 1;
    const firstBytes = firstLoad(aside);
    if (firstBytes > FIRST_LOAD_BYTES) {
      console.error(
        `build: the console's first load is ${firstBytes} bytes of script gzipped; at most ${FIRST_LOAD_BYTES}. Load more of it later.`,
      );
      return 1;
    }
    for (const path of filesOf(aside).filter((name) => COMPRESSED.test(name))) compress(path);
    writeFileSync(join(aside, STAMP_FILE), stamp);
    rmSync(join(folder, 'dist'), { recursive: true, force: true });
    renameSync(aside, join(folder, 'dist'));
    console.log(`build: the console in ${join(folder, 'dist')}, first load ${Math.round(firstBytes / 1000)} kB of script gzipped`);
    return 0;
  } finally {
    rmSync(aside, { recursive: true, force: true });
  }
}

/** Bytes of the scripts that the page names, and of those that they import at once. */
function firstLoad(folder: string): number {
  const waiting = [...readFileSync(join(folder, 'index.html'), 'utf8').matchAll(/(?:src|href)="\/console\/(assets\/[^"]+\.js)"/g)].map(
    ([, path = '']) => path,
  );
  const seen = new Set<string>();
  let bytes = 0;
  for (let path = waiting.pop(); path !== undefined; path = waiting.pop()) {
    if (seen.has(path)) continue;
    seen.add(path);
    const code = readFileSync(join(folder, path));
    bytes += gzipSync(code, { level: 9 }).length;
    for (const [, file = ''] of code.toString('utf8').matchAll(/(?:from|import)\s*["']\.\/([^"']+\.js)["']/g))
      waiting.push(`assets/${file}`);
  }
  return bytes;
}

function filesOf(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
}

function compress(path: string): void {
  const bytes = readFileSync(path);
  writeFileSync(`${path}.gz`, gzipSync(bytes, { level: 9 }));
  writeFileSync(`${path}.br`, brotliCompressSync(bytes, { params: { [constants.BROTLI_PARAM_QUALITY]: BROTLI_QUALITY } }));
}

if (import.meta.main) process.exitCode = buildConsole(join(import.meta.dirname, '..', '..'));
