/**
 * This very program: its version, and how to start another process of it.
 *
 * I1: children run the same files under the same Node as their parent, whatever `outrigger` is in the PATH.
 */

import { readFileSync } from 'node:fs';
import { flushCompileCache } from 'node:module';
import { dirname, extname, join } from 'node:path';
import { Fault } from '../model/fault.ts';

const HERE = import.meta.filename;

/** From package.json, which lies above src (or dist). */
export function programVersion(): string {
  const text = readFileSync(join(dirname(HERE), '..', '..', 'package.json'), 'utf8');
  return String((JSON.parse(text) as { version: unknown }).version);
}

/** Loads what every node runs, so that it lies in the compile cache, and ends (src/main/node-roles.ts). Nobody types it. */
export const COMPILE_ROLE = 'compile-roles';

/** Every node has these, and none makes much garbage at a time: small young spaces and one helper thread save 5 MB each. */
const LIGHT_ROLES = ['agent', 'balancer', 'service', 'connection-server', COMPILE_ROLE];
const LIGHT_FLAGS = ['--max-semi-space-size=1', '--v8-pool-size=1'];
/**
 * An extension server reads all that stands once, and keeps it. As Node has it, the heap grows for what is thrown away meanwhile and stays so: with ten
 * thousand clusters to twice of what is kept. So the young space is small, and old space is collected when it has grown by 30 %.
 */
const COPY_FLAGS = ['--max-semi-space-size=2', '--heap-growing-percent=30'];

/** The command line that runs `outrigger` with `args`. */
export function programCommand(args: readonly string[]): readonly [string, ...string[]] {
  const role = args[0] ?? '';
  const flags = LIGHT_ROLES.includes(role) ? LIGHT_FLAGS : role === 'extension' ? COPY_FLAGS : [];
  return [process.execPath, ...flags, programFile(), ...args];
}

/** Becomes `outrigger` with `args`: the same process, another program and environment. Does not return. */
export function becomeProgram(args: readonly string[], environment: Readonly<Record<string, string>>): never {
  becomeCommand(programCommand(args), environment);
}

/** Becomes another program: the same process, its terminal and its exit code. `command` begins with the program's whole path. Does not return. */
export function becomeCommand(command: readonly [string, ...string[]], environment: Readonly<Record<string, string | undefined>>): never {
  process.execve?.(command[0], [...command], { ...environment });
  throw new Fault('ProgramFailed', 'This Node cannot replace a process by another one; Outrigger needs 22.18 or later.');
}

/** The file of this program that Node runs. */
export function programFile(): string {
  return join(dirname(HERE), '..', 'main', `outrigger${extname(HERE)}`);
}

/** A file or folder that comes with this program, absolute. */
export function packageFile(path: string): string {
  return join(dirname(HERE), '..', '..', path);
}

/** True when Node has to strip types before it can compile: in a checkout, and in nothing that is published. */
export function stripsTypes(): boolean {
  return extname(HERE) === '.ts';
}

/**
 * Writes what Node compiled so far to its compile cache (NODE_COMPILE_CACHE) now: by itself it does so only at an orderly end, which a process
 * that is killed never sees. Started from TypeScript, the next one needs 40 MB less.
 */
export function keepCompiled(): void {
  flushCompileCache();
}
