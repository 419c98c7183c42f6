/**
 * `npm test`: the checks, then the tests layer by layer, and one summary.
 *
 *     npm test                               everything
 *     npm test -- unit contract              these layers (check guards unit sim contract integration chaos)
 *     npm test -- tests/unit/ring.test.ts    files whose path contains this
 *     npm test -- unit --name=PATTERN        tests whose name matches
 *
 * I1: it fails when a test fails, when no test ran, when a layer's folder holds no test, and when a process of a test is left.
 * I2: in continuous integration as root nothing may be left out or skipped.
 * I3: the last line is `N passed, N failed`, alone on a line.
 * I4: what failed, and what failed once and passed when it ran again, is said in full before the closing table: the end of a long record
 *     is what people see.
 */
import { chmodSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CHECKS } from '../check/checks.ts';
import { runChecks } from '../check/run.ts';
import { runFiles } from './files.ts';
import type { Counts, RunOptions, Told } from './files.ts';
import { LAYERS, isEverything, parseSelection, testFiles } from './layers.ts';
import type { Layer, Selection } from './layers.ts';
import { killOrphans } from './orphans.ts';

interface Row extends Counts {
  readonly name: string;
  readonly elapsedMs: number;
}

const ROOT = join(import.meta.dirname, '..', '..');
const isRoot = process.getuid?.() === 0;
const isCi = process.env['CI'] !== undefined && process.env['CI'] !== 'false';

async function runCheckLayer(): Promise<Counts> {
  const results = await runChecks(CHECKS, ROOT);
  const passed = results.filter((result) => result.passed).length;
  return { passed, failed: results.length - passed, skipped: 0 };
}

/** Runs one layer; a string says why it was left out. */
async function runLayer(layer: Layer, selection: Selection, options: RunOptions): Promise<Counts | string> {
  const all = testFiles(ROOT, layer);
  if (all === undefined) return `there is no ${layer.folder}`;
  if (layer.needsRoot && !isRoot) return 'needs root';
  const files = selection.paths.length === 0 ? all : all.filter((file) => selection.paths.some((path) => file.includes(path)));
  if (all.length === 0) console.log(`  ✖ ${layer.folder} holds no *.test.ts`);
  const counts = all.length === 0 ? { passed: 0, failed: 1, skipped: 0 } : await runFiles(layer, files, options);
  const orphans = layer.startsProcesses ? await killOrphans(options.runFolder) : [];
  const left = orphans.map(({ pid, command }) => `  ✖ left behind by a test, killed now: process ${pid}: ${command}`);
  for (const line of left) console.log(line);
  options.told.failed.push(...left);
  return { ...counts, failed: counts.failed + orphans.length };
}

function wants(name: string, selection: Selection): boolean {
  if (selection.layers.size > 0) return selection.layers.has(name);
  if (selection.paths.length === 0) return selection.namePattern === undefined || name !== 'check';
  const layer = LAYERS.find((one) => one.name === name);
  const files = layer === undefined ? [] : (testFiles(ROOT, layer) ?? []);
  return files.some((file) => selection.paths.some((path) => file.includes(path)));
}

async function runAll(selection: Selection, options: RunOptions): Promise<{ rows: Row[]; leftOut: string[] }> {
  const rows: Row[] = [];
  const leftOut: string[] = [];
  const steps = [
    { name: 'check', work: runCheckLayer },
    ...LAYERS.map((layer) => ({ name: layer.name, work: () => runLayer(layer, selection, options) })),
  ];
  for (const { name, work } of steps) {
    if (!wants(name, selection) || options.signal.aborted) continue;
    console.log(`\n${name}`);
    const started = performance.now();
    const outcome = await work();
    if (typeof outcome === 'string') {
      console.log(`  left out: ${outcome}`);
      leftOut.push(`${name} (${outcome})`);
    } else {
      rows.push({ name, elapsedMs: performance.now() - started, ...outcome });
    }
  }
  return { rows, leftOut };
}

/** I4. */
function tellAgain({ failed, shaky }: Told): void {
  if (shaky.length > 0) console.log(['\nshaky: failed once, passed when run again alone; each is a finding', ...shaky].join('\n'));
  if (failed.length > 0) console.log(['\nfailed', ...failed].join('\n'));
}

/** Prints the table and the closing line; answers with the exit code. */
function summarize(rows: readonly Row[], leftOut: readonly string[], selection: Selection): number {
  const sum = (pick: (row: Row) => number): number => rows.reduce((total, row) => total + pick(row), 0);
  console.log('\nlayer         passed  failed  skipped     time');
  for (const row of rows) {
    const numbers = [row.passed, row.failed, row.skipped].map((number) => String(number).padStart(8)).join('');
    console.log(`${row.name.padEnd(12)}${numbers}${`${(row.elapsedMs / 1000).toFixed(1)} s`.padStart(11)}`);
  }
  const passed = sum((row) => row.passed);
  const skipped = sum((row) => row.skipped);
  let failed = sum((row) => row.failed);
  if (leftOut.length > 0) console.log(`left out: ${leftOut.join(', ')}`);
  if (isCi && isRoot && isEverything(selection) && leftOut.length + skipped > 0) {
    console.log('In continuous integration as root every layer and every test must run.');
    failed += leftOut.length + skipped;
  }
  if (passed + failed === 0) {
    console.log('No test ran: nothing matches what was asked for.');
    failed = 1;
  }
  console.log(`${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`);
  return failed === 0 ? 0 : 1;
}

async function main(): Promise<number> {
  const selection = parseSelection(process.argv.slice(2));
  // Short, because a socket's path has 107 characters; open to others, because PostgreSQL works as another user when we are root.
  const runFolder = mkdtempSync(join(tmpdir(), 'ot-'));
  chmodSync(runFolder, 0o755);
  process.env['TMPDIR'] = runFolder;
  const stop = new AbortController();
  process.on('SIGINT', () => stop.abort());
  process.on('SIGTERM', () => stop.abort());
  const told = { failed: [], shaky: [] };
  const options = { root: ROOT, runFolder, namePattern: selection.namePattern, secondRuns: isCi, told, signal: stop.signal };
  const { rows, leftOut } = await runAll(selection, options);
  if (stop.signal.aborted) await killOrphans(runFolder);
  tellAgain(told);
  const code = summarize(rows, leftOut, selection);
  if (code === 0 || isCi || readdirSync(runFolder).length === 0) rmSync(runFolder, { recursive: true, force: true });
  else console.error(`What the failed tests left is in ${runFolder}.`);
  return stop.signal.aborted ? 130 : code;
}

process.exitCode = await main();
