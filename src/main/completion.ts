/**
 * `outrigger completion bash|zsh|fish`, composed.
 */

import type { Command } from 'commander';
import { SHELLS, completionScript } from '../cli/completion/scripts.ts';
import { Fault } from '../model/fault.ts';
import { commandTree } from './command-tree.ts';
import { addCommand } from './command.ts';

/** `whole`: the program with all its verbs. */
export function registerCompletion(program: Command, whole: () => Promise<Command>): void {
  addCommand(program, {
    name: 'completion',
    summary: 'Print what makes the shell complete verbs and options',
    description: 'For the command named outrigger: the installed one, or an alias of that name.',
    examples: [
      ['source <(outrigger completion bash)', 'in this bash; in ~/.bashrc for every one'],
      ['source <(outrigger completion zsh)', 'in zsh, after compinit'],
      ['outrigger completion fish | source', 'in fish'],
    ],
    settings: [],
    arguments: [['<shell>', SHELLS.join(', ')]],
    run: async ({ args, terminal }) => {
      const shell = SHELLS.find((one) => one === args[0]);
      if (shell === undefined) throw new Fault('UsageWrong', `There is completion for ${SHELLS.join(', ')}, not for "${args[0] ?? ''}".`);
      terminal.write(completionScript(shell, commandTree(await whole())));
      return 0;
    },
  });
}
