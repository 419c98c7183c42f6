/**
 * The door to log files: which there are, and their last lines.
 *
 * I1: nothing outside of the folder is read, whatever name is asked for.
 * I2: an answer never holds more than was asked for, however long a file is.
 */

export interface LogFiles {
  /** Names relative to the folder, without `.log`: `agent`, `web/main`; sorted, at most `LIMITS.logFilesListed`. */
  list(folder: string): readonly string[];
  /** The last lines of one that `list` names, at most `maxBytes`; undefined: there is no such file. */
  tail(folder: string, name: string, lines: number, maxBytes: number): string | undefined;
}
