/**
 * The door to how busy a machine and its processes are.
 */

export interface MachineLoad {
  /** Processor time since boot, in seconds, by what it was used for (user, system, idle, iowait). */
  readonly cpuSeconds: Readonly<Record<string, number>>;
  /** Average of the last minute. */
  readonly load1: number;
  readonly memoryBytes: number;
  readonly memoryAvailableBytes: number;
  /** Of the disk that holds the node's folder. */
  readonly diskBytes: number;
  readonly diskFreeBytes: number;
}

export interface ProcessLoad {
  /** Processor time since it started. */
  readonly cpuSeconds: number;
  /** Memory that is in RAM now, shared pages counted whole. */
  readonly memoryBytes: number;
}

export interface MachineLoads {
  /** Undefined: the machine does not tell. */
  machine(): Promise<MachineLoad | undefined>;
  /** Undefined: there is no such process (any more). */
  process(pid: number): ProcessLoad | undefined;
}
