/**
 * The pages for people as a machine reads them: fenced blocks, the calls of `outrigger` in them, links. Pure.
 */
import type { CommandTree, OptionFacts } from '../../src/cli/completion/tree.ts';

export interface Fence {
  /** Of the line after the fence, from 1. */
  readonly line: number;
  /** What stands after the three backticks: `sh`, `sh elsewhere`. */
  readonly info: string;
  readonly body: string;
}

export function fencesIn(markdown: string): readonly Fence[] {
  const found: Fence[] = [];
  let open: { readonly line: number; readonly info: string; readonly body: string[] } | undefined;
  for (const [index, text] of markdown.split('\n').entries()) {
    const mark = /^\s*```(.*)$/.exec(text);
    if (mark === null) open?.body.push(text);
    else if (open === undefined) open = { line: index + 2, info: (mark[1] ?? '').trim(), body: [] };
    else {
      found.push({ line: open.line, info: open.info, body: `${open.body.join('\n')}\n` });
      open = undefined;
    }
  }
  return found;
}

/** Pages whose shell blocks are run, in this order, on one control plane. */
export const RUN_PAGES: readonly string[] = [
  'README.md',
  'docs/start.md',
  ...['entities', 'creation-and-repair', 'dual-node-cluster', 'license', 'silence-and-absence', 'authority'].map(
    (name) => `docs/concepts/${name}.md`,
  ),
  ...['install', 'metrics', 'lose-a-node', 'upgrade'].map((name) => `docs/operating/${name}.md`),
];

/**
 * What becomes of a block, by its info string: `sh` is run and must end with 0, `sh may=1,3` may end with these too; `sh again` is run, line by line, on another
 * page; `sh elsewhere` needs another terminal or machine and is only parsed. Undefined: it is no shell.
 */
export type BlockRule = { readonly run: true; readonly mayEndWith: readonly number[] } | { readonly run: false; readonly isAgain: boolean };

/** Throws for an info string that means none of these. */
export function ruleOf(info: string): BlockRule | undefined {
  const [language = '', mark, more] = info.split(' ');
  if (language !== 'sh') return undefined;
  if (mark === undefined) return { run: true, mayEndWith: [] };
  if ((mark === 'elsewhere' || mark === 'again') && more === undefined) return { run: false, isAgain: mark === 'again' };
  const codes = /^may=(\d(?:,\d)*)$/.exec(mark)?.[1];
  if (codes !== undefined && more === undefined) return { run: true, mayEndWith: codes.split(',').map(Number) };
  throw new Error(`"${info}" is none of sh, sh may=N,N, sh again and sh elsewhere`);
}

/** One script of all blocks of a page that are run; `@@ LINE` on standard output before each. Stops at the first that fails. */
export function scriptOf(markdown: string): string {
  const blocks = fencesIn(markdown).flatMap(({ line, info, body }) => {
    const rule = ruleOf(info);
    if (rule?.run !== true) return [];
    const allowed = rule.mayEndWith.map((code) => `[ $code = ${code} ]`).join(' || ');
    const run = allowed === '' ? body : `code=0\n(\n${body}) || code=$?\n[ $code = 0 ] || ${allowed} || exit $code\n`;
    return [`echo '@@ ${line}'\n${run}`];
  });
  return blocks.length === 0 ? '' : `set -e\n${blocks.join('')}`;
}

/** Spans of inline code outside of fences. */
export function inlineCodeIn(markdown: string): readonly string[] {
  const outside = markdown.replaceAll(/^\s*```[^]*?^\s*```/gm, '');
  return [...outside.matchAll(/`([^`\n]+)`/g)].map((match) => match[1] ?? '');
}

/** Calls of the program in a piece of shell, as words; `$(…)` and what is piped or chained are calls of their own. */
export function callsIn(shell: string): readonly (readonly string[])[] {
  const joined = shell.replaceAll(/\\\n\s*/g, ' ');
  return joined
    .split('\n')
    .flatMap((line) => commandsOf(line))
    .flatMap((words) => {
      const call = asCall(words);
      return call === undefined ? [] : [call];
    });
}

/** `npm start -- ARGS` is `outrigger up ARGS`, `node bin/outrigger.mjs` is `outrigger`. */
function asCall(words: readonly string[]): readonly string[] | undefined {
  const rest = words.slice(words.findIndex((word) => !/^[A-Z_]+=/.test(word)));
  const [first = '', second = '', third] = rest;
  if (first === 'outrigger') return rest.slice(1);
  if (first === 'sudo' && second === 'outrigger') return rest.slice(2);
  if (first === 'node' && second === 'bin/outrigger.mjs') return rest.slice(2);
  if (first === 'npm' && second === 'start') return ['up', ...(third === '--' ? rest.slice(3) : [])];
  return undefined;
}

/** The commands of a line, each as words without their quotes. Comments are left out. */
function commandsOf(line: string): readonly (readonly string[])[] {
  const commands: string[][] = [];
  let words: string[] = [];
  let word: string | undefined;
  let quote: string | undefined;
  const endWord = (): void => {
    if (word !== undefined) words.push(word);
    word = undefined;
  };
  const endCommand = (): void => {
    endWord();
    if (words.length > 0) commands.push(words);
    words = [];
  };
  for (const char of line) {
    if (quote !== undefined) {
      if (char === quote) quote = undefined;
      else word = `${word ?? ''}${char}`;
    } else if (char === "'" || char === '"') {
      quote = char;
      word ??= '';
    } else if (char === '#' && word === undefined) break;
    else if (/[|&;()<>]/.test(char)) endCommand();
    else if (/\s/.test(char)) endWord();
    else word = `${word ?? ''}${char}`;
  }
  endCommand();
  return commands;
}

/** Why the program would not take this call; undefined: it would. `isWhole` false: a fragment in a sentence, of which arguments may be missing. */
export function problemOf(tree: CommandTree, call: readonly string[], isWhole: boolean): string | undefined {
  let command = tree;
  let path = tree.name;
  // Brackets of what may be left out, and dots for what is not written out.
  const rest = call.map((word) => word.replaceAll(/[[\]\\]/g, '')).filter((word) => word !== '');
  let given = 0;
  while (rest.length > 0) {
    const word = rest.shift() ?? '';
    const verb = given === 0 ? command.commands.find(({ name }) => name === word) : undefined;
    if (verb !== undefined) {
      command = verb;
      path += ` ${word}`;
      if (!verb.isStrict) return undefined;
    } else if (word.startsWith('-') && word !== '-') {
      const problem = optionProblem(command, path, word, rest);
      if (problem !== undefined) return problem;
    } else if (word === '…') continue;
    else if (!isWhole && /^[A-Z]+$/.test(word) && command.commands.length > 0) return undefined;
    else if (command.commands.length > 0 && command.most === 0) return `${path} has no verb ${word}`;
    else given++;
  }
  if (given > command.most) return `${path} takes ${command.most} arguments, not ${given}`;
  if (isWhole && given < command.needed) return `${path} needs ${command.needed} arguments, not ${given}`;
  return undefined;
}

function optionProblem({ options }: CommandTree, path: string, word: string, rest: string[]): string | undefined {
  const [flag = '', value] = word.split('=', 2);
  const option = options.find(({ flags }) => flags.includes(flag));
  if (option === undefined) return `${path} has no option ${flag}`;
  const isMissing = option.takesValue && value === undefined && (rest.length === 0 || isFlag(options, rest[0] ?? ''));
  if (isMissing) return `${path} ${flag} needs a value`;
  const first = option.takesValue ? (value ?? rest.shift()) : undefined;
  while (option.variadic && rest.length > 0 && !isFlag(options, rest[0] ?? '')) rest.shift();
  const isWrong = first !== undefined && option.words.length > 0 && !option.words.includes(first) && !/[A-Z|]/.test(first);
  return isWrong ? `${path} ${flag} takes ${option.words.join(', ')}, not ${first}` : undefined;
}

function isFlag(options: readonly OptionFacts[], word: string): boolean {
  return word.startsWith('-') && options.some(({ flags }) => flags.includes(word));
}

export interface Link {
  readonly line: number;
  readonly target: string;
}

/** Links that lead to files, not to the web. */
export function linksIn(markdown: string): readonly Link[] {
  const lines = markdown.replaceAll(/^\s*```[^]*?^\s*```/gm, (block) => block.replaceAll(/[^\n]/g, '')).split('\n');
  return lines.flatMap((text, index) =>
    [...text.replaceAll(/`[^`]*`/g, '').matchAll(/\]\(([^()\s]+(?:\([^()]*\))?)\)/g)]
      .map((match) => match[1] ?? '')
      .filter((target) => !/^[a-z]+:/.test(target))
      .map((target) => ({ line: index + 1, target })),
  );
}

/** As GitHub makes them of headings. */
export function anchorsIn(markdown: string): ReadonlySet<string> {
  const headings = markdown.split('\n').flatMap((line) => /^#{1,6} (.*)$/.exec(line)?.[1] ?? []);
  return new Set(
    headings.map((text) =>
      text
        .toLowerCase()
        .replaceAll(/\[([^\]]*)\]\([^)]*\)/g, '$1')
        .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
        .trim()
        .replaceAll(' ', '-'),
    ),
  );
}
