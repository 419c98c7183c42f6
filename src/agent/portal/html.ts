/**
 * Text for browsers. Everything that is put into a page goes through `markup`, and there through one function that escapes it.
 *
 * I1: no text from anywhere becomes markup: only what is written in a template literal of this program is.
 */

export interface Html {
  readonly text: string;
}

type Piece = string | number | Html | readonly Html[] | undefined | false;

const ESCAPES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;', '`': '&#96;' };

/** For text between tags and for attributes in quotes. Characters that control or reorder text could hide some of it; a sign stands in their place. */
export function escapeText(text: string): string {
  return text.replaceAll(/[&<>"'`]/g, (found) => ESCAPES[found] ?? '').replaceAll(/(?![\t\n\r])[\p{Cc}\p{Cf}]/gu, '\uFFFD');
}

/** A template literal: what stands in it is markup, what is put into it is escaped, unless it is `Html` itself. */
export function markup(template: TemplateStringsArray, ...pieces: readonly Piece[]): Html {
  const parts = template.map((text, i) => text + (i < pieces.length ? markupOf(pieces[i]) : ''));
  return { text: parts.join('') };
}

function markupOf(piece: Piece): string {
  if (piece === undefined || piece === false) return '';
  if (typeof piece === 'string' || typeof piece === 'number') return escapeText(String(piece));
  return isList(piece) ? piece.map((one) => one.text).join('') : piece.text;
}

function isList(piece: Html | readonly Html[]): piece is readonly Html[] {
  return Array.isArray(piece);
}

/** A table that becomes a list of cards where it is narrow: each cell then shows its column's title. */
export function table(caption: string, titles: readonly string[], rows: readonly (readonly Piece[])[], empty: string): Html {
  if (rows.length === 0) return markup`<p class="empty">${empty}</p>`;
  const head = titles.map((title) => markup`<th scope="col">${title}</th>`);
  const body = rows.map(
    (cells) =>
      markup`<tr>
        ${cells.map((cell, i) => markup`<td data-title="${titles[i] ?? ''}">${cell}</td>`)}
      </tr>`,
  );
  return markup`<table>
    <caption>
      ${caption}
    </caption>
    <thead>
      <tr>
        ${head}
      </tr>
    </thead>
    <tbody>
      ${body}
    </tbody>
  </table>`;
}

/** A word with a color of its own; the word says it all, the color only helps. */
export function mark(word: string, kind: 'good' | 'bad' | 'warn' | 'calm'): Html {
  return markup`<span class="mark ${kind}">${word}</span>`;
}

export function facts(rows: readonly (readonly [string, Piece])[]): Html {
  return markup`<dl>
    ${rows.map(
      ([name, value]) =>
        markup`<div>
          <dt>${name}</dt>
          <dd>${value}</dd>
        </div>`,
    )}
  </dl>`;
}
