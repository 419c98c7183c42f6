/**
 * Reads YAML files, writes YAML and makes paths absolute.
 */

import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { parse, stringify } from 'yaml';
import { Fault } from '../model/fault.ts';

export function absolutePath(path: string): string {
  return resolve(path);
}

/** A YAML file's content; undefined when there is none. Throws `Fault` SettingInvalid when it cannot be read or is no YAML. */
export function readYamlFile(path: string): { readonly path: string; readonly content: unknown } | undefined {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code;
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    throw new Fault('SettingInvalid', `${path} cannot be read; make it readable for this user, or remove it.`, { cause });
  }
  try {
    return { path, content: parse(text) as unknown };
  } catch (cause) {
    throw new Fault('SettingInvalid', `${path} is no YAML: ${cause instanceof Error ? cause.message.split('\n')[0] : String(cause)}`, {
      cause,
    });
  }
}

/** `value` as YAML, for people to read and for kubectl to apply; its last line is ended. */
export function yamlText(value: unknown): string {
  return stringify(value, { lineWidth: 0, aliasDuplicateObjects: false });
}
