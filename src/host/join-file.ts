/**
 * `<data>/host/join.json`: what `outrigger up` leaves for its host to join with, so that no token stands in a command line.
 *
 * I1: it is readable by its owner alone, and gone once the host has joined.
 */

import { isJsonObject } from '../model/json.ts';
import type { Files } from '../ports/files.ts';
import type { ControlPlane } from './identity.ts';

export function joinFile(data: string): string {
  return `${data}/host/join.json`;
}

/** Undefined when there is none, or it is none. */
export function readJoinFile(files: Files, data: string): ControlPlane | undefined {
  const text = files.readText(joinFile(data));
  if (text === undefined) return undefined;
  try {
    const content: unknown = JSON.parse(text);
    if (!isJsonObject(content)) return undefined;
    const { directors, caHash, token } = content;
    if (!Array.isArray(directors) || typeof caHash !== 'string' || typeof token !== 'string') return undefined;
    return { directors: directors.map(String), caHash, token };
  } catch {
    return undefined;
  }
}
