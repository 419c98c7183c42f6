/**
 * Follows a record file that another process replaces.
 *
 * I1: every content that stays for a second is seen; one that is replaced at once may be skipped.
 * I2: a missing or damaged file is told as such, and ends nothing.
 */

import { watch } from 'node:fs';
import { basename, dirname } from 'node:path';
import type { Json } from '../model/json.ts';
import type { RecordRead } from '../ports/node-store.ts';
import { readRecord } from './node-store.ts';

/** Notifications are a hint and may be missing altogether (network file systems, no inotify watches left). */
const LOOK_EVERY_MS = 1_000;

/** Calls `onRead` with the record as it is, and whenever it may have changed, until the signal aborts. One call at a time. */
export function watchRecord<T extends Json>(
  file: string,
  onRead: (read: RecordRead<T>) => void | Promise<void>,
  signal: AbortSignal,
): void {
  if (signal.aborted) return;
  let reading = false;
  let again = false;
  const look = async (): Promise<void> => {
    if (reading) {
      again = true;
      return;
    }
    reading = true;
    do {
      again = false;
      await onRead(await readRecord<T>(file));
    } while (again && !signal.aborted);
    reading = false;
  };
  const timer = setInterval(() => void look(), LOOK_EVERY_MS);
  const stopHints = hints(file, () => void look());
  signal.addEventListener(
    'abort',
    () => {
      clearInterval(timer);
      stopHints();
    },
    { once: true },
  );
  void look();
}

function hints(file: string, onHint: () => void): () => void {
  try {
    const watcher = watch(dirname(file), { persistent: false }, (_, name) => {
      if (name === basename(file)) onHint();
    });
    watcher.on('error', () => watcher.close());
    return () => watcher.close();
  } catch {
    return () => undefined;
  }
}
