/**
 * Every command of the pages that people follow is run, in order, on one control plane, as it stands there. Blocks that need another machine or terminal are
 * marked `sh elsewhere`; those are parsed alone (tests/guards/docs.test.ts).
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { chmodSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { after, before, test } from 'node:test';
import { programCommand } from '../../src/platform/program.ts';
import { startControlPlane } from '../support/control-plane.ts';
import type { ControlPlane } from '../support/control-plane.ts';
import { RUN_PAGES, scriptOf } from '../support/docs.ts';
import { kubectlPath } from '../support/kubectl.ts';

const ROOT = resolve(import.meta.dirname, '../..');
const PAGE_MS = 180_000;

let plane: ControlPlane;
let folder: string;
before(
  async () => {
    plane = await startControlPlane('docs');
    folder = workFolder(plane.data);
  },
  { timeout: 240_000 },
);
after(async () => plane.cleanup());

/** A folder that looks like the checkout in which `npm start` ran, with `outrigger` and `kubectl` to be found. */
function workFolder(data: string): string {
  const made = join(dirname(data), 'checkout');
  const bin = join(made, 'path');
  mkdirSync(bin, { recursive: true });
  for (const name of ['bin', 'examples']) symlinkSync(join(ROOT, name), join(made, name));
  symlinkSync(data, join(made, '.outrigger'));
  symlinkSync(kubectlPath('35'), join(bin, 'kubectl'));
  const command = programCommand([]).map((word) => `'${word}'`);
  writeFileSync(join(bin, 'outrigger'), `#!/bin/sh\nexec ${command.join(' ')} "$@"\n`);
  chmodSync(join(bin, 'outrigger'), 0o755);
  return made;
}

interface Ran {
  readonly code: number | null;
  readonly output: string;
}

/** In a process group of its own, so that what it leaves in the background goes with it. */
function run(script: string): Promise<Ran> {
  const env = {
    ...process.env,
    PATH: `${join(folder, 'path')}:${process.env['PATH'] ?? ''}`,
    OUTRIGGER_DATA: plane.data,
    KUBECONFIG: plane.kubeconfig,
  };
  const child = spawn('bash', ['--norc', '-c', script], { cwd: folder, env, detached: true, stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (output += chunk.toString('utf8')));
  const endGroup = (): void => {
    try {
      process.kill(-(child.pid ?? 0), 'SIGKILL');
    } catch {
      // Nothing of it is left.
    }
  };
  const late = setTimeout(endGroup, PAGE_MS);
  child.once('exit', endGroup);
  return new Promise((done) => {
    child.once('close', (code) => {
      clearTimeout(late);
      done({ code, output });
    });
  });
}

for (const page of RUN_PAGES) {
  const text = readFileSync(join(ROOT, page), 'utf8');
  const script = scriptOf(text);
  if (script === '') continue;
  test(`${page}: every command works as it stands`, async () => {
    const { code, output } = await run(script);
    const line = [...output.matchAll(/^@@ (\d+)$/gm)].at(-1)?.[1] ?? '1';
    assert.equal(code, 0, `${page}:${line} ended with ${String(code)}; all that was said:\n${output}`);
    assert.doesNotMatch(output, /^a request failed$/m, output);
  });
}
