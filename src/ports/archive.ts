/**
 * The door to archives: files in a folder, packed and compressed while they are made, so that none of it lies in memory as a whole.
 */

export interface ArchiveEntry {
  /** Path in the archive; at most 100 characters of plain ASCII. */
  readonly name: string;
  readonly body: string;
}

/** A `.tar.gz`, in pieces. `atMs`: the time that its files bear, ms since 1970. */
export type PackArchive = (entries: AsyncIterable<ArchiveEntry>, atMs: number) => AsyncIterable<Buffer>;
