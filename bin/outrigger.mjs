#!/usr/bin/env node
/**
 * The command `outrigger`: finds the program and a Node that can run it.
 *
 * In a checkout the program is src/ (Node 24 runs TypeScript), in the published package it is dist/ (Node refuses to strip types below
 * node_modules). The pinned Node 24 is used whatever Node this file was started with; when it is not installed, a Node that is new enough
 * will do. Plain JavaScript, because an old Node must be able to read it.
 */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));
/** `engines` of package.json: the first Node that runs TypeScript without a flag. */
const OLDEST = [22, 18];

function findProgram() {
  const source = join(ROOT, 'src', 'main', 'outrigger.ts');
  const built = join(ROOT, 'dist', 'main', 'outrigger.js');
  if (existsSync(source) && !ROOT.split('/').includes('node_modules')) return source;
  if (existsSync(built)) return built;
  return undefined;
}

function findNode() {
  try {
    const manifest = createRequire(import.meta.url).resolve(`node-linux-${process.arch}/package.json`);
    const pinned = join(dirname(manifest), 'bin', 'node');
    if (existsSync(pinned)) return pinned;
  } catch {
    // Not installed: optional packages may be left out.
  }
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  const [oldestMajor = 0, oldestMinor = 0] = OLDEST;
  return major > oldestMajor || (major === oldestMajor && minor >= oldestMinor) ? process.execPath : undefined;
}

/**
 * Becomes the program where Node can (no process in between), else runs it and passes signals and the exit code on.
 * @param {string} node
 * @param {string[]} args
 */
function become(node, args) {
  if (typeof process.execve === 'function') process.execve(node, [node, ...args], process.env);
  const child = spawn(node, args, { stdio: 'inherit' });
  // A terminal sends Ctrl-C to the whole group already; sent twice it would read as "stop at once".
  process.on('SIGINT', () => {
    if (!process.stdin.isTTY) child.kill('SIGINT');
  });
  process.on('SIGTERM', () => child.kill('SIGTERM'));
  process.on('SIGHUP', () => child.kill('SIGHUP'));
  child.on('exit', (code, signal) => {
    process.exitCode = code ?? (signal === 'SIGINT' ? 130 : 143);
  });
}

const program = findProgram();
const node = findNode();
if (program === undefined) {
  console.error('outrigger: neither src/ nor dist/ is here; run npm run build, or install the package again.');
  process.exitCode = 1;
} else if (node === undefined) {
  console.error(
    `outrigger: the pinned Node 24 is not installed, and Node ${process.versions.node} is too old (${OLDEST.join('.')} or newer is needed). ` +
      'In a checkout run npm run setup; elsewhere install the package again without leaving out optional packages.',
  );
  process.exitCode = 1;
} else {
  // What is built points back to its TypeScript; what runs from src needs no map.
  const maps = program.endsWith('.js') ? ['--enable-source-maps'] : [];
  become(node, [...maps, program, ...process.argv.slice(2)]);
}
