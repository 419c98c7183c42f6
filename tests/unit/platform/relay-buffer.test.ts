/** The buffer that a balanced connection's bytes come in by (src/platform/relay-buffer.ts). */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bytesRead, giveBack, readBuffer, stepBuffer } from '../../../src/platform/relay-buffer.ts';

/** Reads that fill the buffer by `share`; its size in KiB before each. */
function reads(count: number, share: number, buffer = readBuffer()): number[] {
  return Array.from({ length: count }, () => {
    const { length } = buffer.bytes;
    stepBuffer(buffer, Math.floor(length * share), false);
    return length / 1024;
  });
}

test('I1: it grows while reads fill it, as far as it goes, and shrinks when they do not', () => {
  const buffer = readBuffer();
  const times = (count: number, kib: number): number[] => Array.from({ length: count }, () => kib);
  assert.deepEqual(reads(20, 1, buffer), [4, ...times(8, 16), ...times(8, 64), ...times(3, 256)]);
  assert.deepEqual(reads(5, 0.1, buffer), [256, 64, 16, 4, 4]);
});

test('I1: reads that fill half of it change nothing, and what fills it now and then neither', () => {
  const buffer = readBuffer();
  reads(1, 1, buffer);
  for (let i = 0; i < 20; i++) assert.deepEqual(reads(8, i % 2 === 0 ? 0.5 : 0.9, buffer), [16, 16, 16, 16, 16, 16, 16, 16]);
  for (let i = 0; i < 20; i++) assert.deepEqual([...reads(7, 1, buffer), ...reads(1, 0.5, buffer)], [16, 16, 16, 16, 16, 16, 16, 16]);
});

test('I2: the smallest is used again, once nobody needs it; one whose bytes are needed further is not', () => {
  const first = readBuffer();
  const { bytes } = first;
  giveBack(first);
  const second = readBuffer();
  assert.equal(second.bytes, bytes);
  const next = stepBuffer(second, bytes.length, true);
  assert.equal(next, second.bytes);
  assert.notEqual(readBuffer().bytes, bytes, 'its bytes are needed further');
  giveBack(second);
  assert.notEqual(readBuffer().bytes, next, 'a large one is not kept');
});

test('what was read is what lies in it now, also after reads of the same length and in another buffer', () => {
  const buffer = readBuffer();
  const lengths = [3, 3, 2, 3, 4096, 8000, 8000, 3, 3, 2];
  lengths.forEach((length, round) => {
    buffer.bytes.fill(round, 0, length);
    assert.deepEqual([...bytesRead(buffer, length)], Array(length).fill(round), `read ${round}`);
    stepBuffer(buffer, length, false);
  });
});
