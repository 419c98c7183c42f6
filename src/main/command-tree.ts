/**
 * The program as facts, read from what its verbs declare.
 */

import type { Command, Option } from 'commander';
import type { CommandTree, OptionFacts } from '../cli/completion/tree.ts';

const HELP: OptionFacts = { flags: ['-h', '--help'], takesValue: false, variadic: false, isPath: false, words: [], summary: 'show help' };

export function commandTree(command: Command, isStrict = true): CommandTree {
  const declared = command.registeredArguments;
  const isVariadic = declared.some(({ variadic }) => variadic);
  return {
    name: command.name(),
    summary: command.summary() === '' ? command.description() : command.summary(),
    options: [...command.options.map(optionFacts), HELP],
    needed: declared.filter(({ required }) => required).length,
    most: isVariadic ? Infinity : declared.length,
    isStrict,
    commands: command.commands.map((one) => commandTree(one, one.name() !== 'kubectl')),
  };
}

function optionFacts({ short, long, required, optional, variadic, argChoices, description, flags }: Option): OptionFacts {
  return {
    flags: [short, long].filter((flag) => flag !== undefined && flag !== null),
    takesValue: required || optional,
    variadic,
    isPath: /<(path|file)>/.test(flags),
    words: argChoices ?? [],
    summary: description,
  };
}
