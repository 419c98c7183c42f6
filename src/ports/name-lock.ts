/**
 * The door to locks by name that cannot go stale: held by a process, dropped by the kernel when it ends, however it ends.
 */

export interface NameLocks {
  /** Undefined when somebody holds it. */
  hold(name: string): Promise<{ release(): void } | undefined>;
  /** A name that stands for this folder, by whatever path it is reached. The folder must exist. */
  nameOfFolder(folder: string): string;
}
