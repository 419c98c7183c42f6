/**
 * `npm run check`: types, lint, format, floors, dead code and own laws, two at a time, one line each.
 *
 *     node tools/check/run.ts [--root FOLDER] [NAME...]
 *
 * The output of a check is shown only when it fails. Exits 1 when any fails, 2 when a name is unknown.
 */
import { spawn } from 'node:child_process';
import { CHECKS } from './checks.ts';
import type { Check } from './checks.ts';

export interface CheckResult {
  readonly name: string;
  readonly passed: boolean;
  readonly output: string;
  readonly elapsedMs: number;
}

const AT_ONCE = 2;
/** A guard that hangs must not hang the build; the slowest takes seconds. */
const TIMEOUT_MS = 180_000;

/** Runs one check in `root` and answers with its output, both streams together. */
export async function runCheck(check: Check, root: string): Promise<CheckResult> {
  const started = performance.now();
  const [command, ...args] = check.command;
  const { promise, resolve } = Promise.withResolvers<CheckResult>();
  const chunks: Buffer[] = [];
  const child = spawn(command, args, {
    cwd: root,
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: TIMEOUT_MS,
    env: { ...process.env, NO_COLOR: '1' },
  });
  const done = (passed: boolean, extra: string): void => {
    const output = Buffer.concat(chunks).toString('utf8') + extra;
    resolve({ name: check.name, passed, output, elapsedMs: performance.now() - started });
  };
  child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk));
  child.stderr.on('data', (chunk: Buffer) => chunks.push(chunk));
  child.on('error', (error) => done(false, `could not start: ${error.message}`));
  child.on('close', (code, signal) => done(code === 0, signal === null ? '' : `ended by ${signal} after at most ${TIMEOUT_MS / 1000} s\n`));
  return promise;
}

/** Runs the checks, prints a line for each as it ends, and answers with all results. */
export async function runChecks(checks: readonly Check[], root: string): Promise<readonly CheckResult[]> {
  const waiting = [...checks];
  const results: CheckResult[] = [];
  const work = async (): Promise<void> => {
    for (let check = waiting.shift(); check !== undefined; check = waiting.shift()) {
      const result = await runCheck(check, root);
      results.push(result);
      const tells = result.passed ? check.tells(result.output) : `FAILED: ${check.guards}`;
      console.log(`  ${result.passed ? '✔' : '✖'} ${check.name.padEnd(7)} ${(result.elapsedMs / 1000).toFixed(1).padStart(5)} s  ${tells}`);
      if (!result.passed) console.log(result.output.trimEnd().replace(/^/gm, '      '));
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  return results;
}

async function main(args: readonly string[]): Promise<number> {
  const at = args.indexOf('--root');
  const root = at === -1 ? process.cwd() : (args[at + 1] ?? process.cwd());
  const names = args.filter((_, index) => at === -1 || (index !== at && index !== at + 1));
  const unknown = names.filter((name) => !CHECKS.some((check) => check.name === name));
  if (unknown.length > 0) {
    console.error(`No check is called ${unknown.join(', ')}; there are ${CHECKS.map((check) => check.name).join(', ')}.`);
    return 2;
  }
  const started = performance.now();
  const chosen = CHECKS.filter((check) => names.length === 0 || names.includes(check.name));
  const results = await runChecks(chosen, root);
  const failed = results.filter((result) => !result.passed).map((result) => result.name);
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  console.log(failed.length === 0 ? `check: all ${results.length} hold, ${seconds} s` : `check: ${failed.join(', ')} failed, ${seconds} s`);
  return failed.length === 0 ? 0 : 1;
}

if (import.meta.main) process.exitCode = await main(process.argv.slice(2));
