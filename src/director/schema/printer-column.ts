/**
 * additionalPrinterColumns: the cells of a `Table`, typed as kubectl expects them.
 *
 * A cell is null where the path finds nothing or a value of another type. Dates are shown as ages, computed here, because kubectl prints
 * what the server sends. A path that finds several values gives a text of all of them, joined by commas; other types show the first.
 */

import type { Json } from '../../model/json.ts';
import type { PrinterColumn } from '../../model/resource.ts';
import { isDateTime } from './formats.ts';
import { humanDuration } from './human-duration.ts';
import { compileJsonPath } from './jsonpath.ts';

export interface CompiledColumn {
  readonly definition: PrinterColumn;
  /** The cell for `object` as it is at `nowMs` (milliseconds since 1970, for ages). */
  readonly cell: (object: Json, nowMs: number) => Json;
}

export type ColumnResult = { readonly ok: true; readonly column: CompiledColumn } | { readonly ok: false; readonly why: string };

/** Compiles a column; a path that cannot be read refuses it with a sentence. */
export function compileColumn(definition: PrinterColumn): ColumnResult {
  const result = compileJsonPath(definition.jsonPath);
  if (!result.ok) return result;
  const { find } = result.path;
  const show = shower(definition.type);
  const cell = (object: Json, nowMs: number): Json => {
    const found = find(object);
    return found.length === 0 ? null : show(found, nowMs);
  };
  return { ok: true, column: { definition, cell } };
}

function shower(type: PrinterColumn['type']): (found: readonly Json[], nowMs: number) => Json {
  switch (type) {
    case 'string':
      return (found) => (found.length === 1 ? textOf(found[0] ?? null) : found.map((one) => textOf(one) ?? '').join(','));
    case 'integer':
      return ([first]) => (typeof first === 'number' ? Math.trunc(first) : null);
    case 'number':
      return ([first]) => (typeof first === 'number' ? first : null);
    case 'boolean':
      return ([first]) => (typeof first === 'boolean' ? first : null);
    case 'date':
      return ([first], nowMs) => ageOf(first ?? null, nowMs);
    default:
      return type satisfies never;
  }
}

function textOf(value: Json): string | null {
  if (value === null) return null;
  if (typeof value === 'object') return JSON.stringify(value);
  return String(value);
}

function ageOf(value: Json, nowMs: number): string | null {
  if (typeof value !== 'string') return null;
  if (!isDateTime(value)) return '<invalid>';
  return humanDuration(nowMs - Date.parse(value.toUpperCase()));
}
