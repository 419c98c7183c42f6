/**
 * Finds, for an item of a list of type map, the item with the same keys in the old list.
 *
 * I1: an item whose keys are not all there has no counterpart.
 */

import { isJsonObject } from '../../model/json.ts';
import type { Json } from '../../model/json.ts';
import { readerOf } from './json-values.ts';

/** Lists up to this long are searched; longer ones get an index. */
const FEW = 8;

/** Makes a finder for lists with these key fields: give it the old list, then ask for each new item. */
export function correlate(keys: readonly string[]): (old: readonly Json[]) => (item: Json) => Json | undefined {
  const readers = keys.map((key) => readerOf(key));
  const same = (a: Json, b: Json): boolean =>
    isJsonObject(a) && isJsonObject(b) && readers.every((read) => read(a) !== undefined && read(a) === read(b));
  const keyOf = (item: Json): string | undefined => {
    if (!isJsonObject(item)) return undefined;
    const values = readers.map((read) => read(item));
    return values.includes(undefined) ? undefined : JSON.stringify(values);
  };
  return (old) => {
    if (old.length <= FEW) return (item) => old.find((one) => same(one, item));
    const byKey = new Map(old.map((one) => [keyOf(one), one]));
    return (item) => {
      const key = keyOf(item);
      return key === undefined ? undefined : byKey.get(key);
    };
  };
}
