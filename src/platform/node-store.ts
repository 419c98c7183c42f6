/**
 * The node store on disk: one JSON file a record, `<folder>/<name>.json`, {format, crc, body}.
 *
 * The checksum is CRC-32 over the text of the body: it tells torn and bit-rotten files from good ones; it does not protect from people.
 *
 * I1: after `write` resolves, the record survives a power cut; until then the old one is whole.
 * I2: a record of unknown format or wrong checksum is kept, not used, and reported: reading says `damaged`, and the next write moves it aside
 *     (`<name>.json.damaged-N`) before it takes its place.
 * I3: writes to one record happen in the order of the calls.
 */

import { readFile, rename, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { assert } from '../base/assert.ts';
import { isJsonObject } from '../model/json.ts';
import type { Json } from '../model/json.ts';
import { LIMITS } from '../model/limits.ts';
import type { NodeStore, RecordRead } from '../ports/node-store.ts';
import { removeDurably, writeDurably, writeFault } from './durable-file.ts';

/** Version of the envelope. */
const FORMAT = 1;
const NAME = /^[a-z][a-zA-Z0-9-]{0,62}$/;

/** The records in `folder`, which is made when it is missing. */
export function nodeStore(folder: string): NodeStore {
  const turns = new Map<string, Promise<unknown>>();
  /** One after another for each record; a failure does not stop those behind it. */
  const inTurn = <T>(name: string, work: () => Promise<T>): Promise<T> => {
    assert(NAME.test(name), `"${name}" is no name of a record`);
    const turn = (turns.get(name) ?? Promise.resolve()).then(work, work);
    turns.set(name, turn);
    void turn.catch(() => undefined).finally(() => turns.get(name) === turn && turns.delete(name));
    return turn;
  };
  const fileOf = (name: string): string => join(folder, `${name}.json`);
  return {
    read: <T extends Json>(name: string) => inTurn(name, () => readRecord<T>(fileOf(name))),
    write: (name, body) =>
      inTurn(name, async () => {
        await keepDamaged(fileOf(name));
        await writeDurably(fileOf(name), encodeRecord(body));
      }),
    remove: (name) => inTurn(name, () => removeDurably(fileOf(name))),
  };
}

/** The text of a record file. */
export function encodeRecord(body: Json): string {
  const text = JSON.stringify(body);
  return `{"format":${FORMAT},"crc":${crc32(text)},"body":${text}}\n`;
}

/** What a record file's text says; `file` names it in messages. */
export function decodeRecord<T extends Json>(text: string, file: string): RecordRead<T> {
  let envelope: unknown;
  try {
    envelope = JSON.parse(text);
  } catch {
    return damaged(file, 'is not whole JSON');
  }
  if (!isJsonObject(envelope) || envelope['body'] === undefined) return damaged(file, 'is not a record');
  if (envelope['format'] !== FORMAT) return damaged(file, `has format ${JSON.stringify(envelope['format'])}; this version reads ${FORMAT}`);
  // JSON.stringify gives back the very text that it made: key order and numbers survive a round trip.
  if (envelope['crc'] !== crc32(JSON.stringify(envelope['body']))) return damaged(file, 'has a wrong checksum');
  return { state: 'found', body: envelope['body'] as T };
}

/** Reads a record file that somebody else writes. Never throws for what is in it; throws `Fault` when the disk refuses. */
export async function readRecord<T extends Json>(file: string): Promise<RecordRead<T>> {
  try {
    const { size } = await stat(file);
    if (size > LIMITS.nodeRecordBytes) return damaged(file, `is longer than ${LIMITS.nodeRecordBytes} bytes`);
    return decodeRecord<T>(await readFile(file, 'utf8'), file);
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return { state: 'absent' };
    const why = cause instanceof Error ? cause.message : String(cause);
    return damaged(file, `cannot be read: ${why}`);
  }
}

function damaged(file: string, why: string): RecordRead<never> {
  return { state: 'damaged', message: `${file} ${why}; it is kept, and not used.` };
}

async function keepDamaged(file: string): Promise<void> {
  if ((await readRecord(file)).state !== 'damaged') return;
  const aside = await freePlace(file);
  await rename(file, aside).catch((cause: unknown) => {
    throw writeFault(aside, cause);
  });
}

async function freePlace(file: string): Promise<string> {
  for (let n = 1; n < LIMITS.damagedRecordsKept; n++) {
    const taken = await stat(`${file}.damaged-${n}`).catch(() => undefined);
    if (taken === undefined) return `${file}.damaged-${n}`;
  }
  return `${file}.damaged-${LIMITS.damagedRecordsKept}`;
}
