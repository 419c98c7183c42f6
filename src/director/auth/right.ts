/**
 * What one row of the rights of nodes and hosts is, and how rows are found and asked.
 *
 * A row says in words, for people, what its two functions decide; docs/reference/rights.md is made from those words.
 *
 * I1: what no row allows is refused, with the sentence of the row that came nearest.
 * I2: the content of a write passes when one of the rows that its attributes passed says so.
 */

import type { JsonObject } from '../../model/json.ts';
import type { Attributes, WriteContent } from './identity.ts';

/** Undefined: allowed. A sentence: why not, and what would be. */
export type Verdict = string | undefined;

export interface Right<Caller> {
  /** `N1`, `H4`: named by the tests, and in the log. */
  readonly id: string;
  readonly verbs: readonly string[];
  readonly group: string;
  readonly resource: string;
  readonly subresource?: string;
  /** Of which objects, and with which content; a phrase. */
  readonly says: string;
  /** From the attributes alone. */
  readonly refuses: (caller: Caller, attributes: Attributes) => Verdict;
  /** For writes: from what is written. */
  readonly refusesContent?: (caller: Caller, content: States, attributes: Attributes) => Verdict;
}

/** The states around a write, an absent one as an empty object. */
export interface States {
  readonly old: JsonObject;
  readonly next: JsonObject;
}

export type RightsIndex<Caller> = ReadonlyMap<string, readonly Right<Caller>[]>;

export function indexRights<Caller>(rows: readonly Right<Caller>[]): RightsIndex<Caller> {
  const index = new Map<string, Right<Caller>[]>();
  for (const row of rows) {
    for (const verb of row.verbs) {
      const key = keyOf(verb, row.group, row.resource, row.subresource ?? '');
      index.set(key, [...(index.get(key) ?? []), row]);
    }
  }
  return index;
}

export type RowAnswer<Caller> =
  | { readonly rows: readonly Right<Caller>[] }
  /** `nearest`: the sentence of a row for the same verb and resource, if there is one. */
  | { readonly nearest: Verdict };

/** The rows whose attributes part allows the request. */
export function rowsFor<Caller>(index: RightsIndex<Caller>, caller: Caller, attributes: Attributes): RowAnswer<Caller> {
  if (attributes.path !== undefined) return { nearest: undefined };
  const candidates = index.get(keyOf(attributes.verb, attributes.group, attributes.resource, attributes.subresource ?? '')) ?? [];
  let nearest: Verdict;
  const rows: Right<Caller>[] = [];
  for (const row of candidates) {
    const verdict = row.refuses(caller, attributes);
    if (verdict === undefined) rows.push(row);
    else nearest ??= verdict;
  }
  return rows.length > 0 ? { rows } : { nearest };
}

/** Why none of `rows` allows this content; undefined when one does. */
export function contentVerdict<Caller>(
  rows: readonly Right<Caller>[],
  caller: Caller,
  attributes: Attributes,
  content: WriteContent,
): Verdict {
  const states: States = { old: content.old ?? {}, next: content.next ?? {} };
  let first: Verdict;
  for (const row of rows) {
    const verdict = row.refusesContent?.(caller, states, attributes);
    if (verdict === undefined) return undefined;
    first ??= verdict;
  }
  return first;
}

function keyOf(verb: string, group: string, resource: string, subresource: string): string {
  return `${verb} ${group}/${resource}/${subresource}`;
}
