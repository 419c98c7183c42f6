/**
 * The seeds that a command line asks for.
 */

/** First and last of `--seed N` or `--seeds A..B`; 1..20 without either; undefined: it is no number. */
export function seedsOf(args: readonly string[]): readonly [number, number] | undefined {
  const [seed, seeds] = ['--seed', '--seeds'].map((flag) => (args.includes(flag) ? (args[args.indexOf(flag) + 1] ?? '') : undefined));
  if (seed !== undefined) return /^\d+$/.test(seed) ? [Number(seed), Number(seed)] : undefined;
  if (seeds === undefined) return [1, 20];
  const found = /^(\d+)\.\.(\d+)$/.exec(seeds);
  return found === null ? undefined : [Number(found[1]), Number(found[2])];
}
