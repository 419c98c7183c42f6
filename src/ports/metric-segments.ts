/**
 * The door to segment files of samples on a site's disk (layout: src/decide/monitor-segment.ts).
 *
 * I1: after `append` resolves, what was appended survives a power cut; when it throws, the next `append` begins where this one did.
 */

export interface SegmentFile {
  readonly name: string;
  readonly bytes: number;
}

export interface MetricSegments {
  /** All files of the folder, which is made when it is missing. Throws `Fault` FolderUnwritable. */
  list(): Promise<readonly SegmentFile[]>;
  /** Undefined when there is none (any more). Throws `Fault` FolderUnwritable when it cannot be read. */
  read(name: string): Promise<Uint8Array | undefined>;
  /** Writes `bytes` at `at`, cutting off what stood there; makes the file when `at` is 0. Throws `Fault` DiskFull or FolderUnwritable. */
  append(name: string, at: number, bytes: Uint8Array): Promise<void>;
  /** Keeps a damaged file aside, under another name; the newest few of them. Gives that name. */
  setAside(name: string): Promise<string>;
  remove(name: string): Promise<void>;
  /** Smaller, and back; undefined: that is not what `pack` made, or is larger than `maxBytes`. */
  pack(text: string): Uint8Array;
  unpack(bytes: Uint8Array, maxBytes: number): string | undefined;
  /** CRC-32. */
  checksum(bytes: Uint8Array): number;
}
