/**
 * What `npm run check` is made of: one entry a guard, with the command that runs it.
 *
 * Commands run with the repository as working folder, and take the tools from the checkout that holds this file, so that a canary can run
 * them against a copy that is broken on purpose.
 */
import { join } from 'node:path';

export interface Check {
  readonly name: string;
  /** What it guards, for the summary. */
  readonly guards: string;
  readonly command: readonly [string, ...string[]];
  /** Takes what the summary line says from the output of a passing run. */
  readonly tells: (output: string) => string;
}

const HOME = join(import.meta.dirname, '..', '..');
const bin = (name: string): string => join(HOME, 'node_modules', '.bin', name);
const tool = (path: string): readonly [string, ...string[]] => [process.execPath, join(HOME, 'tools', path)];
const lastLine = (output: string): string => output.trim().split('\n').at(-1) ?? '';

/** The guards, slowest first: they share two cores. */
export const CHECKS: readonly Check[] = [
  { name: 'floors', guards: 'imports, doors, circles, orphans', command: tool('check/floors.ts'), tells: lastLine },
  {
    name: 'dead',
    guards: 'files, exports and packages that nobody uses',
    command: [process.execPath, bin('knip'), '--no-progress', '--no-config-hints'],
    tells: () => 'nothing unused',
  },
  {
    name: 'lint',
    guards: 'type-aware lint',
    command: [bin('oxlint'), '--type-aware', '--deny-warnings', '--report-unused-disable-directives'],
    tells: (output) => /on (\d+ files with \d+ rules)/.exec(output)?.[1] ?? '',
  },
  { name: 'types', guards: 'types', command: [bin('tsc'), '--noEmit', '-p', 'tsconfig.json'], tells: () => 'strict' },
  {
    name: 'console',
    guards: 'types of the console, which runs in a browser',
    command: [bin('tsc'), '--noEmit', '-p', 'console/tsconfig.json'],
    tells: () => 'strict',
  },
  { name: 'tidy', guards: 'own laws', command: tool('tidy/main.ts'), tells: lastLine },
  { name: 'format', guards: 'format', command: [bin('oxfmt'), '--check'], tells: (output) => /on (\d+ files)/.exec(output)?.[1] ?? '' },
];
