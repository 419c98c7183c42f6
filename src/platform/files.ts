/**
 * Small text files on this machine's disk (src/ports/files.ts).
 */

import { accessSync, constants, existsSync, readFileSync, readdirSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { Fault } from '../model/fault.ts';
import type { Files } from '../ports/files.ts';
import { makeFolder } from './make-folder.ts';

export function systemFiles(): Files {
  return {
    readText,
    writeText,
    remove: (path) => rmSync(path, { force: true }),
    removeFolder: (path) => rmSync(path, { force: true, recursive: true }),
    list: (folder) => (existsSync(folder) ? readdirSync(folder).toSorted() : []),
    exists: (path) => existsSync(path),
    ensureFolder,
  };
}

function readText(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch (cause) {
    if (isMissing(cause)) return undefined;
    throw new Fault('FolderUnwritable', `${path} cannot be read; give this user the right to read it.`, { cause });
  }
}

function writeText(path: string, text: string, mode: number): void {
  const beside = `${path}.${process.pid}.tmp`;
  try {
    writeFileSync(beside, text, { mode });
    renameSync(beside, path);
  } catch (cause) {
    rmSync(beside, { force: true });
    throw unwritable(path, cause);
  }
}

function ensureFolder(path: string, mode: number): void {
  try {
    makeFolder(path, mode);
    accessSync(path, constants.W_OK | constants.X_OK);
  } catch (cause) {
    throw unwritable(path, cause);
  }
  if (!statSync(path).isDirectory()) throw new Fault('FolderUnwritable', `${path} is not a folder; choose another one with --data.`);
}

function unwritable(path: string, cause: unknown): Fault {
  const code = (cause as NodeJS.ErrnoException).code;
  if (code === 'ENOSPC' || code === 'EDQUOT')
    return new Fault('DiskFull', `${path} cannot be written: the disk is full. Make room and try again.`, { cause });
  const why =
    code === 'EROFS'
      ? 'it lies on a read-only disk'
      : code === 'ENOTDIR' || code === 'EEXIST'
        ? 'a file stands in its way'
        : 'this user may not';
  return new Fault('FolderUnwritable', `${path} cannot be written: ${why}. Choose another folder with --data, or change its owner.`, {
    cause,
  });
}

function isMissing(cause: unknown): boolean {
  const code = (cause as NodeJS.ErrnoException).code;
  return code === 'ENOENT' || code === 'ENOTDIR';
}
