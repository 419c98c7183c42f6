/**
 * Runs the simulator in processes of its own, on the repository or on a copy with a mutant in it.
 */

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { RunResult } from '../../sim/simulate.ts';
import type { Mutant } from './mutants.ts';

/** First and last seed of every run of the tests. */
export const SEEDS = [1, 300] as const;

export const ROOT = join(import.meta.dirname, '../..');

/** What `node PROGRAM --json …args` in `root` prints, a result a line. */
export async function simulateIn<R = RunResult>(root: string, args: readonly string[], program = 'sim/run.ts'): Promise<R[]> {
  const child = spawn(process.execPath, [join(root, program), '--json', ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  let out = '';
  let err = '';
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => (out += chunk));
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => (err += chunk));
  const code = await new Promise<number | null>((resolve, reject) => child.on('error', reject).on('close', resolve));
  assert.ok((code === 0 || code === 1) && err === '', `${program} ${args.join(' ')} ended with ${code}:\n${err}`);
  return out
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as R);
}

/** Seeds `from` to `to`, shared by `workers` processes; in order. */
export async function simulateRange<R = RunResult>(from: number, to: number, workers: number, program = 'sim/run.ts'): Promise<R[]> {
  const share = Math.ceil((to - from + 1) / workers);
  const ranges = Array.from(
    { length: workers },
    (_, index) => [from + index * share, Math.min(to, from + (index + 1) * share - 1)] as const,
  );
  const parts = await Promise.all(
    ranges.filter(([a, b]) => a <= b).map(([a, b]) => simulateIn<R>(ROOT, ['--seeds', `${a}..${b}`], program)),
  );
  return parts.flat();
}

/** The first seed of `from` to `to` that finds `mutant`, with what it found; undefined: none does. */
export async function hunt<R extends { readonly violations: readonly string[] } = RunResult>(
  mutant: Mutant,
  from: number,
  to: number,
  program = 'sim/run.ts',
): Promise<R | undefined> {
  const folder = await mkdtemp(join(tmpdir(), 'outrigger-mutant-'));
  try {
    await cp(join(ROOT, 'package.json'), join(folder, 'package.json'));
    for (const part of ['base', 'model', 'decide', 'ports', 'client', 'extension', 'agent'])
      await cp(join(ROOT, 'src', part), join(folder, 'src', part), { recursive: true });
    await cp(join(ROOT, 'sim'), join(folder, 'sim'), { recursive: true });
    const path = join(folder, mutant.file);
    const text = await readFile(path, 'utf8');
    const parts = text.split(mutant.find);
    assert.equal(
      parts.length,
      2,
      `mutant "${mutant.name}": its text occurs ${parts.length - 1} times in ${mutant.file}; mend the list of mutants`,
    );
    await writeFile(path, parts.join(mutant.replace));
    const [first] = await simulateIn<R>(folder, ['--seed', String(mutant.seed), '--eager'], program);
    if (first !== undefined && first.violations.length > 0) return first;
    const results = await simulateIn<R>(folder, ['--seeds', `${from}..${to}`, '--eager'], program);
    const found = results.find((result) => result.violations.length > 0);
    assert.ok(found !== undefined || results.length === to - from + 1, `mutant "${mutant.name}": the simulator itself broke down`);
    return found;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
