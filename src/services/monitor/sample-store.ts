/**
 * The samples of a site on its own disk: seven days of rounds, in segment files that are appended to and never changed.
 *
 * Layout, records and retention are decided in src/decide/monitor-*.ts; here they meet the disk.
 *
 * I1: a round that `append` answered is on disk; a crash in the middle of one takes away that one and nothing before it.
 * I2: what is damaged is kept aside and said; the good rounds before the damage are kept in its place.
 * I3: sequences grow for ever: also after damage no sequence is given to two rounds.
 * I4: what is kept stays within the bounds in time and bytes, whatever is appended.
 */

import { assert } from '../../base/assert.ts';
import { beginsSegment, expiredSegments, segmentName, segmentsOf } from '../../decide/monitor-retention.ts';
import type { SegmentInfo } from '../../decide/monitor-retention.ts';
import { EMPTY_DICTIONARY, readRound, writeRound } from '../../decide/monitor-round.ts';
import type { Dictionary } from '../../decide/monitor-round.ts';
import { FRAME_HEAD_BYTES, frameOf, scanSegment, SEGMENT_MAGIC } from '../../decide/monitor-segment.ts';
import type { Range } from '../../decide/monitor-shipping.ts';
import { LIMITS } from '../../model/limits.ts';
import type { Json } from '../../model/json.ts';
import type { Round, Sample } from '../../model/metric.ts';
import type { Log } from '../../ports/log.ts';
import type { MetricSegments } from '../../ports/metric-segments.ts';

export interface SampleStore {
  /** First and last sequence; undefined: there is none yet. */
  held(): Range | undefined;
  /** On disk, what was set aside left out. */
  bytes(): number;
  /** About damage that was found, for people; undefined: none. */
  problem(): string | undefined;
  newest(): Round | undefined;
  /** Throws `Fault` DiskFull or FolderUnwritable; then nothing was appended, and the sequence is free again. */
  append(atMs: number, samples: readonly Sample[]): Promise<Round>;
  /**
   * The rounds of a range, from its first on, at most `maxSamples` samples of them (but always one round). Everything up to `through` that is not among
   * them is not there (any more).
   */
  read(range: Range, maxSamples: number): Promise<{ readonly rounds: readonly Round[]; readonly through: number }>;
}

interface Store {
  readonly files: MetricSegments;
  readonly log: Log;
  /** In order; the last one is appended to while `dictionary` is its. */
  segments: SegmentInfo[];
  /** Of the last segment; undefined: the next round begins a new one. */
  dictionary: Dictionary | undefined;
  next: number;
  newest: Round | undefined;
  problem: string | undefined;
}

/** `leastSequence`: no round gets a sequence below it (what was acknowledged, or the time in seconds, which outruns any site's rounds). */
export async function openSampleStore(files: MetricSegments, log: Log, leastSequence: number): Promise<SampleStore> {
  const segments = segmentsOf(await files.list());
  const store: Store = { files, log, segments, dictionary: undefined, next: leastSequence, newest: undefined, problem: undefined };
  await openLast(store, leastSequence);
  return {
    held: () => (store.segments[0] === undefined ? undefined : [store.segments[0].first, store.next - 1]),
    bytes: () => store.segments.reduce((sum, one) => sum + one.bytes, 0),
    problem: () => store.problem,
    newest: () => store.newest,
    append: async (atMs, samples) => await append(store, atMs, samples),
    read: async (range, maxSamples) => await read(store, range, maxSamples),
  };
}

/** Finds the end of what was written in an earlier life. */
async function openLast(store: Store, leastSequence: number): Promise<void> {
  let isDamaged = false;
  for (let last = store.segments.at(-1); last !== undefined; last = store.segments.at(-1)) {
    const content = await contentOf(store, last, true);
    isDamaged ||= content.damaged;
    if (content.rounds > 0) {
      store.dictionary = content.damaged ? undefined : content.dictionary;
      store.newest = content.newest;
      const next = (content.newest?.sequence ?? last.first) + 1;
      // Behind damage there may have been rounds that were shipped already: their sequences are not given again.
      store.next = isDamaged ? Math.max(next, leastSequence) : next;
      return;
    }
    // Not even a first round: as if it had never been begun.
    store.segments.pop();
    await store.files.remove(last.name);
  }
}

interface Content {
  readonly rounds: number;
  readonly newest: Round | undefined;
  readonly dictionary: Dictionary;
  readonly damaged: boolean;
}

/** Reads a segment, hands over its rounds, and mends the file where it is torn or damaged. */
async function contentOf(store: Store, segment: SegmentInfo, isLast: boolean, onRound?: (round: Round) => void): Promise<Content> {
  const { files } = store;
  const bytes = await files.read(segment.name);
  if (bytes === undefined) return { rounds: 0, newest: undefined, dictionary: EMPTY_DICTIONARY, damaged: false };
  const isOpen = isLast && store.dictionary !== undefined;
  // What is being appended at this moment is not read.
  const scan = scanSegment(isOpen ? bytes.subarray(0, segment.bytes) : bytes, files.checksum, isLast);
  let [dictionary, newest, rounds, goodBytes] = [EMPTY_DICTIONARY, undefined as Round | undefined, 0, SEGMENT_MAGIC.length];
  for (const frame of scan.frames) {
    const next = decoded(files, dictionary, frame);
    if (next === undefined) break;
    ({ dictionary, round: newest } = next);
    onRound?.(newest);
    rounds++;
    goodBytes += frame.length + FRAME_HEAD_BYTES;
  }
  const damaged = scan.end === 'damaged' || rounds < scan.frames.length;
  if (damaged) await mend(store, segment, bytes.subarray(0, rounds === 0 ? 0 : goodBytes));
  else if (scan.end === 'torn' && !isOpen) await cutTail(store, segment, bytes.subarray(0, rounds === 0 ? 0 : goodBytes), bytes.length);
  return { rounds, newest, dictionary, damaged };
}

function decoded(files: MetricSegments, dictionary: Dictionary, frame: Uint8Array): ReturnType<typeof readRound> {
  const text = files.unpack(frame, LIMITS.metricRecordTextBytes);
  if (text === undefined) return undefined;
  try {
    return readRound(dictionary, JSON.parse(text) as Json);
  } catch {
    return undefined;
  }
}

async function mend(store: Store, segment: SegmentInfo, good: Uint8Array): Promise<void> {
  const { files, log } = store;
  const copy = good.slice();
  const aside = await files.setAside(segment.name);
  store.problem = `Samples of the segment ${segment.name} are damaged; it is kept as ${aside}, and what is good of it is used.`;
  log.warn(store.problem, { goodBytes: good.length });
  if (copy.length > 0) await files.append(segment.name, 0, copy);
  replace(store, segment, copy.length);
}

async function cutTail(store: Store, segment: SegmentInfo, good: Uint8Array, length: number): Promise<void> {
  const { files, log } = store;
  log.info('A round was being written when this machine or the monitor was stopped; its beginning is cut off.', {
    segment: segment.name,
    bytes: length - good.length,
  });
  if (good.length === 0) await files.remove(segment.name);
  else await files.append(segment.name, good.length, new Uint8Array());
  replace(store, segment, good.length);
}

/** Nothing left of it: it is gone. */
function replace(store: Store, segment: SegmentInfo, bytes: number): void {
  const known = store.segments.map((one) => (one.name === segment.name ? { ...one, bytes } : one));
  // The last one is taken off by whoever opens it.
  store.segments = known.filter((one, index) => one.bytes > 0 || index === known.length - 1);
}

async function append(store: Store, atMs: number, samples: readonly Sample[]): Promise<Round> {
  const { files } = store;
  const round: Round = { sequence: store.next, atMs, samples };
  const open = store.dictionary === undefined ? undefined : store.segments.at(-1);
  let written = writeRound(store.dictionary ?? EMPTY_DICTIONARY, round);
  let frame = frameOf(files.pack(JSON.stringify(written.record)), files.checksum);
  const isNew = open === undefined || beginsSegment(open, frame.length, atMs);
  if (isNew) {
    written = writeRound(EMPTY_DICTIONARY, round);
    frame = frameOf(files.pack(JSON.stringify(written.record)), files.checksum);
  }
  assert(frame.length <= LIMITS.metricRecordBytes, 'a round of as many series as a cluster may have fits into a record');
  const segment: SegmentInfo = isNew ? { name: segmentName(round.sequence, atMs), first: round.sequence, firstMs: atMs, bytes: 0 } : open;
  const bytes = isNew ? concat(SEGMENT_MAGIC, frame) : frame;
  await files.append(segment.name, segment.bytes, bytes);
  const grown = { ...segment, bytes: segment.bytes + bytes.length };
  store.segments = isNew ? [...store.segments, grown] : [...store.segments.slice(0, -1), grown];
  store.dictionary = written.dictionary;
  store.newest = round;
  store.next++;
  await expire(store, atMs);
  return round;
}

async function expire(store: Store, nowMs: number): Promise<void> {
  const expired = expiredSegments(store.segments, nowMs);
  if (expired.length === 0) return;
  const names = new Set(expired.map(({ name }) => name));
  store.segments = store.segments.filter(({ name }) => !names.has(name));
  for (const name of names) await store.files.remove(name);
}

async function read(store: Store, [from, to]: Range, maxSamples: number): Promise<{ rounds: readonly Round[]; through: number }> {
  const { newest } = store;
  if (newest !== undefined && from === to && newest.sequence === from) return { rounds: [newest], through: to };
  const rounds: Round[] = [];
  let samples = 0;
  let isFull = false;
  const take = (round: Round): void => {
    if (isFull || round.sequence < from || round.sequence > to) return;
    samples += round.samples.length;
    isFull = rounds.length > 0 && samples > maxSamples;
    if (!isFull) rounds.push(round);
  };
  const segments = store.segments.filter((one, index) => one.first <= to && (store.segments[index + 1]?.first ?? Infinity) > from);
  for (const segment of segments) {
    if (isFull) break;
    await contentOf(store, segment, segment.name === store.segments.at(-1)?.name, take);
  }
  return { rounds, through: isFull ? (rounds.at(-1)?.sequence ?? to) : to };
}

function concat(...parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
