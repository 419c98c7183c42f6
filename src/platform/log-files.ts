/**
 * Log files of a node (src/ports/log-files.ts).
 */

import { closeSync, fstatSync, openSync, readdirSync, readSync } from 'node:fs';
import { join } from 'node:path';
import { LIMITS } from '../model/limits.ts';
import type { LogFiles } from '../ports/log-files.ts';

const SUFFIX = '.log';
const NAME = /^[A-Za-z0-9][-A-Za-z0-9._]{0,127}$/;

export function logFiles(): LogFiles {
  return { list, tail };
}

function list(folder: string): readonly string[] {
  const found = entries(folder).flatMap((one) => {
    if (one.isFile()) return [one.name];
    return one.isDirectory()
      ? entries(join(folder, one.name)).flatMap((inner) => (inner.isFile() ? [`${one.name}/${inner.name}`] : []))
      : [];
  });
  const names = found.filter((name) => name.endsWith(SUFFIX)).map((name) => name.slice(0, -SUFFIX.length));
  return names.toSorted().slice(0, LIMITS.logFilesListed);
}

function entries(folder: string): { readonly name: string; isFile(): boolean; isDirectory(): boolean }[] {
  try {
    return readdirSync(folder, { withFileTypes: true });
  } catch {
    return [];
  }
}

function tail(folder: string, name: string, lines: number, maxBytes: number): string | undefined {
  const parts = name.split('/');
  if (parts.length > 2 || parts.some((part) => !NAME.test(part))) return undefined;
  let file: number;
  try {
    file = openSync(`${join(folder, ...parts)}${SUFFIX}`, 'r');
  } catch {
    return undefined;
  }
  try {
    const { size } = fstatSync(file);
    const buffer = Buffer.alloc(Math.min(size, maxBytes));
    const length = readSync(file, buffer, 0, buffer.length, size - buffer.length);
    const text = buffer.toString('utf8', 0, length);
    // The first line may have lost its beginning.
    const whole = size > buffer.length ? text.slice(text.indexOf('\n') + 1) : text;
    return lastLines(whole, lines);
  } finally {
    closeSync(file);
  }
}

function lastLines(text: string, lines: number): string {
  const ended = text.endsWith('\n') ? text.slice(0, -1) : text;
  return ended.split('\n').slice(-lines).join('\n');
}
