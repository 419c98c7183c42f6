/**
 * A watch is a stream of JSON lines that arrives in pieces of any size.
 *
 * I1: however the stream is cut into pieces, the same lines come out, in order.
 * I2: a line that is not complete yet is kept, never guessed at; one beyond the bound ends the stream.
 */

/** The director's objects are at most 1.5 MB; an event is one and a few words. */
const MAX_LINE_CHARACTERS = 4 * 1024 * 1024;

export interface LineSplitter {
  /** The lines that `piece` completes, without their ends; empty ones are left out. Throws RangeError beyond the bound. */
  push(piece: string): readonly string[];
}

export function createLineSplitter(maxCharacters = MAX_LINE_CHARACTERS): LineSplitter {
  let rest: string[] = [];
  let held = 0;
  return {
    push: (piece) => {
      const parts = piece.split('\n');
      const last = parts.pop() ?? '';
      const lines = parts.map((part, index) => (index === 0 ? rest.join('') + part : part));
      if (parts.length > 0) [rest, held] = [[], 0];
      rest.push(last);
      held += last.length;
      if (held > maxCharacters) throw new RangeError(`A line of the watch is longer than ${maxCharacters} characters.`);
      return lines.filter((line) => line !== '');
    },
  };
}
