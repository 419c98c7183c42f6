/**
 * Makes the secrets of join tokens (src/ports/join-secret.ts) from the operating system's generator.
 */

import { createHash } from 'node:crypto';
import { TOKEN_ID_LENGTH, TOKEN_SECRET_LENGTH, tokenCharacters } from '../model/bootstrap-token.ts';
import type { JoinSecret } from '../ports/join-secret.ts';
import { systemRandom } from './random.ts';

export function newJoinSecret(): JoinSecret {
  const random = systemRandom();
  const draw = (length: number): string => tokenCharacters(Array.from({ length }, () => random.float()));
  const secret = draw(TOKEN_SECRET_LENGTH);
  return { id: draw(TOKEN_ID_LENGTH), secret, hash: createHash('sha256').update(secret).digest('hex') };
}
