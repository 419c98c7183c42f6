/**
 * A segment file of samples: frames one after another, each with its length and checksum, appended and never changed.
 *
 * Layout: the eight bytes MAGIC, then frames: length of the body (4 bytes, big endian), CRC-32 of the body (4 bytes, big endian), the body.
 *
 * I1: a write that a crash cut short, at whatever byte, is recognized as a torn tail: everything before it is good, and nothing after it is read.
 * I2: only the last bytes of a file can be torn, and by no more than one write; everything else that does not fit is damage, and is said.
 * I3: zeros at the end are torn too: file systems show them where a length reached the disk before the bytes did.
 */

import { LIMITS } from '../model/limits.ts';

/** "ORMETRC" and the version of the layout. */
export const SEGMENT_MAGIC: Uint8Array = Uint8Array.of(0x4f, 0x52, 0x4d, 0x45, 0x54, 0x52, 0x43, 1);
/** Before the body of each frame. */
export const FRAME_HEAD_BYTES = 8;

export interface SegmentScan {
  readonly frames: readonly Uint8Array[];
  /** Length of what is good. */
  readonly goodBytes: number;
  readonly end: 'whole' | 'torn' | 'damaged';
}

/** CRC-32 as in zlib. */
export type Checksum = (bytes: Uint8Array) => number;

/** The frame that holds `body`. */
export function frameOf(body: Uint8Array, checksum: Checksum): Uint8Array {
  const frame = new Uint8Array(FRAME_HEAD_BYTES + body.length);
  const view = new DataView(frame.buffer);
  view.setUint32(0, body.length);
  view.setUint32(4, checksum(body));
  frame.set(body, FRAME_HEAD_BYTES);
  return frame;
}

/** What a file holds. `isLast`: it is the one that is appended to, so that its end may be torn. */
export function scanSegment(bytes: Uint8Array, checksum: Checksum, isLast: boolean): SegmentScan {
  const frames: Uint8Array[] = [];
  const isMine = SEGMENT_MAGIC.every((byte, index) => index >= bytes.length || bytes[index] === byte);
  if (!isMine && !isZero(bytes, 0)) return { frames, goodBytes: 0, end: 'damaged' };
  if (!isMine || bytes.length < SEGMENT_MAGIC.length) return { frames, goodBytes: 0, end: isLast ? 'torn' : 'damaged' };
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let at = SEGMENT_MAGIC.length;
  while (at < bytes.length) {
    const body = bodyAt(bytes, view, at, checksum);
    if (body === undefined) return { frames, goodBytes: at, end: isLast && isTorn(bytes, view, at) ? 'torn' : 'damaged' };
    frames.push(body);
    at += FRAME_HEAD_BYTES + body.length;
  }
  return { frames, goodBytes: at, end: 'whole' };
}

/** The body of the frame that begins at `at`; undefined: there is no good one. */
function bodyAt(bytes: Uint8Array, view: DataView, at: number, checksum: Checksum): Uint8Array | undefined {
  if (bytes.length - at < FRAME_HEAD_BYTES) return undefined;
  const length = view.getUint32(at);
  if (length === 0 || length > LIMITS.metricRecordBytes || bytes.length - at - FRAME_HEAD_BYTES < length) return undefined;
  const body = bytes.subarray(at + FRAME_HEAD_BYTES, at + FRAME_HEAD_BYTES + length);
  return checksum(body) === view.getUint32(at + 4) ? body : undefined;
}

/** Can what begins at `at` be the beginning of one write that was cut short? */
function isTorn(bytes: Uint8Array, view: DataView, at: number): boolean {
  if (isZero(bytes, at) || bytes.length - at < FRAME_HEAD_BYTES) return true;
  const length = view.getUint32(at);
  // A frame that is there as a whole, or is followed by another one, was not cut short, unless its last bytes never reached the disk.
  if (length === 0 || length > LIMITS.metricRecordBytes) return false;
  const end = at + FRAME_HEAD_BYTES + length;
  return end > bytes.length || (end === bytes.length && bytes[end - 1] === 0);
}

function isZero(bytes: Uint8Array, from: number): boolean {
  for (let at = from; at < bytes.length; at++) if (bytes[at] !== 0) return false;
  return bytes.length > from;
}
