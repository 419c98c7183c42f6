/**
 * The values of `format` that are checked, each with the sentence that refuses a value.
 *
 * The list is the part of Kubernetes' supported formats (go-openapi/strfmt) that entities use. A format that is not listed has no
 * effect, as in Kubernetes. Expressions here are constants of this file, written so that none can backtrack; users' patterns never run
 * on RegExp (see pattern.ts).
 */

/** `says` completes "must be ...". */
export interface StringFormat {
  readonly test: (text: string) => boolean;
  readonly says: string;
}

export interface NumberFormat {
  readonly min: number;
  readonly max: number;
}

const UUID = /^[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}$/i;
const LABEL = /^[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?$/;
const MAC = /^(?:[0-9a-f]{2}[:-]){5}[0-9a-f]{2}$/i;
const BASE64 = /^[A-Za-z0-9+/]*={0,2}$/;
const URI = /^[A-Za-z][A-Za-z0-9+.-]*:[^\s<>"{}|\\^`]*$/;
const DURATION = /^[-+]?(?:0|(?:\d+(?:\.\d*)?|\.\d+)(?:ns|us|µs|ms|s|m|h)(?:(?:\d+(?:\.\d*)?|\.\d+)(?:ns|us|µs|ms|s|m|h))*)$/;

const [ZERO, COLON, DOT, PLUS, MINUS] = [0x30, 0x3a, 0x2e, 0x2b, 0x2d];
/** Set in ASCII's lower-case letters. */
const LOWER = 0x20;
const [LETTER_T, LETTER_Z] = [0x74, 0x7a];
const DAYS = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

const uuid: StringFormat = { test: (text) => UUID.test(text), says: 'a UUID, for example 123e4567-e89b-42d3-a456-426614174000' };

export const STRING_FORMATS: ReadonlyMap<string, StringFormat> = new Map<string, StringFormat>([
  ['date-time', { test: isDateTime, says: 'a date-time of RFC 3339, for example 2026-01-31T12:00:00Z' }],
  ['datetime', { test: isDateTime, says: 'a date-time of RFC 3339, for example 2026-01-31T12:00:00Z' }],
  ['date', { test: isDate, says: 'a date of RFC 3339, for example 2026-01-31' }],
  ['duration', { test: (text) => DURATION.test(text), says: 'a duration, for example 1h30m' }],
  ['uuid', uuid],
  ['uuid3', uuid],
  ['uuid4', uuid],
  ['uuid5', uuid],
  ['ipv4', { test: isIpv4, says: 'an IPv4 address, for example 192.0.2.1' }],
  ['ipv6', { test: isIpv6, says: 'an IPv6 address, for example 2001:db8::1' }],
  ['ip', { test: (text) => isIpv4(text) || isIpv6(text), says: 'an IP address, for example 192.0.2.1' }],
  ['cidr', { test: isCidr, says: 'an address block, for example 192.0.2.0/24' }],
  ['mac', { test: (text) => MAC.test(text), says: 'a MAC address, for example 02:00:5e:10:00:01' }],
  ['hostname', { test: isHostname, says: 'a host name, for example node-1.example.com' }],
  ['k8s-short-name', { test: (text) => LABEL.test(text), says: 'at most 63 lowercase letters, digits and dashes, not at the ends' }],
  ['k8s-long-name', { test: isLongName, says: 'lowercase labels of letters, digits and dashes, joined by dots' }],
  ['uri', { test: (text) => URI.test(text), says: 'an absolute URI, for example https://example.com/a' }],
  ['email', { test: isEmail, says: 'an e-mail address, for example ops@example.com' }],
  ['byte', { test: (text) => text.length % 4 === 0 && BASE64.test(text), says: 'bytes in base64' }],
]);

/** int64 is not listed: every integer is held to what a JSON number carries exactly, which is narrower. */
export const NUMBER_FORMATS: ReadonlyMap<string, NumberFormat> = new Map([['int32', { min: -2147483648, max: 2147483647 }]]);

export function isDate(text: string): boolean {
  return text.length === 10 && startsWithDate(text);
}

/** Written without expressions: entities are full of dates, and each write checks them all. */
export function isDateTime(text: string): boolean {
  const separators = text.charCodeAt(13) === COLON && text.charCodeAt(16) === COLON && (text.charCodeAt(10) | LOWER) === LETTER_T;
  if (!separators || !startsWithDate(text)) return false;
  const [hour, minute, second] = [digits(text, 11, 2), digits(text, 14, 2), digits(text, 17, 2)];
  if (hour < 0 || hour > 23 || minute < 0 || minute > 59 || second < 0 || second > 59) return false;
  let at = 19;
  if (text.charCodeAt(at) === DOT) {
    at++;
    const from = at;
    while (at < text.length && digits(text, at, 1) >= 0) at++;
    if (at === from || at - from > 9) return false;
  }
  if ((text.charCodeAt(at) | LOWER) === LETTER_Z) return text.length === at + 1;
  const sign = text.charCodeAt(at);
  if ((sign !== PLUS && sign !== MINUS) || text.length !== at + 6 || text.charCodeAt(at + 3) !== COLON) return false;
  const [hours, minutes] = [digits(text, at + 1, 2), digits(text, at + 4, 2)];
  return hours >= 0 && hours < 24 && minutes >= 0 && minutes < 60;
}

function startsWithDate(text: string): boolean {
  if (text.charCodeAt(4) !== MINUS || text.charCodeAt(7) !== MINUS) return false;
  const [year, month, day] = [digits(text, 0, 4), digits(text, 5, 2), digits(text, 8, 2)];
  if (year < 0 || month < 1 || month > 12 || day < 1) return false;
  const leap = year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0);
  return day <= (month === 2 && leap ? 29 : (DAYS[month - 1] ?? 0));
}

/** The number that `count` digits from `at` on make, -1 when they are not all digits. */
function digits(text: string, at: number, count: number): number {
  let value = 0;
  for (let i = at; i < at + count; i++) {
    const digit = text.charCodeAt(i) - ZERO;
    if (!(digit >= 0 && digit <= 9)) return -1;
    value = value * 10 + digit;
  }
  return value;
}

export function isIpv4(text: string): boolean {
  const parts = text.split('.');
  return parts.length === 4 && parts.every((part) => /^(?:0|[1-9]\d{0,2})$/.test(part) && Number(part) <= 255);
}

export function isIpv6(text: string): boolean {
  if (text.length > 45 || !text.includes(':')) return false;
  const halves = text.split('::');
  if (halves.length > 2) return false;
  let groups = 0;
  for (const [at, half] of halves.entries()) {
    const parts = half === '' ? [] : half.split(':');
    const last = parts.at(-1);
    const embedsIpv4 = at === halves.length - 1 && last !== undefined && last.includes('.');
    if (embedsIpv4 && !isIpv4(last)) return false;
    if (!(embedsIpv4 ? parts.slice(0, -1) : parts).every((part) => /^[0-9a-fA-F]{1,4}$/.test(part))) return false;
    groups += parts.length + (embedsIpv4 ? 1 : 0);
  }
  return halves.length === 2 ? groups < 8 : groups === 8;
}

function isCidr(text: string): boolean {
  const [address = '', length = '', rest] = text.split('/');
  if (rest !== undefined || !/^(?:0|[1-9]\d{0,2})$/.test(length)) return false;
  return (isIpv4(address) && Number(length) <= 32) || (isIpv6(address) && Number(length) <= 128);
}

function isHostname(text: string): boolean {
  const name = text.endsWith('.') ? text.slice(0, -1) : text;
  return name.length <= 253 && name.split('.').every((label) => LABEL.test(label.toLowerCase()));
}

function isLongName(text: string): boolean {
  return text.length <= 253 && text.split('.').every((label) => LABEL.test(label));
}

function isEmail(text: string): boolean {
  const at = text.lastIndexOf('@');
  return at > 0 && text.length <= 254 && !/[\s<>()[\]\\,;:"]/.test(text) && isHostname(text.slice(at + 1));
}
