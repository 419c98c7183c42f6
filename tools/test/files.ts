/**
 * Runs test files, each in a process of its own, and tells file by file what happened: one line a file, failures in full.
 *
 * node:test's own `run()` waits for ever for a file that leaves something open; here a file has a deadline.
 *
 * I1: a file fails when a test in it fails, when it holds no test, when it cannot be loaded, when it does not end in time, and when its
 *     process ends badly after its tests passed.
 * I2: what fails is said again at the end of the run, in full. A file of a layer that starts processes is run a second time, alone, when the
 *     run asks for that and few failed: what passes then counts as passed and is told as shaky, with its error. What is broken fails twice.
 */
import { spawn } from 'node:child_process';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { basename, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Layer } from './layers.ts';
import type { TestLine } from './reporter.ts';

export interface Counts {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

/** What a run says again at its end, where it is found: each entry a test's path and place, and its error. */
export interface Told {
  readonly failed: string[];
  /** Failed once and passed when their file ran again, alone. */
  readonly shaky: string[];
}

interface FileResult extends Counts {
  readonly file: string;
  readonly failures: readonly string[];
}

interface Ended {
  /** Says how the process ended when it did not end well. */
  readonly trouble: string | undefined;
  readonly output: string;
  readonly elapsedMs: number;
}

export interface RunOptions {
  readonly root: string;
  /** The run's temporary folder. */
  readonly runFolder: string;
  readonly namePattern: string | undefined;
  /** Run failed files of layers that start processes once more (I2): on machines that others share, where seconds swing. */
  readonly secondRuns: boolean;
  readonly told: Told;
  readonly signal: AbortSignal;
}

/** With more failed files than this in a layer something is broken, and running them again would only hide how badly. */
const MAX_SECOND_RUNS = 3;
/** Of an error, its first lines say what happened; what was printed while it ran stands above. */
const MAX_TOLD_LINES = 40;
const REPORTER = join(import.meta.dirname, 'reporter.ts');
/** A file that is told to stop gets this long to clean up. */
const STOP_MS = 5000;
/** Output kept of one file; the end is what matters. */
const MAX_OUTPUT_CHARS = 200_000;

/** Runs the files, first those that run alone, then as many at once as the layer allows, and sums up. */
export async function runFiles(layer: Layer, files: readonly string[], options: RunOptions): Promise<Counts> {
  const results: FileResult[] = [];
  const work = async (waiting: string[]): Promise<void> => {
    for (let file = waiting.shift(); file !== undefined && !options.signal.aborted; file = waiting.shift()) {
      results.push(await runFile(layer, file, options));
    }
  };
  const isAlone = (file: string): boolean => layer.alone.includes(basename(file, '.test.ts'));
  await work(files.filter(isAlone));
  const others = files.filter((file) => !isAlone(file));
  await Promise.all(Array.from({ length: layer.concurrency }, () => work(others)));
  const final = await runAgain(layer, results, options);
  options.told.failed.push(...final.flatMap(({ failures }) => failures));
  const sum = (pick: (result: Counts) => number): number => final.reduce((total, result) => total + pick(result), 0);
  return { passed: sum((one) => one.passed), failed: sum((one) => one.failed), skipped: sum((one) => one.skipped) };
}

/** I2: what counts, after the few files that failed had a second run where they may have one. */
async function runAgain(layer: Layer, results: readonly FileResult[], options: RunOptions): Promise<FileResult[]> {
  const failed = results.filter((result) => result.failed > 0);
  const may = options.secondRuns && layer.startsProcesses && failed.length <= MAX_SECOND_RUNS;
  const final: FileResult[] = [];
  for (const result of results) {
    if (!may || result.failed === 0 || options.signal.aborted) {
      final.push(result);
      continue;
    }
    console.log(`  ↻ ${result.file} runs again, alone`);
    const again = await runFile(layer, result.file, options);
    if (again.failed === 0) options.told.shaky.push(...result.failures);
    final.push(again);
  }
  return final;
}

async function runFile(layer: Layer, file: string, options: RunOptions): Promise<FileResult> {
  const report = join(options.runFolder, `report-${file.replaceAll('/', '-')}.ndjson`);
  const ended = await runProcess(layer, file, report, options);
  const lines = existsSync(report) ? parseReport(readFileSync(report, 'utf8')) : [];
  rmSync(report, { force: true });
  const count = (outcome: TestLine['outcome']): number => lines.filter((line) => line.outcome === outcome).length;
  let failed = count('failed');
  // The exit code of a file with failing tests is 1 as well: only what is not told by its tests is trouble of its own.
  let trouble = failed > 0 && ended.trouble === 'ended with code 1' ? undefined : ended.trouble;
  if (trouble === undefined && lines.length === 0 && options.namePattern === undefined) trouble = 'holds no test';
  if (trouble !== undefined) failed += 1;
  const failures = tell(file, lines, ended, trouble, failed);
  return { file, passed: count('passed'), failed, skipped: count('skipped'), failures };
}

function parseReport(text: string): TestLine[] {
  return text
    .split('\n')
    .filter((line) => line !== '')
    .flatMap((line) => {
      try {
        return [JSON.parse(line) as TestLine];
      } catch {
        // The process was killed while it wrote its last line.
        return [];
      }
    });
}

async function runProcess(layer: Layer, file: string, report: string, options: RunOptions): Promise<Ended> {
  const started = performance.now();
  const pattern = options.namePattern === undefined ? [] : [`--test-name-pattern=${options.namePattern}`];
  const args = [`--test-reporter=${REPORTER}`, `--test-reporter-destination=${report}`, ...pattern, file];
  // Set when we are run by a test ourselves; it would make the file's tests report to nobody.
  const { NODE_TEST_CONTEXT: _context, ...env } = process.env;
  const child = spawn(process.execPath, args, { cwd: options.root, env, stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  const take = (chunk: Buffer): void => {
    output = (output + chunk.toString('utf8')).slice(-MAX_OUTPUT_CHARS);
  };
  child.stdout.on('data', take);
  child.stderr.on('data', take);
  const { promise, resolve } = Promise.withResolvers<string | undefined>();
  child.on('error', (error) => resolve(`could not start: ${error.message}`));
  // `exit`, not `close`: a process that a test left behind may hold the pipes for ever.
  child.on('exit', (code, signal) => resolve(code === 0 ? undefined : `ended ${signal === null ? `with code ${code}` : `by ${signal}`}`));
  let late: string | undefined;
  const stop = (why: string): void => {
    late ??= why;
    child.kill('SIGTERM');
    void sleep(STOP_MS, undefined, { ref: false }).then(() => child.kill('SIGKILL'));
  };
  const timer = setTimeout(
    () => stop(`did not end within ${layer.fileTimeoutMs / 1000} s: a test hangs, or something was left open`),
    layer.fileTimeoutMs,
  );
  const abort = (): void => stop('was interrupted');
  options.signal.addEventListener('abort', abort, { once: true });
  const trouble = await promise;
  clearTimeout(timer);
  options.signal.removeEventListener('abort', abort);
  // What is still in the pipes.
  await Promise.race([sleep(100), new Promise((done) => child.once('close', done))]);
  child.stdout.destroy();
  child.stderr.destroy();
  return { trouble: late ?? trouble, output, elapsedMs: performance.now() - started };
}

/** Prints what happened in a file; answers with its failures, as they are told again at the end. */
function tell(file: string, lines: readonly TestLine[], ended: Ended, trouble: string | undefined, failed: number): string[] {
  const passed = lines.filter((line) => line.outcome === 'passed').length;
  const skipped = lines.filter((line) => line.outcome === 'skipped');
  const parts = [`${passed} passed`, failed > 0 ? `${failed} FAILED` : '', skipped.length > 0 ? `${skipped.length} skipped` : ''];
  const seconds = (ended.elapsedMs / 1000).toFixed(1);
  console.log(`  ${failed > 0 ? '✖' : '✔'} ${file.padEnd(50)} ${parts.filter((part) => part !== '').join(', ')}, ${seconds} s`);
  const output = ended.output.trimEnd();
  if (output !== '') console.log(output.replace(/^/gm, '      '));
  for (const line of skipped) console.log(`    - skipped: ${line.path.join(' > ')} (${file}:${line.line})`);
  const failures = lines
    .filter((one) => one.outcome === 'failed')
    .map((line) => `    ✖ ${line.path.join(' > ')} (${file}:${line.line})\n${(line.error ?? '').replace(/^/gm, '      ')}`);
  if (trouble !== undefined) failures.push(`    ✖ ${file} ${trouble}`);
  for (const failure of failures) console.log(failure);
  return failures.map((failure) => failure.split('\n').slice(0, MAX_TOLD_LINES).join('\n'));
}
