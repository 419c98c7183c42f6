/**
 * Objects that come with this program: written at start where they are missing, or where the stored one came with an older program.
 *
 * Each bears the number of its bundle as an annotation. A stored object with the same or a higher number is left as it is, also when people have
 * changed it: to keep a change across upgrades, they make an object of their own. Several directors may do this at once: each write is a compare-and-swap,
 * and whoever loses looks again.
 *
 * I1: an object of a higher bundle is never overwritten by an older program.
 * I2: an object keeps its uid and creation time, and the labels and annotations that others gave it.
 */

import { assert } from '../../base/assert.ts';
import { Fault } from '../../model/fault.ts';
import type { JsonObject } from '../../model/json.ts';
import { API_GROUP } from '../../model/resource.ts';
import type { EntityKey, StoredEntity } from '../../ports/store.ts';
import { createOrRead, part, replaceObject } from './stored-object.ts';
import type { ObjectMaker } from './stored-object.ts';

export const BUNDLE_ANNOTATION = `${API_GROUP}/bundle`;

const ROUNDS = 8;

/** What a bundled object is stored under. */
export interface BundledObject {
  readonly group: string;
  /** Plural. */
  readonly resource: string;
  /** apiVersion, kind, metadata (name, namespace, labels, …) and the rest. */
  readonly object: JsonObject;
}

/** How many were written. `bundle` rises whenever any object of it changes. */
export async function applyBundle(
  maker: ObjectMaker,
  bundle: number,
  objects: readonly BundledObject[],
  signal: AbortSignal,
): Promise<number> {
  let written = 0;
  for (const one of objects) {
    if (await applyOne(maker, bundle, one, signal)) written++;
  }
  return written;
}

async function applyOne(maker: ObjectMaker, bundle: number, bundled: BundledObject, signal: AbortSignal): Promise<boolean> {
  const wanted = annotated(bundled.object, bundle);
  const key = keyOf(bundled);
  let made = false;
  const make = (): JsonObject => {
    made = true;
    return wanted;
  };
  for (let round = 0; round < ROUNDS; round++) {
    const stored = await createOrRead(maker, key, make, signal);
    if (bundleOf(stored) >= bundle) return made;
    const outcome = await replaceObject(maker.store, stored, merged(stored.object(), wanted), signal);
    if (outcome.ok) return true;
  }
  throw new Fault(
    'StoreTimeout',
    `${key.resource}/${key.name} changed at each of ${ROUNDS} looks, so what comes with this program was not written.`,
  );
}

function keyOf({ group, resource, object }: BundledObject): EntityKey {
  const { name, namespace } = part(object, 'metadata');
  assert(typeof name === 'string' && name !== '', 'a bundled object has a name');
  return { group, resource, namespace: typeof namespace === 'string' ? namespace : '', name };
}

function annotated(object: JsonObject, bundle: number): JsonObject {
  const metadata = part(object, 'metadata');
  const annotations = { ...part(metadata, 'annotations'), [BUNDLE_ANNOTATION]: String(bundle) };
  return { ...object, metadata: { ...metadata, annotations } };
}

function bundleOf(entity: StoredEntity): number {
  const number = Number(part(part(entity.object(), 'metadata'), 'annotations')[BUNDLE_ANNOTATION] ?? 0);
  return Number.isSafeInteger(number) ? number : 0;
}

/** The new content in the old object's life. */
function merged(stored: JsonObject, wanted: JsonObject): JsonObject {
  const [old, next] = [part(stored, 'metadata'), part(wanted, 'metadata')];
  const both = (name: string): JsonObject => ({ ...part(old, name), ...part(next, name) });
  return { ...wanted, metadata: { ...old, labels: both('labels'), annotations: both('annotations') } };
}
