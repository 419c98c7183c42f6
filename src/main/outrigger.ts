/**
 * `outrigger`: the one program. Finds the verb and loads only what it needs, so that an agent does not carry the director's libraries.
 */

import { createProgram, runProgram } from './command.ts';
import type { Command } from 'commander';

interface Verb {
  readonly name: string;
  readonly summary: string;
  readonly group: 'Start here:' | 'Look and change:' | 'Parts (started by up, systemd or a host):';
  readonly register: (program: Command) => Promise<void>;
}

const VERBS: readonly Verb[] = [
  {
    name: 'host',
    summary: 'Run the host daemon: claims nodes and keeps them running',
    group: 'Parts (started by up, systemd or a host):',
    register: async (program) => (await import('./host.ts')).registerHost(program),
  },
  {
    name: 'extension',
    summary: 'Run an extension server: creates, repairs and deletes clusters',
    group: 'Parts (started by up, systemd or a host):',
    register: async (program) => (await import('./extension.ts')).registerExtension(program),
  },
  {
    name: 'version',
    summary: 'Print the version of this program',
    group: 'Look and change:',
    register: async (program) => (await import('./version.ts')).registerVersion(program),
  },
];

const [first, second] = process.argv.slice(2);
const wanted = VERBS.find((verb) => verb.name === (first === 'help' ? second : first));
const program = createProgram();
if (wanted === undefined) {
  for (const verb of VERBS) program.command(verb.name).summary(verb.summary).helpGroup(verb.group).allowUnknownOption();
} else {
  await wanted.register(program);
}
await runProgram(program, process.argv);
