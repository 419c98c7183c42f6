/**
 * Sealing by AES-256-GCM, with keys from a key file.
 *
 * Key file: one key a line, base64 of 32 bytes; the last line is the newest and seals, all of them open. Lines that begin with `#` are remarks. A key's id
 * is made from the key, so an envelope that names an id can only mean that very key. To rotate: append a line, restart the directors one after
 * the other, write every Secret once, then drop the old line.
 *
 * Envelope: "ORS1", id of the key (8 bytes), nonce (12 bytes), tag (16 bytes), ciphertext.
 *
 * I1: what was sealed for one context opens for no other, and not after a bit was changed.
 * I2: the key file is made readable by its owner only, and one that others may read or write is refused.
 * I3: two processes that make the key file at once end up with the same key.
 */

import { createCipheriv, createDecipheriv, createHash, randomBytes } from 'node:crypto';
import { closeSync, existsSync, fstatSync, fsyncSync, linkSync, mkdirSync, openSync, readFileSync, unlinkSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import { Fault } from '../model/fault.ts';
import type { Sealer } from '../ports/sealer.ts';

const MAGIC = Buffer.from('ORS1', 'latin1');
const KEY_BYTES = 32;
const ID_BYTES = 8;
/** NIST SP 800-38D: 96-bit nonces; random ones are safe for 2^32 seals a key. */
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const HEAD_BYTES = MAGIC.length + ID_BYTES + NONCE_BYTES + TAG_BYTES;
/** Permissions of others than the owner. */
const OTHERS = 0o077;

interface SealKey {
  readonly id: string;
  readonly key: Buffer;
}

/** Opens the key file; makes it when it is not there and `create` is set. Throws `Fault` SealBroken or FolderUnwritable. */
export function openSealer(file: string, options: { readonly create: boolean }): Sealer {
  if (options.create) createKeyFile(file);
  const keys = readKeys(file);
  const byId = new Map(keys.map((key) => [key.id, key]));
  const newest = keys.at(-1);
  if (newest === undefined)
    throw new Fault('SealBroken', `The key file ${file} holds no key. Put the key back that sealed this store's Secrets.`);
  return {
    seal: (plain, context) => seal(newest, plain, context),
    open: (sealed, context) => open(byId, sealed, context, file),
  };
}

function seal(key: SealKey, plain: Buffer, context: string): Buffer {
  const nonce = randomBytes(NONCE_BYTES);
  const cipher = createCipheriv('aes-256-gcm', key.key, nonce, { authTagLength: TAG_BYTES });
  cipher.setAAD(Buffer.from(context, 'utf8'));
  const text = Buffer.concat([cipher.update(plain), cipher.final()]);
  return Buffer.concat([MAGIC, Buffer.from(key.id, 'hex'), nonce, cipher.getAuthTag(), text]);
}

function open(keys: ReadonlyMap<string, SealKey>, sealed: Buffer, context: string, file: string): Buffer {
  if (sealed.length < HEAD_BYTES || !sealed.subarray(0, MAGIC.length).equals(MAGIC)) {
    throw new Fault(
      'SealBroken',
      `${context} is stored without a seal. Somebody wrote it past the director; delete it and create it again.`,
    );
  }
  const id = sealed.subarray(MAGIC.length, MAGIC.length + ID_BYTES).toString('hex');
  const key = keys.get(id);
  if (key === undefined) {
    const held = [...keys.keys()].join(', ');
    throw new Fault(
      'SealBroken',
      `${context} is sealed by key ${id}, which the key file ${file} does not hold (it holds ${held}). Put that key back into the file, or name the right file by OUTRIGGER_STORE_KEY_FILE.`,
    );
  }
  const nonceAt = MAGIC.length + ID_BYTES;
  const tagAt = nonceAt + NONCE_BYTES;
  const decipher = createDecipheriv('aes-256-gcm', key.key, sealed.subarray(nonceAt, tagAt), { authTagLength: TAG_BYTES });
  decipher.setAAD(Buffer.from(context, 'utf8'));
  decipher.setAuthTag(sealed.subarray(tagAt, HEAD_BYTES));
  try {
    return Buffer.concat([decipher.update(sealed.subarray(HEAD_BYTES)), decipher.final()]);
  } catch (cause) {
    throw new Fault(
      'SealBroken',
      `${context} does not open with key ${id} of ${file}: its bytes were changed or moved from another entity. Restore it from a backup, or delete and create it again.`,
      { cause },
    );
  }
}

function readKeys(file: string): SealKey[] {
  const text = readPrivate(file);
  return text
    .split('\n')
    .map((line, at) => ({ line: line.trim(), number: at + 1 }))
    .filter(({ line }) => line !== '' && !line.startsWith('#'))
    .map(({ line, number }) => {
      const key = Buffer.from(line, 'base64');
      if (key.length !== KEY_BYTES || key.toString('base64') !== line) {
        throw new Fault(
          'SealBroken',
          `Line ${number} of the key file ${file} is not the base64 of ${KEY_BYTES} bytes. Put the file back as it was.`,
        );
      }
      return {
        id: createHash('sha256')
          .update('outrigger store key')
          .update(key)
          .digest('hex')
          .slice(0, 2 * ID_BYTES),
        key,
      };
    });
}

/** The file's text, when nobody but its owner may read or write it. */
function readPrivate(file: string): string {
  let descriptor: number;
  try {
    descriptor = openSync(file, 'r');
  } catch (cause) {
    throw new Fault('SealBroken', `The key file ${file} cannot be read. Without it no Secret of this store can be opened: put it back.`, {
      cause,
    });
  }
  try {
    const mode = fstatSync(descriptor).mode & 0o777;
    if ((mode & OTHERS) !== 0) {
      const shown = mode.toString(8).padStart(4, '0');
      throw new Fault(
        'SealBroken',
        `The key file ${file} has mode ${shown}: others than its owner may use it. Run chmod 0600 on it, and replace the key if others had access.`,
      );
    }
    return readFileSync(descriptor, 'utf8');
  } finally {
    closeSync(descriptor);
  }
}

/** Written aside, synced, then linked to its name: either the whole file appears under that name, or another process's was there first. */
function createKeyFile(file: string): void {
  if (existsSync(file)) return;
  const aside = `${file}.${process.pid}.${randomBytes(4).toString('hex')}`;
  try {
    mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
    writeSynced(
      aside,
      `# Key of this store's Secrets. Without it they are lost: keep a copy apart from the database.\n${randomBytes(KEY_BYTES).toString('base64')}\n`,
    );
  } catch (cause) {
    throw new Fault(
      'FolderUnwritable',
      `The key file ${file} cannot be made: ${(cause as Error).message}. Give this user the right to write there.`,
      { cause },
    );
  }
  try {
    linkSync(aside, file);
    syncFolder(dirname(file));
  } catch (cause) {
    if ((cause as { code?: string }).code === 'EEXIST') return;
    throw new Fault(
      'FolderUnwritable',
      `The key file ${file} cannot be made: ${(cause as Error).message}. Give this user the right to write there.`,
      { cause },
    );
  } finally {
    unlinkSync(aside);
  }
}

function writeSynced(file: string, text: string): void {
  const descriptor = openSync(file, 'wx', 0o600);
  try {
    writeSync(descriptor, text);
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

function syncFolder(folder: string): void {
  const descriptor = openSync(folder, 'r');
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}
