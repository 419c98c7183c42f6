/**
 * Hollow hosts in a process of their own, so that what they cost is told apart from what is measured: `node bench/hollow/main.ts`, and their options
 * as one JSON object on standard input. Ends with its parent: when standard input ends.
 */

import { text } from 'node:stream/consumers';

import { createLog } from '../../src/platform/log.ts';
import { runHollow } from '../../tests/support/hollow.ts';
import type { HollowOptions } from '../../tests/support/hollow-agent.ts';

const stop = new AbortController();
process.once('SIGTERM', () => stop.abort());
process.once('disconnect', () => stop.abort());
const options = JSON.parse(await text(process.stdin)) as Omit<HollowOptions, 'log'>;
await runHollow({ ...options, log: createLog({ role: 'hollow', level: 'warn' }) }, stop.signal);
process.exit(0);
