/**
 * Joined machines for tests: folders with addresses of their own on loopback, and the commands that a person types there.
 *
 * Nothing of them is left when the test process ends, also when that is killed.
 */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { allPids, environmentOf, livesInStat, sendSignal, statOf } from '../../src/platform/process-id.ts';
import { programCommand } from '../../src/platform/program.ts';
import { endWithUs } from './end-with-us.ts';
import { eventually } from './eventually.ts';

export interface CommandDone {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

export interface Running {
  readonly pid: number;
  readonly child: ChildProcess;
  output(): string;
  line(pattern: RegExp, withinMs?: number): Promise<void>;
  /** Exit code or signal. */
  readonly ended: Promise<number | NodeJS.Signals>;
}

export interface TestMachine {
  readonly data: string;
  /** Where its node lies. */
  readonly folder: string;
  readonly address: string;
  /** A command that stays: `agent join …`, `agent --dir …`. */
  start(args: readonly string[]): Running;
  /** Its living processes, by role. */
  of(role: string): readonly number[];
  /** All that live, `role pid`. */
  living(): readonly string[];
  killAll(): void;
}

const DEADLINE_MS = 60_000;

export function testMachine(data: string, address: string): TestMachine {
  mkdirSync(data, { recursive: true });
  endWithUs(data);
  return {
    data,
    folder: `${data}/node`,
    address,
    start: startCommand,
    of: (role) => livingOf(data).flatMap((one) => (one.role === role ? [one.pid] : [])),
    living: () => livingOf(data).map(({ role, pid }) => `${role} ${pid}`),
    killAll: () => {
      for (let left = livingOf(data); left.length > 0; left = livingOf(data)) for (const { pid } of left) sendSignal(pid, 'SIGKILL');
    },
  };
}

/** `outrigger` with `args`, to its end. */
export async function runCommand(args: readonly string[], environment: Readonly<Record<string, string>> = {}): Promise<CommandDone> {
  const [file, ...rest] = programCommand(args);
  const child = spawn(file, rest, { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, ...environment } });
  let [out, err] = ['', ''];
  child.stdout.on('data', (chunk: Buffer) => (out += chunk.toString('utf8')));
  child.stderr.on('data', (chunk: Buffer) => (err += chunk.toString('utf8')));
  const timer = setTimeout(() => child.kill('SIGKILL'), DEADLINE_MS);
  const code = await new Promise<number | null>((done) => child.once('close', done));
  clearTimeout(timer);
  return { code, out, err };
}

function startCommand(args: readonly string[]): Running {
  const [file, ...rest] = programCommand(args);
  const child = spawn(file, rest, { stdio: ['ignore', 'pipe', 'pipe'], env: process.env });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (output += chunk.toString('utf8')));
  const ended = new Promise<number | NodeJS.Signals>((done) => child.once('exit', (code, signal) => done(code ?? signal ?? 1)));
  return {
    pid: child.pid ?? -1,
    child,
    output: () => output,
    ended,
    line: async (pattern, withinMs = DEADLINE_MS) => {
      try {
        await eventually(`a line like ${pattern.source}`, () => pattern.test(output), withinMs, 20);
      } catch (cause) {
        throw new Error(`${(cause as Error).message}; the output was:\n${output}`, { cause });
      }
    },
  };
}

function livingOf(data: string): readonly { readonly role: string; readonly pid: number }[] {
  return allPids().flatMap((pid) => {
    const environment = environmentOf(pid);
    if (environment?.['OUTRIGGER_DATA'] !== data || !livesInStat(statOf(pid))) return [];
    return [{ role: environment['OUTRIGGER_ROLE'] ?? 'unknown', pid }];
  });
}
