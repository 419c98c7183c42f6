/**
 * The folder of the embedded server's unix socket.
 *
 * A socket's path may have 107 bytes; data folders may be deeper. Then the socket goes to a short folder of its own, which nobody else may have prepared.
 *
 * I1: the folder belongs to the server's user and only that user (and root) may enter it.
 */

import { createHash } from 'node:crypto';
import { chownSync, lstatSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { Fault } from '../../model/fault.ts';
import type { PostgresHome } from './home.ts';
import { worldFault } from './trouble.ts';

/** sun_path of Linux, with its closing NUL. */
const SOCKET_PATH_BYTES = 108;
const OTHERS = 0o077;

export function prepareSocketFolder(home: PostgresHome, port: number): string {
  const name = `.s.PGSQL.${port}`;
  const inside = join(home.folder, 'run');
  if (Buffer.byteLength(join(inside, name)) < SOCKET_PATH_BYTES) return makePrivate(inside, home);
  const short = `outrigger-${createHash('sha256').update(home.folder).digest('hex').slice(0, 12)}`;
  for (const root of ['/run', '/tmp']) {
    try {
      return makePrivate(join(root, short), home);
    } catch (error) {
      if (root === '/tmp') throw error;
    }
  }
  throw new Fault('FolderUnwritable', 'No folder was found for the socket of PostgreSQL.');
}

function makePrivate(folder: string, home: PostgresHome): string {
  try {
    mkdirSync(folder, { mode: 0o700 });
    if (home.switchTo !== undefined) chownSync(folder, home.switchTo.uid, home.switchTo.gid);
  } catch (cause) {
    if ((cause as { readonly code?: unknown }).code !== 'EEXIST')
      throw worldFault(cause, `The folder ${folder} of PostgreSQL's socket cannot be made`);
  }
  const { uid, mode } = lstatSync(folder);
  if (uid === home.user.uid && (mode & OTHERS) === 0) return folder;
  throw new Fault(
    'FolderUnwritable',
    `${folder} is not ${home.user.name}'s alone, so PostgreSQL's socket must not lie there. Remove that folder.`,
  );
}
