/**
 * Where embedded PostgreSQL lives, and as whom it runs.
 *
 * PostgreSQL refuses to run as root. Started by root it therefore runs as another user, who must be able to reach its files: every folder above
 * them must let that user through. Where one does not (a home folder, /root), its files go to /var/lib/outrigger, and the person who started it is told;
 * opening somebody's folder to others is never an answer.
 *
 * I1: no mode or owner of a folder that was there before is changed.
 * I2: where files lie already decides, so that a later change of modes does not make an empty database appear.
 */

import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chownSync, existsSync, mkdirSync, readFileSync, realpathSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { userInfo } from 'node:os';
import { Fault } from '../../model/fault.ts';
import { makeFolder } from '../make-folder.ts';
import { worldFault } from './trouble.ts';

export interface OsUser {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
}

export interface PostgresHome {
  /** Holds `data`, `run` and `postgres.log`; belongs to `user` alone. */
  readonly folder: string;
  /** Where copies of the programs go when `user` cannot reach the installed ones. */
  readonly spare: string;
  readonly user: OsUser;
  /** Undefined when we run as `user` ourselves. */
  readonly switchTo: { readonly uid: number; readonly gid: number } | undefined;
  /** Sentences for the person who started it. */
  readonly notes: readonly string[];
}

/** Where files go that may not lie in the data folder. */
const SHARED_ROOT = '/var/lib/outrigger';
/** Created when there is no user `postgres`. */
const OWN_USER = 'outrigger';

/** Finds or makes the folder. `dataFolder` need not exist. Faults FolderUnwritable, DiskFull. */
export function preparePostgresHome(dataFolder: string, sharedRoot: string = SHARED_ROOT): PostgresHome {
  try {
    makeFolder(dataFolder);
  } catch (cause) {
    throw worldFault(cause, `The data folder ${dataFolder} cannot be made`);
  }
  const real = realpathSync(dataFolder);
  const name = createHash('sha256').update(real).digest('hex').slice(0, 12);
  const places = { inside: join(real, 'postgres'), shared: join(sharedRoot, name, 'postgres'), spare: join(sharedRoot, name) };
  const ours = currentUser();
  return ours.uid === 0 ? homeForRoot(places, real) : homeForUser(places, ours);
}

interface Places {
  readonly inside: string;
  readonly shared: string;
  readonly spare: string;
}

function homeForUser(places: Places, ours: OsUser): PostgresHome {
  const owner = ownerOf(places.inside);
  if (owner !== undefined && owner !== ours.uid) {
    throw new Fault(
      'FolderUnwritable',
      `${places.inside} belongs to the user with id ${owner}, not to ${ours.name}: it was made when Outrigger ran as another user. Start it as that user (or as root) again, or choose another folder with --data.`,
    );
  }
  makeOwned(places.inside, ours, false);
  return { folder: places.inside, spare: places.spare, user: ours, switchTo: undefined, notes: [] };
}

function homeForRoot(places: Places, dataFolder: string): PostgresHome {
  const kept = [places.inside, places.shared].find((folder) => existsSync(join(folder, 'data', 'PG_VERSION')));
  const keptOwner = kept === undefined ? undefined : ownerOf(join(kept, 'data'));
  const user = keptOwner === undefined ? serviceUser() : userWithId(keptOwner);
  const blocked = firstBlockedFolder(dataFolder, user);
  const folder = kept ?? (blocked === undefined ? places.inside : places.shared);
  makeOwned(folder, user, true);
  const notes: string[] = [];
  if (folder === places.shared) {
    const why = blocked === undefined ? '' : `, because that user may not pass through ${blocked}`;
    notes.push(`PostgreSQL runs as the user ${user.name} and keeps its files in ${folder}${why}. Everything else is in ${dataFolder}.`);
  }
  return { folder, spare: places.spare, user, switchTo: { uid: user.uid, gid: user.gid }, notes };
}

/** The first folder on the way to `path`, itself included, that `user` may not pass through. */
export function firstBlockedFolder(path: string, user: OsUser): string | undefined {
  const chain: string[] = [];
  for (let folder = path; ; folder = dirname(folder)) {
    chain.unshift(folder);
    if (folder === dirname(folder)) break;
  }
  return chain.find((folder) => !mayPass(folder, user));
}

function mayPass(folder: string, user: OsUser): boolean {
  const { uid, gid, mode } = statSync(folder);
  if (uid === user.uid) return (mode & 0o100) !== 0;
  if (gid === user.gid) return (mode & 0o010) !== 0;
  return (mode & 0o001) !== 0;
}

/** Makes `folder` for `user` alone. What is there already keeps its owner. */
function makeOwned(folder: string, user: OsUser, asRoot: boolean): void {
  try {
    makeFolder(dirname(folder), 0o755);
    if (existsSync(folder)) return;
    mkdirSync(folder, { mode: 0o700 });
    if (asRoot) chownSync(folder, user.uid, user.gid);
  } catch (cause) {
    throw worldFault(cause, `The folder ${folder} of PostgreSQL cannot be made`);
  }
}

function ownerOf(folder: string): number | undefined {
  return statSync(folder, { throwIfNoEntry: false })?.uid;
}

export function currentUser(): OsUser {
  try {
    const { username, uid, gid } = userInfo();
    return { name: username, uid, gid };
  } catch (cause) {
    throw new Fault(
      'ProgramFailed',
      `This process runs as user id ${process.getuid?.() ?? '?'}, which has no name on this machine; PostgreSQL needs one. Add it to /etc/passwd, or name a server with --database-url.`,
      { cause },
    );
  }
}

/** Whom PostgreSQL runs as under root: the distribution's `postgres`, else `outrigger`, made if need be, else `nobody`. */
function serviceUser(): OsUser {
  const known = lookUp('postgres') ?? lookUp(OWN_USER) ?? createOwnUser() ?? lookUp('nobody');
  if (known !== undefined) return known;
  throw new Fault(
    'ProgramFailed',
    'PostgreSQL does not run as root, and no other user could be found or made for it. Start Outrigger as an ordinary user, or create the user "postgres".',
  );
}

function createOwnUser(): OsUser | undefined {
  try {
    const options = ['--system', '--user-group', '--no-create-home', '--home-dir', '/nonexistent', '--shell', '/usr/sbin/nologin'];
    execFileSync('useradd', [...options, OWN_USER], { stdio: 'ignore', timeout: 10_000 });
  } catch {
    return undefined;
  }
  return lookUp(OWN_USER);
}

function lookUp(name: string): OsUser | undefined {
  return passwd().find((user) => user.name === name);
}

function userWithId(uid: number): OsUser {
  return passwd().find((user) => user.uid === uid) ?? { name: String(uid), uid, gid: uid };
}

function passwd(): OsUser[] {
  return readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .map((line) => line.split(':'))
    .filter((fields) => fields.length >= 4)
    .map(([name = '', , uid, gid]) => ({ name, uid: Number(uid), gid: Number(gid) }));
}
