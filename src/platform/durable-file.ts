/**
 * Files that survive a power cut: written beside, forced to disk, renamed into place, the folder forced to disk too.
 *
 * I1: a reader sees the old content or the new one, never a part; also when the writer or the machine dies in between.
 * I2: after `writeDurably` resolves, the new content survives a power cut.
 */

import { mkdir, open, rename, rm } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { Fault } from '../model/fault.ts';

let serial = 0;

export interface DurableOptions {
  /** Permissions of the file; 0o600 unless told. */
  readonly mode?: number;
  /** False: only I1 holds. For what a reboot makes worthless anyway. */
  readonly sync?: boolean;
}

/** A path against the working folder. */
export function absoluteFolder(path: string): string {
  return resolve(path);
}

/** Name of a path's last part, and the folder that it lies in. */
export function partsOf(path: string): { readonly folder: string; readonly name: string } {
  return { folder: dirname(path), name: basename(path) };
}

/** Replaces `file`; makes its folder (0700) when missing. Throws `Fault` DiskFull or FolderUnwritable. */
export async function writeDurably(file: string, content: string, options: DurableOptions = {}): Promise<void> {
  const folder = dirname(file);
  const beside = join(folder, `.${basename(file)}.${process.pid}-${serial++}.tmp`);
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    await writeSynced(beside, content, options);
    await rename(beside, file);
    if (options.sync !== false) await syncFolder(folder);
  } catch (cause) {
    await rm(beside, { force: true }).catch(() => undefined);
    throw writeFault(file, cause);
  }
}

/** Removes a file so that it stays removed after a power cut. One that is not there is fine. */
export async function removeDurably(file: string): Promise<void> {
  try {
    await rm(file, { force: true });
    await syncFolder(dirname(file));
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return;
    throw writeFault(file, cause);
  }
}

/** Puts the folder `from` where `to` is, which goes; both on one disk. After a power cut in between `to` may be gone, and `from` is where it was. */
export async function replaceFolder(from: string, to: string): Promise<void> {
  try {
    await rm(to, { recursive: true, force: true });
    await rename(from, to);
    await syncFolder(dirname(to));
  } catch (cause) {
    throw writeFault(to, cause);
  }
}

/** What stands in the way of writing to `file`, as a sentence. */
export function writeFault(file: string, cause: unknown): Fault {
  const { code, message } = cause as NodeJS.ErrnoException;
  if (code === 'ENOSPC' || code === 'EDQUOT')
    return new Fault('DiskFull', `${file} cannot be written: the disk is full. Make room there.`, { cause });
  return new Fault('FolderUnwritable', `${file} cannot be written: ${message}. Make its folder writable for the user that runs this.`, {
    cause,
  });
}

async function writeSynced(file: string, content: string, options: DurableOptions): Promise<void> {
  const handle = await open(file, 'w', options.mode ?? 0o600);
  try {
    await handle.writeFile(content);
    if (options.sync !== false) await handle.datasync();
  } finally {
    await handle.close();
  }
}

async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
