/**
 * Passwords by Node's own scrypt (src/ports/passwords.ts). Costs: OWASP's choice for 16 MiB (N = 2^14, r = 8, p = 5).
 *
 * I1: a record asks for no more than these costs: what lies on the disk cannot make this program take more memory.
 */

import { randomBytes, scrypt, timingSafeEqual } from 'node:crypto';
import { Fault } from '../model/fault.ts';
import type { PasswordHash, Passwords } from '../ports/passwords.ts';

const COST = { n: 2 ** 14, r: 8, p: 5 };
const SALT_BYTES = 16;
const HASH_BYTES = 32;
/** 32 signs that nobody mistakes for one another. */
const SIGNS = 'abcdefghijkmnpqrstuvwxyz23456789';
const GROUPS = 4;
const GROUP_SIGNS = 5;

export function passwords(): Passwords {
  return { fresh, hash, verify };
}

function fresh(): string {
  const signs = [...randomBytes(GROUPS * GROUP_SIGNS)].map((byte) => SIGNS[byte % SIGNS.length]);
  return Array.from({ length: GROUPS }, (_, group) => signs.slice(group * GROUP_SIGNS, (group + 1) * GROUP_SIGNS).join('')).join('-');
}

async function hash(password: string): Promise<PasswordHash> {
  const salt = randomBytes(SALT_BYTES);
  const made = await derive(password, salt, HASH_BYTES);
  return { algorithm: 'scrypt', ...COST, salt: salt.toString('base64'), hash: made.toString('base64') };
}

async function verify(password: string, known: PasswordHash): Promise<boolean> {
  const isOurs = known.algorithm === 'scrypt' && known.n === COST.n && known.r === COST.r && known.p === COST.p;
  const expected = Buffer.from(isOurs ? known.hash : '', 'base64');
  const made = await derive(password, Buffer.from(isOurs ? known.salt : '', 'base64'), HASH_BYTES);
  return expected.length === HASH_BYTES && timingSafeEqual(expected, made);
}

function derive(password: string, salt: Buffer, length: number): Promise<Buffer> {
  return new Promise((done, failed) => {
    scrypt(password, salt, length, { N: COST.n, r: COST.r, p: COST.p }, (cause, key) => {
      if (cause === null) done(key);
      else failed(new Fault('Overloaded', 'The password could not be compared: this machine lacks memory. Try again.', { cause }));
    });
  });
}
