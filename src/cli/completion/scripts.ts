/**
 * Shell completion, written from the command tree: for bash, zsh and fish. Static: it asks nobody, so a key press costs nothing.
 *
 * I1: a script holds every verb and option of the tree, and nothing else.
 * I2: the value of an option is never taken for a verb.
 */

import { spotsOf, wordsAt } from './tree.ts';
import type { CommandTree, OptionFacts, Spot } from './tree.ts';

export const SHELLS = ['bash', 'zsh', 'fish'] as const;
export type Shell = (typeof SHELLS)[number];

export function completionScript(shell: Shell, tree: CommandTree): string {
  const spots = spotsOf(tree);
  return { bash, zsh, fish }[shell](tree.name, spots);
}

const MADE = '# Made by outrigger completion; make it anew after an upgrade.';

function verbPattern(spots: readonly Spot[]): string {
  return spots.flatMap(({ path, command }) => command.commands.map(({ name }) => `'${path} ${name}'`)).join(' | ');
}

interface Valued {
  readonly spot: string;
  readonly flag: string;
  readonly option: OptionFacts;
}

function valuedOf(spots: readonly Spot[]): readonly Valued[] {
  return spots.flatMap(({ path, command }) =>
    command.options.filter(({ takesValue }) => takesValue).flatMap((option) => option.flags.map((flag) => ({ spot: path, flag, option }))),
  );
}

/** Patterns of a `case` of bash and zsh, as many as there are; '' when there is none. */
function patternOf(valued: readonly Valued[]): string {
  return valued.map(({ spot, flag }) => `'${spot} ${flag}'`).join(' | ');
}

function choiceCases(valued: readonly Valued[], offer: (words: string) => string): readonly string[] {
  const lists = new Map<string, Valued[]>();
  for (const one of valued.filter(({ option }) => option.words.length > 0)) {
    const words = one.option.words.join(' ');
    lists.set(words, [...(lists.get(words) ?? []), one]);
  }
  return [...lists].map(([words, ones]) => `    ${patternOf(ones)}) ${offer(words)}; return ;;`);
}

function bash(name: string, spots: readonly Spot[]): string {
  const valued = valuedOf(spots);
  const paths = valued.filter(({ option }) => option.isPath);
  return [
    `# bash completion for ${name}. Load it with: source <(${name} completion bash)`,
    MADE,
    `_${name}() {`,
    `  local cur=\${COMP_WORDS[COMP_CWORD]} prev=\${COMP_WORDS[COMP_CWORD-1]} spot=${name} words= i`,
    '  for ((i = 1; i < COMP_CWORD; i++)); do',
    '    case "$spot ${COMP_WORDS[i]}" in',
    `    ${verbPattern(spots)}) spot="$spot \${COMP_WORDS[i]}" ;;`,
    `    ${patternOf(valued)}) ((i++)) ;;`,
    '    esac',
    '  done',
    '  case "$spot $prev" in',
    ...choiceCases(valued, (words) => `COMPREPLY=($(compgen -W '${words}' -- "$cur"))`),
    `    ${patternOf(paths)}) compopt -o default 2>/dev/null; COMPREPLY=(); return ;;`,
    `    ${patternOf(valued)}) COMPREPLY=(); return ;;`,
    '  esac',
    '  case "$spot" in',
    ...spots.map(({ path, command }) => `    '${path}') words='${wordsAt(command).join(' ')}' ;;`),
    '  esac',
    '  COMPREPLY=($(compgen -W "$words" -- "$cur"))',
    '}',
    `complete -F _${name} ${name}`,
    '',
  ].join('\n');
}

function zsh(name: string, spots: readonly Spot[]): string {
  const valued = valuedOf(spots);
  const paths = valued.filter(({ option }) => option.isPath);
  return [
    `#compdef ${name}`,
    `# zsh completion for ${name}. Load it with: source <(${name} completion zsh)`,
    MADE,
    `_${name}() {`,
    `  local spot=${name} prev=\${words[CURRENT-1]}`,
    '  local -i i',
    '  local -a verbs options',
    '  for ((i = 2; i < CURRENT; i++)); do',
    '    case "$spot ${words[i]}" in',
    `    ${verbPattern(spots)}) spot="$spot \${words[i]}" ;;`,
    `    ${patternOf(valued)}) ((i++)) ;;`,
    '    esac',
    '  done',
    '  case "$spot $prev" in',
    ...choiceCases(valued, (words) => `compadd -- ${words}`),
    `    ${patternOf(paths)}) _files; return ;;`,
    `    ${patternOf(valued)}) return ;;`,
    '  esac',
    '  case "$spot" in',
    ...spots.map(({ path, command }) => `    '${path}') verbs=(${zshVerbs(command)}); options=(${zshOptions(command)}) ;;`),
    '  esac',
    "  ((${#verbs})) && _describe -t commands 'verb' verbs",
    "  _describe -o -t options 'option' options",
    '}',
    `compdef _${name} ${name}`,
    '',
  ].join('\n');
}

function zshVerbs({ commands }: CommandTree): string {
  return commands.map(({ name, summary }) => quoted(`${name}:${summary}`)).join(' ');
}

function zshOptions({ options }: CommandTree): string {
  return options.flatMap(({ flags, summary }) => flags.map((flag) => quoted(`${flag}:${summary}`))).join(' ');
}

function fish(name: string, spots: readonly Spot[]): string {
  const valued = valuedOf(spots);
  return [
    `# fish completion for ${name}. Load it with: ${name} completion fish | source`,
    MADE,
    `function __${name}_at`,
    `  set -l spot ${name}`,
    '  set -l skip 0',
    '  for word in (commandline -opc)[2..]',
    '    if test $skip = 1',
    '      set skip 0',
    '      continue',
    '    end',
    '    switch "$spot $word"',
    `      case ${verbPattern(spots).replaceAll(' | ', ' ')}`,
    '        set spot "$spot $word"',
    `      case ${patternOf(valued).replaceAll(' | ', ' ')}`,
    '        set skip 1',
    '    end',
    '  end',
    '  test "$spot" = "$argv"',
    'end',
    `complete -c ${name} -f`,
    ...spots.flatMap((spot) => fishLines(name, spot)),
    '',
  ].join('\n');
}

function fishLines(name: string, { path, command }: Spot): readonly string[] {
  const at = `complete -c ${name} -n "__${name}_at ${path}"`;
  const verbs = command.commands.map((one) => `${at} -a ${one.name} -d ${quoted(one.summary)}`);
  const options = command.options.map(({ flags, takesValue, isPath, words, summary }) => {
    const named = flags.map((flag) => (flag.startsWith('--') ? `-l ${flag.slice(2)}` : `-s ${flag.slice(1)}`)).join(' ');
    const value = !takesValue ? '' : isPath ? ' -r -F' : words.length > 0 ? ` -x -a '${words.join(' ')}'` : ' -x';
    return `${at} ${named}${value} -d ${quoted(summary)}`;
  });
  return [...verbs, ...options];
}

/** In single quotes for a shell, without a colon's or an apostrophe's meaning. */
function quoted(text: string): string {
  const [first = '', ...rest] = text.replaceAll("'", '’').replaceAll('\n', ' ').split(':');
  return `'${rest.length === 0 ? first : `${first}:${rest.join('\\:')}`}'`;
}
