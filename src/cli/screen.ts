/**
 * Lines that stay, and on a terminal one line below them that is rewritten in place.
 *
 * I1: without a terminal nothing is ever rewritten and no escape sequence is written: the output reads well in a file.
 * I2: the line in place never wraps, so that rewriting it leaves no rest behind.
 */

import type { Terminal } from '../ports/terminal.ts';

export type Tone = 'good' | 'bad' | 'dim' | 'strong';

export interface Screen {
  readonly interactive: boolean;
  /** A line that stays. */
  line(text: string): void;
  /** The line in place; '' takes it away. */
  status(text: string): void;
  /** `text` in a color, where colors are shown. */
  paint(tone: Tone, text: string): string;
}

const ERASE_LINE = '\r\u001B[2K';
const RESET = '\u001B[0m';
const TONES: Readonly<Record<Tone, string>> = { good: '\u001B[32m', bad: '\u001B[31m', dim: '\u001B[2m', strong: '\u001B[1m' };

export function createScreen(terminal: Terminal): Screen {
  let shown = '';
  const draw = (text: string): void => {
    if (!terminal.interactive || text === shown) return;
    terminal.write(`${shown === '' ? '' : ERASE_LINE}${text.slice(0, Math.max(0, terminal.columns() - 1))}`);
    shown = text;
  };
  return {
    interactive: terminal.interactive,
    line: (text) => {
      const below = shown;
      draw('');
      terminal.write(`${text}\n`);
      draw(below);
    },
    status: draw,
    paint: (tone, text) => (terminal.color ? `${TONES[tone]}${text}${RESET}` : text),
  };
}

/** `0.9 s`, `12 s`, `3 min`: a duration as people say it. */
export function renderSeconds(ms: number): string {
  if (ms < 9_950) return `${(Math.max(0, ms) / 1000).toFixed(1)} s`;
  return ms < 120_000 ? `${Math.round(ms / 1000)} s` : `${Math.round(ms / 60_000)} min`;
}

/** `14:03:07`, of this machine's time zone. */
export function renderTime(nowMs: number): string {
  const date = new Date(nowMs);
  return [date.getHours(), date.getMinutes(), date.getSeconds()].map((part) => String(part).padStart(2, '0')).join(':');
}
