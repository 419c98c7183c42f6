/**
 * The buffer that a connection's bytes come in by: it is read into again once what it held is gone. Node would otherwise make one of 64 KiB for each
 * read; the heap that comes and goes costs more than the bytes.
 *
 * I1: a connection that moves little holds little: the buffer grows by steps while reads fill it, and shrinks by steps when they do not.
 * I2: the smallest, which nearly all connections have, are used again by others; so many at most are kept for that.
 */

/** A step is left for the next after so many reads in a row that filled it. */
const STEPS = [
  { bytes: 4 * 1024, reads: 1 },
  { bytes: 16 * 1024, reads: 8 },
  { bytes: 64 * 1024, reads: 8 },
  { bytes: 256 * 1024, reads: Number.POSITIVE_INFINITY },
] as const;
/** A read that fills less than one part in so many goes a step back. */
const SPARSE = 4;
const KEPT = 256;

export interface ReadBuffer {
  bytes: Buffer;
  /** What the last read that did not fill it left in it: pieces of a connection are often of one length. */
  view: Buffer;
  step: number;
  /** Reads in a row that filled it. */
  filled: number;
}

const kept: Buffer[] = [];

export function readBuffer(): ReadBuffer {
  const bytes = bufferOf(0);
  return { bytes, view: bytes, step: 0, filled: 0 };
}

/** What a read of `length` left in it; good until the next read. */
export function bytesRead(buffer: ReadBuffer, length: number): Buffer {
  const { bytes, view } = buffer;
  if (length === bytes.length) return bytes;
  if (length === view.length) return view;
  buffer.view = bytes.subarray(0, length);
  return buffer.view;
}

/** After a read of `length`: the buffer to read into from now on, undefined when it is the same. `isUsed`: the bytes of the old one are needed further. */
export function stepBuffer(buffer: ReadBuffer, length: number, isUsed: boolean): Buffer | undefined {
  const { bytes, step } = buffer;
  if (length === bytes.length) buffer.filled++;
  else if (step === 0 || length * SPARSE >= bytes.length) {
    buffer.filled = 0;
    return undefined;
  }
  const to = length < bytes.length ? step - 1 : step + 1;
  if (to > step && buffer.filled < (STEPS[step]?.reads ?? 0)) return undefined;
  if (!isUsed) giveBack(buffer);
  buffer.step = to;
  buffer.filled = 0;
  buffer.bytes = bufferOf(to);
  buffer.view = buffer.bytes;
  return buffer.bytes;
}

/** Nobody reads into it, nor needs its bytes, any more. */
export function giveBack({ bytes, step }: ReadBuffer): void {
  if (step === 0 && kept.length < KEPT) kept.push(bytes);
}

function bufferOf(step: number): Buffer {
  return (step === 0 ? kept.pop() : undefined) ?? Buffer.allocUnsafeSlow(STEPS[step]?.bytes ?? 0);
}
