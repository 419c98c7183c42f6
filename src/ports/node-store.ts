/**
 * The door to the node store: the small durable state of an agent on its own disk.
 *
 * One JSON file a record, {format, crc, body}, written by tmp, fsync, rename, fsync of the folder.
 *
 * I1: after `write` resolves, the record survives a power cut.
 * I2: a record of unknown format or wrong checksum is kept, not used, and reported.
 */

import type { Json } from '../model/json.ts';

export type RecordRead<T> =
  | { readonly state: 'found'; readonly body: T }
  | { readonly state: 'absent' }
  | { readonly state: 'damaged'; readonly message: string };

export interface NodeStore {
  read<T extends Json>(name: string): Promise<RecordRead<T>>;
  write(name: string, body: Json): Promise<void>;
  remove(name: string): Promise<void>;
}
