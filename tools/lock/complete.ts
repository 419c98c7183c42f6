/**
 * Completes package-lock.json with the optional packages of other platforms.
 *
 *     node tools/lock/complete.ts        after npm install added or raised a package
 *
 * A registry mirror may lack the builds for platforms that nobody behind it uses. npm install then leaves them out of the lock file
 * without a word, and npm ci refuses that lock file everywhere. An entry with version, os and cpu is all that npm ci needs to pass them
 * over: it fetches none of them on a platform that Outrigger runs on.
 *
 * I1: only packages of platforms that Outrigger does not run on are added; one of ours that is missing is an error, because it would be
 *     installed without its integrity being checked.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { lackingOptionals } from './optional.ts';
import type { LockFile, LockPackage } from './optional.ts';

const OURS = /linux-(?:x64|arm64)(?:-gnu)?$/;
const PATH = join(import.meta.dirname, '..', '..', 'package-lock.json');

function entryFor(name: string, spec: string, parent: LockPackage): LockPackage {
  const version = spec.replace(/^[\^~=v]+/, '');
  const platform =
    /(android|darwin|freebsd|linux|openbsd|openharmony|sunos|win32|windows|aix)-(arm64|arm|x64|ia32|ppc64|riscv64|s390x)(.*)$/.exec(name);
  if (platform === null || !/^\d+\.\d+\.\d+/.test(version))
    throw new Error(`${name}@${spec} is missing from the lock file, and its name tells no platform.`);
  const [, system = '', cpu = '', rest = ''] = platform;
  const os = system === 'windows' ? 'win32' : system;
  return {
    version,
    cpu: [cpu],
    ...(parent.dev === true ? { dev: true } : {}),
    ...(rest.includes('musl') ? { libc: ['musl'] } : {}),
    optional: true,
    os: [os],
  };
}

function main(): number {
  const lock = JSON.parse(readFileSync(PATH, 'utf8')) as LockFile;
  const lacking = lackingOptionals(lock);
  const ours = lacking.filter(({ name }) => OURS.test(name));
  if (ours.length > 0) {
    console.error(`${ours.map(({ name }) => name).join(', ')} could not be fetched by npm install; choose a version of which they can be.`);
    return 1;
  }
  const packages: Record<string, LockPackage> = { ...lock.packages };
  for (const { name, spec, parent } of lacking) packages[`node_modules/${name}`] = entryFor(name, spec, parent);
  const sorted = Object.fromEntries(Object.entries(packages).sort(([a], [b]) => a.localeCompare(b, 'en')));
  writeFileSync(PATH, `${JSON.stringify({ ...lock, packages: sorted }, null, 2)}\n`);
  console.log(`${lacking.length} optional packages of other platforms added to package-lock.json`);
  return 0;
}

process.exitCode = main();
