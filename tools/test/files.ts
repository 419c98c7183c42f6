/**
 * Runs test files, each in a process of its own, and tells file by file what happened: one line a file, failures in full.
 *
 * node:test's own `run()` waits for ever for a file that leaves something open; here a file has a deadline.
 *
 * I1: a file fails when a test in it fails, when it holds no test, when it cannot be loaded, when it does not end in time, and when its
 *     process ends badly after its tests passed.
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
  readonly signal: AbortSignal;
}

const REPORTER = join(import.meta.dirname, 'reporter.ts');
/** A file that is told to stop gets this long to clean up. */
const STOP_MS = 5000;
/** Output kept of one file; the end is what matters. */
const MAX_OUTPUT_CHARS = 200_000;

/** Runs the files, first those that run alone, then as many at once as the layer allows, and sums up. */
export async function runFiles(layer: Layer, files: readonly string[], options: RunOptions): Promise<Counts> {
  const counts = { passed: 0, failed: 0, skipped: 0 };
  const work = async (waiting: string[]): Promise<void> => {
    for (let file = waiting.shift(); file !== undefined && !options.signal.aborted; file = waiting.shift()) {
      const { passed, failed, skipped } = await runFile(layer, file, options);
      counts.passed += passed;
      counts.failed += failed;
      counts.skipped += skipped;
    }
  };
  const isAlone = (file: string): boolean => layer.alone.includes(basename(file, '.test.ts'));
  await work(files.filter(isAlone));
  const others = files.filter((file) => !isAlone(file));
  await Promise.all(Array.from({ length: layer.concurrency }, () => work(others)));
  return counts;
}

async function runFile(layer: Layer, file: string, options: RunOptions): Promise<Counts> {
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
  tell(file, lines, ended, trouble, failed);
  return { passed: count('passed'), failed, skipped: count('skipped') };
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

function tell(file: string, lines: readonly TestLine[], ended: Ended, trouble: string | undefined, failed: number): void {
  const passed = lines.filter((line) => line.outcome === 'passed').length;
  const skipped = lines.filter((line) => line.outcome === 'skipped');
  const parts = [`${passed} passed`, failed > 0 ? `${failed} FAILED` : '', skipped.length > 0 ? `${skipped.length} skipped` : ''];
  const seconds = (ended.elapsedMs / 1000).toFixed(1);
  console.log(`  ${failed > 0 ? '✖' : '✔'} ${file.padEnd(50)} ${parts.filter((part) => part !== '').join(', ')}, ${seconds} s`);
  const output = ended.output.trimEnd();
  if (output !== '') console.log(output.replace(/^/gm, '      '));
  for (const line of skipped) console.log(`    - skipped: ${line.path.join(' > ')} (${file}:${line.line})`);
  for (const line of lines.filter((one) => one.outcome === 'failed')) {
    console.log(`    ✖ ${line.path.join(' > ')} (${file}:${line.line})`);
    console.log((line.error ?? '').replace(/^/gm, '      '));
  }
  if (trouble !== undefined) console.log(`    ✖ ${file} ${trouble}`);
}
