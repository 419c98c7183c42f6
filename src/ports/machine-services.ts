/**
 * The door to a machine's services: users, files of root, systemd. For `outrigger install` alone.
 */

import type { Owner } from '../model/service-role.ts';

export interface UnitState {
  /** `ActiveState`: active, activating, failed, inactive, … */
  readonly active: string;
  /** `SubState`: running, start, auto-restart, … */
  readonly sub: string;
  /** What the part said of itself last; empty: nothing. */
  readonly status: string;
}

export interface MachineServices {
  isRoot(): boolean;
  /** Why services cannot be run here, as a sentence; undefined: they can. */
  trouble(): string | undefined;
  /** False: somebody who is not root cannot read it, or cannot get there. */
  readableByAll(path: string): boolean;
  /** Makes a system user without a home or a shell, and its group; true when it was not there. Throws `Fault` ProgramFailed. */
  ensureUser(name: string, home: string): boolean;
  /** Makes the folder, and sets mode and owner. Throws `Fault` FolderUnwritable. */
  ensureFolder(path: string, mode: number, owner: Owner): void;
  /** Replaces the file as a whole, and sets mode and owner; true when its text was another. Throws `Fault` FolderUnwritable or DiskFull. */
  writeFile(path: string, text: string, mode: number, owner: Owner): boolean;
  /** Runs `systemctl`; what it prints on failure is in the `Fault` ProgramFailed. */
  control(args: readonly string[]): void;
  stateOf(unit: string): UnitState;
  /** Runs a command as this user, in the terminal of this one; resolves with its exit code. */
  runAs(user: string, command: readonly string[], environment: Readonly<Record<string, string>>): Promise<number>;
}
