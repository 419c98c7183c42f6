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
const DATE = /^(\d{4})-(\d{2})-(\d{2})$/;
const TIME = /^(\d{4}-\d{2}-\d{2})[Tt](\d{2}):(\d{2}):(\d{2})(?:\.\d{1,9})?(?:[Zz]|[+-](\d{2}):(\d{2}))$/;
const DURATION = /^[-+]?(?:0|(?:\d+(?:\.\d*)?|\.\d+)(?:ns|us|µs|ms|s|m|h)(?:(?:\d+(?:\.\d*)?|\.\d+)(?:ns|us|µs|ms|s|m|h))*)$/;

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
  const parts = DATE.exec(text);
  if (parts === null) return false;
  const [year, month, day] = [Number(parts[1]), Number(parts[2]), Number(parts[3])];
  if (month < 1 || month > 12 || day < 1) return false;
  const leap = year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0);
  const days = month === 2 ? (leap ? 29 : 28) : [4, 6, 9, 11].includes(month) ? 30 : 31;
  return day <= days;
}

export function isDateTime(text: string): boolean {
  const parts = TIME.exec(text);
  if (parts === null) return false;
  const [hour, minute, second] = [Number(parts[2]), Number(parts[3]), Number(parts[4])];
  const offsetIsFine = parts[5] === undefined || (Number(parts[5]) < 24 && Number(parts[6]) < 60);
  return isDate(parts[1] ?? '') && hour < 24 && minute < 60 && second < 60 && offsetIsFine;
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
