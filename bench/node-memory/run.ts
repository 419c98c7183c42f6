/**
 * `npm run bench -- node-memory`: what the processes of a node hold at rest.
 *
 * Starts `outrigger up` in a temporary folder of its own, and looks at each of its Node processes one and five minutes after it is up (`--short`: after
 * ten seconds, once). RSS counts the pages of Node itself, some 50 MB, in each process anew though the machine has them once; PSS shares them out;
 * private is what one more such process takes.
 */

import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describeMachine } from '../calibration.ts';
import { usedHeapMB } from './heap.ts';

const REST_SECONDS = process.argv.includes('--short') ? [10] : [60, 300];
const UP_DEADLINE_MS = 180_000;
const PROGRAM = join(import.meta.dirname, '..', '..', 'src', 'main', 'outrigger.ts');
const SMAPS = ['Rss', 'Pss', 'Private_Clean', 'Private_Dirty'] as const;

interface Sample {
  readonly pid: number;
  readonly role: string;
  readonly rssMB: number;
  readonly pssMB: number;
  readonly privateMB: number;
}

const data = mkdtempSync(join(tmpdir(), 'outrigger-node-memory-'));
const up = spawn(process.execPath, [PROGRAM, 'up', '--data', data, '--port', '0'], { stdio: ['ignore', 'pipe', 'pipe'] });
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => up.kill('SIGINT'));
try {
  console.log(`Machine: ${describeMachine()}.`);
  await untilUp(up);
  const upAt = performance.now();
  for (const seconds of REST_SECONDS) {
    await sleep(Math.max(0, upAt + seconds * 1_000 - performance.now()));
    const samples = sampleAll();
    const last = seconds === REST_SECONDS.at(-1);
    const heaps: (number | undefined)[] = [];
    if (last) for (const { pid } of samples) heaps.push(await usedHeapMB(pid).catch(() => undefined));
    console.log(`\n${render(samples, heaps, seconds)}`);
  }
} finally {
  await stopped(up);
  rmSync(data, { recursive: true, force: true });
}

async function untilUp(child: ChildProcess): Promise<void> {
  const found = Promise.withResolvers<undefined>();
  let said = '';
  const listen = (bytes: Buffer): void => {
    said = `${said}${bytes.toString('utf8')}`.slice(-20_000);
    if (said.includes('Outrigger is up')) found.resolve(undefined);
  };
  child.stdout?.on('data', listen);
  child.stderr?.on('data', listen);
  child.once('exit', () => found.reject(new Error(`outrigger up ended:\n${said}`)));
  const late = setTimeout(() => found.reject(new Error(`outrigger up is not up in time:\n${said}`)), UP_DEADLINE_MS);
  await found.promise.finally(() => clearTimeout(late));
}

async function stopped(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = Promise.withResolvers<undefined>();
  child.once('exit', () => ended.resolve(undefined));
  child.kill('SIGINT');
  await ended.promise;
}

function sampleAll(): Sample[] {
  const found = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map((name) => sampleOf(Number(name)))
    .filter((one) => one !== undefined);
  return found.sort((a, b) => a.role.localeCompare(b.role) || a.pid - b.pid);
}

/** Undefined: gone, or no part of this run. */
function sampleOf(pid: number): Sample | undefined {
  try {
    const args = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').slice(0, -1);
    const at = args.findIndex((arg) => arg.endsWith('/main/outrigger.ts'));
    // A pod's shell stays above its Node.
    if (at < 0 || basename(readlinkSync(`/proc/${pid}/exe`)) !== 'node' || !isOurs(pid, args)) return undefined;
    const rollup = readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8');
    const [rssMB, pssMB, clean, dirty] = SMAPS.map((key) => Number(new RegExp(`^${key}:\\s+(\\d+) kB`, 'm').exec(rollup)?.[1]) / 1024);
    if (rssMB === undefined || pssMB === undefined || clean === undefined || dirty === undefined) return undefined;
    return { pid, role: args.slice(at + 1, at + (args[at + 1] === 'service' ? 3 : 2)).join(' '), rssMB, pssMB, privateMB: clean + dirty };
  } catch {
    return undefined;
  }
}

/** Started with this run's folder: `up` itself by its arguments, the others by their environment. */
function isOurs(pid: number, args: readonly string[]): boolean {
  return args.includes(data) || readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0').includes(`OUTRIGGER_DATA=${data}`);
}

function render(samples: readonly Sample[], heaps: readonly (number | undefined)[], seconds: number): string {
  const rows = samples.map((one, n) => {
    const figures = [one.rssMB, one.pssMB, one.privateMB, heaps[n]];
    return one.role.padEnd(34) + figures.map((mb) => (mb === undefined ? '–' : mb.toFixed(1)).padStart(9)).join('');
  });
  const head = `${`At rest for ${seconds} s, MB`.padEnd(34)}${['RSS', 'PSS', 'private', 'heap'].map((name) => name.padStart(9)).join('')}`;
  return [head, ...rows].join('\n');
}
