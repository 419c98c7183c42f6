/**
 * Where HTTP/1 messages begin and end in a stream of bytes, as far as a balancer must know (RFC 9112, sections 2 to 6).
 *
 * Whoever misjudges where a message ends gives one client's bytes to another's request; so all that is not plainly regular is `Odd` (or
 * undefined for a head), and the balancer then passes the bytes of that connection through without a thought about what they mean.
 *
 * I1: what is found does not depend on how the bytes were cut into chunks.
 * I2: anything that two implementations could read differently is odd: both lengths, several lengths, unknown codings, bare line feeds, folded lines.
 * I3: a request may be given to another instance only if it changes nothing and has no body (RFC 9110, 9.2.1; more is allowed, and not needed).
 */

/** How far the body of a message was followed. */
export type BodyState =
  | { readonly at: 'Whole' }
  /** `left` more bytes, by content-length. */
  | { readonly at: 'Length'; readonly left: number }
  /** In the line with a chunk's size; what was read of it. */
  | { readonly at: 'Size'; readonly text: string }
  /** In a chunk; `left` counts its own line end. */
  | { readonly at: 'Chunk'; readonly left: number }
  /** After the last chunk, in trailer lines; what was read of the line. */
  | { readonly at: 'Trailer'; readonly text: string; readonly length: number }
  /** Ends with its connection. */
  | { readonly at: 'UntilEnd' }
  | { readonly at: 'Odd' };

/** `used`: the first byte that does not belong to the body; it counts only when the state is Whole. */
export interface BodyStep {
  readonly state: BodyState;
  readonly used: number;
}

export interface RequestHead {
  readonly method: string;
  /** True: nothing can happen twice when it is given to two instances (I3). */
  readonly isReplayable: boolean;
  /** False: the connection ends after its answer. */
  readonly isPersistent: boolean;
  readonly body: BodyState;
}

export interface AnswerHead {
  /** 1xx but 101: another head follows. */
  readonly isInterim: boolean;
  /** 101: what follows is not HTTP any more. */
  readonly isSwitch: boolean;
  readonly isPersistent: boolean;
  readonly body: BodyState;
}

const WHOLE: BodyState = { at: 'Whole' };
const ODD: BodyState = { at: 'Odd' };
const UNTIL_END: BodyState = { at: 'UntilEnd' };
const SIZE: BodyState = { at: 'Size', text: '' };

const CR = 13;
const LF = 10;
/** A line with a chunk's size and extensions, and all trailer lines together. */
const LINE_CHARS = 4_096;
const TRAILER_CHARS = 16 * 1024;
const CHUNK_SIZE = /^([0-9A-Fa-f]{1,8})(?:[ \t]*;[\t\x20-\x7e\x80-\xff]*)?$/;
const REQUEST_LINE = /^([A-Z]+) [\x21-\x7e]+ HTTP\/1\.([01])\r\n/;
const STATUS_LINE = /^HTTP\/1\.([01]) ([1-9]\d\d)(?: [\t\x20-\x7e\x80-\xff]*)?\r\n/;
const HEADER_LINES = /^(?:[!#$%&'*+\-.^_`|~0-9A-Za-z]+:[\t\x20-\x7e\x80-\xff]*\r\n)*\r\n$/;
/** The fields that decide about framing. */
const FIELDS = /(?:^|\n)(content-length|transfer-encoding|connection|expect):[ \t]*([^\r]*)/gi;
const LENGTH = /^\d{1,15}$/;
const SAFE_METHODS: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS']);

/** How much of the empty line at the end of a head was seen: 0 to 4 characters of `\r\n\r\n`. */
export interface HeadSearch {
  readonly matched: number;
  /** Index after the head's last byte; -1: it goes on in the next chunk. */
  readonly end: number;
}

/** Looks for the end of a head; `matched` of the chunk before, 0 for the first. */
export function seekHeadEnd(matched: number, bytes: Uint8Array, from: number): HeadSearch {
  let seen = matched;
  for (let at = from; at < bytes.length; at++) {
    const byte = bytes[at];
    if (byte === CR) seen = seen === 2 ? 3 : 1;
    else if (byte === LF) seen = seen === 1 || seen === 3 ? seen + 1 : 0;
    else seen = 0;
    if (seen === 4) return { matched: 0, end: at + 1 };
  }
  return { matched: seen, end: -1 };
}

/** False: no request begins so; whatever is spoken there is not ours to read. */
export function mayBeginRequest(firstByte: number): boolean {
  return firstByte >= 0x41 && firstByte <= 0x5a;
}

/** A request's head (Latin-1, with the empty line at its end); undefined when it is odd. */
export function requestHeadOf(text: string): RequestHead | undefined {
  const line = REQUEST_LINE.exec(text);
  if (line === null) return undefined;
  const [start, method = '', minor] = line;
  const fields = fieldsOf(text.slice(start.length));
  if (fields === undefined || method === 'CONNECT') return undefined;
  const body = bodyOf(fields, WHOLE);
  if (body.at === 'Odd' || (body.at === 'Size' && minor === '0')) return undefined;
  return {
    method,
    isReplayable: SAFE_METHODS.has(method) && body.at === 'Whole' && !fields.expects,
    isPersistent: isPersistent(minor, fields),
    body,
  };
}

/** The head of an answer to a request of `method`; undefined when it is odd. */
export function answerHeadOf(text: string, method: string): AnswerHead | undefined {
  const line = STATUS_LINE.exec(text);
  if (line === null) return undefined;
  const [start, minor, status = ''] = line;
  const fields = fieldsOf(text.slice(start.length));
  if (fields === undefined) return undefined;
  const framed = bodyOf(fields, UNTIL_END);
  if (framed.at === 'Odd' || (framed.at === 'Size' && minor === '0')) return undefined;
  const neverHasBody = status === '204' || status === '304';
  // Clients differ in whether they then wait for a chunk.
  if (neverHasBody && fields.coding !== undefined && method !== 'HEAD') return undefined;
  const isInterim = status.startsWith('1') && status !== '101';
  const bodiless = method === 'HEAD' || status.startsWith('1') || neverHasBody;
  const body = bodiless ? WHOLE : framed;
  return { isInterim, isSwitch: status === '101', isPersistent: body.at !== 'UntilEnd' && isPersistent(minor, fields), body };
}

interface Fields {
  readonly length: string | undefined;
  readonly coding: string | undefined;
  readonly connection: string;
  readonly expects: boolean;
  /** A length or coding stands there twice. */
  readonly isDouble: boolean;
}

function fieldsOf(lines: string): Fields | undefined {
  if (!HEADER_LINES.test(lines)) return undefined;
  let length: string | undefined;
  let coding: string | undefined;
  let connection = '';
  let expects = false;
  let isDouble = false;
  for (const [, name = '', value = ''] of lines.matchAll(FIELDS)) {
    const known = name.toLowerCase();
    if (known === 'connection') connection += `,${value}`;
    else if (known === 'expect') expects = true;
    else {
      isDouble ||= (known === 'content-length' ? length : coding) !== undefined;
      if (known === 'content-length') length = value.trimEnd();
      else coding = value.trimEnd();
    }
  }
  return { length, coding, connection: connection.toLowerCase(), expects, isDouble };
}

function bodyOf({ length, coding, isDouble }: Fields, without: BodyState): BodyState {
  if (isDouble || (length !== undefined && coding !== undefined)) return ODD;
  if (coding !== undefined) return coding.toLowerCase() === 'chunked' ? SIZE : ODD;
  if (length === undefined) return without;
  if (!LENGTH.test(length)) return ODD;
  return Number(length) === 0 ? WHOLE : { at: 'Length', left: Number(length) };
}

function isPersistent(minor: string | undefined, { connection }: Fields): boolean {
  if (connection === '') return minor === '1';
  const options = connection.split(',').map((option) => option.trim());
  return !options.includes('close') && (minor === '1' || options.includes('keep-alive'));
}

/** Follows the body through `bytes` from `from` on. */
export function followBody(body: BodyState, bytes: Uint8Array, from: number): BodyStep {
  let step: BodyStep = { state: body, used: from };
  while (step.used < bytes.length && step.state.at !== 'Whole' && step.state.at !== 'Odd') step = stepOf(step.state, bytes, step.used);
  return step;
}

function stepOf(state: BodyState, bytes: Uint8Array, from: number): BodyStep {
  if (state.at === 'Length') {
    const taken = Math.min(state.left, bytes.length - from);
    return { state: taken === state.left ? WHOLE : { at: 'Length', left: state.left - taken }, used: from + taken };
  }
  if (state.at === 'Chunk') return chunkStep(state.left, bytes, from);
  if (state.at === 'Size' || state.at === 'Trailer') return lineStep(state, bytes, from);
  return { state, used: bytes.length };
}

/** The last two of `left` must be a line end. */
function chunkStep(left: number, bytes: Uint8Array, from: number): BodyStep {
  if (left > 2) {
    const taken = Math.min(left - 2, bytes.length - from);
    return { state: { at: 'Chunk', left: left - taken }, used: from + taken };
  }
  if (bytes[from] !== (left === 2 ? CR : LF)) return { state: ODD, used: from };
  return { state: left === 2 ? { at: 'Chunk', left: 1 } : SIZE, used: from + 1 };
}

type LineState = Extract<BodyState, { readonly text: string }>;

function lineStep(state: LineState, bytes: Uint8Array, from: number): BodyStep {
  const end = bytes.indexOf(LF, from);
  const until = end < 0 ? bytes.length : end + 1;
  const bound = state.at === 'Size' ? LINE_CHARS : TRAILER_CHARS - state.length;
  if (state.text.length + until - from > bound) return { state: ODD, used: from };
  const text = state.text + String.fromCharCode(...bytes.subarray(from, until));
  if (end < 0) return { state: { ...state, text }, used: until };
  return { state: afterLine(state, text), used: until };
}

function afterLine(state: LineState, line: string): BodyState {
  if (!line.endsWith('\r\n')) return ODD;
  if (state.at === 'Trailer') {
    if (line === '\r\n') return WHOLE;
    return HEADER_LINES.test(`${line}\r\n`) ? { at: 'Trailer', text: '', length: state.length + line.length } : ODD;
  }
  const size = CHUNK_SIZE.exec(line.slice(0, -2))?.[1];
  if (size === undefined) return ODD;
  const bytes = Number.parseInt(size, 16);
  return bytes === 0 ? { at: 'Trailer', text: '', length: 0 } : { at: 'Chunk', left: bytes + 2 };
}
