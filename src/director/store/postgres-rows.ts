/**
 * Rows of the store's statements, as the values they mean.
 */

import { present } from '../../base/assert.ts';
import type { HistoryChange, ReplayChange, StateBefore, StoredRow, StoreHead, Tombstone } from '../../ports/store.ts';
import type { SqlRow } from '../../ports/sql.ts';
import { parseKeyText } from './key.ts';

function text(value: string | null | undefined, what: string): string {
  return present(value, what);
}

/** A body as the statements give it: JSON as it is, anything else in hex after `\x`. */
export function bodyOf(value: string | null | undefined): Buffer | undefined {
  if (value === null || value === undefined) return undefined;
  return value.startsWith('\\x') ? Buffer.from(value.slice(2), 'hex') : Buffer.from(value, 'utf8');
}

export function headOf([number, id, revision, compacted]: SqlRow): StoreHead {
  return { era: { number: Number(number), id: text(id, 'the era') }, revision: Number(revision), compacted: Number(compacted) };
}

export function snapshotRow([key, uid, revision, body]: SqlRow): StoredRow {
  return {
    key: parseKeyText(text(key, 'a key')),
    uid: text(uid, 'a uid'),
    revision: Number(revision),
    body: present(bodyOf(body), 'the body of an entity'),
  };
}

export function historyRow([revision, previous, batch, uid, key, body]: SqlRow): HistoryChange {
  return {
    revision: Number(revision),
    previous: optional(previous),
    batch: text(batch, 'a batch'),
    uid: text(uid, 'a uid'),
    key: parseKeyText(text(key, 'a key')),
    body: bodyOf(body),
  };
}

export function replayRow([revision, previous, uid, key, body, previousBody]: SqlRow): ReplayChange {
  return {
    revision: Number(revision),
    previous: optional(previous),
    uid: text(uid, 'a uid'),
    key: parseKeyText(text(key, 'a key')),
    body: bodyOf(body),
    previousBody: bodyOf(previousBody),
  };
}

export function beforeRow([key, uid, revision, body]: SqlRow): StateBefore {
  const at = parseKeyText(text(key, 'a key'));
  const known = bodyOf(body);
  if (known === undefined) return { key: at };
  return { key: at, row: { key: at, uid: text(uid, 'a uid'), revision: Number(revision), body: known } };
}

export function tombstoneRow([key, uid, revision, number, id]: SqlRow): Tombstone {
  return {
    key: parseKeyText(text(key, 'a key')),
    uid: text(uid, 'a uid'),
    revision: Number(revision),
    era: { number: Number(number), id: text(id, 'an era') },
  };
}

function optional(value: string | null | undefined): number | undefined {
  return value === null || value === undefined ? undefined : Number(value);
}
