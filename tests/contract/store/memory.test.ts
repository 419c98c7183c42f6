/**
 * The store's contract over the backend in memory.
 */
import { memoryBackend, newMemoryDatabase } from '../../../src/director/store/memory-backend.ts';
import { describeStore } from './contract.ts';
import { clock, random } from './lab.ts';

describeStore('memory', async () => {
  const database = newMemoryDatabase();
  return { door: (options) => memoryBackend({ database, clock, random, ...options }), drop: async () => undefined };
});
