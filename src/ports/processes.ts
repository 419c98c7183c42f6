/**
 * The door to processes: starts, finds, watches and ends the ones that must outlive their starter.
 *
 * I1: a process is identified by boot id, pid and start ticks, never by pid alone; so no signal reaches a stranger that got a dead one's pid.
 * I2: a process that was started here goes on when its starter dies, and is found again by its identity or by the marks in its environment.
 */

/** One process of one boot of one machine. Plain JSON, so that it can be written down. */
export interface ProcessId {
  readonly pid: number;
  /** /proc/sys/kernel/random/boot_id: another one means that the machine was restarted, and everything from before is gone. */
  readonly bootId: string;
  /** When the process started, in clock ticks since boot: field 22 of /proc/PID/stat. */
  readonly startTicks: number;
}

export interface FoundProcess {
  readonly id: ProcessId;
  readonly environment: Readonly<Record<string, string>>;
}

export interface ProcessExit {
  readonly exitCode: number | null;
  readonly signal: string | null;
}

export interface ProcessStart {
  /** The program (a path, or a name that is looked up in `environment.PATH`) and its arguments. */
  readonly command: readonly [string, ...string[]];
  /** The whole environment: nothing is inherited. */
  readonly environment: Readonly<Record<string, string>>;
  readonly folder: string;
  /** Standard output and error are appended here; its folder is made. */
  readonly logFile: string;
  /** Runs as this user; only root may ask for another than itself. */
  readonly user?: { readonly uid: number; readonly gid: number };
}

export interface StartedProcess {
  readonly id: ProcessId;
  /** Resolves when it ends while its starter lives. Never rejects. */
  readonly exited: Promise<ProcessExit>;
}

export interface Processes {
  self(): ProcessId;
  /** The living process with this pid; undefined when there is none (a zombie is none). */
  of(pid: number): ProcessId | undefined;
  isAlive(id: ProcessId): boolean;
  /** How much it has read and written so far, as a text that changes when that does; undefined when it is gone or may not be looked at. */
  ioOf(id: ProcessId): string | undefined;
  /** Living processes whose environment holds all of `marks`. Sees own processes, or all when run as root. */
  find(marks: Readonly<Record<string, string>>): readonly FoundProcess[];
  /**
   * Starts it as leader of its own session and process group, with no open files but its log.
   * Throws `Fault` ProgramMissing when the program cannot be run, FolderUnwritable when the log cannot be opened.
   */
  start(start: ProcessStart): Promise<StartedProcess>;
  /** Sends a signal to it alone; false when it no longer lives. */
  signalOne(id: ProcessId, signal: 'SIGTERM' | 'SIGKILL'): boolean;
  /** Sends a signal to it and to its process group; false when it no longer lives. */
  signalGroup(id: ProcessId, signal: 'SIGTERM' | 'SIGKILL' | 'SIGUSR2' | 'SIGHUP'): boolean;
  /** TERM to the group, KILL after `graceMs`; resolves when no process of its session lives. Safe to repeat. Throws `Fault` DeadlineExceeded when it survives KILL for 5 s. */
  stop(id: ProcessId, graceMs: number, signal: AbortSignal): Promise<void>;
}
