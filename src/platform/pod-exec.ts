/**
 * Runs a command beside a process, in its environment and folder: what `exec` probes need.
 *
 * I1: it ends within its time, with everything that it started; its output is read to a bound and the rest is dropped.
 */

import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { LIMITS } from '../model/limits.ts';
import type { ExecResult } from '../ports/runtime.ts';
import { sendSignal } from './process-id.ts';
import { findProgram } from './spawn.ts';

/** Throws `Fault` ProgramMissing. */
export async function runInside(
  environment: Readonly<Record<string, string>>,
  folder: string,
  command: readonly string[],
  timeoutMs: number,
  signal: AbortSignal,
): Promise<ExecResult> {
  const [program = '', ...args] = command;
  const path = findProgram(program, environment['PATH'] ?? '', folder);
  const child = spawn(path, args, {
    cwd: folder,
    env: { ...environment },
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
    argv0: program,
  });
  const kill = (): void => void (child.pid !== undefined && sendSignal(-child.pid, 'SIGKILL'));
  const timer = setTimeout(kill, timeoutMs);
  signal.addEventListener('abort', kill, { once: true });
  try {
    return await outcomeOf(child);
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', kill);
    // Whatever it left in the background must not pile up, once a second.
    kill();
  }
}

function outcomeOf(child: ChildProcess): Promise<ExecResult> {
  let output = '';
  const keep = (bytes: Buffer): void => {
    if (output.length < LIMITS.probeOutputChars) output += bytes.toString('utf8').slice(0, LIMITS.probeOutputChars - output.length);
  };
  child.stdout?.on('data', keep);
  child.stderr?.on('data', keep);
  return new Promise((done) => {
    child.once('error', (cause) => done({ exitCode: null, output: cause.message }));
    // `exit`, not `close`: a background process that holds the pipe must not keep the answer.
    child.once('exit', (exitCode) => setImmediate(() => done({ exitCode, output })));
  });
}
