/**
 * What is known of one kind: its objects, and whether they are from now.
 *
 * Values are immutable: a change makes another map and keeps the objects that did not change, so that what is drawn from them can be kept too.
 *
 * I1: events applied in order give the set that a list at the last of them would give.
 * I2: an event that is not newer than what is held changes nothing (a resumed watch may repeat, never roll back).
 * I3: losing contact changes no object: what was known stays, with the moment from which it is.
 */

import type { ObjectMeta } from '../../../src/model/resource.ts';

export interface Watched {
  readonly metadata: ObjectMeta;
}

export interface WatchEvent<T> {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED';
  readonly object: T;
}

export type Contact =
  | { readonly state: 'loading' }
  | { readonly state: 'live' }
  /** `sinceMs`: when something was heard last; undefined: never. */
  | { readonly state: 'lost'; readonly sinceMs: number | undefined; readonly why: string }
  /** The API says no; `why` is its sentence. */
  | { readonly state: 'refused'; readonly code: number; readonly why: string };

export interface LiveSet<T> {
  readonly objects: ReadonlyMap<string, T>;
  readonly contact: Contact;
  /** Whether a whole list was ever seen. */
  readonly complete: boolean;
}

export function emptySet<T>(): LiveSet<T> {
  return { objects: new Map(), contact: { state: 'loading' }, complete: false };
}

/** `namespace/name`. */
export function keyOf({ metadata }: Watched): string {
  return `${metadata.namespace ?? ''}/${metadata.name}`;
}

/** What a list says replaces all; objects that are the same revision are kept as they are. */
export function listed<T extends Watched>(set: LiveSet<T>, items: readonly T[]): LiveSet<T> {
  const objects = new Map<string, T>();
  for (const item of items) {
    const key = keyOf(item);
    const held = set.objects.get(key);
    objects.set(key, held !== undefined && isSame(held, item) ? held : item);
  }
  return { objects, contact: { state: 'live' }, complete: true };
}

export function applied<T extends Watched>(set: LiveSet<T>, events: readonly WatchEvent<T>[]): LiveSet<T> {
  const objects = new Map(set.objects);
  for (const { type, object } of events) {
    const key = keyOf(object);
    const held = objects.get(key);
    if (held !== undefined && revisionOf(held) >= revisionOf(object)) continue;
    if (type === 'DELETED') objects.delete(key);
    else objects.set(key, object);
  }
  return { ...set, objects };
}

export function withContact<T>(set: LiveSet<T>, contact: Contact): LiveSet<T> {
  const isKept = contact.state === set.contact.state && contact.state !== 'lost' && contact.state !== 'refused';
  return isKept ? set : { ...set, contact };
}

/** Of several that are shown together, the one that makes what is shown oldest. That one of them is refused makes nothing old. */
export function gravest(contacts: readonly Contact[]): Contact {
  const lost = contacts.filter((one) => one.state === 'lost');
  const [oldest] = lost.toSorted((a, b) => (a.sinceMs ?? 0) - (b.sinceMs ?? 0));
  return oldest ?? contacts.find(({ state }) => state === 'loading') ?? contacts[0] ?? { state: 'loading' };
}

function isSame(one: Watched, other: Watched): boolean {
  return one.metadata.uid === other.metadata.uid && one.metadata.resourceVersion === other.metadata.resourceVersion;
}

/** Revisions of this API are numbers in order (docs/decisions/0004-store.md). */
function revisionOf({ metadata }: Watched): number {
  return Number(metadata.resourceVersion);
}
