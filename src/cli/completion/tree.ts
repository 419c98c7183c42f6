/**
 * A command line as facts: its verbs, their options and arguments. Made from the program itself (src/main/command-tree.ts); completion scripts and the
 * check of the docs are made from it.
 */

export interface OptionFacts {
  /** As they are typed: `-n`, `--namespace`. */
  readonly flags: readonly string[];
  readonly takesValue: boolean;
  /** True: it takes all words up to the next option. */
  readonly variadic: boolean;
  readonly isPath: boolean;
  /** The only values that it takes; empty: any. */
  readonly words: readonly string[];
  readonly summary: string;
}

export interface CommandTree {
  readonly name: string;
  readonly summary: string;
  readonly options: readonly OptionFacts[];
  /** Arguments that must be given, and how many may be. */
  readonly needed: number;
  readonly most: number;
  /** False: what follows is another program's. */
  readonly isStrict: boolean;
  readonly commands: readonly CommandTree[];
}

/** A place in the tree: the words that lead there, `outrigger cluster create`. */
export interface Spot {
  readonly path: string;
  readonly command: CommandTree;
}

export function spotsOf(tree: CommandTree, above = ''): readonly Spot[] {
  const path = `${above}${tree.name}`;
  return [{ path, command: tree }, ...tree.commands.flatMap((one) => spotsOf(one, `${path} `))];
}

/** What can be typed there: verbs first, then options. */
export function wordsAt({ commands, options }: CommandTree): readonly string[] {
  return [...commands.map(({ name }) => name), ...options.flatMap(({ flags }) => flags)];
}
