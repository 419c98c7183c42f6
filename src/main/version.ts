/**
 * `outrigger version`: what runs here.
 */

import type { Command } from 'commander';
import { addCommand } from './command.ts';
import { programVersion } from '../platform/program.ts';

export function registerVersion(program: Command): void {
  addCommand(program, {
    name: 'version',
    summary: 'Print the version of this program',
    settings: [],
    options: [['--json', 'as JSON']],
    run: ({ options, terminal }) => {
      const version = programVersion();
      terminal.write(
        options['json'] === true
          ? `${JSON.stringify({ version, node: process.version })}\n`
          : `outrigger ${version}, Node ${process.version}\n`,
      );
      return Promise.resolve(0);
    },
  });
}
