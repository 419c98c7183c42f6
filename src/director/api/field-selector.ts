/**
 * Field selectors: `metadata.name=x,involvedObject.kind!=Cluster`, the fields being those that the kind says one may select by.
 *
 * `metadata.name` and `metadata.namespace` work for every kind and need no look into the object. All others are named by the kind's
 * definition (`selectableFields`), compared as text, and read from the object once per state.
 *
 * I1: a field that the kind does not offer is refused, never taken for "everything".
 */

import { isJsonObject } from '../../model/json.ts';
import type { Json, JsonObject } from '../../model/json.ts';
import type { StoredEntity } from '../../ports/store.ts';
import { accepted, badRequest } from './status.ts';
import type { Outcome } from './status.ts';

export interface FieldTerm {
  readonly field: string;
  readonly equal: boolean;
  readonly value: string;
}

export interface FieldSelection {
  /** The one name that can pass, when the selector fixes it. */
  readonly name: string | undefined;
  readonly namespace: string | undefined;
  /** What is left to test after name and namespace; undefined: nothing. */
  readonly test: ((entity: StoredEntity) => boolean) | undefined;
  /** False when the terms contradict each other. */
  readonly possible: boolean;
}

const EVERYTHING: FieldSelection = { name: undefined, namespace: undefined, test: undefined, possible: true };

export function parseFieldSelector(selector: string): Outcome<readonly FieldTerm[]> {
  const terms: FieldTerm[] = [];
  for (const part of splitUnescaped(selector, ',')) {
    if (part === '') continue;
    const mark = /!=|==?/.exec(part);
    const field = part.slice(0, mark?.index ?? 0).trim();
    if (mark === null || field === '' || field.includes('!')) {
      return badRequest(`invalid selector: ${JSON.stringify(part)}; can't understand ${JSON.stringify(selector)}`);
    }
    const value = part.slice(mark.index + mark[0].length).replaceAll(/\\([\\,=])/g, '$1');
    terms.push({ field, equal: mark[0] !== '!=', value });
  }
  return accepted(terms);
}

/** `selectable`: dotted paths that the kind offers besides name and namespace. */
export function fieldSelection(selector: string | undefined, selectable: readonly string[]): Outcome<FieldSelection> {
  if (selector === undefined || selector === '') return accepted(EVERYTHING);
  const terms = parseFieldSelector(selector);
  if (!terms.ok) return terms;
  let name: string | undefined;
  let namespace: string | undefined;
  let possible = true;
  const left: FieldTerm[] = [];
  for (const term of terms.value) {
    if (term.field === 'metadata.name' && term.equal) {
      possible &&= name === undefined || name === term.value;
      name = term.value;
    } else if (term.field === 'metadata.namespace' && term.equal) {
      possible &&= namespace === undefined || namespace === term.value;
      namespace = term.value;
    } else if (term.field === 'metadata.name' || term.field === 'metadata.namespace' || selectable.includes(term.field)) left.push(term);
    else return badRequest(`field label not supported: ${term.field}`);
  }
  return accepted({ name, namespace, possible, test: left.length === 0 ? undefined : testOf(left) });
}

function testOf(terms: readonly FieldTerm[]): (entity: StoredEntity) => boolean {
  const paths = terms.map((term) => ({ ...term, path: term.field.split('.') }));
  const known = new WeakMap<StoredEntity, boolean>();
  return (entity) => {
    const before = known.get(entity);
    if (before !== undefined) return before;
    const object = entity.object();
    const passes = paths.every(({ path, value, equal }) => (textAt(object, path) === value) === equal);
    known.set(entity, passes);
    return passes;
  };
}

/** The scalar at `path` as text; '' when there is none, as in Kubernetes. */
export function textAt(object: JsonObject, path: readonly string[]): string {
  let value: Json | undefined = object;
  for (const part of path) value = isJsonObject(value) && Object.hasOwn(value, part) ? value[part] : undefined;
  return value === undefined || value === null || typeof value === 'object' ? '' : String(value);
}

function splitUnescaped(text: string, separator: string): string[] {
  const parts: string[] = [];
  let part = '';
  for (let i = 0; i < text.length; i++) {
    const char = text[i] ?? '';
    if (char === '\\') part += char + (text[++i] ?? '');
    else if (char === separator) {
      parts.push(part);
      part = '';
    } else part += char;
  }
  parts.push(part);
  return parts;
}
