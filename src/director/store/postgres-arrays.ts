/**
 * Arrays in PostgreSQL's binary format, so that a batch goes as a few parameters without being escaped and parsed as text.
 *
 * Format: array_send in src/backend/utils/adt/arrayfuncs.c: dimensions, whether there are nulls, element type, then per dimension length and lower bound, then
 * each element with its length (−1 for null).
 */

const INT8_OID = 20;
const TEXT_OID = 25;
const BYTEA_OID = 17;
const HEADER_BYTES = 20;
const NULL_LENGTH = -1;

export function int8Array(values: readonly (number | undefined)[]): Buffer {
  const out = begin(INT8_OID, values.length, values.includes(undefined), values.length * 12);
  let at = HEADER_BYTES;
  for (const value of values) {
    at = out.writeInt32BE(value === undefined ? NULL_LENGTH : 8, at);
    if (value !== undefined) at = writeInt8(out, value, at);
  }
  return out.subarray(0, at);
}

/** A safe integer as 8 bytes. BigInt would allocate for each. */
function writeInt8(out: Buffer, value: number, at: number): number {
  out.writeInt32BE(Math.floor(value / 0x1_0000_0000), at);
  return out.writeUInt32BE(value >>> 0, at + 4);
}

export function textArray(values: readonly string[]): Buffer {
  let bytes = 0;
  for (const value of values) bytes += 4 + Buffer.byteLength(value);
  const out = begin(TEXT_OID, values.length, false, bytes);
  let at = HEADER_BYTES;
  for (const value of values) {
    const length = out.write(value, at + 4, 'utf8');
    out.writeInt32BE(length, at);
    at += 4 + length;
  }
  return out;
}

export function byteaArray(values: readonly (Buffer | undefined)[]): Buffer {
  let bytes = 0;
  for (const value of values) bytes += 4 + (value?.length ?? 0);
  const out = begin(BYTEA_OID, values.length, values.includes(undefined), bytes);
  let at = HEADER_BYTES;
  for (const value of values) {
    at = out.writeInt32BE(value === undefined ? NULL_LENGTH : value.length, at);
    if (value !== undefined) at += value.copy(out, at);
  }
  return out;
}

function begin(oid: number, length: number, nulls: boolean, bytes: number): Buffer {
  const out = Buffer.allocUnsafe(HEADER_BYTES + bytes);
  out.writeInt32BE(1, 0);
  out.writeInt32BE(nulls ? 1 : 0, 4);
  out.writeInt32BE(oid, 8);
  out.writeInt32BE(length, 12);
  out.writeInt32BE(1, 16);
  return out;
}
