/**
 * How a verb of `outrigger` is declared: its settings come from the table, its help teaches by examples, its faults are rendered in one
 * place, its exit code follows from them.
 *
 * I1: every command ends with one of the exit codes of src/model/fault.ts, and only here.
 */

import { Command, CommanderError, Option } from 'commander';
import { renderFault } from '../cli/render-fault.ts';
import { resolveSettings } from '../cli/settings.ts';
import type { ExitCode } from '../model/fault.ts';
import { SETTINGS, flagOf } from '../model/settings.ts';
import type { Setting, SettingName, SettingValues } from '../model/settings.ts';
import { absolutePath, readYamlFile } from '../platform/config-file.ts';
import { programVersion } from '../platform/program.ts';
import { lastWordToManager } from '../platform/service-manager.ts';
import { processTerminal, stopSignals } from '../platform/terminal.ts';
import type { Terminal } from '../ports/terminal.ts';

export interface CommandContext<N extends SettingName> {
  readonly settings: SettingValues<N>;
  /** Options that are no settings, by their camel case name. */
  readonly options: Readonly<Record<string, unknown>>;
  readonly args: readonly string[];
  readonly terminal: Terminal;
  /** Aborts when a person or a supervisor asks the command to stop. */
  readonly signal: AbortSignal;
  /** Aborts when they ask a second time. */
  readonly forced: AbortSignal;
  /** What is done, without waiting, when it has to be ended because it does not stop. */
  readonly atForcedEnd: (act: () => void) => void;
}

/** What to type, and what it does. */
export type Example = readonly [command: string, does: string];
export type OptionRow = readonly [flags: string, help: string, words?: readonly string[]];

export interface CommandSpec<N extends SettingName> {
  readonly name: string;
  readonly summary: string;
  /** Paragraphs below the usage line. */
  readonly description?: string;
  readonly examples?: readonly Example[];
  readonly settings: readonly N[];
  /** Options that are no settings, in commander's notation; a third entry lists the words that one takes. */
  readonly options?: readonly OptionRow[];
  /** Arguments in commander's notation, `<name>` or `[name]`. */
  readonly arguments?: readonly (readonly [name: string, help: string])[];
  /** True: it runs until it is told to stop, so being told is no failure. */
  readonly daemon?: boolean;
  /** True: systemd may run it, and shows people its last word. */
  readonly isService?: boolean;
  readonly run: (context: CommandContext<N>) => Promise<ExitCode>;
}

const KEEP_ALIVE_MS = 60_000;

export function addCommand<N extends SettingName>(parent: Command, spec: CommandSpec<N>): Command {
  const command = parent.command(spec.name).summary(spec.summary);
  command.description(spec.description === undefined ? spec.summary : `${spec.summary}\n\n${spec.description}`);
  for (const [name, help] of spec.arguments ?? []) command.argument(name, help);
  for (const name of spec.settings) command.addOption(optionOf(name));
  for (const [flags, help, words] of spec.options ?? []) {
    const option = new Option(flags, help);
    command.addOption(words === undefined ? option : option.choices([...words]));
  }
  command.addHelpText('after', renderExamples(spec.examples ?? []));
  command.allowExcessArguments();
  return command.action(async (...parts: unknown[]) => {
    refuseExcess(command);
    const [flags, args] = [
      parts.at(-2) as Record<string, unknown>,
      parts
        .slice(0, -2)
        .filter((part) => part !== undefined)
        .map(String),
    ];
    await runCommand(spec, flags, args);
  });
}

/** A verb that has verbs of its own. */
export function addGroup(program: Command, name: string, description: string, examples: readonly Example[]): Command {
  const group = new Command(name).description(description).addHelpText('after', renderExamples(examples));
  program.addCommand(group.copyInheritedSettings(program));
  return group;
}

/** As commander does, and with the verbs that there are: a verb that is mistyped is no argument too many. */
function refuseExcess(command: Command): void {
  const { args, registeredArguments, commands } = command;
  const excess = args[registeredArguments.length];
  if (excess === undefined || registeredArguments.some(({ variadic }) => variadic)) return;
  const said =
    commands.length === 0
      ? `"${excess}" is one argument too many for "${command.name()}"`
      : `"${command.name()}" has no verb "${excess}"; there are ${commands.map((one) => one.name()).join(', ')}`;
  command.error(`outrigger: ${said}.`);
}

async function runCommand<N extends SettingName>(
  spec: CommandSpec<N>,
  flags: Record<string, unknown>,
  args: readonly string[],
): Promise<void> {
  const terminal = processTerminal();
  const stop = stopSignals();
  // Connections do not keep Node alive; a command that waits for one does.
  const alive = setInterval(() => undefined, KEEP_ALIVE_MS);
  try {
    const settings = settle(spec.settings, flags);
    process.exitCode = await spec.run({ settings, options: flags, args, terminal, ...stop });
  } catch (error) {
    const asked = stop.signal.aborted && error === stop.signal.reason;
    const rendered = renderFault(error);
    if (!asked) terminal.writeError(rendered.text);
    if (!asked && spec.isService === true) lastWordToManager(rendered.text);
    process.exitCode = asked && spec.daemon === true ? 0 : rendered.exit;
  }
  clearInterval(alive);
  // Sockets kept alive for the next request must not keep a command that is done.
  process.exit();
}

/** Settings of a command by their flags; config.yaml is read from the folder that flags and variables name. */
export function settle<N extends SettingName>(names: readonly N[], flags: Record<string, unknown>): SettingValues<N> {
  const sources = { flags: givenFlags(names, flags), env: process.env, absolute: absolutePath };
  const folder = resolveSettings(['data'], sources).data;
  const file = readYamlFile(`${folder}/config.yaml`);
  return resolveSettings(names, file === undefined ? sources : { ...sources, file });
}

/** Commander gives `sample: true` for a `--no-sample` that was not typed: only what was typed counts as given. */
function givenFlags(names: readonly SettingName[], flags: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(
    names.flatMap((name) => {
      const row: Setting = SETTINGS[name];
      const typed = row.type === 'switch' ? flags[name] === !row.default : flags[name] !== undefined;
      return typed ? [[name, flags[name]]] : [];
    }),
  );
}

const PLACEHOLDERS: Readonly<Record<Setting['type'], string>> = {
  path: ' <path>',
  text: ' <text>',
  url: ' <url>',
  urls: ' <urls>',
  name: ' <name>',
  count: ' <number>',
  duration: ' <time>',
  choice: ' <word>',
  switch: '',
};

function optionOf(name: SettingName): Option {
  const row: Setting = SETTINGS[name];
  const choices = row.type === 'choice' ? `: ${row.choices.join(', ')}` : '';
  const preset = row.type === 'switch' || row.default === undefined ? '' : ` (default ${presetOf(row)})`;
  const option = new Option(`${flagOf(name)}${PLACEHOLDERS[row.type]}`, `${helpOf(row)}${choices}${preset}`);
  // Only for completion: values are checked where those of variables and files are (src/cli/settings.ts).
  if (row.type === 'choice') option.argChoices = [...row.choices];
  return option;
}

function presetOf(row: Setting): string {
  return row.type === 'duration' ? `${(row.default ?? 0) / 1000}s` : String(row.default);
}

function helpOf(row: Setting): string {
  return row.type === 'switch' && row.default ? `do not ${row.help}` : row.help;
}

function renderExamples(examples: readonly Example[]): string {
  if (examples.length === 0) return '';
  const width = Math.max(...examples.map(([command]) => command.length));
  return `\nExamples:\n${examples.map(([command, does]) => `  ${command.padEnd(width)}  # ${does}`).join('\n')}\n`;
}

const FIRST_STEPS: readonly Example[] = [
  ['outrigger up', 'a whole control plane with a sample cluster, on this machine'],
  ['outrigger status', 'the whole in one screen'],
  ['outrigger cluster create pier -n demo', 'a cluster of your own'],
  ['outrigger status --readiness', 'what would happen if something died now'],
  ['outrigger cluster --help', 'the verbs of a verb, with examples'],
];

/** The program itself, without verbs. Wrong usage ends with exit code 2. */
export function createProgram(): Command {
  return new Command('outrigger')
    .description(
      'Keeps small clusters running at many sites, on as few as two machines each,\nunder a control plane that is allowed to go down.',
    )
    .version(programVersion(), '--version', 'print the version')
    .addHelpText('after', renderExamples(FIRST_STEPS))
    .showHelpAfterError('(add --help for how to use it)')
    .showSuggestionAfterError(true)
    .configureOutput({ outputError: (text, write) => write(text.replace(/^error: /, 'outrigger: ')) })
    .exitOverride();
}

/** Parses and runs; the process ends with the command's exit code. */
export async function runProgram(program: Command, argv: readonly string[]): Promise<void> {
  try {
    await program.parseAsync([...argv]);
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    process.exitCode = error.exitCode === 0 ? 0 : 2;
  }
}
