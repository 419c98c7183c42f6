/**
 * The door to small text files: endpoints, marks of running processes, joining material. What must survive a power cut goes into a NodeStore.
 *
 * I1: a reader sees the old or the new content of a written file, never a part.
 */

export interface Files {
  /** Undefined when there is none. Throws `Fault` FolderUnwritable when it is there and cannot be read. */
  readText(path: string): string | undefined;
  /** Replaces the file as a whole; `mode` such as 0o600. Throws `Fault` FolderUnwritable or DiskFull. */
  writeText(path: string, text: string, mode: number): void;
  /** Nothing happens when it is not there. */
  remove(path: string): void;
  /** Removes a folder and all in it. */
  removeFolder(path: string): void;
  /** Names in a folder, sorted; empty when there is none. */
  list(folder: string): readonly string[];
  exists(path: string): boolean;
  /** Makes the folder and its parents. Throws `Fault` FolderUnwritable when that or a write into it fails. */
  ensureFolder(path: string, mode: number): void;
}
