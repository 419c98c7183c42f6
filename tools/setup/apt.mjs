/**
 * System packages that the tests need (apt.txt): installed when missing and when we may, else named.
 */
import { spawnSync } from 'node:child_process';
import { accessSync, constants, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT, SetupError, isRoot, say } from './machine.mjs';

const APT_TIMEOUT_MS = 10 * 60_000;
/** Ordinary users often lack the folders of system commands in their PATH. */
const SYSTEM_FOLDERS = ['/usr/local/sbin', '/usr/sbin', '/sbin', '/usr/bin', '/bin'];

/** Packages of apt.txt whose command is not there. */
function missingPackages() {
  return readFileSync(join(ROOT, 'tools', 'setup', 'apt.txt'), 'utf8')
    .split('\n')
    .filter((line) => line.trim() !== '' && !line.startsWith('#'))
    .map((line) => line.trim().split(/\s+/))
    .filter(([, command]) => command !== undefined && !hasCommand(command))
    .map(([name]) => name ?? '');
}

/** @param {string} command */
function hasCommand(command) {
  const folders = [...(process.env['PATH'] ?? '').split(':'), ...SYSTEM_FOLDERS];
  return folders.some((folder) => {
    try {
      accessSync(join(folder, command), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

/** Installs what is missing as root; as anybody else says what to install, because most tests run without it. */
export function installAptPackages() {
  const missing = missingPackages();
  if (missing.length === 0) return;
  const command = `apt-get install -y --no-install-recommends ${missing.join(' ')}`;
  if (!isRoot()) {
    say(`some tests need ${missing.join(', ')}; ask for: sudo ${command}`);
    return;
  }
  say(`installing system packages: ${missing.join(', ')}.`);
  const options = /** @type {const} */ ({
    encoding: 'utf8',
    timeout: APT_TIMEOUT_MS,
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
  });
  spawnSync('apt-get', ['update', '-qq'], options);
  const done = spawnSync('apt-get', command.split(' ').slice(1), options);
  const left = missingPackages();
  if (left.length === 0) return;
  console.error((done.stderr || done.error?.message || '').trimEnd().split('\n').slice(-10).join('\n'));
  throw new SetupError(`The system packages ${left.join(', ')} could not be installed; install them by hand, then try again.`);
}
