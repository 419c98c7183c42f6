/**
 * Randomness of this machine: the operating system's generator, also where dice would do, so that nobody has to choose.
 */

import { randomBytes, randomInt, randomUUID } from 'node:crypto';
import type { Random } from '../ports/random.ts';

/** crypto.randomInt takes ranges below 2^48. */
const DICE_SIDES = 2 ** 48 - 1;

export function systemRandom(): Random {
  return {
    float: () => randomInt(DICE_SIDES) / DICE_SIDES,
    uuid: () => randomUUID(),
    bytes: (count) => new Uint8Array(randomBytes(count)),
  };
}
