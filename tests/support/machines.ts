/**
 * Real machines for tests: each a systemd of its own (systemd-nspawn over an overlay of this machine's disk), with its own address on a network of
 * their own. Needs root.
 *
 * `powerOff` is a power failure: PID 1 is killed with SIGKILL, and with it every process; the disk stays, and `boot` starts from it again.
 * Nothing is left when the test ends, also when it is killed: a small shell waits for that.
 */
import { execFile, execFileSync, spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { eventually } from './eventually.ts';

export interface Ran {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

export interface Machine {
  readonly name: string;
  readonly address: string;
  /** More addresses of it, for pods. */
  readonly podAddresses: readonly string[];
  /** Its disk, as this machine sees it. */
  readonly root: string;
  /** Boots, and waits until its systemd answers. */
  boot(): Promise<void>;
  /** A power failure. */
  powerOff(): Promise<void>;
  /** An orderly end, then boots again. */
  reboot(): Promise<void>;
  run(...command: readonly string[]): Promise<Ran>;
  /** As `run`; fails with all that it said unless it ends with 0. */
  must(...command: readonly string[]): Promise<string>;
  /** `outrigger …` */
  outrigger(...args: readonly string[]): Promise<Ran>;
  /** A property of a unit. */
  show(unit: string, property: string): Promise<string>;
  journal(unit: string): Promise<string>;
}

export interface Machines {
  readonly all: readonly Machine[];
  cleanup(): Promise<void>;
}

/** Where the checkout lies in each machine. */
export const PROGRAM_FOLDER = '/opt/outrigger';
const CHECKOUT = resolve(import.meta.dirname, '../..');
const COMPILED = '/var/tmp/compiled';
const POD_ADDRESSES = 9;
const BOOT_MS = 60_000;
const COMMAND_MS = 120_000;
const PATH = '/usr/local/sbin:/usr/sbin:/sbin:/usr/local/bin:/usr/bin:/bin';

/** `count` machines that are off; `network`: the first three numbers of their addresses. */
export function machines(count: number, network = '10.213.7'): Machines {
  const folder = mkdtempSync(join(tmpdir(), 'mach-'));
  const id = `or${process.pid.toString(36)}${Math.floor(Math.random() * 1296).toString(36)}`;
  const space = `${id}s`;
  cleanUpAfterUs(folder, id);
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'mode=0755', `outrigger-${id}`, folder]);
  ip('netns', 'add', space);
  ip('-n', space, 'link', 'add', 'br0', 'type', 'bridge');
  ip('-n', space, 'link', 'set', 'br0', 'up');
  const all = Array.from({ length: count }, (_, index) => makeMachine({ folder, id, space, index, network }));
  return {
    all,
    cleanup: async () => {
      await Promise.all(all.map((machine) => machine.powerOff()));
      for (const machine of all) execFileSync('umount', ['-l', machine.root]);
      execFileSync('umount', ['-l', folder]);
      for (const name of netNamespaces(id)) ip('netns', 'del', name);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

interface MachineOrder {
  readonly folder: string;
  readonly id: string;
  readonly space: string;
  readonly index: number;
  readonly network: string;
}

function makeMachine(order: MachineOrder): Machine {
  const { folder, id, index, network } = order;
  const [address = '', ...podAddresses] = Array.from({ length: 1 + POD_ADDRESSES }, (_, n) => `${network}.${10 * (index + 1) + n}`);
  const name = `${id}m${index + 1}`;
  const root = join(folder, name);
  makeNetwork(order, name, [address, ...podAddresses]);
  makeDisk(folder, name, root, index);
  let nspawn: ChildProcess | undefined;
  let leader = 0;
  const run = (...command: readonly string[]): Promise<Ran> => enter(leader, command);
  const machine: Machine = {
    name,
    address,
    podAddresses,
    root,
    boot: async () => {
      nspawn = spawnMachine(name, root, folder);
      leader = await eventually(`${name} has a PID 1`, () => childOf(nspawn?.pid ?? 0), BOOT_MS);
      writeFileSync(join(folder, `${name}.leader`), `${leader} ${nspawn.pid}`);
      await eventually(`the systemd of ${name} answers`, async () => isUp(await run('systemctl', 'is-system-running')), BOOT_MS, 100);
    },
    powerOff: async () => {
      if (leader > 0 && existsSync(`/proc/${leader}`)) process.kill(leader, 'SIGKILL');
      await gone(nspawn, name);
      leader = 0;
    },
    reboot: async () => {
      await run('systemctl', 'poweroff');
      await gone(nspawn, name);
      await machine.boot();
    },
    run,
    must: async (...command) => {
      const { code, out, err } = await run(...command);
      if (code !== 0) throw new Error(`${name}: ${command.join(' ')} ended with ${code}: ${out}${err}`);
      return out;
    },
    outrigger: (...args) => run('env', `NODE_COMPILE_CACHE=${COMPILED}`, ...programWords(), ...args),
    show: async (unit, property) => (await machine.must('systemctl', 'show', unit, '--value', `--property=${property}`)).trim(),
    journal: async (unit) => (await run('journalctl', '--no-pager', '-o', 'cat', '-u', unit)).out,
  };
  return machine;
}

/** Node and the program, as they lie in a machine. */
export function programWords(): readonly [string, string] {
  const node = process.execPath.startsWith(`${CHECKOUT}/`)
    ? join(PROGRAM_FOLDER, process.execPath.slice(CHECKOUT.length))
    : process.execPath;
  return [node, join(PROGRAM_FOLDER, 'src/main/outrigger.ts')];
}

function makeNetwork({ space, index }: MachineOrder, name: string, addresses: readonly string[]): void {
  const port = `p${index + 1}`;
  ip('netns', 'add', name);
  ip('-n', space, 'link', 'add', port, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', name);
  ip('-n', space, 'link', 'set', port, 'master', 'br0', 'up');
  for (const address of addresses) ip('-n', name, 'address', 'add', `${address}/24`, 'dev', 'eth0');
  for (const link of ['lo', 'eth0']) ip('-n', name, 'link', 'set', link, 'up');
}

/** A layer over this machine's disk; of what this machine runs as services nothing starts there. */
function makeDisk(folder: string, name: string, root: string, index: number): void {
  const [upper, work] = [join(folder, `${name}.upper`), join(folder, `${name}.work`)];
  for (const path of [upper, work, root]) mkdirSync(path);
  execFileSync('mount', ['-t', 'overlay', `outrigger-${name}`, '-o', `lowerdir=/,upperdir=${upper},workdir=${work}`, root]);
  const units = join(root, 'etc/systemd/system');
  for (const entry of readdirSync(units))
    if (/\.(wants|requires)$|^default\.target$/.test(entry)) rmSync(join(units, entry), { recursive: true });
  for (const path of ['var/lib/outrigger', 'etc/outrigger', 'var/log/journal']) rmSync(join(root, path), { recursive: true, force: true });
  writeFileSync(join(root, 'etc/machine-id'), `${process.pid.toString(16).padStart(24, '0')}${String(index + 1).padStart(8, '0')}\n`);
  writeFileSync(join(root, 'etc/hostname'), `m${index + 1}\n`);
}

function spawnMachine(name: string, root: string, folder: string): ChildProcess {
  const args = [
    '--quiet',
    '-D',
    root,
    '--boot',
    '--register=no',
    '--keep-unit',
    '-M',
    name,
    '--console=pipe',
    '--resolv-conf=off',
    '--timezone=off',
  ];
  const where = [`--network-namespace-path=/run/netns/${name}`, `--bind-ro=${CHECKOUT}:${PROGRAM_FOLDER}`];
  const env = { PATH, LC_ALL: 'C' };
  return spawn('systemd-nspawn', [...args, ...where, 'systemd.unit=multi-user.target'], { stdio: 'ignore', cwd: folder, env });
}

function childOf(pid: number): number | undefined {
  try {
    const first = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ')[0] ?? '';
    // nspawn's first child sets things up and is replaced by PID 1 of the machine.
    return first !== '' && readFileSync(`/proc/${first}/comm`, 'utf8').trim() === 'systemd' ? Number(first) : undefined;
  } catch {
    return undefined;
  }
}

function isUp({ out }: Ran): boolean {
  return /^(running|degraded)/.test(out);
}

async function gone(child: ChildProcess | undefined, name: string): Promise<void> {
  if (child === undefined) return;
  await eventually(`${name} is off`, () => child.exitCode !== null || child.signalCode !== null, BOOT_MS);
}

function enter(leader: number, command: readonly string[]): Promise<Ran> {
  const args = ['-t', String(leader), '-m', '-u', '-i', '-n', '-p', '--', ...command];
  return new Promise((done) => {
    execFile(
      'nsenter',
      args,
      { encoding: 'utf8', timeout: COMMAND_MS, env: { PATH, LC_ALL: 'C' }, maxBuffer: 64 * 2 ** 20 },
      (error, out, err) => {
        const code = error === null ? 0 : typeof error.code === 'number' ? error.code : 1;
        done({ code, out, err: error !== null && typeof error.code !== 'number' ? `${err}${error.message}` : err });
      },
    );
  });
}

function ip(...args: readonly string[]): void {
  execFileSync('ip', args, { stdio: ['ignore', 'ignore', 'inherit'] });
}

function netNamespaces(id: string): readonly string[] {
  return existsSync('/run/netns') ? readdirSync('/run/netns').filter((name) => name.startsWith(id)) : [];
}

/** When this process is gone: machines, disks and networks too. */
function cleanUpAfterUs(folder: string, id: string): void {
  const script = `
trap '' INT TERM HUP
while kill -0 "$1" 2>/dev/null; do sleep 0.3; done
for file in "$2"/*.leader; do [ -f "$file" ] && kill -9 $(cat "$file") 2>/dev/null; done
sleep 0.5
for root in "$2"/"$3"m*; do mountpoint -q "$root" && umount -l "$root"; done
mountpoint -q "$2" && umount -l "$2"
for name in /run/netns/"$3"*; do [ -e "$name" ] && ip netns del "$(basename "$name")"; done
[ -d "$2" ] && rmdir -- "$2"`;
  spawn('sh', ['-c', script, 'guard', String(process.pid), folder, id], { detached: true, stdio: 'ignore', cwd: '/' }).unref();
}
