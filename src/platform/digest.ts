/**
 * SHA-256 of a text.
 */

import { createHash } from 'node:crypto';

/** 64 hex digits. */
export function sha256Hex(text: string): string {
  return createHash('sha256').update(text, 'utf8').digest('hex');
}
