/** The buffer of a balanced connection (src/platform/relay-inlet.ts). */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { inletOf } from '../../../src/platform/relay-inlet.ts';

/** Reads that fill the buffer by `share`, as Node does them; the sizes of the buffers. */
function reads(count: number, share: number, inlet = inletOf()) {
  const { buffer, callback } = inlet.onread;
  assert.ok(typeof buffer === 'function');
  return Array.from({ length: count }, () => {
    const bytes = buffer();
    callback(Math.floor(bytes.length * share), bytes);
    return bytes.length / 1024;
  });
}

test('I1: what was read is handed on as it is, and the answer says whether more may be read', () => {
  const inlet = inletOf();
  const { buffer, callback } = inlet.onread;
  assert.ok(typeof buffer === 'function');
  const bytes = buffer();
  bytes.set([1, 2, 3]);
  const taken: Uint8Array[] = [];
  inlet.take = (part) => taken.push(part) > 1;
  assert.equal(callback(2, bytes), false);
  assert.equal(callback(3, bytes), true);
  assert.deepEqual(
    taken.map((part) => [...part]),
    [
      [1, 2],
      [1, 2, 3],
    ],
  );
});

test('I2: the buffer grows while reads fill it, stays while they fill it well, and shrinks when they do not', () => {
  const inlet = inletOf();
  const grown = reads(20, 1, inlet);
  assert.deepEqual([...new Set(grown)], [4, 16, 64, 256]);
  assert.equal(grown.filter((kib) => kib === 16).length, 8);
  assert.deepEqual([...new Set(reads(20, 0.5, inlet))], [256]);
  assert.deepEqual([...new Set(reads(5, 0.1, inlet))], [256, 64, 16, 4]);
  assert.deepEqual([...new Set(reads(20, 0.5))], [4]);
});
