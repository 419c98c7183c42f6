/**
 * Which segments a site keeps, and when the next one begins.
 *
 * A segment's name says its first sequence and time, so that the index is made from a listing, without reading a week of samples.
 *
 * I1: what is kept is never more than LIMITS.metricStoreBytes, and nothing is kept that ended LIMITS.metricRetentionMs ago.
 * I2: the segment that is appended to is never removed.
 * I3: the oldest go first.
 */

import { LIMITS } from '../model/limits.ts';

export interface SegmentInfo {
  readonly name: string;
  /** First sequence, and its time. */
  readonly first: number;
  readonly firstMs: number;
  readonly bytes: number;
}

const NAME = /^(\d{16})-(\d{16})\.seg$/;

export function segmentName(first: number, firstMs: number): string {
  return `${String(first).padStart(16, '0')}-${String(firstMs).padStart(16, '0')}.seg`;
}

/** The segments among `files`, in order of their sequences. */
export function segmentsOf(files: readonly { readonly name: string; readonly bytes: number }[]): SegmentInfo[] {
  return files
    .flatMap(({ name, bytes }) => {
      const [, first, firstMs] = NAME.exec(name) ?? [];
      return first === undefined ? [] : [{ name, bytes, first: Number(first), firstMs: Number(firstMs) }];
    })
    .toSorted((a, b) => a.first - b.first);
}

/** Those of `segments` (in order, the last one is appended to) that are to be removed. */
export function expiredSegments(segments: readonly SegmentInfo[], nowMs: number): SegmentInfo[] {
  let bytes = segments.reduce((sum, one) => sum + one.bytes, 0);
  const expired: SegmentInfo[] = [];
  for (const [index, segment] of segments.slice(0, -1).entries()) {
    // It ended where the next one began.
    const endedMs = segments[index + 1]?.firstMs ?? nowMs;
    const isOld = nowMs - endedMs > LIMITS.metricRetentionMs;
    if (!isOld && bytes <= LIMITS.metricStoreBytes) break;
    bytes -= segment.bytes;
    expired.push(segment);
  }
  return expired;
}

/** Does a record of `recordBytes` at `atMs` begin a new segment? `open`: the one that is appended to. */
export function beginsSegment(open: SegmentInfo | undefined, recordBytes: number, atMs: number): boolean {
  if (open === undefined) return true;
  // Time that fell (a director that was wrong was corrected) begins one too, so that each segment's time only grows.
  return atMs < open.firstMs || atMs - open.firstMs >= LIMITS.metricSegmentSpanMs || open.bytes + recordBytes > LIMITS.metricSegmentBytes;
}
