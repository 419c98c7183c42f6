/**
 * Arrays in PostgreSQL's binary format. That a server reads them as meant, the contract tests show.
 */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { byteaArray, int8Array, textArray } from '../../../src/director/store/postgres-arrays.ts';

/** array_recv of PostgreSQL, for one dimension. */
function decode(bytes: Buffer, oid: number): (Buffer | undefined)[] {
  assert.equal(bytes.readInt32BE(0), 1);
  assert.equal(bytes.readInt32BE(8), oid);
  assert.equal(bytes.readInt32BE(16), 1);
  const out: (Buffer | undefined)[] = [];
  let at = 20;
  for (let n = bytes.readInt32BE(12); n > 0; n--) {
    const length = bytes.readInt32BE(at);
    at += 4;
    out.push(length === -1 ? undefined : bytes.subarray(at, at + length));
    at += Math.max(length, 0);
  }
  assert.equal(at, bytes.length, 'nothing is left over');
  assert.equal(bytes.readInt32BE(4), out.includes(undefined) ? 1 : 0);
  return out;
}

describe('arrays for PostgreSQL', () => {
  it('hold integers up to 2^53, text and bytes, with nulls', () => {
    fc.assert(
      fc.property(fc.array(fc.option(fc.maxSafeNat(), { nil: undefined })), (values) => {
        assert.deepEqual(
          decode(int8Array(values), 20).map((value) => (value === undefined ? undefined : Number(value.readBigInt64BE()))),
          values,
        );
      }),
    );
    fc.assert(
      fc.property(fc.array(fc.string({ unit: 'grapheme' })), (values) => {
        assert.deepEqual(
          decode(textArray(values), 25).map((value) => value?.toString('utf8')),
          values,
        );
      }),
    );
    fc.assert(
      fc.property(fc.array(fc.option(fc.uint8Array(), { nil: undefined })), (values) => {
        const buffers = values.map((value) => (value === undefined ? undefined : Buffer.from(value)));
        assert.deepEqual(decode(byteaArray(buffers), 17), buffers);
      }),
    );
  });
});
