/**
 * The watch phases: how many events a second reach the watchers, and how long after the write's own answer.
 */

import { quantile } from './client.ts';
import type { BenchClient } from './client.ts';
import { patchStatus } from './phases.ts';
import type { Sizes } from './phases.ts';
import { BASE } from './workload.ts';

export interface WatchSample {
  readonly eventsPerSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly lost: number;
}

export interface WatchLoad {
  readonly watchers: number;
  /** Writes a second; absent: 32 writers as fast as they go. */
  readonly paced?: number;
  readonly seconds: number;
}

interface Tally {
  /** By round number written into the status: when its write was answered. */
  readonly answered: Map<number, number>;
  readonly received: { readonly round: number; readonly atMs: number }[];
  events: number;
}

const ROUND = /"reason":"Round(\d+)"/;
let rounds = 1_000_000;

export async function watchPhase(client: BenchClient, sizes: Sizes, load: WatchLoad): Promise<WatchSample> {
  const stop = new AbortController();
  const tally: Tally = { answered: new Map(), received: [], events: 0 };
  const first = rounds;
  const head = JSON.parse((await client.request('GET', `${BASE}?limit=1`)).text) as { metadata: { resourceVersion: string } };
  const query = `?watch=true&resourceVersion=${head.metadata.resourceVersion}`;
  for (let i = 0; i < load.watchers; i++) {
    // Of many watchers every tenth is timed: reading each line of each would measure the generator.
    const timed = load.watchers <= 10 || i % 10 === 0;
    await client.watch(`${BASE}${query}`, (line) => note(tally, line, timed), stop.signal);
  }
  const begin = performance.now();
  const writes = await write(client, sizes, load, tally);
  const expected = writes * load.watchers;
  const deadline = performance.now() + 30_000;
  while (tally.events < expected && performance.now() < deadline) await new Promise((resolve) => setTimeout(resolve, 5));
  const seconds = (performance.now() - begin) / 1000;
  stop.abort();
  const lags = Float64Array.from(tally.received, (one) => Math.max(0, one.atMs - (tally.answered.get(one.round) ?? Number.NaN))).filter(
    (lag) => !Number.isNaN(lag),
  );
  lags.sort();
  rounds = Math.max(rounds, first + writes);
  return {
    eventsPerSecond: tally.events / seconds,
    p50Ms: quantile(lags, 0.5),
    p99Ms: quantile(lags, 0.99),
    lost: expected - tally.events,
  };
}

function note(tally: Tally, line: Buffer, timed: boolean): void {
  if (line.length === 0) return;
  tally.events += 1;
  if (!timed) return;
  const round = Number(ROUND.exec(line.toString('latin1'))?.[1] ?? -1);
  tally.received.push({ round, atMs: performance.now() });
}

async function write(client: BenchClient, sizes: Sizes, load: WatchLoad, tally: Tally): Promise<number> {
  const until = performance.now() + load.seconds * 1000;
  let writes = 0;
  const one = async (): Promise<void> => {
    const round = rounds++;
    if (!(await patchStatus(client, round % sizes.objects, round))) throw new Error('a status patch failed');
    tally.answered.set(round, performance.now());
    writes += 1;
  };
  if (load.paced === undefined) {
    const writer = async (): Promise<void> => {
      while (performance.now() < until) await one();
    };
    await Promise.all(Array.from({ length: sizes.inFlight }, writer));
    return writes;
  }
  const begin = performance.now();
  for (let i = 0; performance.now() < until; i++) {
    await one();
    const wait = begin + ((i + 1) * 1000) / load.paced - performance.now();
    if (wait > 0) await new Promise((resolve) => setTimeout(resolve, wait));
  }
  return writes;
}
