/**
 * Runs the simulator in processes of its own, on the repository or on a copy with a mutant in it.
 */

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { rmSync } from 'node:fs';
import { cp, mkdtemp, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { it } from 'node:test';
import type { RunResult } from '../../sim/simulate.ts';
import type { Mutant } from './mutants.ts';

/** Seeds that the unbroken code passes: all of them by `node tests/sim/soak.ts`, of which each run of the tests takes a sample. */
export const ALL_SEEDS = [1, 500] as const;
export const SAMPLE_SEEDS = 150;
const SAMPLE_STEP = 50;
/** First and last seed of each sample. */
export const SAMPLES = Array.from({ length: (ALL_SEEDS[1] - SAMPLE_SEEDS) / SAMPLE_STEP + 1 }, (_, index) => {
  const from = ALL_SEEDS[0] + index * SAMPLE_STEP;
  return [from, from + SAMPLE_SEEDS - 1] as const;
});
/** Among these a mutant is looked for that its own seed does not find any more. */
export const HUNTED = [1, 300] as const;

/** The sample of a day: each day another one, so that all seeds have their turn. */
export function sampleOf(nowMs: number): readonly [number, number] {
  const day = Math.floor(nowMs / 86_400_000);
  return SAMPLES[day % SAMPLES.length] ?? ALL_SEEDS;
}

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

/** A copy of what the simulator is made of, for one mutant after the other: Node keeps what it compiled, by path. */
let copied: Promise<string> | undefined;

async function makeCopy(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'outrigger-mutant-'));
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
  await cp(join(ROOT, 'package.json'), join(folder, 'package.json'));
  for (const part of ['base', 'model', 'decide', 'ports', 'client', 'extension', 'agent'])
    await cp(join(ROOT, 'src', part), join(folder, 'src', part), { recursive: true });
  await cp(join(ROOT, 'sim'), join(folder, 'sim'), { recursive: true });
  return folder;
}

/** The first seed of `from` to `to` that finds `mutant`, with what it found; undefined: none does. One at a time. */
export async function hunt<R extends { readonly violations: readonly string[] } = RunResult>(
  mutant: Mutant,
  from: number,
  to: number,
  program = 'sim/run.ts',
): Promise<R | undefined> {
  const folder = await (copied ??= makeCopy());
  const path = join(folder, mutant.file);
  const text = await readFile(path, 'utf8');
  const parts = text.split(mutant.find);
  assert.equal(
    parts.length,
    2,
    `mutant "${mutant.name}": its text occurs ${parts.length - 1} times in ${mutant.file}; mend the list of mutants`,
  );
  try {
    await writeFile(path, parts.join(mutant.replace));
    const [first] = await simulateIn<R>(folder, ['--seed', String(mutant.seed), '--eager'], program);
    if (first !== undefined && first.violations.length > 0) return first;
    const results = await simulateIn<R>(folder, ['--seeds', `${from}..${to}`, '--eager'], program);
    const found = results.find((result) => result.violations.length > 0);
    assert.ok(found !== undefined || results.length === to - from + 1, `mutant "${mutant.name}": the simulator itself broke down`);
    return found;
  } finally {
    await writeFile(path, text);
  }
}

/** Tests that each of `mutants` is found. */
export function huntAll(mutants: readonly Mutant[]): void {
  for (const mutant of mutants) {
    it(mutant.name, async (context) => {
      const found = await hunt(mutant, HUNTED[0], HUNTED[1]);
      assert.ok(found !== undefined, `no seed of ${HUNTED.join('..')} notices it`);
      const stale = found.seed === mutant.seed ? '' : `, not ${mutant.seed} any more: node tests/sim/refresh-seeds.ts`;
      context.diagnostic(`seed ${found.seed}${stale}: ${found.violations[0]?.split('\n')[0]}`);
    });
  }
}
