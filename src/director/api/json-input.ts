/**
 * Reads JSON that strangers sent: bounded, and refused with a sentence where a parser would shrug.
 *
 * `JSON.parse` does the work. Before it, one pass over the bytes bounds the nesting (every walker after it recurses); after it, two questions
 * that a parser does not answer: is there a key that would reach an object's prototype, and was a field given twice?
 *
 * I1: a value that is handed on is nested at most `LIMITS.jsonDepth` deep and holds no key `__proto__`.
 * I2: bytes that are not UTF-8 are refused, never replaced.
 */

import { isUtf8 } from 'node:buffer';
import type { Json } from '../../model/json.ts';
import { LIMITS } from '../../model/limits.ts';
import { accepted, badRequest } from './status.ts';
import type { Outcome, Refused } from './status.ts';

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COLON = 0x3a;
const OPEN_LIST = 0x5b;
const CLOSE_LIST = 0x5d;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;
const PROTO = '__proto__';
const ESCAPED_UNDERSCORE = '\\u005';

export interface ReadJson {
  readonly value: Json;
  /** Fields in the text, duplicates included. */
  readonly members: number;
}

/** Parses a body. Refused with 400 when it is not JSON, not UTF-8, too deep, or holds a key `__proto__`. */
export function readJson(bytes: Buffer): Outcome<ReadJson> {
  if (bytes.length === 0) return badRequest('the body of the request is empty; a JSON object is expected');
  if (!isUtf8(bytes)) return badRequest('the body of the request is not valid UTF-8');
  const shape = scan(bytes);
  if (shape.depth > LIMITS.jsonDepth) {
    return badRequest(`the body of the request is nested deeper than ${LIMITS.jsonDepth} levels`);
  }
  let value: Json;
  try {
    value = JSON.parse(bytes.toString('utf8')) as Json;
  } catch (error) {
    return badRequest(`the body of the request is not well-formed JSON: ${parserSays(error)}`);
  }
  if (bytes.includes(PROTO) || bytes.includes(ESCAPED_UNDERSCORE)) {
    const refusal = refusePrototype(value);
    if (refusal !== undefined) return refusal;
  }
  return accepted({ value, members: shape.members });
}

/** Depth of nesting, and the number of fields. For text that is not JSON both are meaningless, and the parser refuses it anyway. */
function scan(bytes: Buffer): { readonly depth: number; readonly members: number } {
  let depth = 0;
  let deepest = 0;
  let members = 0;
  const end = bytes.length;
  for (let i = 0; i < end; i++) {
    const byte = bytes[i];
    if (byte === QUOTE) {
      i = endOfText(bytes, i + 1);
    } else if (byte === COLON) {
      members++;
    } else if (byte === OPEN_OBJECT || byte === OPEN_LIST) {
      if (++depth > deepest) deepest = depth;
    } else if (byte === CLOSE_OBJECT || byte === CLOSE_LIST) {
      depth--;
    }
  }
  return { depth: deepest, members };
}

/** Where the closing quote of a text stands that begins at `from`. */
function endOfText(bytes: Buffer, from: number): number {
  let i = from;
  while (i < bytes.length && bytes[i] !== QUOTE) i += bytes[i] === BACKSLASH ? 2 : 1;
  return i;
}

/** What V8 says, without the excerpt of the text, which may hold a secret. */
function parserSays(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  const position = /at position \d+/.exec(message)?.[0];
  return position === undefined ? 'it ends too early or holds something else' : `unexpected character ${position}`;
}

function refusePrototype(value: Json): Refused | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  if (!Array.isArray(value) && Object.hasOwn(value, PROTO)) return badRequest(`a field cannot be named ${PROTO}`);
  for (const one of Object.values(value)) {
    const refusal = refusePrototype(one);
    if (refusal !== undefined) return refusal;
  }
  return undefined;
}

/** The first field that the text gives twice, as a path (`spec.workers`); undefined when there is none. */
export function duplicateField(bytes: Buffer, read: ReadJson): string | undefined {
  return countFields(read.value) === read.members ? undefined : findDuplicate(bytes.toString('utf8'));
}

function countFields(value: Json): number {
  if (typeof value !== 'object' || value === null) return 0;
  let count = 0;
  if (Array.isArray(value)) {
    for (const one of value) if (typeof one === 'object') count += countFields(one);
    return count;
  }
  for (const key in value) {
    count++;
    const one = value[key];
    if (typeof one === 'object') count += countFields(one);
  }
  return count;
}

interface Frame {
  /** Undefined for a list. */
  readonly names: Set<string> | undefined;
  readonly path: string;
  name: string;
  index: number;
}

const TOKENS = /"(?:[^"\\]|\\.)*"|[{}[\]:,]/g;

/** Walks well-formed JSON by its tokens. Slow, and only for text that is known to hold a duplicate. */
function findDuplicate(text: string): string | undefined {
  const stack: Frame[] = [];
  let last = '';
  for (const [token] of text.matchAll(TOKENS)) {
    const frame = stack.at(-1);
    if (token === '{' || token === '[') {
      const path = frame === undefined ? '' : pathBelow(frame);
      stack.push({ names: token === '{' ? new Set() : undefined, path, name: '', index: 0 });
    } else if (token === '}' || token === ']') stack.pop();
    else if (token === ',' && frame !== undefined) frame.index++;
    else if (token === ':' && frame?.names !== undefined) {
      frame.name = JSON.parse(last) as string;
      if (frame.names.has(frame.name)) return pathBelow(frame);
      frame.names.add(frame.name);
    }
    last = token;
  }
  return undefined;
}

function pathBelow(frame: Frame): string {
  if (frame.names === undefined) return `${frame.path}[${frame.index}]`;
  return frame.path === '' ? frame.name : `${frame.path}.${frame.name}`;
}
