/**
 * Settles what each setting is: flags, then variables, then `<data>/config.yaml`, then the default of the table.
 *
 * I1: the first source that gives a setting holds; an empty variable counts as not given.
 * I2: an unknown variable or key, and a value that does not fit, refuse with all their sentences at once; nothing is half-taken.
 */

import { nearestOf } from '../base/nearest.ts';
import { Fault } from '../model/fault.ts';
import { MARKS, SETTINGS, SETTING_NAMES, flagOf, variableOf } from '../model/settings.ts';
import type { Setting, SettingName, SettingValues } from '../model/settings.ts';

export interface SettingSources {
  /** By the setting's name, as the command line gave them. */
  readonly flags: Readonly<Record<string, unknown>>;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** config.yaml as read, with its path for sentences; absent when there is none. */
  readonly file?: { readonly path: string; readonly content: unknown };
  /** Makes a path absolute. */
  readonly absolute: (path: string) => string;
}

type Parsed = { readonly ok: true; readonly value: unknown } | { readonly ok: false; readonly why: string };

const PREFIX = 'OUTRIGGER_';
const NAME = /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/;

/** The values of `names`. Throws `Fault` SettingInvalid with a sentence for each thing that is wrong. */
export function resolveSettings<N extends SettingName>(names: readonly N[], sources: SettingSources): SettingValues<N> {
  const problems = [...unknownVariables(sources.env), ...unknownKeys(sources)];
  const values: Record<string, unknown> = {};
  for (const name of names) {
    const given = givenBy(name, sources);
    const parsed = given === undefined ? undefined : parseSetting(SETTINGS[name], given.value, sources.absolute);
    if (parsed?.ok === false) problems.push(`${given?.from ?? name} ${parsed.why}.`);
    else values[name] = parsed === undefined ? defaultOf(SETTINGS[name], sources.absolute) : parsed.value;
  }
  if (problems.length > 0) throw new Fault('SettingInvalid', problems.join('\n'));
  return values as SettingValues<N>;
}

function defaultOf(setting: Setting, absolute: (path: string) => string): unknown {
  return setting.type === 'path' && setting.default !== undefined ? absolute(setting.default) : setting.default;
}

function givenBy(name: SettingName, sources: SettingSources): { readonly value: unknown; readonly from: string } | undefined {
  const flag = sources.flags[name];
  if (flag !== undefined) return { value: flag, from: flagOf(name) };
  const variable = sources.env[variableOf(name)];
  if (variable !== undefined && variable !== '') return { value: variable, from: variableOf(name) };
  const key = isRecord(sources.file?.content) ? sources.file.content[name] : undefined;
  return key === undefined || key === null ? undefined : { value: key, from: `${name} in ${sources.file?.path ?? 'config.yaml'}` };
}

function parseSetting(setting: Setting, given: unknown, absolute: (path: string) => string): Parsed {
  switch (setting.type) {
    case 'count':
      return parseCount(setting.minimum, setting.maximum, given);
    case 'duration':
      return parseDuration(setting.minimumMs, setting.maximumMs, given);
    case 'switch':
      return parseSwitch(given);
    case 'choice':
      return setting.choices.includes(String(given)) ? fits(String(given)) : wrong(`must be one of ${setting.choices.join(', ')}`, given);
    case 'urls':
      return parseUrls(given);
    default:
      return parseText(setting.type, given, absolute);
  }
}

function parseCount(minimum: number, maximum: number, given: unknown): Parsed {
  const text = String(given).trim();
  const value = Number(text);
  const good = /^\d+$/.test(text) && value >= minimum && value <= maximum;
  return good ? fits(value) : wrong(`must be a whole number from ${minimum} to ${maximum}`, given);
}

const UNIT_MS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

function parseDuration(minimumMs: number, maximumMs: number, given: unknown): Parsed {
  const [, count = '', unit = ''] = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)$/.exec(String(given).trim()) ?? [];
  const value = Math.round(Number(count) * (UNIT_MS[unit] ?? Number.NaN));
  const good = value >= minimumMs && value <= maximumMs;
  return good
    ? fits(value)
    : wrong(`must be a time such as 500ms, 2s, 5m or 24h, from ${minimumMs} ms to ${maximumMs / 3_600_000} h`, given);
}

function parseSwitch(given: unknown): Parsed {
  if (given === true || given === 'true' || given === '1') return fits(true);
  if (given === false || given === 'false' || given === '0') return fits(false);
  return wrong('must be true or false', given);
}

function parseUrls(given: unknown): Parsed {
  const parts = (Array.isArray(given) ? given : String(given).split(',')).map((part) => String(part).trim()).filter((part) => part !== '');
  const bad = parts.find((part) => !isHttpsUrl(part));
  if (bad !== undefined || parts.length === 0) return wrong('must hold addresses such as https://director.example:7443', bad ?? given);
  return fits(parts.map((part) => part.replace(/\/+$/, '')));
}

function isHttpsUrl(text: string): boolean {
  return URL.canParse(text) && new URL(text).protocol === 'https:';
}

function parseText(type: 'text' | 'path' | 'url' | 'name', given: unknown, absolute: (path: string) => string): Parsed {
  if (typeof given !== 'string' || given.trim() === '') return wrong('must be a text', given);
  if (type === 'name' && !NAME.test(given)) return wrong('must be a name of at most 63 of a-z, 0-9 and -', given);
  if (type === 'url' && !isHttpsUrl(given)) return wrong('must be an address such as https://director.example:7443', given);
  return fits(type === 'path' ? absolute(given) : given);
}

function fits(value: unknown): Parsed {
  return { ok: true, value };
}

function wrong(rule: string, given: unknown): Parsed {
  return { ok: false, why: `${rule}, not ${JSON.stringify(given)}` };
}

function unknownVariables(env: SettingSources['env']): string[] {
  const known = [...SETTING_NAMES.map(variableOf), ...Object.keys(MARKS)];
  return Object.keys(env)
    .filter((name) => name.startsWith(PREFIX) && !known.includes(name))
    .map((name) => `The variable ${name} is no setting of Outrigger.${hint(name, known)}`);
}

function unknownKeys(sources: SettingSources): string[] {
  const { file } = sources;
  if (file === undefined || file.content === null || file.content === undefined) return [];
  if (!isRecord(file.content)) return [`${file.path} must be a map of settings, such as "port: 7443".`];
  return Object.keys(file.content).flatMap((key) => {
    const row: Setting | undefined = isSettingName(key) ? SETTINGS[key] : undefined;
    if (row === undefined) return [`${key} in ${file.path} is no setting of Outrigger.${hint(key, SETTING_NAMES)}`];
    return row.notInFile
      ? [`${key} must not stand in ${file.path}; give it as ${flagOf(key as SettingName)} or ${variableOf(key as SettingName)}.`]
      : [];
  });
}

function isSettingName(key: string): key is SettingName {
  return Object.hasOwn(SETTINGS, key);
}

function hint(name: string, known: readonly string[]): string {
  const nearest = nearestOf(name, known);
  return nearest === undefined ? '' : ` Did you mean ${nearest}?`;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
