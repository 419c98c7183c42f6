/**
 * How single facts look in the portal: labels, times, long words, and the color of a state.
 *
 * I1: a color never stands alone: the word beside it says the same.
 * I2: only what nobody reads word by word (hashes, URLs, ids) may break anywhere; words break between them, times not at all.
 */

import type { LicenseSection } from '../../decide/license-report.ts';
import type { Row } from './facts.ts';
import { mark, markup } from './html.ts';
import type { Html } from './html.ts';

export type Kind = 'good' | 'bad' | 'warn' | 'calm';

const KINDS: Readonly<Record<string, Kind>> = {
  Passed: 'good',
  Paired: 'good',
  Running: 'good',
  Ready: 'good',
  Available: 'good',
  yes: 'good',
  True: 'good',
  Failed: 'bad',
  NotReady: 'bad',
  no: 'bad',
  False: 'bad',
  Error: 'bad',
  'not heard': 'bad',
  Degraded: 'warn',
  Pending: 'warn',
  Provisioning: 'warn',
  Deleting: 'warn',
  Waiting: 'warn',
  BackOff: 'warn',
  Starting: 'warn',
  Stopping: 'warn',
  Unknown: 'warn',
  Checking: 'warn',
};

export function kindOf(word: string): Kind {
  return KINDS[word] ?? 'calm';
}

const SEVERITIES: Readonly<Record<LicenseSection['severity'], Kind>> = { Success: 'good', Info: 'calm', Warning: 'warn', Danger: 'bad' };

export function licenseMark({ state, severity }: LicenseSection): Html {
  return mark(state, SEVERITIES[severity]);
}

/** False because nobody asked for more, not because something broke. */
const EXPECTED: ReadonlySet<unknown> = new Set(['NotInstalled', 'NoSite', 'Unplugged']);
const NOTES: Readonly<Record<Kind, string>> = { good: 'fine', bad: 'a problem', warn: 'needs attention', calm: 'expected' };

/** What a status means depends on the condition: `Progressing False` is fine when all is done, and a problem when something holds it up. */
export function conditionMark({ type, status, reason }: Row): Html {
  const kind = conditionKind(type, String(status), reason);
  return mark(`${String(status)} (${NOTES[kind]})`, kind);
}

function conditionKind(type: unknown, status: string, reason: unknown): Kind {
  if (status === 'False' && EXPECTED.has(reason)) return 'calm';
  if (type === 'Overused' && status !== 'Unknown') return status === 'True' ? 'warn' : 'good';
  if (type !== 'Progressing' || status === 'Unknown') return kindOf(status);
  if (status === 'True') return 'calm';
  return reason === 'Available' ? 'good' : 'bad';
}

/** Whether a server shows the certificate that was accepted, in words and with what to compare. */
export function thumbprintCell({ pin, shown }: Row): Html {
  if (pin === undefined) return markup`${mark('none accepted yet', 'warn')}${shown !== undefined && markup`; it shows ${hash(shown)}`}`;
  if (shown === undefined) return markup`accepted ${hash(pin)}; what it shows is not known`;
  if (pin === shown) return markup`${mark('the same', 'good')} ${hash(pin)}`;
  return markup`${mark('different', 'bad')}: accepted ${hash(pin)}, but it shows ${hash(shown)}`;
}

function hash(value: Row[string]): Html {
  return markup`<code class="long">${String(value)}</code>`;
}

const TIME = /^(\d{4}-\d\d-\d\d)T(\d\d:\d\d:\d\d)(?:\.\d+)?Z$/;

/** A time as `2026-11-22 14:47:21 UTC`; in other text, long words may break anywhere. */
export function shownValue(value: Row[string] | undefined): Html {
  const said = textOf(value);
  const [, day, time] = TIME.exec(said) ?? [];
  if (day !== undefined && time !== undefined) return markup`<time datetime="${said}">${day} ${time} UTC</time>`;
  return prose(said);
}

const LONG = /(\S{25,})/;

export function prose(said: string): Html {
  // With one group, split() puts what matched at the odd places.
  return markup`${said.split(LONG).map((part, i) => (i % 2 === 1 ? markup`<span class="long">${part}</span>` : markup`${part}`))}`;
}

export function textOf(value: Row[string] | undefined): string {
  if (typeof value === 'boolean') return value ? 'yes' : 'no';
  return value === undefined ? '' : String(value);
}

const LABELS: Readonly<Record<string, string>> = {
  uid: 'UID',
  url: 'Address',
  pin: 'Accepted / Shown',
};

/** `peakConcurrent` → `Peak concurrent`. */
export function labelOf(name: string): string {
  const label = LABELS[name];
  if (label !== undefined) return label;
  const spaced = name.replaceAll(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);
  return spaced.charAt(0).toUpperCase() + spaced.slice(1);
}
