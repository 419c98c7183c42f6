/**
 * The lines of a log that are held: text comes in pieces, the connection breaks, and memory is bounded. Pure.
 *
 * I1: however the text is cut into pieces, the same lines come out; one that is not complete yet is shown and goes on.
 * I2: at most MOST_LINES are held, of at most LONGEST characters; how many older ones were let go is counted.
 * I3: after a break the new tail is joined where it continues what is held, and no line is said twice; where it does not, a gap is said.
 */

export const MOST_LINES = 5_000;
const LONGEST = 4_000;

export type LogLine = { readonly kind: 'line'; readonly text: string } | { readonly kind: 'gap' };

export interface LogView {
  readonly lines: readonly LogLine[];
  /** The beginning of a line that is not complete. */
  readonly rest: string;
  /** Lines that were held once. */
  readonly letGo: number;
}

export const EMPTY_LOG: LogView = { lines: [], rest: '', letGo: 0 };

/** What was added to the log. */
export function withText(log: LogView, text: string): LogView {
  const parts = (log.rest + text).split('\n');
  const rest = cut(parts.pop() ?? '');
  return bounded({ ...log, rest }, [...log.lines, ...parts.map(lineOf)]);
}

/** After a break: the last lines of the log as they are now. */
export function withTail(log: LogView, text: string): LogView {
  const parts = text.split('\n');
  const rest = cut(parts.pop() ?? '');
  const tail = parts.map(lineOf);
  const held = log.lines;
  if (held.length === 0) return bounded({ ...log, rest }, tail);
  const shared = overlapOf(held, tail);
  if (tail.length === 0 && rest === '') return log;
  const more = shared === 0 ? [{ kind: 'gap' } as const, ...tail] : tail.slice(shared);
  return bounded({ ...log, rest }, [...held, ...more]);
}

/** How many of the first lines of `tail` are held already: the most that fit. */
function overlapOf(held: readonly LogLine[], tail: readonly LogLine[]): number {
  for (let count = tail.length; count > 0; count--) {
    const compared = Math.min(count, held.length);
    let equal = 0;
    while (equal < compared && isSame(held[held.length - 1 - equal], tail[count - 1 - equal])) equal++;
    if (equal === compared) return count;
  }
  return 0;
}

function isSame(one: LogLine | undefined, other: LogLine | undefined): boolean {
  return one?.kind === 'line' && other?.kind === 'line' && one.text === other.text;
}

function lineOf(text: string): LogLine {
  return { kind: 'line', text: cut(text.endsWith('\r') ? text.slice(0, -1) : text) };
}

function cut(text: string): string {
  return text.length > LONGEST ? `${text.slice(0, LONGEST)}…` : text;
}

function bounded(log: LogView, lines: readonly LogLine[]): LogView {
  const over = Math.max(0, lines.length - MOST_LINES);
  const gone = lines.slice(0, over).filter(({ kind }) => kind === 'line').length;
  return { ...log, lines: over === 0 ? lines : lines.slice(over), letGo: log.letGo + gone };
}
