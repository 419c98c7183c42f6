/**
 * How bytes of an instance come in: into one buffer of the connection, which is read into again once what it held is gone. Node would otherwise make a
 * buffer of 64 KiB for each read; the heap that comes and goes costs more than the bytes.
 *
 * I1: nothing is read while the buffer's bytes are in use.
 * I2: a connection that moves little holds little: the buffer grows by steps while reads fill it, and shrinks by steps when they do not.
 */

import type { OnReadOpts } from 'node:net';

/** A step is left for the next after so many reads in a row that filled it. */
const STEPS = [
  { bytes: 4 * 1024, reads: 1 },
  { bytes: 16 * 1024, reads: 8 },
  { bytes: 64 * 1024, reads: 8 },
  { bytes: 256 * 1024, reads: Number.POSITIVE_INFINITY },
] as const;
/** A read that fills less than one part in so many goes a step back. */
const SPARSE = 4;

export interface Inlet {
  /** For `connect`. */
  readonly onread: OnReadOpts;
  /** Takes what was read; false: its bytes are in use, and `resume` is called when they are no more. */
  take: (bytes: Uint8Array) => boolean;
}

export function inletOf(): Inlet {
  let [step, filled] = [0, 0];
  let buffer = Buffer.allocUnsafeSlow(STEPS[0].bytes);
  const go = (to: number): void => {
    [step, filled] = [to, 0];
    buffer = Buffer.allocUnsafeSlow(STEPS[to]?.bytes ?? 0);
  };
  const inlet: Inlet = {
    onread: {
      buffer: () => buffer,
      callback: (length, bytes) => {
        filled = length === bytes.length ? filled + 1 : 0;
        if (filled >= (STEPS[step]?.reads ?? 0)) go(step + 1);
        else if (step > 0 && length * SPARSE < bytes.length) go(step - 1);
        return inlet.take(length === bytes.length ? bytes : bytes.subarray(0, length));
      },
    },
    // Nobody has asked for bytes yet; `reach` hands the connection on before any can come.
    take: () => true,
  };
  return inlet;
}
