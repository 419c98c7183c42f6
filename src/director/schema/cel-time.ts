/**
 * CEL's timestamps and durations: conversions, arithmetic, and the parts of a date.
 *
 * Fields of format date-time, date and duration have these types in rules. Exact to the nanosecond; the range is that of protobuf's
 * Timestamp (years 1 to 9999) and of an int64 of nanoseconds for durations, as in cel-go.
 */

import { fn, method } from './cel-functions.ts';
import type { Overload } from './cel-functions.ts';
import { DURATION, INT, STRING, TIMESTAMP } from './cel-types.ts';
import { CelDuration, CelFailure, CelTimestamp } from './cel-values.ts';
import type { Env } from './cel-values.ts';

const UNITS: Readonly<Record<string, bigint>> = {
  ns: 1n,
  us: 1000n,
  µs: 1000n,
  ms: 1_000_000n,
  s: 1_000_000_000n,
  m: 60_000_000_000n,
  h: 3_600_000_000_000n,
};
const DAY_MS = 86_400_000;

/** The duration that Go's notation `text` says (`1h30m`, `-1.5s`), or undefined. */
export function parseDuration(text: string): CelDuration | undefined {
  const sign = text.startsWith('-') ? -1n : 1n;
  const body = /^[-+]/.test(text) ? text.slice(1) : text;
  if (body === '0') return new CelDuration(0n);
  let ns = 0n;
  let at = 0;
  for (const part of body.matchAll(/(\d*)(?:\.(\d*))?(ns|us|µs|ms|s|m|h)/g)) {
    const [all, whole = '', fraction = '', unit = ''] = part;
    if (part.index !== at || (whole === '' && fraction === '')) return undefined;
    at += all.length;
    const scale = UNITS[unit] ?? 0n;
    ns += BigInt(whole === '' ? '0' : whole) * scale;
    if (fraction !== '') ns += (BigInt(fraction.slice(0, 18)) * scale) / 10n ** BigInt(Math.min(fraction.length, 18));
  }
  return at === body.length && at > 0 ? new CelDuration(sign * ns) : undefined;
}

export function timestampText(value: CelTimestamp): string {
  const seconds = floorDivide(value.ns, 1_000_000_000n);
  const rest = value.ns - seconds * 1_000_000_000n;
  const base = new Date(Number(seconds) * 1000).toISOString().replace('.000Z', '');
  const fraction = rest === 0n ? '' : `.${rest.toString().padStart(9, '0').replace(/0+$/, '')}`;
  return `${base}${fraction}Z`;
}

export function durationText(value: CelDuration): string {
  const size = value.ns < 0n ? -value.ns : value.ns;
  const rest = size % 1_000_000_000n;
  const fraction = rest === 0n ? '' : `.${rest.toString().padStart(9, '0').replace(/0+$/, '')}`;
  return `${value.ns < 0n ? '-' : ''}${size / 1_000_000_000n}${fraction}s`;
}

const conversions: readonly Overload[] = [
  fn('timestamp', [TIMESTAMP], TIMESTAMP, (_env, value: CelTimestamp) => value),
  fn('timestamp', [STRING], TIMESTAMP, (_env, text: string) => {
    const made = new CelTimestamp(text);
    // A conversion fails where it stands, not where its result is first looked at.
    void made.ns;
    return made;
  }),
  fn('timestamp', [INT], TIMESTAMP, (_env, seconds: number) => new CelTimestamp(BigInt(seconds) * 1_000_000_000n)),
  fn('duration', [DURATION], DURATION, (_env, value: CelDuration) => value),
  fn('duration', [STRING], DURATION, (_env, text: string) => {
    const made = parseDuration(text);
    if (made === undefined) throw new CelFailure(`${JSON.stringify(text.slice(0, 64))} is not a duration`);
    return made;
  }),
  fn('string', [TIMESTAMP], STRING, (_env, value: CelTimestamp) => timestampText(value)),
  fn('string', [DURATION], STRING, (_env, value: CelDuration) => durationText(value)),
];

const arithmetic: readonly Overload[] = [
  fn('+', [TIMESTAMP, DURATION], TIMESTAMP, (_env, a: CelTimestamp, b: CelDuration) => new CelTimestamp(a.ns + b.ns)),
  fn('+', [DURATION, TIMESTAMP], TIMESTAMP, (_env, a: CelDuration, b: CelTimestamp) => new CelTimestamp(a.ns + b.ns)),
  fn('+', [DURATION, DURATION], DURATION, (_env, a: CelDuration, b: CelDuration) => new CelDuration(a.ns + b.ns)),
  fn('-', [TIMESTAMP, TIMESTAMP], DURATION, (_env, a: CelTimestamp, b: CelTimestamp) => new CelDuration(a.ns - b.ns)),
  fn('-', [TIMESTAMP, DURATION], TIMESTAMP, (_env, a: CelTimestamp, b: CelDuration) => new CelTimestamp(a.ns - b.ns)),
  fn('-', [DURATION, DURATION], DURATION, (_env, a: CelDuration, b: CelDuration) => new CelDuration(a.ns - b.ns)),
  fn('-_', [DURATION], DURATION, (_env, a: CelDuration) => new CelDuration(-a.ns)),
];

const ofTimestamp: Readonly<Record<string, (date: Date) => number>> = {
  getFullYear: (date) => date.getUTCFullYear(),
  getMonth: (date) => date.getUTCMonth(),
  getDate: (date) => date.getUTCDate(),
  getDayOfMonth: (date) => date.getUTCDate() - 1,
  getDayOfWeek: (date) => date.getUTCDay(),
  getDayOfYear: (date) => Math.floor((date.getTime() - startOfYear(date)) / DAY_MS),
  getHours: (date) => date.getUTCHours(),
  getMinutes: (date) => date.getUTCMinutes(),
  getSeconds: (date) => date.getUTCSeconds(),
  getMilliseconds: (date) => date.getUTCMilliseconds(),
};

const ofDuration: Readonly<Record<string, (ns: bigint) => bigint>> = {
  getHours: (ns) => ns / 3_600_000_000_000n,
  getMinutes: (ns) => ns / 60_000_000_000n,
  getSeconds: (ns) => ns / 1_000_000_000n,
  getMilliseconds: (ns) => (ns / 1_000_000n) % 1000n,
};

const parts: readonly Overload[] = [
  ...Object.entries(ofTimestamp).flatMap(([name, part]) => [
    method(name, [TIMESTAMP], INT, (_env, value: CelTimestamp) => part(dateOf(value))),
    method(name, [TIMESTAMP, STRING], INT, (_env, value: CelTimestamp, zone: string) => part(inZone(dateOf(value), zone))),
  ]),
  ...Object.entries(ofDuration).map(([name, part]) =>
    method(name, [DURATION], INT, (_env: Env, value: CelDuration) => Number(part(value.ns))),
  ),
];

export const TIME: readonly Overload[] = [...conversions, ...arithmetic, ...parts];

function floorDivide(a: bigint, b: bigint): bigint {
  const quotient = a / b;
  return a % b < 0n ? quotient - 1n : quotient;
}

function dateOf(value: CelTimestamp): Date {
  return new Date(Number(floorDivide(value.ns, 1_000_000n)));
}

function startOfYear(date: Date): number {
  const start = new Date(0);
  start.setUTCFullYear(date.getUTCFullYear(), 0, 1);
  return start.getTime();
}

const formatters = new Map<string, Intl.DateTimeFormat>();

/** `date` moved so that its UTC parts are the local ones of `zone`: an IANA name, or an offset such as +02:00. */
function inZone(date: Date, zone: string): Date {
  const offset = /^([-+]?)(\d{1,2}):(\d{2})$/.exec(zone);
  if (offset !== null) {
    const minutes = Number(offset[2]) * 60 + Number(offset[3]);
    return new Date(date.getTime() + (offset[1] === '-' ? -minutes : minutes) * 60_000);
  }
  const local = Object.fromEntries(
    formatterOf(zone)
      .formatToParts(date)
      .map(({ type, value }) => [type, Number(value)]),
  );
  const { year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0 } = local;
  const moved = new Date(0);
  moved.setUTCFullYear(year, month - 1, day);
  moved.setUTCHours(hour, minute, second, date.getUTCMilliseconds());
  return moved;
}

function formatterOf(zone: string): Intl.DateTimeFormat {
  const known = formatters.get(zone);
  if (known !== undefined) return known;
  try {
    const numeric = { year: 'numeric', month: 'numeric', day: 'numeric', hour: 'numeric', minute: 'numeric', second: 'numeric' } as const;
    const made = new Intl.DateTimeFormat('en-US', { ...numeric, timeZone: zone, hourCycle: 'h23', calendar: 'gregory' });
    if (formatters.size >= 64) formatters.clear();
    formatters.set(zone, made);
    return made;
  } catch {
    throw new CelFailure(`there is no time zone ${JSON.stringify(zone.slice(0, 64))}`);
  }
}
