/**
 * Lines for people: never wider than a screen of 120 columns, so that the whole can be read at once and pasted into a report.
 */

export const SCREEN_COLUMNS = 120;
/** A sentence is shown in at most so many lines; `-o json` has all of it. */
const SENTENCE_LINES = 4;

/** `text` broken at blanks; the first line begins with `head`, the others with as many blanks. Each line ended. */
export function paragraph(head: string, text: string, most = SENTENCE_LINES): string {
  const width = SCREEN_COLUMNS - head.length;
  const lines = broken(text, width);
  const shown = lines.length <= most ? lines : [...lines.slice(0, most - 1), clipped(lines.slice(most - 1).join(' '), width)];
  return shown.map((line, index) => `${index === 0 ? head : ' '.repeat(head.length)}${line}`.trimEnd()).join('\n') + '\n';
}

/** At most `width` characters, the last one `…` when something is left out. */
export function clipped(text: string, width: number): string {
  return text.length <= width ? text : `${text.slice(0, width - 1)}…`;
}

/** `items` with two blanks between, broken between items; the first line begins with `head`, the others with as many blanks. */
export function listed(head: string, items: readonly string[]): string {
  const lines: string[] = [];
  for (const item of items) {
    const line = lines.at(-1);
    const longer = line === undefined ? item : `${line}  ${item}`;
    if (line !== undefined && longer.length <= SCREEN_COLUMNS - head.length) lines[lines.length - 1] = longer;
    else lines.push(clipped(item, SCREEN_COLUMNS - head.length));
  }
  return lines.map((line, index) => `${index === 0 ? head : ' '.repeat(head.length)}${line}\n`).join('');
}

/** `text` in lines of at most `width` characters, broken at blanks. */
export function broken(text: string, width: number): readonly string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(/[ \n]+/)) {
    if (line !== '' && line.length + 1 + word.length > width) {
      lines.push(line);
      line = '';
    }
    line = line === '' ? clipped(word, width) : `${line} ${word}`;
  }
  return line === '' ? lines : [...lines, line];
}

/** A table, indented; cells of `elastic` columns are clipped so that no line is wider than the screen. */
export function fittedTable(titles: readonly string[], rows: readonly (readonly string[])[], indent: string): string {
  const all = [titles, ...rows];
  const widths = titles.map((_, column) => Math.max(...all.map((row) => (row[column] ?? '').length)));
  const most = SCREEN_COLUMNS - indent.length - 2 * (titles.length - 1);
  while (sum(widths) > most) {
    const widest = widths.indexOf(Math.max(...widths));
    widths[widest] = Math.max(8, (widths[widest] ?? 0) - (sum(widths) - most));
    if (widths.every((width) => width <= 8)) break;
  }
  const cells = (row: readonly string[]): string =>
    widths.map((width, column) => clipped(row[column] ?? '', width).padEnd(width)).join('  ');
  return all.map((row) => `${indent}${cells(row)}`.trimEnd()).join('\n') + '\n';
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, one) => total + one, 0);
}
