/**
 * Users, root's files and systemd of this machine (src/ports/machine-services.ts), by the programs that every machine with systemd has.
 */

import { spawn, spawnSync } from 'node:child_process';
import { chmodSync, chownSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { Fault } from '../model/fault.ts';
import type { Owner } from '../model/service-role.ts';
import type { MachineServices, UnitState } from '../ports/machine-services.ts';

const COMMAND_MS = 60_000;
/** Shown by sd_booted(3): systemd runs this machine. */
const BOOTED = '/run/systemd/system';
const SYSTEM_FOLDERS = '/usr/local/sbin:/usr/sbin:/sbin:/usr/local/bin:/usr/bin:/bin';
const READ_BY_OTHERS = 0o004;
const ENTERED_BY_OTHERS = 0o001;

export function machineServices(): MachineServices {
  return {
    isRoot: () => process.getuid?.() === 0,
    trouble,
    readableByAll,
    ensureUser,
    ensureFolder: (path, mode, owner) =>
      write(path, () => {
        mkdirSync(path, { recursive: true });
        own(path, mode, owner);
      }),
    writeFile,
    control: (args) => void run('systemctl', args),
    stateOf,
    runAs,
  };
}

function trouble(): string | undefined {
  if (!existsSync(BOOTED)) return 'systemd does not run this machine, and Outrigger is installed as services of systemd alone.';
  const missing = ['systemctl', 'systemd-notify'].find((program) => spawnSync(program, ['--version'], { env: environment() }).status !== 0);
  return missing === undefined ? undefined : `The program ${missing} of systemd is missing; install it.`;
}

function readableByAll(path: string): boolean {
  for (let at = path, wanted = READ_BY_OTHERS; ; at = dirname(at), wanted = ENTERED_BY_OTHERS) {
    const mode = statSync(at, { throwIfNoEntry: false })?.mode ?? 0;
    if ((mode & wanted) === 0) return false;
    if (at === dirname(at)) return true;
  }
}

function ensureUser(name: string, home: string): boolean {
  if (idsOf(name) !== undefined) return false;
  run('useradd', ['--system', '--user-group', '--no-create-home', '--home-dir', home, '--shell', '/usr/sbin/nologin', name]);
  return true;
}

function writeFile(path: string, text: string, mode: number, owner: Owner): boolean {
  return write(path, () => {
    const isOther = !existsSync(path) || readFileSync(path, 'utf8') !== text;
    if (isOther) {
      const beside = `${path}.${process.pid}.tmp`;
      rmSync(beside, { force: true });
      writeFileSync(beside, text, { mode: 0o600, flag: 'wx' });
      own(beside, mode, owner);
      renameSync(beside, path);
    } else {
      own(path, mode, owner);
    }
    return isOther;
  });
}

function own(path: string, mode: number, { user, group }: Owner): void {
  const [uid, gid] = [idsOf(user)?.uid, idsOf(group)?.gid];
  if (uid === undefined || gid === undefined)
    throw new Fault('ProgramFailed', `The user ${uid === undefined ? user : group} is not there.`);
  chownSync(path, uid, gid);
  chmodSync(path, mode);
}

/** Of the user and of its own group; undefined: there is none. */
function idsOf(user: string): { readonly uid: number; readonly gid: number } | undefined {
  if (user === 'root') return { uid: 0, gid: 0 };
  const { status, stdout } = spawnSync('getent', ['passwd', user], { encoding: 'utf8', env: environment() });
  const [, , uid, gid] = status === 0 ? stdout.trim().split(':') : [];
  return uid === undefined || gid === undefined ? undefined : { uid: Number(uid), gid: Number(gid) };
}

function write<T>(path: string, act: () => T): T {
  try {
    return act();
  } catch (cause) {
    if (cause instanceof Fault) throw cause;
    const { code, message } = cause as NodeJS.ErrnoException;
    if (code === 'ENOSPC') throw new Fault('DiskFull', `${path} cannot be written: the disk is full. Make room and try again.`, { cause });
    throw new Fault('FolderUnwritable', `${path} cannot be written: ${message}. Make its disk writable and try again.`, { cause });
  }
}

function stateOf(unit: string): UnitState {
  const shown = run('systemctl', ['show', unit, '--property=ActiveState,SubState,StatusText']);
  const values = Object.fromEntries(
    shown.split('\n').map((line): [string, string] => [line.split('=')[0] ?? '', line.replace(/^[^=]*=/, '')]),
  );
  return { active: values['ActiveState'] ?? '', sub: values['SubState'] ?? '', status: values['StatusText'] ?? '' };
}

function runAs(user: string, [program = '', ...args]: readonly string[], variables: Readonly<Record<string, string>>): Promise<number> {
  const ids = idsOf(user);
  if (ids === undefined) throw new Fault('ProgramFailed', `The user ${user} is not there.`);
  const child = spawn(program, args, { ...ids, cwd: '/', stdio: 'inherit', env: { ...environment(), ...variables } });
  return new Promise((done, failed) => {
    child.once('error', (cause) => failed(new Fault('ProgramFailed', `${program} cannot be run as ${user}: ${cause.message}.`, { cause })));
    child.once('exit', (code) => done(code ?? 1));
  });
}

function run(program: string, args: readonly string[]): string {
  const { status, stdout, stderr, error } = spawnSync(program, args, { encoding: 'utf8', timeout: COMMAND_MS, env: environment() });
  if (status === 0) return stdout;
  const said = (error?.message ?? stderr).trim();
  throw new Fault('ProgramFailed', `${program} ${args.join(' ')} failed: ${said === '' ? `exit code ${status}` : said}`);
}

function environment(): Record<string, string> {
  return { PATH: SYSTEM_FOLDERS, LC_ALL: 'C' };
}
