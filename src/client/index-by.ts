/**
 * An index over an informer's copy: the objects of one key without looking through all of them.
 *
 * I1: it shows what the copy shows, to every listener that was added to the informer after it was made.
 */

import type { AnyEntity } from '../model/core-kinds.ts';
import type { Informer } from './informer.ts';

export interface IndexBy<T> {
  /** The objects with that key, in no order. */
  of(key: string): readonly T[];
}

/** `keyOf`: undefined for what nobody looks up. */
export function indexBy<T extends AnyEntity>(informer: Informer<T>, keyOf: (object: T) => string | undefined): IndexBy<T> {
  const byKey = new Map<string, Map<string, T>>();
  const keys = new Map<string, string>();
  const drop = (uid: string): void => {
    const key = keys.get(uid);
    if (key === undefined) return;
    keys.delete(uid);
    const group = byKey.get(key);
    group?.delete(uid);
    if (group?.size === 0) byKey.delete(key);
  };
  informer.onChange((object, gone) => {
    const { uid } = object.metadata;
    const key = gone ? undefined : keyOf(object);
    if (keys.get(uid) !== key) drop(uid);
    if (key === undefined) return;
    keys.set(uid, key);
    const group = byKey.get(key) ?? new Map<string, T>();
    byKey.set(key, group.set(uid, object));
  });
  return { of: (key) => [...(byKey.get(key)?.values() ?? [])] };
}
