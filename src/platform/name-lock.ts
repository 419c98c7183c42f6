/**
 * Locks by name (src/ports/name-lock.ts): abstract Unix sockets. They belong to the network namespace and leave no file behind.
 */

import { statSync } from 'node:fs';
import { createServer } from 'node:net';
import type { NameLocks } from '../ports/name-lock.ts';

const PREFIX = '\0outrigger/';

export function nameLocks(): NameLocks {
  return {
    hold: (name) =>
      new Promise((resolve) => {
        const server = createServer((socket) => socket.destroy());
        server.once('error', () => resolve(undefined));
        server.listen({ path: PREFIX + name }, () => {
          server.unref();
          resolve({ release: () => void server.close() });
        });
      }),
    nameOfFolder: (folder) => {
      const { dev, ino } = statSync(folder);
      return `folder/${dev}.${ino}`;
    },
  };
}
