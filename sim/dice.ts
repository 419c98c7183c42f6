/**
 * Chance from one seed: sfc32, which passes PractRand and needs four words of state (Chris Doty-Humphrey).
 *
 * Each concern forks dice of its own by name, so that one more throw in one place changes nothing elsewhere.
 */

export interface Dice {
  /** Uniform in [0, 1). */
  float(): number;
  /** True with probability `p`. */
  chance(p: number): boolean;
  /** An integer from `low` to `high`, both included. */
  between(low: number, high: number): number;
  pick<T>(list: readonly T[]): T;
  /** Other dice, settled by this one's seed and `name`, whatever was thrown before. */
  fork(name: string): Dice;
}

/** Dice of `seed` (any text). */
export function createDice(seed: string): Dice {
  let [a, b, c, d] = seedsOf(seed);
  const next = (): number => {
    const t = (((a + b) | 0) + d) | 0;
    d = (d + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = ((c << 21) | (c >>> 11)) + t;
    c |= 0;
    return t >>> 0;
  };
  for (let warm = 0; warm < 12; warm++) next();
  const float = (): number => next() / 2 ** 32;
  const between = (low: number, high: number): number => low + Math.floor(float() * (high - low + 1));
  return {
    float,
    chance: (p) => float() < p,
    between,
    pick: (list) => {
      const one = list[between(0, list.length - 1)];
      if (one === undefined) throw new Error('nothing to pick from');
      return one;
    },
    fork: (name) => createDice(`${seed}/${name}`),
  };
}

/** Four words from a text (cyrb128). */
function seedsOf(text: string): [number, number, number, number] {
  let h1 = 1779033703;
  let h2 = 3144134277;
  let h3 = 1013904242;
  let h4 = 2773480762;
  for (let i = 0; i < text.length; i++) {
    const k = text.charCodeAt(i);
    h1 = h2 ^ Math.imul(h1 ^ k, 597399067);
    h2 = h3 ^ Math.imul(h2 ^ k, 2869860233);
    h3 = h4 ^ Math.imul(h3 ^ k, 951274213);
    h4 = h1 ^ Math.imul(h4 ^ k, 2716044179);
  }
  return [h1, h2, h3, h4];
}
