/**
 * How busy this Linux machine is, from /proc (src/ports/machine-load.ts). Source of the formats: proc(5).
 *
 * I1: reading never throws: what is not there, or not as expected, is undefined.
 */

import { readFileSync } from 'node:fs';
import { statfs } from 'node:fs/promises';
import type { MachineLoad, MachineLoads, ProcessLoad } from '../ports/machine-load.ts';

/** USER_HZ: in which /proc counts processor time; 100 on every architecture that Node runs on. */
const TICKS_PER_SECOND = 100;
const PAGE_BYTES = 4096;
const KIB = 1024;
/** Columns of the first line of /proc/stat. */
const CPU_MODES = ['user', 'nice', 'system', 'idle', 'iowait', 'irq', 'softirq', 'steal'] as const;

/** `folder`: whose disk is looked at. */
export function machineLoads(folder: string): MachineLoads {
  return { machine: async () => await readMachine(folder), process: readProcess };
}

async function readMachine(folder: string): Promise<MachineLoad | undefined> {
  const [stat, memory, load] = [readProc('stat'), readProc('meminfo'), readProc('loadavg')];
  if (stat === undefined || memory === undefined || load === undefined) return undefined;
  const ticks = (/^cpu\s+(.*)$/m.exec(stat)?.[1] ?? '').split(' ').map(Number);
  const memoryOf = (name: string): number => Number(new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(memory)?.[1] ?? Number.NaN) * KIB;
  try {
    const disk = await statfs(folder);
    const read: MachineLoad = {
      cpuSeconds: Object.fromEntries(CPU_MODES.map((mode, index) => [mode, (ticks[index] ?? 0) / TICKS_PER_SECOND])),
      load1: Number(load.split(' ')[0]),
      memoryBytes: memoryOf('MemTotal'),
      memoryAvailableBytes: memoryOf('MemAvailable'),
      diskBytes: disk.blocks * disk.bsize,
      diskFreeBytes: disk.bavail * disk.bsize,
    };
    return read;
  } catch {
    return undefined;
  }
}

function readProcess(pid: number): ProcessLoad | undefined {
  const stat = readProc(`${pid}/stat`);
  if (stat === undefined) return undefined;
  // The command, in parentheses, may itself hold spaces and parentheses.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const [user, system, pages] = [Number(fields[11]), Number(fields[12]), Number(fields[21])];
  if (![user, system, pages].every(Number.isFinite)) return undefined;
  return { cpuSeconds: (user + system) / TICKS_PER_SECOND, memoryBytes: pages * PAGE_BYTES };
}

function readProc(path: string): string | undefined {
  try {
    return readFileSync(`/proc/${path}`, 'latin1');
  } catch {
    return undefined;
  }
}
