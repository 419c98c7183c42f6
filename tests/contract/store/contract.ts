/**
 * The contract of the store, told to any backend: the same tests run against memory and against PostgreSQL, each with several directors on one database.
 */
import { describe, it } from 'node:test';
import { recoveryContract } from './contract-recovery.ts';
import { watchContract } from './contract-watches.ts';
import { writeContract } from './contract-writes.ts';
import { openLab } from './lab.ts';
import type { Database } from './lab.ts';

export function describeStore(name: string, newDatabase: () => Promise<Database>): void {
  describe(`store over ${name}`, () => {
    for (const { title, run } of [...writeContract, ...watchContract, ...recoveryContract]) {
      void it(title, async () => {
        const lab = openLab(await newDatabase());
        try {
          await run(lab);
        } finally {
          await lab.close();
        }
      });
    }
  });
}
