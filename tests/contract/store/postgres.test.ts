/**
 * The store's contract over PostgreSQL.
 */
import { postgresBackend } from '../../../src/director/store/postgres-backend.ts';
import { testPostgres } from '../../support/postgres.ts';
import { describeStore } from './contract.ts';
import { clock, random, silentLog } from './lab.ts';

describeStore('PostgreSQL', async () => {
  const { server, drop } = await (await testPostgres()).newDatabase();
  return {
    door: (options) => {
      const backend = postgresBackend({ server, clock, random, log: silentLog });
      return options?.hints === false ? { ...backend, onHint: () => () => undefined } : backend;
    },
    drop,
  };
});
