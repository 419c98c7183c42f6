/**
 * Keys as one text: `group/resource/namespace/name`, the primary key of the entities in the database and in memory.
 *
 * One column instead of four makes batches smaller and the index narrower, and still reads well in psql.
 *
 * I1: text and key map one to one, because no part may hold `/`.
 */

import { assert } from '../../base/assert.ts';
import type { EntityKey } from '../../ports/store.ts';

export function keyText(key: EntityKey): string {
  return `${key.group}/${key.resource}/${key.namespace}/${key.name}`;
}

export function parseKeyText(text: string): EntityKey {
  const parts = text.split('/');
  assert(parts.length === 4, `the stored key "${text}" has four parts`);
  const [group = '', resource = '', namespace = '', name = ''] = parts;
  return { group, resource, namespace, name };
}

/** Refuses a key whose text would be ambiguous. The API layer has validated names; this guards the database against its mistakes. */
export function assertKey(key: EntityKey): void {
  const parts = [key.group, key.resource, key.namespace, key.name];
  assert(
    parts.every((part) => !part.includes('/')),
    'no part of a key holds "/"',
  );
  assert(key.resource !== '' && key.name !== '', 'a key names a resource and an object');
}

/** All keys of one resource lie in [from, to) of the text order (by bytes). */
export function resourceRange(group: string, resource: string): { readonly from: string; readonly to: string } {
  return { from: `${group}/${resource}/`, to: `${group}/${resource}0` };
}

/** Every key lies in [from, to): they begin with a letter, a digit or `/`. */
export const ALL_KEYS = { from: '', to: '~' } as const;

/** Name of one resource's table. */
export function tableName(group: string, resource: string): string {
  return `${group}/${resource}`;
}
