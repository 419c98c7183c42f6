/**
 * What this machine can do right now: one-core hashing and fsync. Printed beside every absolute figure, because machines are shared and swing.
 */

import { createHash } from 'node:crypto';
import { closeSync, fdatasyncSync, mkdtempSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs';
import { cpus, tmpdir, totalmem } from 'node:os';
import { join } from 'node:path';

export interface Calibration {
  /** SHA-256 of 64 KiB blocks on one core, MB/s. */
  readonly hashMBs: number;
  /** fdatasync of one 4 KiB write, median ms. */
  readonly syncMs: number;
}

export function calibrate(): Calibration {
  return { hashMBs: hashRate(), syncMs: syncLatency() };
}

function hashRate(): number {
  const block = Buffer.alloc(64 * 1024, 7);
  const begin = performance.now();
  let blocks = 0;
  while (performance.now() - begin < 500) {
    createHash('sha256').update(block).digest();
    blocks += 1;
  }
  return (blocks * 64) / 1024 / ((performance.now() - begin) / 1000);
}

function syncLatency(): number {
  const folder = mkdtempSync(join(tmpdir(), 'outrigger-calibrate-'));
  const file = openSync(join(folder, 'probe'), 'w');
  const page = Buffer.alloc(4096, 1);
  const times: number[] = [];
  for (let i = 0; i < 100; i++) {
    const begin = performance.now();
    writeSync(file, page);
    fdatasyncSync(file);
    times.push(performance.now() - begin);
  }
  closeSync(file);
  rmSync(folder, { recursive: true });
  return times.sort((a, b) => a - b)[50] ?? Number.NaN;
}

/** One line about the machine. */
export function describeMachine(): string {
  const [first] = cpus();
  const load = readFileSync('/proc/loadavg', 'utf8').split(' ')[0] ?? '?';
  return `${cpus().length} × ${first?.model.trim() ?? 'unknown'}, ${Math.round(totalmem() / 2 ** 30)} GiB, Node ${process.version}, load ${load}`;
}

/** Sum of the proportional set sizes of processes, MB. Processes that are gone count nothing. */
export function proportionalMB(pids: readonly number[]): number {
  let kB = 0;
  for (const pid of pids) {
    try {
      kB += Number(/^Pss:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8'))?.[1] ?? 0);
    } catch {
      continue;
    }
  }
  return kB / 1024;
}

/** `pid` and all its descendants. */
export function withDescendants(pid: number): number[] {
  const found = [pid];
  for (let at = 0; at < found.length; at++) {
    try {
      const children = readFileSync(`/proc/${found[at]}/task/${found[at]}/children`, 'utf8');
      found.push(...children.split(' ').filter(Boolean).map(Number));
    } catch {
      continue;
    }
  }
  return found;
}
