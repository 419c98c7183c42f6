/**
 * The door to files that a director serves as they are: what a build made, listed once.
 *
 * I1: a path is found only when it is, letter by letter, one that was listed: no path leads out of the folder.
 */

export type StaticEncoding = 'identity' | 'gzip' | 'br';

export interface StaticFile {
  /** Media type. */
  readonly type: string;
  /** In which encodings it lies there; `identity` always does. */
  readonly encodings: readonly StaticEncoding[];
  /** Changes with the content; without quotes. */
  readonly tag: string;
  /** Throws `Fault` ProgramMissing when it has gone since it was listed. */
  read(encoding: StaticEncoding): Promise<Buffer>;
}

export interface StaticFiles {
  /** `path` is relative, with forward slashes. */
  find(path: string): StaticFile | undefined;
  /** Number of files; 0: nothing was built. */
  readonly count: number;
}
