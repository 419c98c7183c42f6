/**
 * What looks like a secret does not leave a node.
 */
import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { test } from 'node:test';
import { withoutSecrets } from '../../../src/decide/secret-scan.ts';

const p256 = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;
const ed25519 = generateKeyPairSync('ed25519').privateKey;
const pem = (key: typeof p256): string => key.export({ type: 'pkcs8', format: 'pem' }) as string;
const bare = (key: typeof p256): string => key.export({ type: 'pkcs8', format: 'der' }).toString('base64');

const SECRETS: readonly (readonly [string, string, string])[] = [
  ['a private key in PEM', `before ${pem(p256)} after`, pem(p256).split('\n')[1]!],
  ['the same in JSON', JSON.stringify({ key: pem(ed25519) }), bare(ed25519)],
  ['cut off in the middle', pem(p256).slice(0, 100), pem(p256).slice(40, 90)],
  ['a bare P-256 key', `x=${bare(p256)}`, bare(p256).slice(30)],
  ['a bare Ed25519 key', `x=${bare(ed25519)}`, bare(ed25519).slice(20)],
  ['a join token', 'joining with demo.abcdefghij.0123456789abcdef0123456789abcdef now', '0123456789abcdef0123456789abcdef'],
  ['a signed token', `got eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJ4In0AAAA.${'s'.repeat(40)}`, 'eyJzdWIiOiJ4In0AAAA'],
  ['a header', 'authorization: Basic dXNlcjpwYXNzd29yZA==', 'dXNlcjpwYXNzd29yZA'],
  ['a URL', 'postgres://user:hunter2hunter2@db/x', 'hunter2hunter2'],
  ['a field', '{"user":"a","password":"correct horse"}', 'correct horse'],
  ['a variable', 'DB_PASSWORD is not it but password=tr0ub4dor&3 is', 'tr0ub4dor&3'],
];

for (const [what, text, secret] of SECRETS)
  test(`I1: ${what} is taken out as a whole`, () => {
    const { text: rest, found } = withoutSecrets(text, []);
    assert.ok(!rest.includes(secret), rest);
    assert.ok(Object.keys(found).length > 0);
  });

test('I2: what is known to be secret is found as it is, in JSON and in a URL', () => {
  const secret = 'p"s w/ord';
  const text = [secret, JSON.stringify(secret), encodeURIComponent(secret)].join('\n');
  assert.deepEqual(withoutSecrets(text, [secret]).found, { 'known secret': 3 });
});

test('what is no secret stays: certificates, hashes, uids, plain words', () => {
  const text = `-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\nsha256:${'a'.repeat(64)} 0b0f6a9e-1f2e-4c55-8c64-1d0f6ab7e2aa the token was refused; password changed`;
  assert.deepEqual(withoutSecrets(text, []), { text, found: {} });
});

test('a text made to be slow is not', () => {
  const started = performance.now();
  for (const piece of ['eyJ', 'password=', '-----BEGIN PRIVATE KEY-----', 'a.', 'x://a:', 'authorization: '])
    withoutSecrets(piece.repeat(Math.floor(500_000 / piece.length)), []);
  const ms = performance.now() - started;
  console.log(`measured: 3 MB of the worst in ${ms.toFixed(0)} ms`);
  assert.ok(ms < 10_000);
});
