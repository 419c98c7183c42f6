/**
 * A rig for `outrigger up` as a person starts it: a folder of its own, a free port, real processes; and nothing of it is left afterwards.
 */
import { spawn, spawnSync } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { chmodSync, existsSync, mkdtempSync, readFileSync, readlinkSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { allPids, environmentOf, processIdOf, sendSignal } from '../../src/platform/process-id.ts';
import { preparePostgresHome } from '../../src/platform/postgres/home.ts';
import { programCommand } from '../../src/platform/program.ts';
import { eventually } from './eventually.ts';

/** Ten times what it should take: machines that run tests are shared. */
export const UP_DEADLINE_MS = 90_000;

export interface UpRun {
  readonly child: ChildProcess;
  readonly pid: number;
  output(): string;
  /** The first line that matches; fails with all output when none comes. */
  line(pattern: RegExp, withinMs?: number): Promise<RegExpExecArray>;
  /** Resolves with exit code or signal. */
  readonly ended: Promise<number | NodeJS.Signals>;
}

export interface UpRig {
  readonly data: string;
  start(args?: readonly string[], env?: Readonly<Record<string, string>>): UpRun;
  /** A command that ends by itself. */
  run(
    args: readonly string[],
    env?: Readonly<Record<string, string>>,
  ): { readonly code: number | null; readonly out: string; readonly err: string };
  /** Living processes of the folder, PostgreSQL too: `role pid`. */
  living(): readonly string[];
  /** kill -9 of all of them at once, up itself too. */
  killAll(): void;
  pidOf(part: string): number;
  cleanup(): Promise<void>;
}

export function upRig(name: string): UpRig {
  const folder = mkdtempSync(join(tmpdir(), `outrigger-${name}-`));
  // PostgreSQL runs as another user when we are root, and must get through.
  chmodSync(folder, 0o755);
  const data = join(folder, 'data');
  const runs: UpRun[] = [];
  const rig: UpRig = {
    data,
    start: (args = [], env = {}) => {
      const run = startUp(['up', '--data', data, '--port', '0', ...args], env);
      runs.push(run);
      return run;
    },
    run: (args, env = {}) => {
      const [file, ...rest] = programCommand(args);
      const done = spawnSync(file, rest, {
        encoding: 'utf8',
        env: { ...process.env, ...env },
        timeout: UP_DEADLINE_MS,
        killSignal: 'SIGKILL',
      });
      return { code: done.status, out: done.stdout, err: done.stderr };
    },
    living: () => livingOf(data).map(({ role, pid }) => `${role} ${pid}`),
    killAll: () => {
      for (const run of runs) sendSignal(run.pid, 'SIGKILL');
      for (let left = livingOf(data); left.length > 0; left = livingOf(data)) for (const { pid } of left) sendSignal(pid, 'SIGKILL');
    },
    pidOf: (part) => Number(readFileSync(join(data, 'run', `${part}.pid`), 'utf8')),
    cleanup: async () => {
      rig.killAll();
      await eventually('all processes of the rig are gone', () => livingOf(data).length === 0);
      if (existsSync(data)) {
        const home = dirname(preparePostgresHome(data).folder);
        if (!home.startsWith(folder)) rmSync(home, { recursive: true, force: true });
      }
      rmSync(folder, { recursive: true, force: true });
    },
  };
  return rig;
}

function startUp(args: readonly string[], env: Readonly<Record<string, string>>): UpRun {
  const [file, ...rest] = programCommand(args);
  const child = spawn(file, rest, { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, ...env } });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (output += chunk.toString('utf8')));
  const ended = new Promise<number | NodeJS.Signals>((done) => {
    child.once('close', (code, signal) => done(code ?? signal ?? 1));
  });
  let over = false;
  void ended.then(() => (over = true));
  return {
    child,
    pid: child.pid ?? -1,
    output: () => output,
    ended,
    line: async (pattern, withinMs = UP_DEADLINE_MS) => {
      try {
        return await eventually(
          `a line like ${pattern.source}`,
          () => pattern.exec(output) ?? (over ? giveUp(pattern) : undefined),
          withinMs,
          20,
        );
      } catch (cause) {
        throw new Error(`${(cause as Error).message}; the output was:\n${output}`, { cause });
      }
    },
  };
}

function giveUp(pattern: RegExp): never {
  throw new Error(`It ended before a line like ${pattern.source}`);
}

interface Living {
  readonly role: string;
  readonly pid: number;
}

/** By the marks in the environment, and by the working folder (PostgreSQL writes over its environment). */
function livingOf(data: string): readonly Living[] {
  return allPids().flatMap((pid) => {
    if (pid === process.pid || processIdOf(pid) === undefined) return [];
    const environment = environmentOf(pid);
    const mark = environment?.['OUTRIGGER_DATA'];
    if (environment !== undefined && (mark === data || mark?.startsWith(`${data}/`) === true))
      return [{ role: environment['OUTRIGGER_ROLE'] ?? 'unknown', pid }];
    return worksIn(pid, data) ? [{ role: 'postgres', pid }] : [];
  });
}

function worksIn(pid: number, data: string): boolean {
  try {
    return readlinkSync(`/proc/${pid}/cwd`).startsWith(`${data}/`);
  } catch {
    return false;
  }
}
