/**
 * The log of one container: its last lines, then what is added (src/ports/log-tail.ts).
 *
 * Logs are turned over by copying and cutting (pod-logs.ts), so a file that became shorter begins anew.
 *
 * I1: names are names: no path leads out of the folder, and a link in the place of a log is not followed.
 * I2: at most `logTailBytes` are looked at for the last lines, and one chunk is held at a time.
 */

import { constants } from 'node:fs';
import { open, readdir } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { setTimeout as wait } from 'node:timers/promises';
import { LIMITS } from '../model/limits.ts';
import type { LogOrder, LogTail } from '../ports/log-tail.ts';

const NAME = /^[a-z0-9](?:[-a-z0-9.]{0,62}[a-z0-9])?$/;
const SUFFIX = '.log';
const CHUNK_BYTES = 64 * 1024;
const NEWLINE = 10;
/** Services named in a refusal. */
const NAMED_MAX = 16;

export async function openLogTail(folder: string, order: LogOrder, signal: AbortSignal): Promise<LogTail> {
  const { service, container } = order;
  if (!NAME.test(service) || (container !== undefined && !NAME.test(container)))
    return { refused: 'service and container must be names as they stand in the Cluster' };
  const containers = await containersOf(join(folder, service));
  if (containers.length === 0)
    return { refused: `there is no log of a service ${service} on this node; there is ${await servicesOf(folder)}` };
  const chosen = container ?? (containers.length === 1 ? containers[0] : containers.find((one) => one === service));
  if (chosen === undefined || !containers.includes(chosen))
    return { refused: `the service ${service} has the containers ${containers.join(', ')} on this node; name one with container=` };
  const file = await open(join(folder, service, chosen + SUFFIX), constants.O_RDONLY | constants.O_NOFOLLOW).catch(() => undefined);
  if (file === undefined) return { refused: `the log of ${service}/${chosen} cannot be read` };
  // Before anybody is told that it is open: what is written from now on is shown.
  const from = await beginning(file, order.tailLines);
  return { stream: Readable.from(lines(file, from, order.follow, signal), { objectMode: false, highWaterMark: CHUNK_BYTES }) };
}

/** Those that have a log, for a sentence. */
async function servicesOf(folder: string): Promise<string> {
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => []);
  const names = entries.flatMap((one) => (one.isDirectory() ? [one.name] : [])).toSorted();
  if (names.length === 0) return 'none of any service';
  const more = names.length - NAMED_MAX;
  return `one of ${names.slice(0, NAMED_MAX).join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
}

async function containersOf(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => []);
  return entries.flatMap((one) => (one.isFile() && one.name.endsWith(SUFFIX) ? [one.name.slice(0, -SUFFIX.length)] : [])).toSorted();
}

async function* lines(file: FileHandle, from: number, follow: boolean, signal: AbortSignal): AsyncGenerator<Buffer> {
  try {
    let at = from;
    const buffer = Buffer.allocUnsafe(CHUNK_BYTES);
    for (;;) {
      const { size } = await file.stat();
      if (size < at) at = 0;
      const { bytesRead } = await file.read(buffer, 0, CHUNK_BYTES, at);
      at += bytesRead;
      if (bytesRead > 0) yield Buffer.from(buffer.subarray(0, bytesRead));
      else if (!follow || signal.aborted) return;
      else await wait(LIMITS.logFollowMs, undefined, { signal }).catch(() => undefined);
    }
  } finally {
    await file.close();
  }
}

/** Where the last `tailLines` lines begin, counted from the end in chunks. */
async function beginning(file: FileHandle, tailLines: number): Promise<number> {
  const { size } = await file.stat();
  if (tailLines === 0) return size;
  const buffer = Buffer.allocUnsafe(CHUNK_BYTES);
  const least = Math.max(0, size - LIMITS.logTailBytes);
  let found = 0;
  for (let end = size; end > least;) {
    const from = Math.max(least, end - CHUNK_BYTES);
    const { bytesRead } = await file.read(buffer, 0, end - from, from);
    for (let i = bytesRead - 1; i >= 0; i--) {
      // The newline that ends the last line begins none.
      if (buffer[i] === NEWLINE && from + i < size - 1 && ++found === tailLines) return from + i + 1;
    }
    end = from;
  }
  return least;
}
