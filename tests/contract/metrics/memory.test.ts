/**
 * The contract of samples over memory.
 */
import { memoryMetrics } from '../../../src/director/metrics/memory-metrics.ts';
import { describeMetrics } from './contract.ts';

describeMetrics('memory', async () => {
  const store = memoryMetrics();
  return { door: () => store, drop: async () => undefined };
});
