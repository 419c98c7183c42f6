/**
 * The door to the person in front of a command: standard output and standard error, and what they can show.
 */

export interface Terminal {
  /** True when standard output is a terminal: lines may be rewritten in place. */
  readonly interactive: boolean;
  /** True when colors are understood and wanted (NO_COLOR, TERM=dumb). */
  readonly color: boolean;
  /** Width in characters; 80 where nobody knows. */
  columns(): number;
  /** To standard output, as it is. */
  write(text: string): void;
  /** To standard error, as it is. */
  writeError(text: string): void;
}
