/**
 * The nearest known name to a misspelled one, so that a refusal can suggest what was meant.
 *
 * I1: the distance is symmetric, zero exactly for equal texts, and a swap of neighbors counts one (optimal string alignment).
 * I2: nothing is suggested that differs in more than a third of its letters: a wrong hint is worse than none.
 */

/** Letters to insert, delete, replace or swap to make `b` of `a`. */
export function editDistance(a: string, b: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (let row = 1; row <= a.length; row++) {
    const next = [row];
    for (let column = 1; column <= b.length; column++) {
      const same = a[row - 1] === b[column - 1];
      const swapped = row > 1 && column > 1 && a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1];
      const replaced = at(last, column - 1) + (same ? 0 : 1);
      const moved = Math.min(at(last, column) + 1, at(next, column - 1) + 1);
      next.push(Math.min(replaced, moved, swapped ? at(beforeLast, column - 2) + 1 : Infinity));
    }
    beforeLast = last;
    last = next;
  }
  return at(last, b.length);
}

/** The known name that `name` was probably meant to be, or undefined. Case does not count. */
export function nearestOf(name: string, known: readonly string[]): string | undefined {
  let best: string | undefined;
  let bestDistance = Infinity;
  for (const candidate of known) {
    const distance = editDistance(name.toLowerCase(), candidate.toLowerCase());
    if (distance < bestDistance && distance <= Math.ceil(Math.max(candidate.length, name.length) / 3)) {
      best = candidate;
      bestDistance = distance;
    }
  }
  return best;
}

function at(row: readonly number[], column: number): number {
  return row[column] ?? Infinity;
}
