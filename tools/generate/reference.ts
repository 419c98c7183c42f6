/**
 * Writes the pages of docs/reference that are made whole from the code: kinds (schemas), settings, faults with conditions and events, and commands.
 *
 * `node tools/generate/reference.ts` writes; tests/guards/reference.test.ts fails when what is there differs from what would be written.
 */

import { writeFileSync } from 'node:fs';
import { resolve } from 'node:path';

import { spotsOf } from '../../src/cli/completion/tree.ts';
import type { CommandTree, OptionFacts } from '../../src/cli/completion/tree.ts';
import { CONDITION_REASONS, CONDITION_TYPES } from '../../src/model/condition.ts';
import { EVENT_REASONS } from '../../src/model/event-reason.ts';
import { FAULTS } from '../../src/model/fault.ts';
import { KINDS } from '../../src/model/kinds.ts';
import type { KindDefinition } from '../../src/model/resource.ts';
import type { ObjectSchema, Schema, ValidationRule } from '../../src/model/schema.ts';
import { MARKS, SETTINGS, SETTING_NAMES, flagOf, variableOf } from '../../src/model/settings.ts';
import type { Setting } from '../../src/model/settings.ts';

const FOLDER = resolve(import.meta.dirname, '../../docs/reference');

export interface Page {
  readonly file: string;
  readonly text: string;
}

export async function referencePages(): Promise<readonly Page[]> {
  const { commandTree } = await import('../../src/main/command-tree.ts');
  const { wholeProgram } = await import('../../src/main/verbs.ts');
  return [
    { file: `${FOLDER}/kinds.md`, text: kindsPage() },
    { file: `${FOLDER}/settings.md`, text: settingsPage() },
    { file: `${FOLDER}/faults.md`, text: faultsPage() },
    { file: `${FOLDER}/commands.md`, text: commandsPage(commandTree(await wholeProgram())) },
  ];
}

function table(titles: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell) => cell.replaceAll('|', '\\|').replaceAll('\n', ' ')).join(' | ')} |`;
  return [line(titles), line(titles.map(() => '---')), ...rows.map(line)].join('\n');
}

// ---- kinds ------------------------------------------------------------------------------------------------------------------------------

function kindsPage(): string {
  const names = KINDS.map(({ kind }) => `[${kind}](#${kind.toLowerCase()})`).join(', ');
  return `# Kinds

This page is made from the schemas in \`src/model\`. Group and version are \`outrigger.dev/v1\`; \`kubectl explain cluster.spec\` says the same at a terminal.

${names}.

In a path \`[]\` stands for an element of a list, \`*\` for any key. A field in **bold** must be given; one with a default is filled in.

${KINDS.map(kindSection).join('\n')}`;
}

function kindSection(kind: KindDefinition): string {
  const scope = kind.scope === 'Namespaced' ? 'Of an organization (a namespace)' : 'Of the provider (no namespace)';
  const names = `\`kubectl get ${kind.plural}\`, short ${kind.shortNames.map((name) => `\`${name}\``).join(', ')}`;
  const scale = kind.scale === undefined ? '' : `\`kubectl scale\` changes \`${kind.scale.specReplicasPath.slice(1)}\`.\n\n`;
  const rules = [...rulesOf('spec', kind.spec), ...rulesOf('status', kind.status), ...(kind.rules ?? []).map((rule) => ruleLine('', rule))];
  return `## ${kind.kind}

${kind.description} ${scope}; ${names}. ${scale.trim()}

${table(['field', 'values', 'default', ''], [...fieldRows('spec', kind.spec, isNeeded(kind.spec)), ...fieldRows('status', kind.status, () => false)])}
${rules.length === 0 ? '' : `\nHeld by the store at every write:\n\n${rules.join('\n')}\n`}`;
}

function isNeeded(schema: ObjectSchema): (name: string) => boolean {
  return (name) => (schema.required ?? []).includes(name);
}

function fieldRows(prefix: string, schema: Schema, needed: (name: string) => boolean): readonly (readonly string[])[] {
  if (schema.type !== 'object') return [];
  const own = Object.entries(schema.properties ?? {}).flatMap(([name, one]) => rowsOf(`${prefix}.${name}`, one, needed(name)));
  const others = schema.additionalProperties === undefined ? [] : rowsOf(`${prefix}.*`, schema.additionalProperties, false);
  return [...own, ...others];
}

function rowsOf(path: string, schema: Schema, isMust: boolean): readonly (readonly string[])[] {
  const name = `\`${path}\``;
  const own = [isMust ? `**${name}**` : name, valuesOf(schema), defaultOf(schema), schema.description ?? ''];
  if (schema.type === 'object') return [...(schema.description === undefined ? [] : [own]), ...fieldRows(path, schema, isNeeded(schema))];
  if (schema.type !== 'array') return [own];
  const { items } = schema;
  return [own, ...(items.type === 'object' ? fieldRows(`${path}[]`, items, isNeeded(items)) : [])];
}

function valuesOf(schema: Schema): string {
  switch (schema.type) {
    case 'boolean':
      return 'true, false';
    case 'array':
      return `list${schema.maxItems === undefined ? '' : `, at most ${schema.maxItems}`}`;
    case 'object':
      return schema.additionalProperties === undefined ? 'object' : 'map';
    case 'string':
      return schema.enum?.join(', ') ?? (schema.format === 'date-time' ? 'time' : 'text');
    default:
      return rangeOf(schema.type === 'integer' ? 'whole number' : 'number', schema.minimum, schema.maximum);
  }
}

function rangeOf(what: string, minimum: number | undefined, maximum: number | undefined): string {
  if (minimum !== undefined && maximum !== undefined) return `${minimum} to ${maximum}`;
  return minimum === undefined ? what : `${what} from ${minimum}`;
}

function defaultOf(schema: Schema): string {
  if (schema.default === undefined || schema.type === 'object') return '';
  return Array.isArray(schema.default) ? schema.default.join(', ') : String(schema.default);
}

function rulesOf(prefix: string, schema: Schema): readonly string[] {
  const own = (schema['x-kubernetes-validations'] ?? []).map((rule) => ruleLine(prefix, rule));
  const inner =
    schema.type === 'object' ? Object.entries(schema.properties ?? {}).flatMap(([name, one]) => rulesOf(`${prefix}.${name}`, one)) : [];
  return [...own, ...inner];
}

function ruleLine(prefix: string, { message, fieldPath = '' }: ValidationRule): string {
  return `* \`${`${prefix}${fieldPath}`.replace(/^\./, '')}\`: ${message}.`;
}

// ---- settings ---------------------------------------------------------------------------------------------------------------------------

function settingsPage(): string {
  const rows = SETTING_NAMES.map((name) => {
    const row: Setting = SETTINGS[name];
    const key = row.notInFile === true ? '' : `\`${name}\``;
    return [`\`${flagOf(name)}\``, `\`${variableOf(name)}\``, key, settingValues(row), settingDefault(row), row.help];
  });
  const marks = Object.entries(MARKS).map(([name, help]) => [`\`${name}\``, help]);
  return `# Settings

This page is made from \`src/model/settings.ts\`. A setting is a flag, a variable, or a key of \`<data>/config.yaml\`; the first of these that is given holds. Flags are offered by the commands that use the setting; variables and the
file are read by all. A name that is none of these refuses the start, with the nearest one.

${table(['flag', 'variable', 'key in config.yaml', 'values', 'default', ''], rows)}

## Variables that are no settings

${table(['variable', ''], marks)}
`;
}

function settingValues(row: Setting): string {
  if (row.type === 'choice') return row.choices.join(', ');
  if (row.type === 'count') return `${row.minimum} to ${row.maximum}`;
  if (row.type === 'duration') return `time, as 500ms, 90s, 5m, 24h; ${row.minimumMs / 1000} s to ${row.maximumMs / 1000} s`;
  return { switch: 'on or off', text: 'text', path: 'path', url: 'https://…', urls: 'https://…, comma separated', name: 'DNS label' }[
    row.type
  ];
}

function settingDefault(row: Setting): string {
  if (row.default === undefined) return '';
  if (row.type === 'switch') return row.default ? 'on' : 'off';
  return row.type === 'duration' ? `${row.default / 1000} s` : String(row.default);
}

// ---- faults -----------------------------------------------------------------------------------------------------------------------------

const RETRY = { never: 'no', later: 'later', unknown: 'look first: the write may have happened' } as const;

function faultsPage(): string {
  const rows = Object.entries(FAULTS).map(([code, { exit, http, reason, retry }]) => [
    `\`${code}\``,
    String(exit),
    String(http),
    reason,
    RETRY[retry],
  ]);
  const listed = (names: readonly string[]): string => names.map((name) => `\`${name}\``).join(', ');
  return `# Faults, conditions, events

This page is made from \`src/model\`. All of these lists are closed: nothing says a word that is not here.

## Exit codes of every command

| code | |
| --- | --- |
| 0 | done, and as promised |
| 1 | it failed, or a promise was broken |
| 2 | it was called wrongly |
| 3 | it was refused |
| 4 | who was asked does not answer |
| 5 | it took too long; what was asked for may still come |

## Faults

A fault is a failure of the world, told as a sentence: what, why, what to do.

${table(['code', 'exit code', 'HTTP', 'reason of the Status', 'does trying again help'], rows)}

## Conditions

Types: ${listed(CONDITION_TYPES)}.

Reasons: ${listed(CONDITION_REASONS)}.

## Reasons of Events

${listed(EVENT_REASONS)}.
`;
}

// ---- commands ---------------------------------------------------------------------------------------------------------------------------

function commandsPage(tree: CommandTree): string {
  const spots = spotsOf(tree).filter(({ command }) => command.commands.length === 0 || command.options.length > 1);
  const verbs = spots.filter(({ path }) => path !== tree.name);
  return `# Commands

This page is made from the program. \`outrigger VERB --help\` says more, with examples. [Exit codes](faults.md#exit-codes-of-every-command), [settings](settings.md).

${table(
  ['verb', ''],
  verbs.map(({ path, command }) => [`[\`${path}\`](#${path.replaceAll(' ', '-')})`, command.summary]),
)}

${verbs.map(({ path, command }) => `## ${path}\n\n${command.summary}.\n\n${table(['option', ''], command.options.slice(0, -1).map(optionRow))}\n`).join('\n')}`;
}

function optionRow({ flags, takesValue, words, summary }: OptionFacts): readonly string[] {
  const value = !takesValue ? '' : words.length > 0 ? ` ${words.join('|')}` : ' …';
  return [`\`${flags.join(', ')}${value}\``, summary];
}

if (import.meta.main) {
  for (const { file, text } of await referencePages()) {
    writeFileSync(file, text);
    process.stdout.write(`Wrote ${file}.\n`);
  }
  // What the program loads keeps timers and sockets.
  process.exit();
}
