/**
 * What the doctor found, for people: a line each, with what to do below it.
 */

import { sorted } from '../../decide/doctor.ts';
import type { Finding, Health } from '../../decide/doctor.ts';
import { paragraph } from '../status/lines.ts';

const MARKS: Readonly<Record<Health, string>> = { Well: '✔', Notice: '!', Wrong: '✖', Unasked: '?' };
const AREA_COLUMNS = 18;

export function renderFindings(findings: readonly Finding[]): string {
  const lines = sorted(findings).map(({ area, health, message, remedy }) => {
    const head = `${MARKS[health]} ${area.padEnd(AREA_COLUMNS)}`;
    return `${paragraph(head, message)}${remedy === undefined ? '' : paragraph(`${' '.repeat(head.length)}→ `, remedy)}`;
  });
  const count = (health: Health): number => findings.filter((one) => one.health === health).length;
  const said = [
    [count('Wrong'), 'wrong'],
    [count('Notice'), 'to know of'],
    [count('Unasked'), 'not asked'],
  ] as const;
  const rest = said.flatMap(([number, what]) => (number === 0 ? [] : [`${number} ${what}`]));
  return `${lines.join('')}\n${rest.length === 0 ? 'All well.' : `${rest.join(', ')}.`}\n`;
}
