/**
 * Words of somebody else inside a sentence of ours.
 *
 * I1: a sentence never ends twice, whether what it quotes was a sentence or not.
 */

/** `text` without the dots and blanks at its end, to go on after it. */
export function clause(text: string): string {
  return text.replace(/[.\s]+$/, '');
}

/** A duration as people read it: `15 s`, `0.25 s`; never more than two decimals. */
export function secondsText(ms: number): string {
  return `${Math.round(ms / 10) / 100} s`;
}
